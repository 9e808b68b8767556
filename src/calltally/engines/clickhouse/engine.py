"""The engine for a cluster: ClickHouse on one server or many, which keeps the calls of all businesses."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow as pa

from calltally.engines.base import Condition, Load, Outcome, Page, Plan, Rows, Snapshot, Stop, StoreFacts
from calltally.engines.clickhouse.connections import Servers, Session
from calltally.engines.clickhouse.copies import DIALECT, called, exported, facts, paged, seen
from calltally.engines.clickhouse.erasing import remove_bytes, remove_rows
from calltally.engines.clickhouse.load import ClickHouseLoad
from calltally.engines.clickhouse.lookup import rows_of
from calltally.engines.clickhouse.merge import Scratch
from calltally.engines.clickhouse.schema import Tables
from calltally.engines.clickhouse.stores import (
    Store,
    Turns,
    read_store,
    require_there,
    require_whole,
    write_store,
)
from calltally.engines.clickhouse.whole import ClickHouseTaking, begun, read_holdings, read_part, read_tallies
from calltally.engines.clickhouse.writing import Writing
from calltally.engines.duckdb.connecting import connected
from calltally.engines.duckdb.deliveries import apply_deliveries, delete_call
from calltally.engines.duckdb.erasing import erase_caller
from calltally.engines.duckdb.hashes import hashes_of
from calltally.engines.duckdb.running import Running
from calltally.engines.sql import Statement, compile_with_totals, narrowed, read_with_totals
from calltally.engines.whole import Holdings, Part, Taking, Tally
from calltally.errors import Unavailable
from calltally.localtime import Period

__all__ = ["ClickHouseEngine"]

STOPPED = "This was stopped before it was done"


class ClickHouseEngine:
    """See `calltally.engines.base.Engine`. What comes in is merged in memory, or spilled to the folder `spill`."""

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
    ) -> None:
        self._servers = servers
        self._tables = tables
        self._staging = staging
        self._root = connected((staging, spill), spill, memory, most_spill, threads)
        self._turns = Turns()
        self._running = Running()

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        with self._asking(stop) as session:
            store = self._store(session, plan.calls)
            while True:
                answer = self._answered(session, store, plan)
                # A write widens the span before it begins. If it did so meanwhile, the statement may have met a call
                # outside the span that it was spelled for.
                before, store = store, self._store(session, plan.calls)
                if (store.first, store.last) == (before.first, before.last):
                    return answer

    def page(self, page: Page, stop: Stop) -> pa.RecordBatch:
        with self._asking(stop) as session:
            return paged(session, self._tables, self._store(session, page.calls), page)

    @contextmanager
    def load(self, calls: str) -> Iterator[Load]:
        with self._servers.session() as session:
            store = self._store(session, calls)
            require_there(store)
        with _translated(), Scratch(self._root) as scratch:
            scratch.learn(store.erasure)
            load = ClickHouseLoad(self._root, scratch, self._staging, partial(self._writing, calls))
            with self._running.during(load.stop), closing(load):
                yield load

    def apply(self, calls: str, deliveries: pa.RecordBatch) -> Sequence[Outcome]:
        with self._writing(calls) as writing, Scratch(self._root) as scratch:
            writing.know(scratch, [deliveries["id"].to_pylist()])
            outcomes = apply_deliveries(scratch.cursor, scratch.store, deliveries)
            writing.put(scratch)
            return outcomes

    def call(self, calls: str, call_id: str) -> pa.RecordBatch | None:
        with self._asking(Stop()) as session:
            return called(session, self._tables, self._store(session, calls), call_id)

    def delete(self, calls: str, call_id: str) -> bool:
        with self._writing(calls) as writing, Scratch(self._root) as scratch:
            writing.know(scratch, [[call_id]])
            deleted = delete_call(scratch.cursor, scratch.store, call_id)
            writing.put(scratch)
            return deleted

    def erase(self, calls: str, caller_number: str) -> int:
        with self._writing(calls) as writing, Scratch(self._root) as scratch:
            writing.know_caller(scratch, caller_number)
            erased = erase_caller(scratch.cursor, scratch.store, caller_number)
            writing.put(scratch)
        remove_bytes(self._servers, self._tables, calls, caller_number)
        return erased

    def version(self, calls: str) -> str:
        with self._asking(Stop()) as session:
            return self._store(session, calls).version

    def known_version(self, calls: str) -> str | None:  # noqa: ARG002
        return None  # others may write, so the cluster has to be asked

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
            store = self._store(session, calls)
            yield exported(session, self._tables, store, conditions, periods, stop=stop)

    @contextmanager
    def snapshot(self, calls: str) -> Iterator[Snapshot | None]:
        path = self._staging / f"{uuid4()}.duckdb"
        try:
            with self._asking(Stop()) as session:
                store = self._store(session, calls)
                require_there(store)
                if not store.number:
                    yield None
                    return
                with _translated(), Scratch(self._root, path) as scratch:
                    scratch.learn(store.erasure)
                    for rows in rows_of(session, self._tables, store):
                        scratch.take(rows)
                    scratch.fill()
                    found = scratch.facts()
            yield Snapshot(path, found)
        finally:
            path.unlink(missing_ok=True)
            path.with_name(path.name + ".wal").unlink(missing_ok=True)

    def check(self, calls: str) -> StoreFacts:
        with self._asking(Stop()) as session:
            return facts(session, self._tables, self._store(session, calls))

    def remove(self, calls: str) -> None:
        with self._turns.of(calls):
            with self._servers.session() as session:
                store = read_store(session, self._tables, calls)
                if not store.number:
                    write_store(session, self._tables, replace(store.closed(), removed=True))
                    return
                write_store(session, self._tables, replace(store.closed(), removed=True))
            remove_rows(self._servers, self._tables, calls)

    def settle(self, calls: str) -> None:
        with self._turns.of(calls), self._asking(Stop()) as session:
            store = self._store(session, calls)
            if store.is_open:
                write_store(session, self._tables, store.closed())

    def holdings(self, calls: str) -> Holdings:
        with self._asking(Stop()) as session:
            return read_holdings(session, self._tables, read_store(session, self._tables, calls))

    @contextmanager
    def whole_part(self, calls: str, part: Part) -> Iterator[Iterator[pa.RecordBatch]]:
        with self._asking(Stop()) as session:
            yield read_part(session, self._tables, self._store(session, calls), part)

    @contextmanager
    def taking(self, calls: str, token: str | None) -> Iterator[Taking]:
        with self._turns.of(calls), self._asking(Stop()) as session, self._root.cursor() as cursor:
            store = begun(session, self._servers, self._tables, calls, token)
            resumed = token == str(store.number)
            hashes = partial(hashes_of, cursor)
            yield ClickHouseTaking(session, self._servers, self._tables, store, hashes, resumed=resumed)

    def tallies(self, calls: str) -> tuple[Tally, ...]:
        with self._asking(Stop()) as session:
            return read_tallies(session, self._tables, self._store(session, calls))

    def ready(self) -> None:
        with self._asking(Stop()) as session:
            session.rows(Statement(f"SELECT count() FROM {self._tables.stores} WHERE business = ''"))

    def close(self) -> None:
        self._running.stop()
        self._servers.close()
        self._root.close()

    def _answered(self, session: Session, store: Store, plan: Plan) -> Rows:
        first, last = store.span(plan.periods)
        # Only those changes of local time that the calls can meet: fewer cases for each call.
        spelled = replace(
            plan, local_time=plan.local_time.between(first, last), conditions=narrowed(plan.conditions, first, last)
        )
        statement = compile_with_totals(spelled, f"{self._tables.calls} FINAL", DIALECT, *seen(store))
        return read_with_totals(plan, session.rows(statement))

    def _store(self, session: Session, calls: str) -> Store:
        """What is known of the calls, which are all there."""
        store = read_store(session, self._tables, calls)
        require_whole(store)
        return store

    @contextmanager
    def _asking(self, stop: Stop) -> Iterator[Session]:
        """A session whose work ends when that is asked, or when the engine is closed."""
        try:
            with (
                self._servers.session() as session,
                self._running.during(session.interrupt),
                stop.during(session.interrupt),
            ):
                yield session
        except Unavailable as error:
            if stop.asked:
                raise Unavailable(STOPPED) from error
            raise

    @contextmanager
    def _writing(self, calls: str) -> Iterator[Writing]:
        """The right to change the calls of a business, which are there."""
        with _translated(), self._turns.of(calls), self._servers.session() as session:
            store = self._store(session, calls)
            require_there(store)
            yield Writing(session, self._tables, store)


@contextmanager
def _translated() -> Iterator[None]:
    """The errors of merging as ours."""
    try:
        yield
    except duckdb.InterruptException as error:
        raise Unavailable(STOPPED) from error
    except duckdb.OutOfMemoryException as error:
        raise Unavailable("There is not enough memory or spill space for this now", retry_after=5) from error
