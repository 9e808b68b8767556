"""What is known of some ids: the rows of their calls, what is held for some, and which were deleted."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from calltally.engines.clickhouse.schema import STATE, Tables
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.clickhouse.stores import Store
from calltally.engines.sql import Statement

__all__ = ["KEPT", "rows_of", "rows_with_caller", "rows_with_ids"]

KEPT = ("started_at", "id", *STATE, "born", "written")
ROWS = f"SELECT {', '.join(KEPT)} FROM {{}} FINAL WHERE business = ? AND "
HASHES_AT_ONCE = 10_000
IDS_AT_ONCE = 5_000

Row = tuple[Any, ...]
Value = TypeVar("Value")


def rows_with_ids(
    session: Session, tables: Tables, store: Store, ids: Sequence[str], hashes: Sequence[int]
) -> Iterator[list[Row]]:
    """The rows of `KEPT` that these ids have, which have these hashes; also those of writes that were broken off."""
    if not store.number:  # nothing was ever written
        return
    id_of = dict(zip(hashes, ids, strict=True))
    places: list[tuple[int, str]] = []
    for some in _parts(hashes, HASHES_AT_ONCE):
        found = session.rows(_in_places(tables, store.business, some))
        places += [(started_at, id_of[id_hash]) for id_hash, started_at in found]
    # In the order in which calls lie, so that each statement reads a stretch of them.
    for near in _parts(sorted(places), IDS_AT_ONCE):
        wanted = set(near)
        rows = session.rows(_at_places(tables, store.business, near))
        yield [row for row in rows if row[:2] in wanted]


def rows_with_caller(session: Session, tables: Tables, store: Store, caller_number: str) -> list[Row]:
    """The rows of `KEPT` in which a caller's number is."""
    where = "caller_number = ? AND gone = 0"
    found = Statement(ROWS.format(tables.calls) + where, (store.business, caller_number))
    return session.rows(found, unhurried=True)


def rows_of(session: Session, tables: Tables, store: Store) -> Iterator[list[Row]]:
    """All rows of `KEPT` that a business has, some at a time."""
    where = "gone = 0 AND born <= ?"
    return session.batches(Statement(ROWS.format(tables.calls) + where, (store.business, store.committed)))


def _in_places(tables: Tables, business: str, hashes: Sequence[int]) -> Statement:
    return Statement(
        f"SELECT DISTINCT id_hash, started_at FROM {tables.places} "
        f"WHERE business = ? AND id_hash IN ({_marks(hashes)})",
        (business, *hashes),
    )


def _at_places(tables: Tables, business: str, places: Sequence[tuple[int, str]]) -> Statement:
    starts, ids = ({place[part] for place in places} for part in (0, 1))
    where = f"started_at IN ({_marks(starts)}) AND id IN ({_marks(ids)}) AND gone = 0"
    return Statement(ROWS.format(tables.calls) + where, (business, *starts, *ids))


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _parts(values: Sequence[Value], size: int) -> Iterator[Sequence[Value]]:
    return (values[first : first + size] for first in range(0, len(values), size))
