"""A page of a list of calls: the first of those that match and stand behind a place."""

import duckdb
import pyarrow as pa

from calltally.engines.base import Page
from calltally.engines.duckdb.copies import DIALECT
from calltally.engines.duckdb.shaping import STORED_COLUMNS, shaped
from calltally.engines.duckdb.store import Store
from calltally.engines.sql import narrowed, page_statement

__all__ = ["paged"]


def paged(cursor: duckdb.DuckDBPyConnection, store: Store, page: Page) -> pa.RecordBatch:
    """The calls of a page, of `EXPORT_SCHEMA`."""
    while True:
        extent = store.extent
        conditions = narrowed(page.conditions, *extent.span(page.periods))
        # DuckDB picks the calls by what they start with, and of all others reads nothing else, see `engine`.
        statement = page_statement(f"{STORED_COLUMNS} FROM {store.calls}", page, conditions, DIALECT)
        found = cursor.execute(statement.sql, list(statement.params)).fetchall()
        if store.extent == extent:  # else it may have met calls outside the extent that it was spelled for
            return shaped(found)
