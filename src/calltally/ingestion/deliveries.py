"""Records that come in by themselves, over the API, by webhook or by pull: read and put into the calls at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from calltally.accounts import Business
from calltally.catalog import CATALOG
from calltally.engines import DELIVERY_SCHEMA, VALUE_FIELDS, Engine, Outcome
from calltally.errors import Problem
from calltally.ingestion.files import ABSENT, RowBatch
from calltally.ingestion.reading import NOTHING_KNOWN, ReadBatch, RowReading
from calltally.localtime import offset_table
from calltally.records import Reading

__all__ = ["Delivered", "Delivery", "deliver"]

OWN_NAMES = frozenset(CATALOG.fields)
FIELD_OF = {name: row.name for row in CATALOG.fields.values() for name in (row.name, *row.aliases)}
PLACES = {row.name: place for place, row in enumerate(VALUE_FIELDS)}
NO_ID = Problem("id", "id: is missing; it says which call the record is of")
NO_START = Problem("started_at", "started_at: cannot be cleared; a call needs it")


@dataclass(frozen=True)
class Delivery:
    """A record that came in by itself, names and values as they came.

    `version` is that of its fields where it says no `updated_at`, microseconds UTC. `null_clears`: a null clears its
    field, as over the API; elsewhere it says nothing.
    """

    record: Mapping[str, object]
    version: int
    null_clears: bool = False


@dataclass(frozen=True)
class Delivered:
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
    read = _read(deliveries, business)
    problems = {row.place: row.problems for row in read.rejected}
    cleared = _cleared(read, deliveries, problems)
    for place in _without_id(read, deliveries):
        others = problems.get(place, ())
        problems[place] = (NO_ID, *(problem for problem in others if problem not in (NO_ID, NOTHING_KNOWN)))
    places = [place for place in read.rows["place"].to_pylist() if place not in problems]
    outcomes = engine.apply(business.calls, _rows(read, places, cleared, deliveries)) if places else []
    became = dict(zip(places, outcomes, strict=True))
    ids = dict(zip(read.rows["place"].to_pylist(), read.rows["id"].to_pylist(), strict=True))
    return [
        Delivered(
            ids.get(place) or _id_of(delivery.record),
            became.get(place, Outcome.REJECTED),
            problems.get(place, ()),
            _dropped(delivery.record),
        )
        for place, delivery in enumerate(deliveries)
    ]


def _read(deliveries: Sequence[Delivery], business: Business) -> ReadBatch:
    reading = Reading(business.region, offset_table(business.timezone))
    # Unknown names are left out: a column for each of any number of them could be more than there is memory.
    records = [delivery.record for delivery in deliveries]
    names = FIELD_OF.keys() & set[str]().union(*records)
    columns = {name: [record.get(name, ABSENT) for record in records] for name in FIELD_OF if name in names}
    places = range(len(deliveries))
    return RowReading(reading, {}, with_nulls=True).read(RowBatch(columns, places, places, []))


def _without_id(read: ReadBatch, deliveries: Sequence[Delivery]) -> Iterable[int]:
    """The places of records that give no id, whatever else is wrong with them."""
    rejected = [row.place for row in read.rejected if not any(problem.param == "id" for problem in row.problems)]
    yield from (place for place in rejected if _id_of(deliveries[place].record) is None)
    places, ids = read.rows["place"].to_pylist(), read.rows["id"].to_pylist()
    yield from (place for place, call_id in zip(places, ids, strict=True) if call_id is None)


def _cleared(
    read: ReadBatch, deliveries: Sequence[Delivery], problems: dict[int, tuple[Problem, ...]]
) -> dict[int, int]:
    """The fields that are cleared, as bits, by place; where that cannot be, one more problem."""
    cleared: dict[int, int] = {}
    for name, places in read.nulls.items():
        for place in places:
            if not deliveries[place].null_clears:
                continue
            if name == "started_at":
                problems[place] = (*problems.get(place, ()), NO_START)
            elif name in PLACES:
                cleared[place] = cleared.get(place, 0) | 1 << PLACES[name]
    return cleared


def _rows(
    read: ReadBatch, places: Sequence[int], cleared: Mapping[int, int], deliveries: Sequence[Delivery]
) -> pa.RecordBatch:
    """The rows at these places, as an engine takes them."""
    rows = read.rows
    if len(places) < len(rows):
        at = {place: row for row, place in enumerate(rows["place"].to_pylist())}
        rows = rows.take(pa.array([at[place] for place in places], pa.int64()))
    said = rows["version"].to_pylist()
    made = {
        "cleared": [cleared.get(place, 0) for place in places],
        "version": [
            deliveries[place].version if version is None else version
            for place, version in zip(places, said, strict=True)
        ],
    }
    arrays = [pa.array(made[row.name], row.type) if row.name in made else rows[row.name] for row in DELIVERY_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=DELIVERY_SCHEMA)


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
