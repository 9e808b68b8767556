"""Columns of a store's calls as numbers and texts, for reports that are made from them outside the database."""

from collections.abc import Generator, Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from calltally.catalog import CATALOG, FieldKind
from calltally.engines.duckdb.batches import read_batches
from calltally.engines.duckdb.dialect import DuckDBDialect
from calltally.engines.duckdb.schema import CODE_COLUMNS, column_type
from calltally.engines.duckdb.store import Store

__all__ = ["ROWS_AT_ONCE", "Reading", "as_read"]

DIALECT = DuckDBDialect()
FIELDS = tuple(field.name for field in CATALOG.reported_fields)
TEXTS = tuple(name for name in FIELDS if name not in CODE_COLUMNS and column_type(CATALOG.fields[name]) == "VARCHAR")
DEFAULTS = {name: pa.scalar(default, pa.string()) for name in FIELDS if (default := CATALOG.fields[name].default)}
FEW_TEXTS = 100  # different ones: where DuckDB holds no dictionary of them, it goes through the list for every call
ROWS_AT_ONCE = 122_880  # as many as DuckDB keeps together


class Reading:
    """The calls of a store as they are at one moment; the cursor does nothing else meanwhile.

    Its columns are the hashes of the calls' ids, `id_hash`, and the fields that reports read: a time as its instant, a
    field whose different values are counted as the numbers of these, any other as it is, or its default. Where all
    calls are read, a text of which there are few different ones is a place in a dictionary of them.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, store: Store) -> None:
        self._cursor = cursor
        self._calls = store.calls
        self._left: list[Generator[pa.RecordBatch]] = []  # what may be left before its end
        cursor.execute("BEGIN")
        self.version = str(cursor.execute(f"SELECT data_version FROM {store.meta}").fetchall()[0][0])

    def changed(self, since: int | None, most: int) -> Iterator[pa.RecordBatch]:
        """So many of the calls that changed at this moment or later; None: none."""
        return iter(()) if since is None else self._read(f" WHERE changed_at >= ? LIMIT {most}", [since])

    def all(self) -> Iterator[pa.RecordBatch]:
        """All calls."""
        few = self._few_texts()
        places = {name: f"list_position(?, {name})" for name in few}
        batches = self._read("", list(few.values()), places)
        return (_with_texts(batch, few) for batch in batches)

    def close(self) -> None:
        """Read no more."""
        for batches in self._left:
            batches.close()

    def _few_texts(self) -> dict[str, list[str]]:
        """The fields of few different texts, and these, from 1 on; before them stands what a call without one has."""
        estimates = ", ".join(f"stats({name}).approx_unique" for name in TEXTS)
        found = self._cursor.execute(f"SELECT {estimates} FROM {self._calls} LIMIT 1").fetchall()
        few = [name for row in found for name, count in zip(TEXTS, row, strict=True) if 0 < (count or 0) <= FEW_TEXTS]
        if not few:
            return {}
        lists = ", ".join(f"list(DISTINCT {name})" for name in few)
        found = self._cursor.execute(f"SELECT {lists} FROM {self._calls}").fetchall()
        texts = {name: [text for text in each if text is not None] for name, each in zip(few, found[0], strict=True)}
        return {name: each for name, each in texts.items() if len(each) <= 2 * FEW_TEXTS}  # else the estimate was wrong

    def _read(
        self, where: str, params: Sequence[object], instead: Mapping[str, str] | None = None
    ) -> Generator[pa.RecordBatch]:
        spelled = {name: _spelled(name) for name in FIELDS} | dict(instead or {})
        columns = ", ".join(("id_hash", *(f"{column} AS {name}" for name, column in spelled.items())))
        query = f"SELECT {columns} FROM {self._calls}{where}"
        batches = read_batches(self._cursor.sql(query, params=list(params)).to_arrow_reader(ROWS_AT_ONCE))
        self._left.append(batches)
        return batches


def _with_texts(batch: pa.RecordBatch, few: Mapping[str, Sequence[str]]) -> pa.RecordBatch:
    """Rows with dictionaries of those texts that are given as their places, from 1 on, in these lists."""
    for name, texts in few.items():
        places = pc.fill_null(batch[name], 0)
        dictionary = pa.array([CATALOG.fields[name].default, *texts], pa.string())
        at = batch.schema.get_field_index(name)
        batch = batch.set_column(at, name, pa.DictionaryArray.from_arrays(places, dictionary))
    return batch


def as_read(calls: pa.Table) -> pa.Table:
    """Calls as they are written, as a `Reading` gives them."""
    return pa.table({"id_hash": calls["id_hash"], **{field: _read(calls, field) for field in FIELDS}})


def _read(calls: pa.Table, field: str) -> pa.ChunkedArray:
    if field in CODE_COLUMNS:
        return calls[CODE_COLUMNS[field]]
    if CATALOG.fields[field].kind is FieldKind.TIME:
        return calls[field].cast(pa.int64())
    return pc.fill_null(calls[field], DEFAULTS[field]) if field in DEFAULTS else calls[field]


def _spelled(field: str) -> str:
    if field in CODE_COLUMNS:
        return CODE_COLUMNS[field]
    if CATALOG.fields[field].kind is FieldKind.TIME:
        return f"epoch_us({field})"
    return DIALECT.column(field)
