"""Records that come in by themselves, over the API, by webhook or by pull: read and put into the calls at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from calltally.accounts import Business
from calltally.catalog import CATALOG
from calltally.engines import DELIVERY_SCHEMA, VALUE_FIELDS, Engine, Outcome
from calltally.errors import Problem
from calltally.ingestion.files import ABSENT, Column, RowBatch, column_of, same_columns
from calltally.ingestion.reading import FEW_ROWS, NOTHING_KNOWN, ReadBatch, RowReading
from calltally.localtime import offset_table
from calltally.records import Reading

__all__ = ["Delivered", "Delivery", "deliver"]

OWN_NAMES = frozenset(CATALOG.fields)
FIELD_OF = {name: row.name for row in CATALOG.fields.values() for name in (row.name, *row.aliases)}
PLACES = {row.name: place for place, row in enumerate(VALUE_FIELDS)}
NO_ID = Problem("id", "id: is missing; it says which call the record is of")
NO_START = Problem("started_at", "started_at: cannot be cleared; a call needs it")


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


def deliver(deliveries: Sequence[Delivery], business: Business, engine: Engine) -> list[Delivered]:
    """What became of each, in order; all that is taken is committed and synced when this returns.

    A record that cannot be taken is rejected and keeps no other out.

    Raises:
        NotFound: the calls of the business were cleared meanwhile.
        Unavailable: the engine cannot take anything now; nothing was changed.
        StorageFull: there is no room; nothing was changed.
    """
    if not deliveries:
        return []
    columns, dropped = _columns([delivery.record for delivery in deliveries])
    read = _read(columns, len(deliveries), business)
    problems = _problems(read, deliveries)
    rows = _rows(read, problems, deliveries)
    outcomes = engine.apply(business.calls, rows) if len(rows) else []
    if not problems:
        return list(map(Delivered, rows["id"].to_pylist(), outcomes, repeat(()), dropped))
    became = iter(outcomes)
    ids = dict(zip(read.rows["place"].to_pylist(), read.rows["id"].to_pylist(), strict=True))
    return [
        Delivered(
            ids.get(place) or _id_of(delivery.record),
            Outcome.REJECTED if place in problems else next(became),
            problems.get(place, ()),
            dropped[place],
        )
        for place, delivery in enumerate(deliveries)
    ]


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


def _read(columns: dict[str, Column], size: int, business: Business) -> ReadBatch:
    reading = Reading(business.region, offset_table(business.timezone))
    return RowReading(reading, {}, with_nulls=True).read(RowBatch(columns, range(size), range(size), []))


def _problems(read: ReadBatch, deliveries: Sequence[Delivery]) -> dict[int, tuple[Problem, ...]]:
    """Why records are not taken, by place."""
    problems = {row.place: row.problems for row in read.rejected}
    if "started_at" in read.nulls:
        for place in pc.indices_nonzero(read.nulls["started_at"]).to_pylist():
            if deliveries[place].null_clears:
                problems[place] = (*problems.get(place, ()), NO_START)
    for place in _without_id(read, deliveries):
        others = problems.get(place, ())
        problems[place] = (NO_ID, *(problem for problem in others if problem not in (NO_ID, NOTHING_KNOWN)))
    return problems


def _without_id(read: ReadBatch, deliveries: Sequence[Delivery]) -> Iterable[int]:
    """The places of records that give no id, whatever else is wrong with them."""
    rejected = [row.place for row in read.rejected if not any(problem.param == "id" for problem in row.problems)]
    yield from (place for place in rejected if _id_of(deliveries[place].record) is None)
    yield from read.rows["place"].filter(pc.is_null(read.rows["id"])).to_pylist()


def _rows(read: ReadBatch, problems: Collection[int], deliveries: Sequence[Delivery]) -> pa.RecordBatch:
    """The rows without problems, as an engine takes them."""
    rows = read.rows
    if problems:
        rows = rows.filter(pc.invert(pc.is_in(rows["place"], pa.array(list(problems), pa.int64()))))
    versions = pa.array([delivery.version for delivery in deliveries], pa.int64())
    made = {
        "cleared": _cleared(read, deliveries).take(rows["place"]),
        "version": pc.coalesce(rows["version"], versions.take(rows["place"])),
    }
    arrays = [made[row.name] if row.name in made else rows[row.name] for row in DELIVERY_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=DELIVERY_SCHEMA)


def _cleared(read: ReadBatch, deliveries: Sequence[Delivery]) -> pa.Array:
    """The fields that each record clears, as bits."""
    clears = pa.array([delivery.null_clears for delivery in deliveries], pa.bool_())
    bits = pa.repeat(pa.scalar(0, pa.int64()), len(deliveries))
    for name, nulls in read.nulls.items():
        if name in PLACES:
            bit, none = pa.scalar(1 << PLACES[name], pa.int64()), pa.scalar(0, pa.int64())
            bits = pc.bit_wise_or(bits, pc.if_else(pc.and_(clears, nulls), bit, none))
    return bits


def _id_of(record: Mapping[str, object]) -> str | None:
    """The id that a rejected record gives, if it is one at all."""
    row = CATALOG.fields["id"]
    said = next((record[name] for name in (row.name, *row.aliases) if name in record), None)
    text = str(said).strip() if isinstance(said, str | int) and not isinstance(said, bool) else ""
    return text[: row.highest] or None


def _dropped(record: Mapping[str, object]) -> tuple[str, ...]:
    """The names of what is not taken: unknown fields, and names of a field that goes by a better one here."""
    if record.keys() <= OWN_NAMES:
        return ()
    best: dict[str, str] = {}
    for name, field in FIELD_OF.items():  # in the order in which names win
        if name in record:
            best.setdefault(field, name)
    taken = set(best.values())
    return tuple(name for name in record if name not in taken)
