"""A page of a list of calls: the first of those that match and stand behind a place."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from calltally.engines.base import Condition, Page, Place
from calltally.engines.duckdb.copies import DIALECT
from calltally.engines.duckdb.shaping import STORED_COLUMNS, shaped
from calltally.engines.duckdb.store import Store
from calltally.engines.sql import Statement, narrowed, where

__all__ = ["paged"]


def paged(cursor: duckdb.DuckDBPyConnection, store: Store, page: Page) -> pa.RecordBatch:
    """The calls of a page, of `EXPORT_SCHEMA`."""
    while True:
        extent = store.extent
        statement = _statement(store.calls, page, narrowed(page.conditions, *extent.span(page.periods)))
        found = cursor.execute(statement.sql, list(statement.params)).fetchall()
        if store.extent == extent:  # else it may have met calls outside the extent that it was spelled for
            return shaped(found)


def _statement(table: str, page: Page, conditions: Sequence[Condition]) -> Statement:
    """One whose calls DuckDB picks by what they start with, and of all others reads nothing else, see `engine`."""
    behind = (_behind(page.after, descending=page.descending),) if page.after else ()
    direction = "DESC" if page.descending else "ASC"
    return (
        Statement(f"SELECT {STORED_COLUMNS} FROM {table}")
        + where(conditions, page.periods, DIALECT, *behind)
        + f" ORDER BY started_at {direction}, id {direction} LIMIT {page.limit}"
    )


def _behind(place: Place, *, descending: bool) -> Statement:
    """Whether a call stands behind a place; its start is looked at first, and alone tells which calls to read."""
    sign = "<" if descending else ">"
    behind = f"(started_at {sign}= make_timestamp(?) AND (started_at {sign} make_timestamp(?) OR id {sign} ?))"
    return Statement(behind, (place.started_at, place.started_at, place.id))
