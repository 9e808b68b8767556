"""What a store knows of some ids: calls that are there, what is held for some, and which were deleted."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from calltally.engines.duckdb.hashes import Hashes
from calltally.engines.duckdb.migrations import VERSIONED
from calltally.engines.duckdb.schema import bit_of
from calltally.engines.duckdb.store import Store
from calltally.engines.rows import DELIVERY_SCHEMA, VALUE_FIELDS
from calltally.engines.versions import State, told_versions

__all__ = ["GIVEN", "Found", "Known", "find", "plain"]

NAMES = tuple(row.name for row in VALUE_FIELDS)
Value = TypeVar("Value")

GIVEN = "SELECT unnest(?) AS given"  # without a name of its own the column has all that is given for one
OF_HASHES = "{} IN (SELECT unnest(?::UBIGINT[]) AS given)"
# Rows of the calls, or of what is held, as they are stored.
THERE_SCHEMA = pa.schema(
    [
        pa.field("rowid", pa.int64()),
        pa.field("id", pa.string()),
        pa.field("changed_at", pa.int64()),
        pa.field("caller_code", pa.int64()),
        pa.field("version", pa.int64()),
        pa.field("cleared", pa.int64()),
        pa.field("versions", pa.list_(pa.int64())),
        *(DELIVERY_SCHEMA.field(row.name) for row in VALUE_FIELDS),
    ]
)
CALLS = ", ".join(THERE_SCHEMA.names)
HELD = CALLS.replace("changed_at, caller_code", "NULL AS changed_at, NULL AS caller_code")
CALLER = NAMES.index("caller_number")
BITS = tuple(bit_of(name) for name in NAMES)
VERSIONS_OF = itemgetter(*(VERSIONED.index(name) for name in NAMES))  # of a stored list, as a state has them


@dataclass
class Known:
    """What is known of an id, and where its row is (None: nowhere yet): among the calls, or what is held for one.

    `changed_at` is when a value of the call last changed here, microseconds UTC; `caller` and `code` are the row's.
    """

    state: State
    row: int | None = None
    is_call: bool = False
    changed_at: int | None = None
    caller: str | None = None
    code: int | None = None


@dataclass(frozen=True)
class Found:
    """What a store knows of some ids: calls (`THERE_SCHEMA`) and where each id is among them, what is held for some."""

    calls: pa.Table
    places: Mapping[str, int]
    held: Mapping[str, Known]
    deleted: frozenset[str]

    def known(self, ids: Iterable[str]) -> dict[str, Known]:
        """What is known of those of some ids that there is a call or something held for."""
        known = {call_id: self.held[call_id] for call_id in ids if call_id in self.held}
        return known | _known(self.of([call_id for call_id in ids if call_id in self.places]), is_call=True)

    def of(self, ids: Sequence[str]) -> pa.Table:
        """The calls of ids that there are, in this order."""
        return self.calls.take(pa.array([self.places[call_id] for call_id in ids], pa.int64()))


def find(cursor: duckdb.DuckDBPyConnection, store: Store, ids: pa.Array, hashes: pa.Array) -> Found:
    """What a store knows of these ids, which have these hashes; the caller holds the right to write to it."""
    held: dict[str, Known] = {}
    if store.any_held:
        rows = _rows_of(cursor, store.held, "id_hash", hashes.to_pylist())
        held = _among(ids, _known(_read(cursor, store.held, rows, HELD), is_call=False))
    deleted: frozenset[str] = frozenset()
    if store.any_deleted:
        of_hashes = OF_HASHES.format("id_hash")
        gone = cursor.execute(f"SELECT id FROM {store.deleted} WHERE {of_hashes}", [hashes.to_pylist()])
        deleted = frozenset(row[0] for row in gone.fetchall()).intersection(ids.to_pylist())
    if deleted:  # of these there may be hashes, but no rows
        living = pc.invert(pc.is_in(ids, pa.array(deleted, pa.string())))
        ids, hashes = ids.filter(living), hashes.filter(living)
    return Found(*_calls(cursor, store, ids, hashes), held, deleted)


def _calls(
    cursor: duckdb.DuckDBPyConnection, store: Store, ids: pa.Array, hashes: pa.Array
) -> tuple[pa.Table, dict[str, int]]:
    """The calls of those of some ids, which have these hashes, that there are; by id, where each is among them.

    Each is looked for in the row where it was; only where it is not there any more are all hashes read.
    """
    kept = _known_hashes(cursor, store)
    there = kept.among(hashes)
    if not there:
        return THERE_SCHEMA.empty_table(), {}
    may_be = pc.is_in(hashes, pa.array(there.keys(), pa.uint64()))
    ids, hashes = ids.filter(may_be), hashes.filter(may_be)
    calls = _read(cursor, store.calls, [*there.values()], CALLS)
    places = _among(ids, _places(calls))
    lost = [each for call_id, each in zip(ids.to_pylist(), hashes.to_pylist(), strict=True) if call_id not in places]
    again = _read(cursor, store.calls, _rows_of(cursor, store.calls, "id_hash", lost), CALLS)
    kept.moved = bool(_among(ids, _places(again)))  # else their hashes were only alike
    if kept.moved:
        calls = pa.concat_tables([calls, again])
        places = _among(ids, _places(calls))
    return calls, places


def _places(calls: pa.Table) -> dict[str, int]:
    return dict(zip(calls["id"].to_pylist(), range(len(calls)), strict=True))


def _among(texts: pa.Array, found: Mapping[str, Value]) -> dict[str, Value]:
    """What was found of some texts: others may have the same hashes."""
    if not found:
        return {}
    wanted = set(texts.to_pylist())
    return {text: each for text, each in found.items() if text in wanted}


def _known_hashes(cursor: duckdb.DuckDBPyConnection, store: Store) -> Hashes:
    """The hashes of the ids of all calls."""
    known = store.hashes.get(store.calls)
    if known is None or known.moved:
        known = store.hashes[store.calls] = Hashes(cursor, store.calls, "id_hash")
    return known


def _read(cursor: duckdb.DuckDBPyConnection, table: str, rows: Sequence[int], columns: str) -> pa.Table:
    """Some rows of a table, of `THERE_SCHEMA`, in any order."""
    if not rows:
        return THERE_SCHEMA.empty_table()
    found = cursor.sql(f"SELECT {columns} FROM {table} WHERE rowid IN ({GIVEN})", params=[rows])
    return found.to_arrow_table().combine_chunks().cast(THERE_SCHEMA)


def plain(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The values as Python has them, times as microseconds UTC: whole numbers are made much sooner than times."""
    if column.null_count == len(column):  # as most fields of corrections
        return [None] * len(column)
    values: list[Any] = (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
    return values


def _known(there: pa.Table, *, is_call: bool) -> dict[str, Known]:
    """What is known of the ids of some rows (`THERE_SCHEMA`)."""
    # Column by column, which takes a tenth of the time that rows do.
    return {row[1]: _known_by(row, is_call=is_call) for row in zip(*map(plain, there.itercolumns()), strict=True)}


def _known_by(row: tuple[Any, ...], *, is_call: bool) -> Known:
    place, _, changed_at, code, version, cleared, versions, *values = row
    state = _state(version, cleared or 0, versions, tuple(values))
    return Known(state, place, is_call, changed_at, values[CALLER], code)


def _rows_of(cursor: duckdb.DuckDBPyConnection, table: str, column: str, hashes: Collection[int]) -> list[int]:
    """The rows that have these hashes."""
    if not hashes:
        return []
    of_hashes = OF_HASHES.format(column)
    return [row[0] for row in cursor.execute(f"SELECT rowid FROM {table} WHERE {of_hashes}", [[*hashes]]).fetchall()]


def _state(version: int | None, cleared: int, versions: list[int | None] | None, values: tuple[object, ...]) -> State:
    if versions is None:
        places = [place for place, bit in enumerate(BITS) if cleared & bit] if cleared else ()
        return State(values, told_versions(values, version, places))
    missing = len(VERSIONED) - len(versions)  # fields that there were not yet when the list was stored
    return State(values, VERSIONS_OF(versions + [None] * missing))
