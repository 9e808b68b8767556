"""Records that come in by themselves, over the API, by webhook or by pull: read and put into the calls at once."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import accumulate, islice, repeat
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from calltally.accounts import Business
from calltally.catalog import CATALOG
from calltally.engines import DELIVERY_SCHEMA, VALUE_FIELDS, Engine, Outcome, hashes_of
from calltally.errors import Problem
from calltally.ingestion.files import ABSENT, Column, RowBatch, column_of, same_columns
from calltally.ingestion.reading import NOTHING_KNOWN, ReadBatch, RowReading
from calltally.records import FEW_ROWS, Reading

__all__ = [
    "Delivered",
    "Delivery",
    "ReadDeliveries",
    "ReadTogether",
    "deliver",
    "deliver_read",
    "put_read",
    "read_columns",
    "read_deliveries",
    "read_together",
]

OWN_NAMES = frozenset(CATALOG.fields)
FIELD_OF = {name: row.name for row in CATALOG.fields.values() for name in (row.name, *row.aliases)}
PLACES = {row.name: place for place, row in enumerate(VALUE_FIELDS)}
READINGS_KEPT = 8  # of regions and time zones, each of up to two megabytes
NO_ID = Problem("id", "id: is missing; it says which call the record is of")
NO_START = Problem("started_at", "started_at: cannot be cleared; a call needs it")
Expected = tuple[tuple[str, str], ...]  # what `Reading` has by the same name


class Delivery(NamedTuple):
    """A record that came in by itself, names and values as they came.

    `version` is that of its fields where it says no `updated_at`, microseconds UTC. `null_clears`: a null clears its
    field, as over the API; elsewhere it says nothing.
    """

    record: Mapping[str, object]
    version: int
    null_clears: bool = False


class Delivered(NamedTuple):
    """What became of a delivery: why it was rejected, and the names of what was dropped of it."""

    id: str | None
    outcome: Outcome
    problems: tuple[Problem, ...] = ()
    dropped: tuple[str, ...] = ()


# As `Delivered(*each)`, in a quarter of the time: there are tens of thousands a second.
TAKEN: Callable[[Iterable[object]], Delivered] = partial(tuple.__new__, Delivered)


@dataclass(frozen=True)
class ReadDeliveries:
    """Deliveries whose values were read: rows for an engine, and by place why there is none of some, with their ids."""

    rows: pa.RecordBatch  # of `DELIVERY_SCHEMA`, in their order
    problems: Mapping[int, tuple[Problem, ...]]
    ids: Mapping[int, str | None]
    dropped: Sequence[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.dropped)

    @property
    def is_plain(self) -> bool:
        """Whether there is a row of each, and nothing was dropped."""
        return not (self.problems or any(self.dropped))

    def delivered(self, outcomes: Iterable[Outcome]) -> list[Delivered]:
        """What became of each, in order, where these are the outcomes of the rows."""
        taken = map(TAKEN, zip(self.rows["id"].to_pylist(), outcomes, repeat(()), repeat(())))
        ends = [self._rejected(place) or next(taken) for place in range(len(self))] if self.problems else list(taken)
        if any(self.dropped):
            return [end._replace(dropped=dropped) for end, dropped in zip(ends, self.dropped, strict=True)]
        return ends

    def _rejected(self, place: int) -> Delivered | None:
        problems = self.problems.get(place)
        return Delivered(self.ids[place], Outcome.REJECTED, problems) if problems else None


@dataclass(frozen=True)
class ReadTogether:
    """Deliveries that were read in several parts, and the rows of all of them, in their order."""

    rows: pa.RecordBatch
    parts: Sequence[ReadDeliveries]  # each with its part of the rows


def deliver(deliveries: Sequence[Delivery], business: Business, engine: Engine) -> list[Delivered]:
    """What became of each, in order; all that is taken is committed and synced when this returns.

    A record that cannot be taken is rejected and keeps no other out.

    Raises:
        NotFound: the calls of the business were cleared meanwhile.
        Unavailable: the engine cannot take anything now; nothing was changed.
        StorageFull: there is no room; nothing was changed.
    """
    return deliver_read([read_deliveries(deliveries, business)], business, engine)


def deliver_read(reads: Sequence[ReadDeliveries], business: Business, engine: Engine) -> list[Delivered]:
    """As `deliver`, of deliveries that were read before, for the same business."""
    outcomes = put_read(read_together(reads), business, engine)
    return [end for read, ends in zip(reads, outcomes, strict=True) for end in read.delivered(ends)]


def put_read(read: ReadTogether, business: Business, engine: Engine) -> list[list[Outcome]]:
    """What became of the rows of each part; otherwise as `deliver_read`."""
    outcomes = iter(engine.apply(business.calls, read.rows) if len(read.rows) else [])
    return [list(islice(outcomes, len(part.rows))) for part in read.parts]


def read_together(parts: Sequence[ReadDeliveries]) -> ReadTogether:
    """Deliveries of one business that are put in at once; what their rows were in before can be let go of."""
    if len(parts) == 1:
        return ReadTogether(parts[0].rows, parts)
    rows = pa.concat_batches([part.rows for part in parts])
    starts = accumulate((len(part.rows) for part in parts), initial=0)
    return ReadTogether(
        rows,
        [
            replace(part, rows=rows.slice(start, len(part.rows)))
            for part, start in zip(parts, starts, strict=False)  # the last start is the end
        ],
    )


def read_deliveries(deliveries: Sequence[Delivery], business: Business, expected: Expected = ()) -> ReadDeliveries:
    """Records as an engine takes them."""
    if not deliveries:
        return ReadDeliveries(pa.RecordBatch.from_pylist([], DELIVERY_SCHEMA), {}, {}, ())
    columns, dropped = _columns([delivery.record for delivery in deliveries])
    clears = [delivery.null_clears for delivery in deliveries]
    versions = pa.array([delivery.version for delivery in deliveries], pa.int64())
    return _read(columns, _Beside(versions, clears, dropped), _reading(business.region, business.timezone, expected))


def read_columns(columns: Mapping[str, pa.Array], versions: range, business: Business) -> ReadDeliveries:
    """Records that all have the same names, as columns of their values, as an engine takes them; null clears."""
    clears = [True] * len(versions)
    dropped = [_dropped(columns)] * len(versions)
    known = {name: column for name, column in columns.items() if name in FIELD_OF}
    beside = _Beside(pa.arange(versions.start, versions.stop), clears, dropped)
    return _read(known, beside, _reading(business.region, business.timezone))


@dataclass(frozen=True)
class _Beside:
    """What there is of each record beside its values.

    The version that it has where it says none, whether a null in it clears, and the names of what is dropped of it.
    """

    versions: pa.Array
    clears: Sequence[bool]
    dropped: Sequence[tuple[str, ...]]


def _read(columns: Mapping[str, Column], beside: _Beside, reading: RowReading) -> ReadDeliveries:
    places = range(len(beside.dropped))
    read = reading.read(RowBatch(dict(columns), places, places, []))
    problems = _problems(read, beside.clears)
    return ReadDeliveries(_rows(read, problems, beside), problems, _ids(read, problems), beside.dropped)


@lru_cache(READINGS_KEPT)
def _reading(region: str, timezone: str, expected: Expected = ()) -> RowReading:
    """What reads the records of all businesses of a region and a time zone: most of their texts came before."""
    reading = replace(Reading.of(region, timezone), expected=dict(expected))
    return RowReading(reading, {}, with_nulls=True, lasts=True)


def _columns(records: list[Mapping[str, object]]) -> tuple[dict[str, Column], list[tuple[str, ...]]]:
    """The values of the names that fields have, and the names of what is dropped of each record."""
    same = same_columns(records)
    if same:
        made = column_of if len(records) > FEW_ROWS else list
        columns = {name: made(values) for name, values in zip(*same, strict=True) if name in FIELD_OF}
        return columns, [_dropped(records[0])] * len(records)
    # Unknown names are left out: a column for each of any number of them could be more than there is memory.
    names = FIELD_OF.keys() & set[str]().union(*records)
    columns = {name: [record.get(name, ABSENT) for record in records] for name in FIELD_OF if name in names}
    return columns, list(map(_dropped, records))


def _problems(read: ReadBatch, clears: Sequence[bool]) -> dict[int, tuple[Problem, ...]]:
    """Why records are not taken, by place."""
    problems = {row.place: row.problems for row in read.rejected}
    for place in read.nulls.get("started_at", ()):
        others = problems.get(place, ())
        # A time that cannot be read is told as that.
        if clears[place] and all(other.param != NO_START.param for other in others):
            problems[place] = (*others, NO_START)
    for place in _without_id(read):
        others = problems.get(place, ())
        problems[place] = (NO_ID, *(problem for problem in others if problem not in (NO_ID, NOTHING_KNOWN)))
    return problems


def _without_id(read: ReadBatch) -> Iterable[int]:
    """The places of records that give no id, whatever else is wrong with them."""
    rejected = [row for row in read.rejected if not any(problem.param == "id" for problem in row.problems)]
    yield from (row.place for row in rejected if _id_of(row.record) is None)
    if read.rows["id"].null_count:
        yield from read.rows["place"].filter(pc.is_null(read.rows["id"])).to_pylist()


def _ids(read: ReadBatch, places: Collection[int]) -> dict[int, str | None]:
    """The ids that the records at these places give, as far as they can be read."""
    if not places:
        return {}
    ids = {row.place: _id_of(row.record) for row in read.rejected}
    for place, call_id in zip(read.rows["place"].to_pylist(), read.rows["id"].to_pylist(), strict=True):
        ids[place] = call_id or ids.get(place)
    return {place: ids[place] for place in places}


def _rows(read: ReadBatch, problems: Collection[int], beside: _Beside) -> pa.RecordBatch:
    """The rows without problems, as an engine takes them."""
    rows, cleared, versions = read.rows, _cleared(read, beside.clears), beside.versions
    if problems:
        rows = rows.filter(pc.invert(pc.is_in(rows["place"], pa.array(list(problems), pa.int64()))))
        cleared, versions = cleared.take(rows["place"]), versions.take(rows["place"])
    made = {
        "id_hash": hashes_of(rows["id"]),
        "version": pc.coalesce(rows["version"], versions),
        "cleared": cleared,
    }
    arrays = [made[row.name] if row.name in made else rows[row.name] for row in DELIVERY_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=DELIVERY_SCHEMA)


def _cleared(read: ReadBatch, clears: Sequence[bool]) -> pa.Array:
    """The fields that each record clears, as bits."""
    of_all, each = 0, [0] * len(clears)
    for name, rows in read.nulls.items():
        bit = 1 << PLACES[name] if name in PLACES else 0
        if len(rows) == len(clears):
            of_all |= bit
        else:
            for row in rows:
                each[row] |= bit
    return pa.array([of_all | bits if clear else 0 for bits, clear in zip(each, clears, strict=True)], pa.int64())


def _id_of(record: Mapping[str, object] | str) -> str | None:
    """The id that a rejected record gives, if it is one at all."""
    if isinstance(record, str):
        return None
    row = CATALOG.fields["id"]
    said = next((record[name] for name in (row.name, *row.aliases) if name in record), None)
    text = str(said).strip() if isinstance(said, str | int) and not isinstance(said, bool) else ""
    return text[: row.highest] or None


def _dropped(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of what is not taken: unknown fields, and names of a field that goes by a better one here."""
    if record.keys() <= OWN_NAMES:
        return ()
    best: dict[str, str] = {}
    for name, field in FIELD_OF.items():  # in the order in which names win
        if name in record:
            best.setdefault(field, name)
    taken = set(best.values())
    return tuple(name for name in record if name not in taken)
