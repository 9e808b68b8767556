"""What a store knows of some ids: calls that are there, what is held for some, and which were deleted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import duckdb
import pyarrow as pa

from calltally.engines.duckdb.hashes import Hashes
from calltally.engines.duckdb.migrations import VERSIONED
from calltally.engines.duckdb.schema import bit_of
from calltally.engines.duckdb.stores import Store
from calltally.engines.rows import VALUE_FIELDS
from calltally.engines.versions import State, told_versions

__all__ = ["Found", "Known", "find", "find_codes"]

NAMES = tuple(row.name for row in VALUE_FIELDS)
OF_HASHES = "{} IN (SELECT unnest(?::UBIGINT[]))"
CALLER = NAMES.index("caller_number")
BITS = tuple(bit_of(name) for name in NAMES)
VERSIONS_OF = itemgetter(*(VERSIONED.index(name) for name in NAMES))  # of a stored list, as a state has them


@dataclass
class Known:
    """What is known of an id, and where its row is (None: nowhere yet): among the calls, or what is held for one.

    `changed_at` is when a value of the call last changed here, microseconds UTC; `code` is that of its row's caller.
    """

    state: State
    row: int | None = None
    is_call: bool = False
    changed_at: int | None = None
    code: tuple[str, int] | None = None


@dataclass(frozen=True)
class Found:
    """What a store knows of some ids."""

    known: Mapping[str, Known] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()


def find(cursor: duckdb.DuckDBPyConnection, store: Store, ids: Collection[str], hashes: pa.Array) -> Found:
    """What a store knows of these ids, which have these hashes; the caller holds the right to write to it."""
    wanted = set(ids)
    known: dict[str, Known] = {}
    if store.any_held:
        known |= _read(cursor, store.held, hashes.to_pylist(), wanted, is_call=False)
    there = known_hashes(cursor, store, store.calls, "id_hash").among(hashes)
    known |= _read(cursor, store.calls, there, wanted, is_call=True)
    deleted: frozenset[str] = frozenset()
    if store.any_deleted:
        of_hashes = OF_HASHES.format("id_hash")
        gone = cursor.execute(f"SELECT id FROM {store.deleted} WHERE {of_hashes}", [hashes.to_pylist()])
        deleted = frozenset(row[0] for row in gone.fetchall()) & wanted
    return Found(known, deleted)


def find_codes(
    cursor: duckdb.DuckDBPyConnection, store: Store, values: Collection[str], hashes: pa.Array
) -> dict[str, int]:
    """The codes of those values that have one; they have these hashes."""
    there = known_hashes(cursor, store, store.codes, "value_hash").among(hashes)
    rows = _rows_of(cursor, store.codes, "value_hash", there)
    if not rows:
        return {}
    found = cursor.execute(f"SELECT value, code FROM {store.codes} WHERE rowid IN (SELECT unnest(?))", [rows])
    wanted = set(values)
    return {value: code for value, code in found.fetchall() if value in wanted}


def known_hashes(cursor: duckdb.DuckDBPyConnection, store: Store, table: str, column: str) -> Hashes:
    """The hashes that a column of a table has."""
    known = store.hashes.get(table)
    if known is None:
        known = store.hashes[table] = Hashes(cursor, table, column)
    return known


def _read(
    cursor: duckdb.DuckDBPyConnection, table: str, hashes: list[int], wanted: set[str], *, is_call: bool
) -> dict[str, Known]:
    """In two steps, since the first reads the hashes alone, and the second only the calls that are wanted."""
    rows = _rows_of(cursor, table, "id_hash", hashes)
    if not rows:
        return {}
    of_calls = ("changed_at", "caller_code") if is_call else ("NULL", "NULL")
    columns = ", ".join(("rowid", "id", *of_calls, "version", "cleared", "versions", *NAMES))
    found = cursor.execute(f"SELECT {columns} FROM {table} WHERE rowid IN (SELECT unnest(?))", [rows])
    return {row[1]: _known(row, is_call=is_call) for row in found.fetchall() if row[1] in wanted}


def _known(row: tuple[Any, ...], *, is_call: bool) -> Known:
    place, _, changed_at, code, version, cleared, versions, *values = row
    caller = values[CALLER]
    coded = None if code is None else (caller, code)
    return Known(_state(version, cleared or 0, versions, tuple(values)), place, is_call, changed_at, coded)


def _rows_of(cursor: duckdb.DuckDBPyConnection, table: str, column: str, hashes: list[int]) -> list[int]:
    if not hashes:
        return []
    found = cursor.execute(f"SELECT rowid FROM {table} WHERE {OF_HASHES.format(column)}", [hashes])
    return [row[0] for row in found.fetchall()]


def _state(version: int | None, cleared: int, versions: list[int | None] | None, values: tuple[object, ...]) -> State:
    if versions is None:
        places = [place for place, bit in enumerate(BITS) if cleared & bit] if cleared else ()
        return State(values, told_versions(values, version, places))
    missing = len(VERSIONED) - len(versions)  # fields that there were not yet when the list was stored
    return State(values, VERSIONS_OF(versions + [None] * missing))
