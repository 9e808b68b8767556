"""The embedded engine: DuckDB, one file a business, locked down to its own folder."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from calltally.engines.base import Condition, Load, Outcome, Page, Plan, Rows, Snapshot, Stop, StoreFacts
from calltally.engines.duckdb.changing import write_log
from calltally.engines.duckdb.compiling import compile_plan, read_rows
from calltally.engines.duckdb.connecting import connected
from calltally.engines.duckdb.copies import copied, exported, found, read_facts
from calltally.engines.duckdb.deliveries import apply_deliveries, delete_call
from calltally.engines.duckdb.dialect import DuckDBDialect
from calltally.engines.duckdb.erasing import erase_caller
from calltally.engines.duckdb.failures import STOPPED, full_disk_said, translated, unreadable
from calltally.engines.duckdb.files import remove_file, store_path
from calltally.engines.duckdb.journal import Journal
from calltally.engines.duckdb.load import DuckDBLoad
from calltally.engines.duckdb.pages import paged
from calltally.engines.duckdb.reading import Reading
from calltally.engines.duckdb.running import Running
from calltally.engines.duckdb.store import REMOVED, KnownExtent, Store
from calltally.engines.duckdb.stores import INVALIDATED, Stores
from calltally.engines.duckdb.whole import begun, read_holdings, read_part, read_tallies
from calltally.engines.erasure import Erasure
from calltally.engines.sql import narrowed_plan
from calltally.engines.whole import Holdings, Part, Taking, Tally
from calltally.errors import CallsUnreadable, NotFound, Unavailable
from calltally.localtime import DAY, Period

__all__ = ["DuckDBEngine"]

NOT_WRITTEN_ANEW = (
    "The number was taken out of {:,} calls, but there is no room left on the disk to write their file anew, which has "
    "it still; free some, and erase it again"
)


class DuckDBEngine:
    """See `calltally.engines.base.Engine`. `folders` holds calls, staging and spill; only they can be reached."""

    def __init__(
        self, calls: Path, staging: Path, spill: Path, *, memory: str, most_spill: str, threads: int, keep_open: int
    ) -> None:
        self._calls = calls
        self._staging = staging
        self._root = connected((calls, staging, spill), spill, memory, most_spill, threads)
        self._stores = Stores(self._root, calls, keep_open)
        self._running = Running()

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        with translated():
            try:
                return self._answered(plan, stop)
            except duckdb.Error as error:
                if INVALIDATED not in str(error):
                    raise
            return self._answered(plan, stop)  # now that the file is attached again

    def page(self, page: Page, stop: Stop) -> pa.RecordBatch:
        with (
            translated(),
            self._stores.reading(page.calls) as store,
            self._root.cursor() as cursor,
            stop.during(cursor.interrupt),
        ):
            return paged(cursor, store, page)

    @contextmanager
    def load(self, calls: str) -> Iterator[Load]:
        with translated(), full_disk_said(), self._stores.using(calls) as store:
            load = DuckDBLoad(self._root, store, self._staging, partial(self._stores.writing, calls, store))
            with self._running.during(load.stop), closing(load):
                yield load

    def apply(self, calls: str, deliveries: pa.RecordBatch) -> Sequence[Outcome]:
        with (
            translated(),
            full_disk_said(),
            self._stores.using(calls) as store,
            self._stores.writing(calls, store),
            self._stores.writer(store) as writer,
            self._running.during(writer.cursor.interrupt),
        ):
            outcomes = apply_deliveries(writer, store, deliveries)
            write_log(writer.cursor, store)
            return outcomes

    def call(self, calls: str, call_id: str) -> pa.RecordBatch | None:
        with translated(), self._stores.reading(calls) as store, self._cursor() as cursor:
            return found(cursor, store.calls, call_id)

    def delete(self, calls: str, call_id: str) -> bool:
        with self._changing(calls) as (store, cursor):
            found = delete_call(cursor, store, call_id)
            write_log(cursor, store)
            return found

    def erase(self, calls: str, *caller_numbers: str) -> int:
        with self._changing(calls) as (store, cursor):
            erased = erase_caller(cursor, store, caller_numbers)
            with full_disk_said(NOT_WRITTEN_ANEW.format(erased)):
                self._stores.rewrite(calls, store)
            return erased

    def erasure(self, calls: str) -> Erasure:
        with translated(), self._stores.reading(calls) as store:
            return store.erasure

    def version(self, calls: str) -> str:
        with translated(), self._stores.reading(calls) as store:
            return store.version

    def known_version(self, calls: str) -> str | None:
        return self._stores.known_version(calls)

    def answer_at_once(self, plan: Plan) -> Rows | None:  # noqa: ARG002
        return None  # it may have to read the file

    @contextmanager
    def export(
        self,
        calls: str,
        conditions: tuple[Condition, ...],
        periods: tuple[Period, ...] | None,
        stop: Stop | None = None,
    ) -> Iterator[Iterator[pa.RecordBatch]]:
        stop = stop or Stop()
        with (
            translated(),
            self._stores.reading(calls, stop) as store,
            self._cursor() as cursor,
            stop.during(cursor.interrupt),
            closing(exported(cursor, store, conditions, periods, stop)) as batches,
        ):
            yield batches

    @contextmanager
    def snapshot(self, calls: str) -> Iterator[Snapshot | None]:
        with (
            translated(),
            full_disk_said(),
            self._cursor() as cursor,
            copied(cursor, self._stores, calls, self._staging) as found,
        ):
            yield found

    def check(self, calls: str) -> StoreFacts:
        if not self._stores.exists(calls):
            return StoreFacts(0, 0, None, None)
        try:
            with self._stores.reading(calls, Stop()), self._cursor() as cursor:
                return read_facts(cursor, calls)
        except duckdb.InterruptException as error:
            raise Unavailable(STOPPED) from error
        except duckdb.Error as error:
            raise unreadable(store_path(self._calls, calls), error) from error
        except CallsUnreadable as error:
            why = error.__cause__ or error
            raise type(error)(f"{store_path(self._calls, calls)} cannot be opened: {why}", 60) from error

    def remove(self, calls: str) -> None:
        with self._stores.removing(calls):
            remove_file(store_path(self._calls, calls))

    def settle(self, calls: str) -> None:
        pass  # whoever opens a file finds in it what was committed, and nothing else

    def holdings(self, calls: str) -> Holdings:
        with translated(), self._stores.reading(calls) as store, self._cursor() as cursor:
            return read_holdings(cursor, store)

    @contextmanager
    def whole_part(self, calls: str, part: Part) -> Iterator[Iterator[pa.RecordBatch]]:
        with (
            translated(),
            self._stores.reading(calls, Stop()) as store,
            self._cursor() as cursor,
            closing(read_part(cursor, store, part)) as batches,
        ):
            yield batches

    @contextmanager
    def taking(self, calls: str, token: str | None) -> Iterator[Taking]:
        place = partial(self._replace, calls)
        with translated(), full_disk_said(), begun(self._root, self._calls, calls, token, place) as taking:
            yield taking

    def tallies(self, calls: str) -> tuple[Tally, ...]:
        with translated(), self._stores.reading(calls, Stop()) as store, self._cursor() as cursor:
            return read_tallies(cursor, store)

    def size(self, calls: str) -> int:
        """About how many calls a store has."""
        with translated(), self._stores.reading(calls) as store:
            return store.size

    def watched(self, calls: str) -> Journal:
        """A journal of what changes in a store from now on; it takes the place of one before."""
        return self._stores.watched(calls)

    def unwatched(self, calls: str) -> None:
        """Keep no journal of a store any more."""
        self._stores.unwatched(calls)

    @contextmanager
    def reading(self, calls: str, stop: Stop, most_wait: float | None = None) -> Iterator[Reading]:
        """The calls of a store as they are at one moment; seconds are waited at most for whoever has to be alone.

        Raises:
            NotFound: it was removed, or never written to.
            Unavailable: that takes longer.
        """
        with (
            translated(),
            self._stores.reading(calls, stop, most_wait) as store,
            self._cursor() as cursor,
            stop.during(cursor.interrupt),
        ):
            if not store.meta:
                raise NotFound(REMOVED)
            with closing(Reading(cursor, store)) as reading:
                yield reading

    def ready(self) -> None:
        with self._root.cursor() as cursor, translated():
            cursor.execute("SELECT 1").fetchall()

    def close(self) -> None:
        self._running.stop()
        self._stores.close()
        self._root.close()

    def _answered(self, plan: Plan, stop: Stop) -> Rows:
        with self._stores.reading(plan.calls) as store, self._root.cursor() as cursor:
            while True:
                extent = store.extent
                with stop.during(cursor.interrupt):
                    answer = _answer(cursor, plan, store, extent)
                # A load widens the extent before it commits. If it did so meanwhile, the statement may have met a
                # call outside the extent that it was spelled for.
                if answer is not None and store.extent == extent:
                    return answer

    def _replace(self, calls: str, new: Path) -> None:
        """Let a file take the place of a store's."""
        with self._stores.using(calls) as store, self._stores.writing(calls, store):
            self._stores.replace(calls, store, new)

    @contextmanager
    def _changing(self, calls: str) -> Iterator[tuple[Store, duckdb.DuckDBPyConnection]]:
        """A store that nobody else changes, and a cursor on it."""
        with (
            translated(),
            full_disk_said(),
            self._stores.using(calls) as store,
            self._stores.writing(calls, store),
            self._cursor() as cursor,
        ):
            yield store, cursor

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor whose work ends when the engine is closed."""
        with self._root.cursor() as cursor, self._running.during(cursor.interrupt):
            yield cursor


def _answer(cursor: duckdb.DuckDBPyConnection, plan: Plan, store: Store, extent: KnownExtent) -> Rows | None:
    """What DuckDB finds; None where it met a code outside the extent."""
    first, last = extent.span(plan.periods)
    variety = _variety(cursor, plan, store)
    dialect = DuckDBDialect(extent.codes, variety, (last - first) // DAY, store.size / (extent.days + 1))
    statement = compile_plan(narrowed_plan(plan, first, last), store.calls, dialect)
    try:
        return read_rows(plan, cursor.execute(statement.sql, list(statement.params)).fetchall(), dialect)
    except duckdb.OutOfRangeException:
        if store.extent == extent:
            raise
        return None


def _variety(cursor: duckdb.DuckDBPyConnection, plan: Plan, store: Store) -> dict[str, int]:
    """About how many values the plan's dimensions have; kept with the store until much has changed.

    A statement is spelled and its rows are read by the same numbers, whatever is found out or forgotten meanwhile.
    """
    variety: dict[str, int] = {}
    for field in (dimension.field for dimension in plan.dimensions if dimension.grain is None):
        known = store.variety.get(field)
        if known is None:
            known = cursor.execute(f"SELECT approx_count_distinct({field}) FROM {store.calls}").fetchall()[0][0]
            store.variety[field] = known
        variety[field] = known
    return variety
