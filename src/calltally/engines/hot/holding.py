"""Which businesses' columns are held: built when first asked about, kept up, let go of when others need the room.

All of them together take at most a budget. A business that does not fit stays with the database, as do reports for
which its columns are not there yet or not up to date. Whatever takes more than a moment is done by one thread in the
background.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from calltally.engines.base import Plan, Rows, Stop
from calltally.engines.duckdb import Change, DuckDBEngine, Journal
from calltally.engines.hot.answering import answered, is_quick
from calltally.engines.hot.building import built, in_order, patched
from calltally.engines.hot.columns import MOST_BYTES_A_CALL, SMALL, Columns
from calltally.engines.hot.compiling import compiled
from calltally.engines.hot.preparing import Preparing
from calltally.engines.hot.sweeping import Team
from calltally.errors import NotFound, Unavailable

__all__ = ["Holding", "open_holding"]

logger = logging.getLogger(__name__)

FOLLOWED = 200  # changed calls that are taken in as soon as they are committed, in a millisecond or so
ASKED_LATELY = 1.0  # seconds since a report, in which the next one is likely
GATHERED = 500  # calls that otherwise come together before they are taken in: at once, that takes a tenth of the time
FEW_CHANGES = 2000  # calls that are taken in while a report waits, some ten milliseconds
MOST_CHANGES, SHARE_OF_CHANGES = 20_000, 50  # or a share of all calls: beyond that all are read anew
PATIENCE = 0.05  # seconds that a report waits for changes being taken in
STAYS = 60.0  # seconds that columns stay after they were asked about, whoever needs the room


@dataclass(frozen=True)
class _News:
    """A change, and the calls to look at anew."""

    change: Change
    rows: list[pa.RecordBatch]

    def taken_in(self, columns: Columns) -> Columns | None:
        """See `patched`."""
        return patched(columns, self.change, self.rows)


@dataclass(eq=False)
class _Held:
    """What is held of a store."""

    calls: str
    preparing: Preparing
    columns: Columns | None = None
    journal: Journal = field(default_factory=Journal)
    asked_at: float = 0.0
    refused_at: float = 0.0  # when there was no room for it
    is_queued: bool = False
    late: list[_News] | None = None  # what was taken in since it is being put in order; None: it is not
    changing: threading.Lock = field(default_factory=threading.Lock)  # whoever changes `columns` has it

    @property
    def nbytes(self) -> int:
        """The memory of the columns, and of what is kept of the questions about them."""
        return (self.columns.nbytes if self.columns else 0) + self.preparing.nbytes


class Holding:
    """Columns of stores, and reports from them. Safe for threads."""

    def __init__(self, file: DuckDBEngine, team: Team, budget: int, *, settles: bool) -> None:
        self._file = file
        self._team = team
        self._budget = budget
        self._settles = settles
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._background = ThreadPoolExecutor(1, "columns")
        self._build = Stop()  # of the build that is under way, or the last one
        self._closed = False

    def answer(self, plan: Plan, stop: Stop) -> Rows | None:
        """The rows of a plan; None: the database is to answer it.

        Raises:
            Unavailable: `stop` was asked.
        """
        columns = self._current(plan.calls)
        return None if columns is None else self._answered(plan, columns, self._of(plan.calls).preparing, stop)

    def answer_at_once(self, plan: Plan) -> Rows | None:
        """The same if it takes a millisecond or two and waits for nothing; None: it does not, or not surely."""
        held = self._held.get(plan.calls)
        columns = self._up_to_date(held) if held else None
        if held is None or columns is None or not is_quick(plan, columns, held.preparing):
            return None
        return self._answered(plan, columns, held.preparing, Stop())

    def want(self, calls: str) -> None:
        """Build the columns of a store in the background, or bring them up to date."""
        held = self._of(calls)
        with self._lock:
            refused = held.refused_at and time.monotonic() < held.refused_at + STAYS
            if held.is_queued or refused or self._closed:
                return
            held.is_queued = True
            self._background.submit(self._refresh, held).add_done_callback(_tell)

    def prepare(self, calls: str) -> bool:
        """Do at once what `want` does; whether the columns are held now."""
        held = self._of(calls)
        self._refresh(held)
        return held.columns is not None

    def follow(self, calls: str) -> None:
        """Take in what was just committed, if it is little and there are reports: none has to wait for it then."""
        held = self._held.get(calls)
        most = _followed(held) if held else 0
        if held is None or not most or not held.changing.acquire(blocking=False):
            return
        try:
            if held.columns and held.journal.is_little(most) and (news := self._rows_kept(held)):
                _taken_in(held, news)
        except MemoryError:
            logger.warning("there is not enough memory to keep the columns of %s up to date", calls)
            held.columns = None
        finally:
            held.changing.release()

    def forget(self, calls: str) -> None:
        """Let go of the columns of a store."""
        with self._lock:
            self._held.pop(calls, None)
        self._file.unwatched(calls)

    def close(self) -> None:
        """End what is done in the background."""
        with self._lock:
            self._closed = True
            self._build.ask()
        self._background.shutdown(cancel_futures=True)
        self._team.threads.shutdown()

    def _of(self, calls: str) -> _Held:
        with self._lock:
            held = self._held.get(calls) or _Held(calls, Preparing(settles=self._settles))
            self._held[calls] = held
            held.asked_at = time.monotonic()
            return held

    def _answered(self, plan: Plan, columns: Columns, preparing: Preparing, stop: Stop) -> Rows | None:
        try:
            rows = answered(plan, columns, preparing, self._team, stop)
        except MemoryError:
            logger.warning("there was not enough memory to answer a report from columns; the database does it")
            return None
        if preparing.grown:
            preparing.grown = False
            self._keep_to_budget()
        return rows

    def _current(self, calls: str) -> Columns | None:
        """The columns of a store with every change that is committed; None: not now."""
        if not self._file.known_version(calls):
            return None
        held = self._of(calls)
        columns = self._up_to_date(held)
        if columns is None and held.columns is not None and (columns := self._caught_up_soon(held)) is not None:
            self._want_order(held, columns)
        if columns is None:
            self.want(calls)
        return columns

    def _up_to_date(self, held: _Held) -> Columns | None:
        """What is held, if it has every change that is committed."""
        columns = held.columns
        if columns is None or columns.version != self._file.known_version(held.calls):
            return None
        held.asked_at = time.monotonic()
        self._want_order(held, columns)
        return columns

    def _want_order(self, held: _Held, columns: Columns) -> None:
        """Have columns put in order soon, and their size looked at, once enough calls have changed."""
        if columns.loose > _most_changes(columns) // 2 and held.late is None:
            self.want(held.calls)

    def _caught_up_soon(self, held: _Held) -> Columns | None:
        if not held.changing.acquire(timeout=PATIENCE):
            return None
        try:
            return self._caught_up(held, FEW_CHANGES)
        except (NotFound, Unavailable):  # the database says it better
            return None
        finally:
            held.changing.release()

    def _caught_up(self, held: _Held, most: int) -> Columns | None:
        """The columns with all changes, if it is known which calls changed, and these are no more than so many."""
        there = held.columns  # another thread may let go of them meanwhile
        if there is None:
            return None
        news = self._rows_kept(held)
        if news and (columns := _taken_in(held, news)):
            return columns
        news = self._rows_read(held, there.version, most)
        return _taken_in(held, news) if news else None

    def _rows_kept(self, held: _Held) -> _News | None:
        """All changes, if their rows are all kept in the journal; None: there are others, or it is unclear."""
        change = held.journal.until(self._file.known_version(held.calls) or "")
        if change is None or change.rows is None:
            return None
        hashes = [each for table in change.rows for each in table["id_hash"].to_pylist()]
        if len(hashes) != len(set(hashes)) or not change.gone.isdisjoint(hashes):  # which came last is not kept
            return None
        return _News(change, [batch for table in change.rows for batch in table.combine_chunks().to_batches()])

    def _rows_read(self, held: _Held, version: str, most: int) -> _News | None:
        """All changes since the version, read from the file, if these are no more than so many."""
        with self._file.reading(held.calls, Stop(), most_wait=0) as reading:
            change = Change(version, version) if reading.version == version else held.journal.until(reading.version)
            rows = list(reading.changed(change.since, most + 1)) if change else []
        return _News(change, rows) if change and sum(map(len, rows)) <= most else None

    def _refresh(self, held: _Held) -> None:
        """Bring the columns of a store up to date, or build them, or let go of them."""
        with self._lock:
            held.is_queued = False
        try:
            with held.changing:
                columns = self._caught_up(held, _most_changes(held.columns) if held.columns else 0)
                if columns is None:
                    held.columns = None  # beforehand, so that there is room
                    self._build_anew(held)
                elif not self._room_for(held, columns):
                    held.columns, held.refused_at = None, time.monotonic()
                elif columns.loose > _most_changes(columns) // 2:
                    held.late = []
            if held.late is not None and columns is not None:
                self._put_in_order(held, columns)
        except (NotFound, Unavailable) as error:
            with held.changing:
                held.columns = None
            logger.info("the columns of %s are not held: %s", held.calls, error)
        except MemoryError:
            with held.changing:
                held.columns, held.refused_at = None, time.monotonic()
            logger.warning("there is not enough memory for the columns of %s", held.calls)

    def _put_in_order(self, held: _Held, columns: Columns) -> None:
        """Put the columns in order, while those that are not answer reports and take in what changes."""
        try:
            ordered: Columns | None = in_order(columns)
            with held.changing:
                for news in held.late or ():
                    ordered = news.taken_in(ordered) if ordered else None
                if ordered and held.columns:
                    held.columns = ordered
        finally:
            held.late = None

    def _build_anew(self, held: _Held) -> None:
        """Read all calls of a store, if there is room for them."""
        if not self._make_room(held, self._file.size(held.calls) * MOST_BYTES_A_CALL + SMALL):
            held.refused_at = time.monotonic()
            return
        with self._lock:
            if self._closed:
                return
            stop = self._build = Stop()  # asked too by whoever writes the file anew; it is built again afterwards
        held.journal = self._file.watched(held.calls)
        held.preparing.clear()
        with self._file.reading(held.calls, stop, most_wait=0) as reading:
            columns = built(reading.version, _until(stop, reading.all()), self._team.size)
        held.journal.forget(columns.version)
        with self._lock:
            if self._held.get(held.calls) is held:  # and was not removed meanwhile
                held.columns = columns
        logger.info("holding the columns of %s: %d calls, %d bytes", held.calls, columns.rows, columns.nbytes)

    def _room_for(self, held: _Held, columns: Columns) -> bool:
        """Make room for columns, and for what is kept of the questions about them, unless that is too much."""
        if self._make_room(held, columns.nbytes + held.preparing.nbytes):
            return True
        held.preparing.clear()
        return self._make_room(held, columns.nbytes)

    def _keep_to_budget(self) -> None:
        """Let go of what is kept of questions as long as that and all columns take too much."""
        with self._lock:
            held = [*self._held.values()]
            _freed(held, sum(each.nbytes for each in held) - self._budget)

    def _make_room(self, held: _Held, wanted: int) -> bool:
        """Let go of what was not asked about for the longest time until so many bytes are free; False: no use."""
        with self._lock:
            others = [each for each in self._held.values() if each is not held and each.columns]
            free = self._budget - sum(each.nbytes for each in others)
            idle = [each for each in others if each.asked_at < time.monotonic() - STAYS]
            leaving: list[_Held] = []
            for each in sorted(idle, key=lambda each: each.asked_at):
                if free >= wanted:
                    break
                free += each.nbytes
                leaving.append(each)
            if free < wanted:
                free += _freed([each for each in others if each not in leaving], wanted - free)
            if free < wanted:
                return False
            for each in leaving:
                del self._held[each.calls]
        for each in leaving:
            self._file.unwatched(each.calls)
        return True


def _freed(some: Iterable[_Held], wanted: int) -> int:
    """Let go of what is kept of questions, which is soon found again, of those first that were not asked for longest.

    Gives back how many bytes that are: as many as are wanted, if there are.
    """
    freed = 0
    for each in sorted(some, key=lambda each: each.asked_at):
        if freed >= wanted:
            break
        freed += each.preparing.nbytes
        each.preparing.clear()
    return freed


def _followed(held: _Held) -> int:
    """How many changed calls are to be taken in now, if there are no more."""
    idle = time.monotonic() - held.asked_at
    if idle < ASKED_LATELY:
        return FOLLOWED
    return 0 if idle > STAYS or held.journal.is_little(GATHERED) else GATHERED + FOLLOWED


def _taken_in(held: _Held, news: _News) -> Columns | None:
    """What is held with the news in it; None: as `patched` says, and nothing has changed."""
    there = held.columns
    columns = news.taken_in(there) if there else None
    if columns:
        held.columns = columns
        held.journal.forget(columns.version)
        if held.late is not None:
            held.late.append(news)
    return columns


def _most_changes(columns: Columns) -> int:
    """How many calls can change before it is better to read all of them anew."""
    return max(MOST_CHANGES, columns.rows // SHARE_OF_CHANGES)


def _until(stop: Stop, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches, as long as it is not stopped."""
    for batch in batches:
        stop.check()
        yield batch


def _tell(work: Future[None]) -> None:
    """Put into the log what nobody waits for."""
    if not work.cancelled() and (error := work.exception()):
        logger.error("columns cannot be held", exc_info=error)


def open_holding(file: DuckDBEngine, cache: Path, budget: int, threads: int, *, settles: bool) -> Holding:
    """Columns of the stores of a database, of which none is held yet; its kernels come from the folder.

    `settles`: whether what was counted of a question is kept for the next time that it is asked.
    """
    pool = ThreadPoolExecutor(max(1, threads - 1), "rows")
    return Holding(file, Team(compiled(cache), pool, threads), budget, settles=settles)
