"""Calls out of the cluster: exported as rows, one by its id, a page of them, or counted."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from calltally.catalog import FieldKind
from calltally.engines.base import Condition, Page, Place, Stop, StoreFacts
from calltally.engines.clickhouse.connections import Session
from calltally.engines.clickhouse.dialect import ClickHouseDialect
from calltally.engines.clickhouse.lookup import KEPT, rows_with_ids
from calltally.engines.clickhouse.schema import Tables
from calltally.engines.clickhouse.stores import Store
from calltally.engines.duckdb.hashes import hash_of
from calltally.engines.duckdb.migrations import MIGRATIONS
from calltally.engines.duckdb.shaping import STORED_COLUMNS, shaped
from calltally.engines.rows import VALUE_FIELDS
from calltally.engines.sql import Statement, narrowed, where
from calltally.localtime import Period

__all__ = ["DIALECT", "called", "exported", "facts", "paged", "seen"]

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
        Statement("gone = 0"),
        Statement("born <= ?", (store.committed,)),
    )


def exported(
    session: Session,
    tables: Tables,
    store: Store,
    conditions: Sequence[Condition],
    periods: Sequence[Period] | None,
    *,
    stop: Stop,
) -> Iterator[pa.RecordBatch]:
    """The calls of a business that match, of `EXPORT_SCHEMA`."""
    spelled = narrowed(conditions, *store.span(periods))
    calls = Statement(f"SELECT {STORED_COLUMNS} FROM {tables.calls} FINAL")
    for rows in session.batches(calls + where(spelled, periods, DIALECT, first=seen(store))):
        stop.check()
        yield shaped(list(map(_stored, rows)))


def called(session: Session, tables: Tables, store: Store, call_id: str) -> pa.RecordBatch | None:
    """The one call that has an id, of `EXPORT_SCHEMA`."""
    found = [row for rows in rows_with_ids(session, tables, store, [call_id], [hash_of(call_id)]) for row in rows]
    calls = [dict(zip(KEPT, row, strict=True)) for row in found]
    seen_calls = [call for call in calls if call["started_at"] >= 0 and call["born"] <= store.committed]
    return shaped([_stored([call[name] for name in NAMES]) for call in seen_calls[:1]]) if seen_calls else None


def paged(session: Session, tables: Tables, store: Store, page: Page) -> pa.RecordBatch:
    """The calls of a page, of `EXPORT_SCHEMA`."""
    conditions = narrowed(page.conditions, *store.span(page.periods))
    behind = (_behind(page.after, descending=page.descending),) if page.after else ()
    direction = "DESC" if page.descending else "ASC"
    statement = (
        Statement(f"SELECT {STORED_COLUMNS} FROM {tables.calls} FINAL")
        + where(conditions, page.periods, DIALECT, *behind, first=seen(store))
        + f" ORDER BY started_at {direction}, id {direction} LIMIT {page.limit}"
    )
    return shaped(list(map(_stored, session.rows(statement))))


def facts(session: Session, tables: Tables, store: Store) -> StoreFacts:
    """What a business's calls are."""
    statement = Statement(f"SELECT count(), min(started_at), max(started_at) FROM {tables.calls} FINAL") + where(
        (), None, DIALECT, first=seen(store)
    )
    count, first, last = session.rows(statement, unhurried=True)[0]
    return StoreFacts(len(MIGRATIONS), int(count), first if count else None, last if count else None)


def _behind(place: Place, *, descending: bool) -> Statement:
    sign, start = "<" if descending else ">", place.started_at
    return Statement(f"(started_at {sign}= {start} AND (started_at {sign} {start} OR id {sign} ?))", (place.id,))


def _stored(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row as the embedded engine has it."""
    return tuple(
        (bool(value) if value is not None else None) if i in BOOLEANS else (value or None) if i == VERSIONS else value
        for i, value in enumerate(row)
    )
