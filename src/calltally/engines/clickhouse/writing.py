"""A write: what is known of some calls, and what becomes of them, put where every report finds it."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa

from calltally.engines.clickhouse.lookup import erased_again, rows_with_caller, rows_with_ids, unfinished_ids
from calltally.engines.clickhouse.merge import Scratch
from calltally.engines.clickhouse.schema import Tables
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.clickhouse.stores import Range, Store, write_store
from calltally.engines.clickhouse.turns import Turn
from calltally.engines.hashing import hashes_of
from calltally.localtime import microseconds

__all__ = ["Writing", "next_number"]


def next_number(store: Store, turn: Turn) -> tuple[int, int]:
    """The number of the next write: about now in microseconds UTC, and greater than all before it; and the last one."""
    return turn.number(max(microseconds(datetime.now(UTC)), store.number + 1))


class Writing:
    """The right to change a business's calls, and how that is done; see `stores.Store` for the order of things."""

    def __init__(self, session: Session, tables: Tables, store: Store, turn: Turn) -> None:
        self.store = store
        self._turn = turn
        self._session = session
        self._tables = tables

    def know(self, scratch: Scratch, ids: Iterable[Sequence[str]]) -> None:
        """Fill a scratch store with all that is known of these ids."""
        self._know(scratch, ids, moved_only=False)

    def _know(self, scratch: Scratch, ids: Iterable[Sequence[str]], *, moved_only: bool) -> None:
        scratch.learn(self.store.erasure)
        for some in ids:
            each = tuple(dict.fromkeys(some))
            hashes = hashes_of(pa.array(each, pa.string())).to_pylist()
            for rows in rows_with_ids(self._session, self._tables, self.store, each, hashes, moved_only=moved_only):
                scratch.take(rows, self.store)
        scratch.fill()

    def know_caller(self, scratch: Scratch, caller_numbers: Sequence[str]) -> None:
        """Fill a scratch store with all rows in which a caller's number is, however it is stored."""
        scratch.learn(self.store.erasure)
        scratch.take(rows_with_caller(self._session, self._tables, self.store, caller_numbers), self.store)
        scratch.fill()

    def erased_again(self) -> list[str]:
        """The numbers of erased callers that are in calls all the same, see `lookup.erased_again`."""
        return erased_again(self._session, self._tables, self.store)

    def forget(self, void: Sequence[Range]) -> None:
        """Know no more of some ranges of void numbers, once something is written."""
        self.store = replace(self.store, void=tuple(each for each in self.store.void if each not in void))

    def mend(self, scratch: Scratch, reading: Session) -> None:
        """Bring a write that was broken off to its end, with a scratch store and a session more.

        All that it has added is void from then on. Of calls that have several rows those are emptied that do not stand;
        a row that is the only one of an id needs nothing.
        """
        self._know(scratch, unfinished_ids(reading, self._tables, self.store), moved_only=True)
        self.put(scratch)

    def put(self, scratch: Scratch) -> None:
        """Write what has changed in a scratch store; all rows are with every shard when this returns.

        Broken off on the way it may be done again, and comes to the same.
        """
        changes = scratch.find_changes()
        if not changes and not self.store.is_open and scratch.store.erasure == self.store.erasure:
            return
        opened = self.store.opened(*next_number(self.store, self._turn), *scratch.span())
        write_store(self._session, self._tables, opened)
        for rows in scratch.places():
            self._insert(self._tables.places, rows)
        # In this order no call is missing wherever it is broken off: first each is where it goes to.
        for rows in itertools.chain(scratch.rows(opened.number), scratch.left(opened.number)):
            self._insert(self._tables.calls, rows)
        self.store = opened.closed(scratch.store.erasure)
        if scratch.any_left:
            self._sweep(scratch)
        write_store(self._session, self._tables, self.store)

    def remove(self) -> None:
        """Note that the calls are removed: nobody writes any more, or sees them."""
        number, _ = next_number(self.store, self._turn)
        self.store = self.store.emptied(number)
        write_store(self._session, self._tables, self.store)

    def _sweep(self, scratch: Scratch) -> None:
        """Let everybody see what is committed, and then empty the rows that calls have left.

        Not without the turn: if somebody else had one before all was committed, it never is, and calls stand there.
        """
        sweeping = self.store.sweeping()
        write_store(self._session, self._tables, sweeping)
        for rows in scratch.emptied(sweeping.number):
            self._insert(self._tables.calls, rows)
        self.store = sweeping.closed()

    def _insert(self, table: str, rows: dict[str, list[object]]) -> None:
        self._turn.check()
        count = len(next(iter(rows.values())))
        self._session.insert(table, {"business": [self.store.business] * count, **rows})
