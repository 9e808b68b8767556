"""What is known of some ids: the rows of their calls, what is held for some, and which were deleted."""

from collections import Counter
from collections.abc import Collection, Generator, Iterator, Sequence
from itertools import chain
from typing import Any, TypeVar

from calltally.engines.clickhouse.schema import STATE, Tables
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.clickhouse.stores import Range, Store
from calltally.engines.sql import Statement

__all__ = [
    "KEPT",
    "Row",
    "erased_again",
    "rows_of",
    "rows_with_caller",
    "rows_with_ids",
    "standing",
    "standing_there",
    "stands",
    "unfinished_ids",
    "void",
]

KEPT = ("started_at", "id", *STATE, "born", "written", "died")
ROWS = f"SELECT {', '.join(KEPT)} FROM {{}} FINAL WHERE business = ? AND "
HASHES_AT_ONCE = 10_000
IDS_AT_ONCE = 5_000

Row = tuple[Any, ...]
Value = TypeVar("Value")


def standing(store: Store) -> Statement:
    """What holds of the rows that are committed and where their calls stand now; `stands` is the same of one row."""
    return Statement("gone = 0 AND ") + standing_there(store)


def standing_there(store: Store) -> Statement:
    """The same of rows that are not gone."""
    committed = (store.committed,)
    if not store.void:
        return Statement("born <= ? AND (died = 0 OR died > ?)", committed * 2)
    born = Statement("born <= ? AND NOT ", committed) + void("born", store.void)
    return born + Statement(" AND (died = 0 OR died > ? OR ", committed) + void("died", store.void) + ")"


def stands(born: int, died: int, store: Store) -> bool:
    """Whether a row, which is not gone, is committed and where its call stands now."""
    if born > store.committed or store.is_void(born):
        return False
    return died == 0 or died > store.committed or store.is_void(died)


def void(column: str, ranges: Collection[Range]) -> Statement:
    """Whether a number is of a write that was broken off; there are some ranges of these."""
    within = " OR ".join([f"({column} > ? AND {column} < ?)"] * len(ranges))
    return Statement(f"({within})", tuple(chain.from_iterable(ranges)))


def unfinished_ids(session: Session, tables: Tables, store: Store) -> Iterator[list[str]]:
    """The ids that may have several rows, as a write was broken off."""
    unfinished = Statement(
        f"SELECT id FROM {tables.calls} FINAL WHERE business = ? AND gone = 0 AND (born > ? OR died > 0",
        (store.business, store.committed),
    )
    if store.void:
        unfinished += Statement(" OR ") + void("born", store.void)
    for rows in session.batches(unfinished + ")"):
        yield [call_id for (call_id,) in rows]


def rows_with_ids(
    session: Session,
    tables: Tables,
    store: Store,
    ids: Sequence[str],
    hashes: Sequence[int],
    *,
    moved_only: bool = False,
) -> Iterator[list[Row]]:
    """The rows of `KEPT` that these ids have, which have these hashes; also those of writes that were broken off.

    With `moved_only` those alone of ids of which rows may be in several places.
    """
    if not store.number:  # nothing was ever written
        return
    id_of = dict(zip(hashes, ids, strict=True))
    places: list[tuple[int, str]] = []
    for some in _parts(hashes, HASHES_AT_ONCE):
        found = session.rows(_in_places(tables, store.business, some))
        times = Counter(id_hash for id_hash, _ in found)
        places += [(start, id_of[id_hash]) for id_hash, start in found if times[id_hash] > 1 or not moved_only]
    # In the order in which calls lie, so that each statement reads a stretch of them.
    for near in _parts(sorted(places), IDS_AT_ONCE):
        wanted = set(near)
        rows = session.rows(_at_places(tables, store.business, near))
        yield [row for row in rows if row[:2] in wanted]


def rows_with_caller(session: Session, tables: Tables, store: Store, caller_numbers: Sequence[str]) -> list[Row]:
    """The rows of `KEPT` in which one of some numbers of callers is."""
    where = f"caller_number IN ({_marks(caller_numbers)}) AND gone = 0"
    found = Statement(ROWS.format(tables.calls) + where, (store.business, *caller_numbers))
    return session.rows(found, unhurried=True)


def erased_again(session: Session, tables: Tables, store: Store) -> list[str]:
    """The numbers of erased callers that writes which were broken off have put in, maybe after the erasure."""
    if not (store.void and store.erased):
        return []
    found = Statement(
        f"SELECT DISTINCT caller_number FROM {tables.calls} FINAL "
        "WHERE business = ? AND gone = 0 AND caller_number IS NOT NULL AND ",
        (store.business,),
    )
    numbers = session.rows(found + void("written", store.void), unhurried=True)
    return [number for (number,) in numbers if store.erasure.has(number)]


def rows_of(session: Session, tables: Tables, store: Store) -> Generator[list[Row]]:
    """All rows of `KEPT` that a business has, some at a time."""
    yield from session.batches(Statement(ROWS.format(tables.calls), (store.business,)) + standing(store))


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
