"""What a store knows of some ids: calls that are there, what is held for some, and which were deleted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from calltally.engines.duckdb.migrations import VERSIONED
from calltally.engines.duckdb.stores import Store
from calltally.engines.rows import VALUE_FIELDS
from calltally.engines.versions import State, told_versions

__all__ = ["Found", "Known", "find", "find_codes"]

NAMES = tuple(row.name for row in VALUE_FIELDS)
PLACES = tuple(VERSIONED.index(name) for name in NAMES)  # of a field's version in a stored list
WANTED = "wanted_texts"
TEXTS = f"SELECT text FROM {WANTED}"


@dataclass
class Known:
    """What is known of an id, and where its row is (None: nowhere yet): among the calls, or what is held for one.

    `changed_at` is when a value of the call last changed here, microseconds UTC.
    """

    state: State
    row: int | None = None
    is_call: bool = False
    changed_at: int | None = None


@dataclass(frozen=True)
class Found:
    """What a store knows of some ids."""

    known: Mapping[str, Known] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()


def find(cursor: duckdb.DuckDBPyConnection, store: Store, ids: Sequence[str]) -> Found:
    """What a store knows of these ids; `cursor` is in the transaction that will change them."""
    known: dict[str, Known] = {}
    deleted: frozenset[str] = frozenset()
    with _wanted(cursor, ids):
        if store.any_held:
            known |= _read(cursor, store.held, is_call=False)
        if store.extent.first is not None:
            known |= _read(cursor, store.calls, is_call=True)
        if store.any_deleted:
            gone = cursor.execute(f"SELECT id FROM {store.deleted} WHERE id_hash IN ({_hashes()}) AND id IN ({TEXTS})")
            deleted = frozenset(row[0] for row in gone.fetchall())
    return Found(known, deleted)


def find_codes(cursor: duckdb.DuckDBPyConnection, store: Store, values: Sequence[str]) -> dict[str, int]:
    """The codes of those values that have one."""
    if not values or not store.extent.codes:
        return {}
    with _wanted(cursor, values):
        rows = _rows_of(cursor, store.codes, "value_hash")
        found = cursor.execute(f"SELECT value, code FROM {store.codes} WHERE rowid IN (SELECT unnest(?))", [rows])
        wanted = set(values)
        return {value: code for value, code in found.fetchall() if value in wanted}


def _read(cursor: duckdb.DuckDBPyConnection, table: str, *, is_call: bool) -> dict[str, Known]:
    """In two steps, since the first reads the hashes alone, and the second only the calls that are wanted."""
    rows = _rows_of(cursor, table, "id_hash")
    if not rows:
        return {}
    changed_at = "changed_at" if is_call else "NULL"
    columns = ", ".join(("rowid", "id", changed_at, "version", "versions", *NAMES))
    found = cursor.execute(
        f"SELECT {columns} FROM {table} WHERE rowid IN (SELECT unnest(?)) AND id IN ({TEXTS})", [rows]
    )
    return {row[1]: Known(_state(row[3], row[4], row[5:]), row[0], is_call, row[2]) for row in found.fetchall()}


def _rows_of(cursor: duckdb.DuckDBPyConnection, table: str, hash_column: str) -> list[int]:
    found = cursor.execute(f"SELECT rowid FROM {table} WHERE {hash_column} IN ({_hashes()})")
    return [row[0] for row in found.fetchall()]


def _hashes() -> str:
    return f"SELECT md5_number_lower(text) FROM {WANTED}"


def _state(version: int | None, versions: list[int | None] | None, values: tuple[object, ...]) -> State:
    if versions is None:
        return State(values, told_versions(values, version))
    return State(values, tuple(versions[place] if place < len(versions) else None for place in PLACES))


@contextmanager
def _wanted(cursor: duckdb.DuckDBPyConnection, texts: Iterable[str]) -> Iterator[None]:
    """Texts as a table, as long as the block runs."""
    cursor.register(WANTED, pa.table({"text": pa.array(texts, pa.string())}))
    try:
        yield
    finally:
        cursor.unregister(WANTED)
