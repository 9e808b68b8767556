"""Calls out of a store: exported as rows, copied as a file, or read to see that every byte is whole."""

import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from calltally.catalog import CATALOG
from calltally.engines.base import Condition, Snapshot, Stop, StoreFacts
from calltally.engines.duckdb.batches import read_batches
from calltally.engines.duckdb.connecting import new_file
from calltally.engines.duckdb.dialect import DuckDBDialect
from calltally.engines.duckdb.failures import unreadable
from calltally.engines.duckdb.files import remove_file
from calltally.engines.duckdb.schema import schema_version, version_of
from calltally.engines.duckdb.shaping import STORED_COLUMNS, shaped
from calltally.engines.duckdb.spelling import quoted, text
from calltally.engines.duckdb.store import Store
from calltally.engines.duckdb.stores import Stores
from calltally.engines.rows import EXPORT_SCHEMA, VALUE_FIELDS
from calltally.engines.sql import Statement, narrowed, where
from calltally.engines.versions import SUPPOSED
from calltally.localtime import Period

__all__ = ["DIALECT", "copied", "exported", "file_facts", "found", "read_facts"]

DIALECT = DuckDBDialect()
ROWS_AT_ONCE = 4_096  # two vectors of DuckDB's; of calls of 2 KB, 8 MB


def exported(
    cursor: duckdb.DuckDBPyConnection,
    store: Store,
    conditions: Sequence[Condition],
    periods: Sequence[Period] | None,
    stop: Stop,
) -> Generator[pa.RecordBatch]:
    """The calls of a store that match, of `EXPORT_SCHEMA`; to be closed.

    Raises:
        Unavailable: `stop` was asked.
    """
    while True:
        extent = store.extent
        spelled = narrowed(conditions, *extent.span(periods))
        statement = Statement(f"SELECT {COLUMNS} FROM {store.calls}") + where(spelled, periods, DIALECT)
        reader = cursor.sql(statement.sql, params=list(statement.params)).to_arrow_reader(ROWS_AT_ONCE)
        if store.extent == extent:  # else it may meet calls outside the extent that it was spelled for
            break
        reader.close()  # of a connection there is one at a time
    with closing(read_batches(reader)) as batches:
        for batch in batches:
            stop.check()
            yield from pa.Table.from_batches([batch]).cast(EXPORT_SCHEMA).to_batches()


def found(cursor: duckdb.DuckDBPyConnection, table: str, call_id: str) -> pa.RecordBatch | None:
    """The one call of a table that has an id, of `EXPORT_SCHEMA`."""
    # By its row, so that the columns of no other call are read.
    rows = f"SELECT rowid FROM {table} WHERE id_hash = md5_number_lower(?) AND id = ?"
    calls = cursor.execute(
        f"SELECT {STORED_COLUMNS} FROM {table} WHERE rowid IN ({rows})", [call_id, call_id]
    ).fetchall()
    return shaped(calls) if calls else None


@contextmanager
def copied(cursor: duckdb.DuckDBPyConnection, stores: Stores, calls: str, folder: Path) -> Iterator[Snapshot | None]:
    """A copy of a store as a file in the folder, removed when the context ends; None where there is no store."""
    if not stores.exists(calls):
        yield None
        return
    name = str(uuid.uuid4())
    path = folder / f"{name}.duckdb"
    try:
        with stores.reading(calls, Stop()), new_file(cursor, path, name):
            cursor.execute(f"COPY FROM DATABASE {quoted(calls)} TO {quoted(name)}")
            facts = read_facts(cursor, name)
        yield Snapshot(path, facts)
    finally:
        remove_file(path)


def read_facts(cursor: duckdb.DuckDBPyConnection, database: str) -> StoreFacts:
    """What an attached database holds; every column of every call is read."""
    found = cursor.execute(
        "SELECT count(*), epoch_us(min(started_at)), epoch_us(max(started_at)), bit_xor(hash(COLUMNS(*))) "
        f"FROM {quoted(database)}.calls"
    ).fetchall()[0]
    return StoreFacts(schema_version(cursor, database), *found[:3])


def file_facts(path: Path) -> StoreFacts:
    """What the file of a store holds, every byte of it read, wherever it lies; see `calltally.engines.read_file`."""
    try:
        with duckdb.connect(":memory:") as root:
            root.execute(f"ATTACH {text(str(path))} AS copy (READ_ONLY)")
            return read_facts(root, "copy")
    except duckdb.Error as error:
        raise unreadable(path, error) from error


def _exported(name: str) -> str:
    if name == "updated_at":
        return _least_version()
    return "id" if name == "id" else DIALECT.column(name)


def _least_version() -> str:
    """The least version of the fields that have a value; null where one has none. What is supposed is left out."""
    each = [f"CASE WHEN {f.name} IS NOT NULL THEN nullif({version_of(f.name)}, {SUPPOSED}) END" for f in VALUE_FIELDS]
    unversioned = " OR ".join(f"({f.name} IS NOT NULL AND {version_of(f.name)} IS NULL)" for f in VALUE_FIELDS)
    return (
        f"make_timestamp(CASE WHEN versions IS NULL THEN nullif(version, {SUPPOSED}) "
        f"WHEN {unversioned} THEN NULL ELSE least({', '.join(each)}) END)"
    )


COLUMNS = ", ".join(f"{_exported(name)} AS {name}" for name in CATALOG.fields)
