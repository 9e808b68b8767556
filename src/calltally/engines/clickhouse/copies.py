"""Calls out of the cluster: exported as rows, one by its id, copied as a file, or counted."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow as pa

from calltally.catalog import FieldKind
from calltally.engines.base import Condition, Snapshot, Stop, StoreFacts
from calltally.engines.clickhouse.dialect import ClickHouseDialect
from calltally.engines.clickhouse.lookup import KEPT, Row, rows_with_ids, standing, stands
from calltally.engines.clickhouse.merge import Scratch
from calltally.engines.clickhouse.schema import Tables
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.clickhouse.stores import Store
from calltally.engines.duckdb.files import remove_file
from calltally.engines.duckdb.migrations import MIGRATIONS
from calltally.engines.duckdb.shaping import STORED_COLUMNS, shaped
from calltally.engines.hashing import hash_of
from calltally.engines.rows import VALUE_FIELDS
from calltally.engines.sql import Statement, narrowed, where
from calltally.localtime import Period

__all__ = ["DIALECT", "copied", "exported", "found", "read_facts", "seen", "stored"]

DIALECT = ClickHouseDialect()
NAMES = STORED_COLUMNS.split(", ")
BOOLEANS = {
    place for place, name in enumerate(NAMES) for f in VALUE_FIELDS if f.name == name and f.kind is FieldKind.BOOLEAN
}
VERSIONS = NAMES.index("versions")


def seen(store: Store) -> tuple[Statement, ...]:
    """What holds of the rows that are calls of a business, committed and where they stand now."""
    return (
        Statement("business = ?", (store.business,)),
        Statement("started_at >= 0"),
        standing(store),
    )


def exported(
    session: Session,
    tables: Tables,
    store: Store,
    conditions: Sequence[Condition],
    periods: Sequence[Period] | None,
    *,
    stop: Stop,
) -> Generator[pa.RecordBatch]:
    """The calls of a business that match, of `EXPORT_SCHEMA`."""
    # Not for the store's span, which a write may widen while the rows come.
    spelled = narrowed(conditions, periods[0].start, periods[-1].end - 1) if periods else conditions
    calls = Statement(f"SELECT {STORED_COLUMNS} FROM {tables.calls} FINAL")
    for rows in session.batches(calls + where(spelled, periods, DIALECT, first=seen(store))):
        stop.check()
        yield shaped(list(map(stored, rows)))


def found(session: Session, tables: Tables, store: Store, call_id: str) -> pa.RecordBatch | None:
    """The one call that has an id, of `EXPORT_SCHEMA`."""
    rows = (row for some in rows_with_ids(session, tables, store, [call_id], [hash_of(call_id)]) for row in some)
    known = (dict(zip(KEPT, row, strict=True)) for row in rows)
    calls = [each for each in known if each["started_at"] >= 0 and stands(each["born"], each["died"], store)]
    return shaped([stored([calls[0][name] for name in NAMES])]) if calls else None


@contextmanager
def copied(
    store: Store, rows: Iterable[list[Row]], root: duckdb.DuckDBPyConnection, folder: Path
) -> Iterator[Snapshot | None]:
    """A copy of a business's calls as a file in the folder, removed when the context ends; None where nothing is.

    `rows` are all of the business, see `rows_of`.
    """
    if not store.number:
        yield None
        return
    path = folder / f"{uuid4()}.duckdb"
    try:
        with Scratch(root, path) as scratch:
            scratch.learn(store.erasure)
            for some in rows:
                scratch.take(some, store)
            scratch.fill()
            facts = scratch.facts()
        yield Snapshot(path, facts)
    finally:
        remove_file(path)


def read_facts(tables: Tables, session: Session, store: Store) -> StoreFacts:
    """What a business's calls are."""
    statement = Statement(f"SELECT count(), min(started_at), max(started_at) FROM {tables.calls} FINAL") + where(
        (), None, DIALECT, first=seen(store)
    )
    count, first, last = session.rows(statement, unhurried=True)[0]
    return StoreFacts(len(MIGRATIONS), int(count), first if count else None, last if count else None)


def stored(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row as the embedded engine has it."""
    return tuple(
        (bool(value) if value is not None else None) if i in BOOLEANS else (value or None) if i == VERSIONS else value
        for i, value in enumerate(row)
    )
