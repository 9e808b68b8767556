"""Whose turn it is to change the calls of a business, among all nodes that share a control database.

A turn is a lock that PostgreSQL keeps for one connection: it ends with the connection, however that ends, so that a
node that is killed holds nobody up. A node whose connection breaks while it writes has lost its turn, perhaps to
another: it finds out at the end at the latest, before anything is acknowledged. What it has written by then is of a
lower number than what others write: a row of the same place stands behind theirs, and what the node has added is never
seen, since whoever has the next turn notes first that all that was begun since the last commit is void.
"""

import hashlib
import logging
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, func, make_url, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from calltally.accounts.postgresql import postgresql_engine
from calltally.accounts.tables import turns
from calltally.errors import Unavailable

__all__ = ["FleetTurn", "FleetTurns"]

WAIT_SECONDS = 30  # for another node's write, and before that for another one of this node
KEPT, MORE = 4, 28
RESERVED = 3  # numbers that a write takes: as it begins, once it is committed, once the rows that calls left are empty
BUSY = "Another node is writing calls of this business; send it again"
BUSY_HERE = "Other calls of this business are being written; send it again"
LOST = "The database that says whose turn it is to write does not answer; nothing was acknowledged, send it again"
TAKEN = "55P03"

log = logging.getLogger(__name__)


class FleetTurn:
    """The right to change the calls of a business, for as long as the connection lasts."""

    def __init__(self, connection: Connection, store: str) -> None:
        self._connection = connection
        self._store = store

    def number(self, lowest: int) -> tuple[int, int]:
        """A number for a write, `lowest` or more, and the one that was given before it, 0 if there was none.

        It is greater by `RESERVED` or more than any of this business before.

        Raises:
            Unavailable: the turn was lost.
        """
        wanted = insert(turns).values(store=self._store, number=lowest)
        more = func.greatest(turns.c.number + RESERVED, wanted.excluded.number)
        known = wanted.on_conflict_do_update(index_elements=[turns.c.store], set_={"number": more})
        earlier = turns.alias()  # as it was when the statement began, and nobody else changes it meanwhile
        before = select(earlier.c.number).where(earlier.c.store == self._store).scalar_subquery()
        with _told():
            found = self._connection.execute(known.returning(turns.c.number, func.coalesce(before, 0))).one()
        return found[0], found[1]

    def check(self) -> None:
        """Return if nobody else can have had a turn since this one began.

        Raises:
            Unavailable: the turn was lost.
        """
        with _told():
            self._connection.execute(select(1))


class FleetTurns:
    """The turns of all businesses. Safe for threads."""

    def __init__(self, url: str) -> None:
        engine = postgresql_engine(make_url(url), KEPT, MORE, WAIT_SECONDS)
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._mine: dict[str, threading.Lock] = defaultdict(threading.Lock)  # so that a node waits in one place
        self._lock = threading.Lock()

    @contextmanager
    def of(self, business: str) -> Iterator[FleetTurn]:
        """Nobody else, on any node, changes the calls of a business meanwhile.

        Raises:
            Unavailable: at the beginning, others write for too long; at the end, the turn was lost on the way.
        """
        key = _key(business)
        with self._turn_of_this_node(business), _told(), self._engine.connect() as connection:
            connection.exec_driver_sql(f"SET lock_timeout = {1000 * WAIT_SECONDS}")
            connection.execute(select(func.pg_advisory_lock(key)))
            try:
                yield FleetTurn(connection, business)
            except BaseException:
                connection.invalidate()  # whatever state it is in: with it the lock goes
                raise
            # The same connection answers, so that the lock was there all the while.
            if not connection.execute(select(func.pg_advisory_unlock(key))).scalar_one():
                raise Unavailable(LOST)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _turn_of_this_node(self, business: str) -> Iterator[None]:
        with self._lock:
            turn = self._mine[business]
        if not turn.acquire(timeout=WAIT_SECONDS):
            raise Unavailable(BUSY_HERE, 5)
        try:
            yield
        finally:
            turn.release()


def _key(business: str) -> int:
    """The number under which PostgreSQL knows a turn; two businesses of the same one only wait for each other."""
    return int.from_bytes(hashlib.sha256(business.encode()).digest()[:8], signed=True)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == TAKEN:
            raise Unavailable(BUSY, 5) from error
        log.warning("whose turn it is to write cannot be told: %s", error.orig)
        raise Unavailable(LOST, 5) from error
    except NoFreeConnection as error:
        raise Unavailable(BUSY, 5) from error
