"""A page of a list of calls: the first of those that match and stand behind a place."""

from collections.abc import Sequence

import pyarrow as pa

from calltally.engines.base import Condition, Page, Place
from calltally.engines.clickhouse.copies import DIALECT, seen, stored
from calltally.engines.clickhouse.schema import Tables
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.clickhouse.stores import Store
from calltally.engines.duckdb.shaping import STORED_COLUMNS, shaped
from calltally.engines.sql import Statement, narrowed, where

__all__ = ["paged"]


def paged(session: Session, tables: Tables, store: Store, page: Page) -> pa.RecordBatch:
    """The calls of a page, of `EXPORT_SCHEMA`."""
    conditions = narrowed(page.conditions, *store.extent.span(page.periods))
    statement = _statement(tables.calls, page, conditions, store)
    return shaped(list(map(stored, session.rows(statement))))


def _statement(table: str, page: Page, conditions: Sequence[Condition], store: Store) -> Statement:
    behind = (_behind(page.after, descending=page.descending),) if page.after else ()
    direction = "DESC" if page.descending else "ASC"
    return (
        Statement(f"SELECT {STORED_COLUMNS} FROM {table} FINAL")
        + where(conditions, page.periods, DIALECT, *behind, first=seen(store))
        + f" ORDER BY started_at {direction}, id {direction} LIMIT {page.limit}"
    )


def _behind(place: Place, *, descending: bool) -> Statement:
    sign = "<" if descending else ">"
    behind = f"(started_at {sign}= ? AND (started_at {sign} ? OR id {sign} ?))"
    return Statement(behind, (place.started_at, place.started_at, place.id))
