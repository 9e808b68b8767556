"""What is to leave the disks of all servers: a caller's number, or everything that a business had."""

import itertools
import time
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from calltally.engines.clickhouse.lookup import void
from calltally.engines.clickhouse.schema import MONTH, Tables
from calltally.engines.clickhouse.servers import Server, Servers
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.clickhouse.stores import Range, Store
from calltally.engines.sql import Statement
from calltally.errors import Unavailable
from calltally.localtime import microseconds

__all__ = ["any_void", "remove_bytes", "remove_rows", "remove_void"]

PATIENCE = 300.0  # seconds, in which a server looks at all its parts; replicas begin every five seconds
PAUSE = 0.2
ROWS_AT_ONCE = 2000  # which ZooKeeper keeps as one text, of a megabyte at most

Row = tuple[str, int, int]  # the id, the write that it is of, and where it stands: a write may have two rows of an id


def remove_bytes(servers: Servers, tables: Tables, business: str, caller_numbers: Sequence[str]) -> None:
    """Let every server write anew the parts in which rows that were replaced still have one of some callers' numbers.

    Raises:
        Unavailable: a server does not answer, or is too busy; run it again.
    """
    for replicas in _shards(servers):
        told: set[Row] = set()  # by one of them, and so to all
        for server in replicas:
            with servers.session_with(server) as session:
                deadline = time.monotonic() + PATIENCE
                while found := _rows_with(session, tables, business, caller_numbers):
                    if time.monotonic() > deadline:
                        raise Unavailable(
                            "The number is out of all calls, but not yet off the disks: erase it again", 60
                        )
                    if untold := found.keys() - told:
                        _empty(session, tables, business, untold)
                        if len(replicas) > 1:
                            _write_later(session, tables, {found[row] for row in untold})
                        told |= untold
                    time.sleep(PAUSE)


def remove_rows(servers: Servers, tables: Tables, business: str) -> None:
    """Let every shard remove the rows of a business, which its servers do in the background.

    Raises:
        Unavailable: no server of a shard answers.
    """
    which = Statement("business = ?", (business,))
    for replicas in _shards(servers):
        _remove_on_any(servers, replicas, tables, ("calls", "places"), which, replicated=len(replicas) > 1)


def remove_void(servers: Servers, tables: Tables, store: Store) -> None:
    """Let every shard remove what writes have added that were broken off, which its servers do in the background.

    Nobody sees it, whether it is there or not. What was there in its place before was not to be seen either.

    Raises:
        Unavailable: no server of a shard answers.
    """
    if store.void:
        which = Statement("business = ? AND ", (store.business,)) + void("born", store.void)
        for replicas in _shards(servers):
            _remove_on_any(servers, replicas, tables, ("calls",), which, replicated=len(replicas) > 1)


def any_void(servers: Servers, tables: Tables, business: str, ranges: Sequence[Range]) -> bool:
    """Whether any server has something of writes that were broken off, by ranges of their numbers.

    Raises:
        Unavailable: a server does not answer.
    """
    if not ranges:
        return False
    either = void("born", ranges) + " OR " + void("died", ranges)
    where = Statement(" FINAL WHERE business = ? AND gone = 0 AND (", (business,)) + either + ")"
    found = Statement(f"SELECT count() FROM {tables.local('calls')}") + where
    for server in servers.each():
        with servers.session_with(server) as session:
            if session.rows(found, unhurried=True)[0][0]:
                return True
    return False


def _shards(servers: Servers) -> Iterator[Sequence[Server]]:
    """The replicas of each shard."""
    return ([*replicas] for _, replicas in itertools.groupby(servers.each(), lambda server: server.shard))


def _remove_on_any(
    servers: Servers,
    replicas: Sequence[Server],
    tables: Tables,
    names: Sequence[str],
    which: Statement,
    *,
    replicated: bool,
) -> None:
    """Tell one of the replicas of a shard, which tells the others: the first one that can."""
    server, *others = replicas
    try:
        with servers.session_with(server) as session:
            months = _months_of(session, tables, which) if replicated else []
            for table in names:
                session.rows(Statement(f"ALTER TABLE {tables.local(table)} DELETE WHERE ") + which)
            if months:
                _write_later(session, tables, months)
    except Unavailable:
        if not others:
            raise
        _remove_on_any(servers, others, tables, names, which, replicated=replicated)


def _rows_with(session: Session, tables: Tables, business: str, caller_numbers: Sequence[str]) -> dict[Row, int]:
    """Some of the rows of a server that have one of the numbers, and the month of each."""
    marks = ", ".join("?" * len(caller_numbers))
    found = session.rows(
        Statement(
            f"SELECT id, written, started_at, {MONTH} FROM {tables.local('calls')} "
            f"WHERE business = ? AND caller_number IN ({marks}) LIMIT {ROWS_AT_ONCE}",
            (business, *caller_numbers),
        ),
        unhurried=True,
    )
    return {(call_id, int(written), int(start)): int(month) for call_id, written, start, month in found}


def _months_of(session: Session, tables: Tables, which: Statement) -> list[int]:
    found = session.rows(
        Statement(f"SELECT DISTINCT {MONTH} FROM {tables.local('calls')} WHERE ") + which,
        unhurried=True,
    )
    return [int(month) for (month,) in found]


def _empty(session: Session, tables: Tables, business: str, rows: Collection[Row]) -> None:
    """Take the number out of rows; they are named by their ids, since what a server was told it keeps on its disk."""
    marks = ", ".join(["(?, ?, ?)"] * len(rows))
    session.rows(
        Statement(
            f"ALTER TABLE {tables.local('calls')} UPDATE caller_number = NULL "
            f"WHERE business = ? AND (id, written, started_at) IN ({marks})",
            (business, *itertools.chain.from_iterable(sorted(rows))),
        )
    )


def _write_later(session: Session, tables: Tables, months: Collection[int]) -> None:
    """Write a row of nobody's into each of the months, and into the places.

    Replicas leave the part alone that was last written in a month, since they tell by it who has all that was
    acknowledged: what was told about it would wait for somebody's next write.
    """
    number, count = microseconds(datetime.now(UTC)), len(months)
    of_nobody: dict[str, list[Any]] = {
        "business": [""] * count,
        "started_at": [microseconds(datetime(month // 100, month % 100, 1, tzinfo=UTC)) for month in months],
        "id": [""] * count,
        "gone": [1] * count,
        "written": [number] * count,
    }
    session.insert(tables.local("calls"), of_nobody)
    session.insert(tables.local("places"), {"business": [""], "id_hash": [number], "started_at": [0]})
