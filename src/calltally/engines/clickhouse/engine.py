"""The engine for a cluster: ClickHouse on one server or many, which keeps the calls of all businesses."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from calltally.engines.base import Condition, Load, Outcome, Page, Plan, Rows, Snapshot, Stop, StoreFacts
from calltally.engines.clickhouse.compiling import compile_plan, read_rows
from calltally.engines.clickhouse.copies import DIALECT, copied, exported, found, read_facts, seen
from calltally.engines.clickhouse.erasing import any_void, remove_bytes, remove_rows, remove_void
from calltally.engines.clickhouse.load import ClickHouseLoad
from calltally.engines.clickhouse.lookup import rows_of
from calltally.engines.clickhouse.merge import Scratch, make_template
from calltally.engines.clickhouse.pages import paged
from calltally.engines.clickhouse.schema import Tables
from calltally.engines.clickhouse.servers import Servers
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.clickhouse.stores import Range, Store, read_store, require_there, require_whole
from calltally.engines.clickhouse.turns import ProcessTurns, Turns
from calltally.engines.clickhouse.whole import ClickHouseTaking, begun, read_holdings, read_part, read_tallies
from calltally.engines.clickhouse.writing import Writing
from calltally.engines.duckdb.connecting import connected
from calltally.engines.duckdb.deliveries import apply_deliveries, delete_call
from calltally.engines.duckdb.erasing import erase_caller
from calltally.engines.duckdb.failures import translated
from calltally.engines.duckdb.running import Running
from calltally.engines.duckdb.writer import Writer
from calltally.engines.erasure import Erasure
from calltally.engines.sql import Statement, narrowed_plan
from calltally.engines.whole import Holdings, Part, Taking, Tally
from calltally.errors import Unavailable
from calltally.localtime import DAY, Period, microseconds

__all__ = ["ClickHouseEngine"]


Found = TypeVar("Found")

LATEST = DAY  # more than what comes late takes to come

log = logging.getLogger(__name__)


class ClickHouseEngine:
    """See `calltally.engines.base.Engine`. What comes in is merged in memory, or spilled to the folder `spill`.

    `turns` are those of all who write, of this process alone unless told.
    """

    def __init__(
        self,
        servers: Servers,
        tables: Tables,
        staging: Path,
        spill: Path,
        *,
        memory: str,
        most_spill: str,
        threads: int,
        turns: Turns | None = None,
    ) -> None:
        self._servers = servers
        self._tables = tables
        self._staging = staging
        self._root = connected((staging, spill), spill, memory, most_spill, threads)
        make_template(self._root)
        self._turns = turns or ProcessTurns()
        self._running = Running()

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        return self._found(plan.calls, stop, partial(self._answered, plan))

    def page(self, page: Page, stop: Stop) -> pa.RecordBatch:
        return self._found(page.calls, stop, lambda session, store: paged(session, self._tables, store, page))

    @contextmanager
    def load(self, calls: str) -> Iterator[Load]:
        with self._servers.session() as session:
            store = self._store(calls, session)
            require_there(store)
        with translated(), Scratch(self._root) as scratch:
            scratch.learn(store.erasure)
            load = ClickHouseLoad(self._root, scratch, self._staging, partial(self._writing_much, calls))
            with self._running.during(load.stop), closing(load):
                yield load

    def apply(self, calls: str, deliveries: pa.RecordBatch) -> Sequence[Outcome]:
        with self._writing(calls) as writing, Scratch(self._root) as scratch:
            writing.know(scratch, [deliveries["id"].to_pylist()])
            outcomes = apply_deliveries(Writer(scratch.cursor), scratch.store, deliveries)
            writing.put(scratch)
            return outcomes

    def call(self, calls: str, call_id: str) -> pa.RecordBatch | None:
        return self._found(calls, Stop(), lambda session, store: found(session, self._tables, store, call_id))

    def delete(self, calls: str, call_id: str) -> bool:
        with self._writing(calls) as writing, Scratch(self._root) as scratch:
            writing.know(scratch, [[call_id]])
            deleted = delete_call(scratch.cursor, scratch.store, call_id)
            writing.put(scratch)
            return deleted

    def erase(self, calls: str, *caller_numbers: str) -> int:
        with self._writing_much(calls) as writing:
            erased = self._erase(writing, caller_numbers)
            again = self._erase_again(writing)
        remove_bytes(self._servers, self._tables, calls, (*caller_numbers, *again))
        self._remove_void(writing.store)
        return erased

    def erasure(self, calls: str) -> Erasure:
        return self._asked(Stop(), partial(self._store, calls)).erasure

    def version(self, calls: str) -> str:
        return self._asked(Stop(), partial(self._store, calls)).version

    def known_version(self, calls: str) -> str | None:  # noqa: ARG002
        return None  # others may write, so the cluster has to be asked

    def answer_at_once(self, plan: Plan) -> Rows | None:  # noqa: ARG002
        return None  # it is across a wire

    @contextmanager
    def export(
        self,
        calls: str,
        conditions: tuple[Condition, ...],
        periods: tuple[Period, ...] | None,
        stop: Stop | None = None,
    ) -> Iterator[Iterator[pa.RecordBatch]]:
        stop = stop or Stop()
        with self._asking(stop) as session:

            def read(store: Store) -> Generator[pa.RecordBatch]:
                return exported(session, self._tables, store, conditions, periods, stop=stop)

            _, batches = self._at_one_moment(calls, read)
            yield batches

    @contextmanager
    def snapshot(self, calls: str) -> Iterator[Snapshot | None]:
        with translated(), self._asking(Stop()) as session:
            store, rows = self._at_one_moment(calls, partial(rows_of, session, self._tables))
            require_there(store)
            with copied(store, rows, self._root, self._staging) as copy:
                yield copy

    def check(self, calls: str) -> StoreFacts:
        return self._found(calls, Stop(), partial(read_facts, self._tables))

    def remove(self, calls: str) -> None:
        with self._turns.of(calls) as turn:
            with self._servers.session() as session:
                store = read_store(session, self._tables, calls)
                Writing(session, self._tables, store, turn).remove()
            if store.number:
                remove_rows(self._servers, self._tables, calls)

    def settle(self, calls: str) -> None:
        with self._turns.of(calls) as turn, self._asking(Stop()) as session:
            store = self._store(calls, session)
            if store.is_open:
                self._mend(Writing(session, self._tables, store, turn))
            else:
                self._remove_void(store)

    def holdings(self, calls: str) -> Holdings:
        with self._asking(Stop()) as session:
            return read_holdings(session, self._tables, read_store(session, self._tables, calls))

    @contextmanager
    def whole_part(self, calls: str, part: Part) -> Iterator[Iterator[pa.RecordBatch]]:
        with self._asking(Stop()) as session:
            yield read_part(session, self._tables, self._store(calls, session), part)

    @contextmanager
    def taking(self, calls: str, token: str | None) -> Iterator[Taking]:
        with self._turns.of(calls) as turn, self._asking(Stop()) as session:
            store = begun(session, self._servers, self._tables, calls, turn, token=token)
            resumed = token == str(store.number)
            yield ClickHouseTaking(session, self._servers, self._tables, store, resumed=resumed)

    def tallies(self, calls: str) -> tuple[Tally, ...]:
        with self._asking(Stop()) as session:
            return read_tallies(session, self._tables, self._store(calls, session))

    def ready(self) -> None:
        anything = Statement(f"SELECT count() FROM {self._tables.stores} WHERE business = ''")
        self._asked(Stop(), lambda session: session.rows(anything))

    def close(self) -> None:
        self._running.stop()
        self._servers.close()
        self._turns.close()
        self._root.close()

    def _answered(self, plan: Plan, session: Session, store: Store) -> Rows:
        spelled = narrowed_plan(plan, *store.extent.span(plan.periods))
        statement = compile_plan(spelled, f"{self._tables.calls} FINAL", DIALECT, *seen(store))
        return read_rows(plan, session.rows(statement))

    def _store(self, calls: str, session: Session) -> Store:
        """What is known of the calls, which are all there."""
        store = read_store(session, self._tables, calls)
        require_whole(store)
        return store

    def _found(self, calls: str, stop: Stop, find: Callable[[Session, Store], Found]) -> Found:
        """What is found of a business's calls, spelled for those that there are."""

        def work(session: Session) -> Found:
            store = self._store(calls, session)
            while True:
                answer = find(session, store)
                # A write widens the span before it begins, and says so before it empties rows. If one did so meanwhile,
                # the statement may have met a call outside the span that it was spelled for, or missed one that has
                # left its row.
                before, store = store, self._store(calls, session)
                if (store.extent, store.swept) == (before.extent, before.swept):
                    return answer

        return self._asked(stop, work)

    def _at_one_moment(self, calls: str, read: Callable[[Store], Generator[Found]]) -> tuple[Store, Iterator[Found]]:
        """What is known of a business's calls, and what is read of them piece by piece, all as it was at one moment.

        A server reads what there is when it begins. If a write has emptied rows between that and the look at the store,
        calls that have left these would be missed: they are not to be seen yet where they stand now.
        """
        store = self._asked(Stop(), partial(self._store, calls))
        while True:
            pieces = read(store)
            first = list(islice(pieces, 1))
            before, store = store, self._asked(Stop(), partial(self._store, calls))
            if store.swept == before.swept:
                return before, chain(first, pieces)
            pieces.close()

    def _asked(self, stop: Stop, work: Callable[[Session], Found]) -> Found:
        """What work finds that ends when that is asked, or when the engine is closed."""

        def heeding(session: Session) -> Found:
            with self._running.during(session.interrupt), stop.during(session.interrupt):
                return work(session)

        return self._servers.asked(heeding)

    @contextmanager
    def _asking(self, stop: Stop) -> Iterator[Session]:
        """A session for what comes piece by piece, and ends when that is asked, or when the engine is closed."""
        with (
            self._servers.session() as session,
            self._running.during(session.interrupt),
            stop.during(session.interrupt),
        ):
            yield session

    @contextmanager
    def _writing(self, calls: str) -> Iterator[Writing]:
        """The right to change the calls of a business, which are there."""
        with translated(), self._turns.of(calls) as turn, self._servers.session() as session:
            store = self._store(calls, session)
            require_there(store)
            writing = Writing(session, self._tables, store, turn)
            if store.is_open:
                self._mend(writing)
            yield writing

    @contextmanager
    def _writing_much(self, calls: str) -> Iterator[Writing]:
        """The same for what takes long anyway, so that it may look whether there still are rows of void numbers."""
        with self._writing(calls) as writing:
            writing.forget(self._without_rows(writing.store))
            yield writing

    def _mend(self, writing: Writing) -> None:
        writing.forget(self._without_rows(writing.store))
        with self._servers.session() as reading, Scratch(self._root) as scratch:
            writing.mend(scratch, reading)
        again = self._erase_again(writing)
        self._remove_void(writing.store, again)

    def _erase_again(self, writing: Writing) -> Sequence[str]:
        """The numbers of erased callers that had come back, which are now out of all calls."""
        numbers = writing.erased_again()
        if numbers:
            self._erase(writing, numbers)
        return numbers

    def _erase(self, writing: Writing, caller_numbers: Sequence[str]) -> int:
        with Scratch(self._root) as scratch:
            writing.know_caller(scratch, caller_numbers)
            erased = erase_caller(scratch.cursor, scratch.store, caller_numbers)
            writing.put(scratch)
            return erased

    def _remove_void(self, store: Store, caller_numbers: Sequence[str] = ()) -> None:
        """Remove what nobody sees, some callers' numbers among it; where that fails, it may be done another time."""
        try:
            remove_void(self._servers, self._tables, store)
            if caller_numbers:
                remove_bytes(self._servers, self._tables, store.business, caller_numbers)
        except Unavailable as error:
            log.warning("what writes have left that were broken off is not removed yet: %s", error.message)

    def _without_rows(self, store: Store) -> Sequence[Range]:
        """Ranges of void numbers of which there are no rows, and none will come any more."""
        old = store.void_before(microseconds(datetime.now(UTC)) - LATEST)
        try:
            return () if any_void(self._servers, self._tables, store.business, old) else old
        except Unavailable:  # from one of several replicas
            return ()
