"""A page of a list of calls: the first of those that match and stand behind a place."""

import pyarrow as pa

from calltally.engines.base import Page
from calltally.engines.clickhouse.copies import DIALECT, seen, stored
from calltally.engines.clickhouse.schema import Tables
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.clickhouse.stores import Store
from calltally.engines.duckdb.shaping import STORED_COLUMNS, shaped
from calltally.engines.sql import narrowed, page_statement

__all__ = ["paged"]


def paged(session: Session, tables: Tables, store: Store, page: Page) -> pa.RecordBatch:
    """The calls of a page, of `EXPORT_SCHEMA`."""
    conditions = narrowed(page.conditions, *store.extent.span(page.periods))
    statement = page_statement(f"{STORED_COLUMNS} FROM {tables.calls} FINAL", page, conditions, DIALECT, seen(store))
    return shaped(list(map(stored, session.rows(statement))))
