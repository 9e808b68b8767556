"""Columns of a store's calls as numbers and texts, for reports that are made from them outside the database."""

from collections.abc import Generator, Iterator

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from calltally.catalog import CATALOG, FieldKind
from calltally.engines.duckdb.batches import read_batches
from calltally.engines.duckdb.dialect import DuckDBDialect
from calltally.engines.duckdb.schema import CODE_COLUMNS
from calltally.engines.duckdb.stores import Store

__all__ = ["Reading", "as_read"]

DIALECT = DuckDBDialect()
FIELDS = tuple(field.name for field in CATALOG.reported_fields)
ROWS_AT_ONCE = 122_880  # as many as DuckDB keeps together


class Reading:
    """The calls of a store as they are at one moment; the cursor does nothing else meanwhile.

    Its columns are the hashes of the calls' ids, `id_hash`, and the fields that reports read: a time as its instant, a
    field whose different values are counted as the numbers of these, any other as it is, or its default.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, store: Store) -> None:
        self._cursor = cursor
        self._calls = store.calls
        self._columns = ", ".join(("id_hash", *(f"{_spelled(field)} AS {field}" for field in FIELDS)))
        self._left: list[Generator[pa.RecordBatch]] = []  # what may be left before its end
        cursor.execute("BEGIN")
        self.version = str(cursor.execute(f"SELECT data_version FROM {store.meta}").fetchall()[0][0])

    def changed(self, since: int | None, most: int) -> Iterator[pa.RecordBatch]:
        """So many of the calls that changed at this moment or later; None: none."""
        return iter(()) if since is None else self._read(f" WHERE changed_at >= ? LIMIT {most}", [since])

    def all(self) -> Iterator[pa.RecordBatch]:
        """All calls."""
        return self._read("", [])

    def close(self) -> None:
        """Read no more."""
        for batches in self._left:
            batches.close()

    def _read(self, where: str, params: list[int]) -> Iterator[pa.RecordBatch]:
        query = f"SELECT {self._columns} FROM {self._calls}{where}"
        batches = read_batches(self._cursor.sql(query, params=params).to_arrow_reader(ROWS_AT_ONCE))
        self._left.append(batches)
        return batches


def as_read(calls: pa.Table) -> pa.Table:
    """Calls as they are written, as a `Reading` gives them."""
    return pa.table({"id_hash": calls["id_hash"], **{field: _read(calls, field) for field in FIELDS}})


def _read(calls: pa.Table, field: str) -> pa.ChunkedArray:
    if field in CODE_COLUMNS:
        return calls[CODE_COLUMNS[field]]
    if CATALOG.fields[field].kind is FieldKind.TIME:
        return calls[field].cast(pa.int64())
    default = CATALOG.fields[field].default
    return pc.fill_null(calls[field], default) if default else calls[field]


def _spelled(field: str) -> str:
    if field in CODE_COLUMNS:
        return CODE_COLUMNS[field]
    if CATALOG.fields[field].kind is FieldKind.TIME:
        return f"epoch_us({field})"
    return DIALECT.column(field)
