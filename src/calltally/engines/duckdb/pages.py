"""A page of a list of calls: the first of those that match and stand behind a place."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from calltally.engines.base import Condition, Page, Place
from calltally.engines.duckdb.copies import COLUMNS, DIALECT
from calltally.engines.duckdb.stores import Store
from calltally.engines.rows import EXPORT_SCHEMA
from calltally.engines.sql import Statement, narrowed, where

__all__ = ["paged"]


def paged(cursor: duckdb.DuckDBPyConnection, store: Store, page: Page) -> pa.RecordBatch:
    """The calls of a page, of `EXPORT_SCHEMA`."""
    while True:
        extent = store.extent
        conditions = narrowed(page.conditions, *extent.span(page.periods))
        cursor.execute("BEGIN")  # both statements see the same calls
        found = _found(cursor, store.calls, page, conditions)
        cursor.execute("COMMIT")
        if store.extent == extent:  # else it may have met calls outside the extent that it was spelled for
            return found


def _found(
    cursor: duckdb.DuckDBPyConnection, table: str, page: Page, conditions: Sequence[Condition]
) -> pa.RecordBatch:
    """First when the last call of the page starts, which one column tells; then the calls that start until then.

    So of nearly all calls the database reads nothing but their starts, and of most not even these.
    """
    behind = (_behind(page.after, descending=page.descending),) if page.after else ()
    matching = Statement(f" FROM {table}") + where(conditions, page.periods, DIALECT, *behind)
    direction = "DESC" if page.descending else "ASC"
    starts = (
        Statement("SELECT epoch_us(started_at)") + matching + f" ORDER BY started_at {direction} LIMIT {page.limit}"
    )
    found = cursor.execute(starts.sql, list(starts.params)).fetchall()
    if not found:
        return pa.RecordBatch.from_pylist([], EXPORT_SCHEMA)
    until = Statement(f"started_at {'>=' if page.descending else '<='} make_timestamp({found[-1][0]})")
    calls = (
        Statement(f"SELECT {COLUMNS} FROM {table}")
        + where(conditions, page.periods, DIALECT, *behind, until)
        + f" ORDER BY started_at {direction}, id {direction} LIMIT {page.limit}"
    )
    answer = cursor.sql(calls.sql, params=list(calls.params)).to_arrow_table()
    [batch] = answer.cast(EXPORT_SCHEMA).combine_chunks().to_batches()
    return batch


def _behind(place: Place, *, descending: bool) -> Statement:
    """Whether a call stands behind a place; its start is looked at first, and alone tells which calls to read."""
    sign = "<" if descending else ">"
    start = f"make_timestamp({place.started_at})"
    return Statement(f"(started_at {sign}= {start} AND (started_at {sign} {start} OR id {sign} ?))", (place.id,))
