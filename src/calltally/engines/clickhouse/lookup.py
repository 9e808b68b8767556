"""What is known of some ids: the rows of their calls, what is held for some, and which were deleted."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from calltally.engines.clickhouse.connections import Session
from calltally.engines.clickhouse.schema import STATE, Tables
from calltally.engines.clickhouse.stores import Store
from calltally.engines.sql import Statement

__all__ = ["KEPT", "rows_of", "rows_with_caller", "rows_with_ids"]

KEPT = ("started_at", "id", *STATE, "born", "written")
ROWS = f"SELECT {', '.join(KEPT)} FROM {{}} FINAL WHERE business = ? AND "
HASHES_AT_ONCE = 10_000
IDS_AT_ONCE = 1_000

Row = tuple[Any, ...]


def rows_with_ids(
    session: Session, tables: Tables, store: Store, ids: Sequence[str], hashes: Sequence[int]
) -> Iterator[list[Row]]:
    """The rows of `KEPT` that these ids have, which have these hashes; also those of writes that were broken off."""
    if not store.number:  # nothing was ever written
        return
    id_of = dict(zip(hashes, ids, strict=True))
    starts: dict[int, set[int]] = {}
    for some in _parts(hashes, HASHES_AT_ONCE):
        for id_hash, started_at in session.rows(_in_places(tables, store.business, some)):
            starts.setdefault(id_hash, set()).add(started_at)
    for some in _parts(tuple(starts), IDS_AT_ONCE):
        wanted = set().union(*(starts[id_hash] for id_hash in some))
        where = f"started_at IN ({_marks(wanted)}) AND id IN ({_marks(some)}) AND gone = 0"
        values = (store.business, *sorted(wanted), *(id_of[id_hash] for id_hash in some))
        yield session.rows(Statement(ROWS.format(tables.calls) + where, values))


def rows_with_caller(session: Session, tables: Tables, store: Store, caller_number: str) -> list[Row]:
    """The rows of `KEPT` in which a caller's number is."""
    where = "caller_number = ? AND gone = 0"
    return session.rows(Statement(ROWS.format(tables.calls) + where, (store.business, caller_number)))


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


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _parts(values: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (values[first : first + size] for first in range(0, len(values), size))
