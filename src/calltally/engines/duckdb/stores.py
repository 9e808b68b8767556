"""The files of the embedded engine: one a business, attached while it is used and let go of when idle."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from calltally.engines.base import Stop
from calltally.engines.duckdb.connecting import attach
from calltally.engines.duckdb.hashes import Hashes
from calltally.engines.duckdb.journal import Journal
from calltally.engines.duckdb.rewriting import (
    LEFTOVERS,
    NO_SPACE,
    detach,
    log_path,
    put_in_place,
    write_anew,
)
from calltally.engines.duckdb.schema import CALLS_COLUMNS, create_or_migrate
from calltally.engines.duckdb.spelling import quoted
from calltally.engines.duckdb.writer import Writer
from calltally.errors import NotFound, Unavailable
from calltally.folder import sync_folder
from calltally.localtime import DAY, FIRST_INSTANT, Period

__all__ = ["INVALIDATED", "REMOVED", "Erasure", "Extent", "Store", "Stores", "read_span", "read_store", "store_path"]

logger = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 0.05
IDLE_SECONDS = 300.0
MANY_ROWS = 10_000
MUCH_WRITTEN = 100_000  # rows
MOST_RECENT = 10_000  # codes that are kept in memory, and as many of before; some 150 bytes each
UNMADE = (0, 4096, 8192)  # bytes of a file on which not all three headers were written
INVALIDATED = "has been invalidated"  # what DuckDB says of a file that it could not write its log into
CANNOT_OPEN = "The calls of this business cannot be opened; the server's log says why"
NO_CALLS = "no_calls"
REMOVED = "The calls of this business were cleared or deleted meanwhile"


def store_path(folder: Path, calls: str) -> Path:
    """The file of a store of calls."""
    return folder / f"{calls}.duckdb"


@dataclass(frozen=True)
class Extent:
    """What holds of every call of a store, so that reports can be spelled shorter.

    It is widened before a commit: a report that finds it the same before and after has met no call outside it.
    """

    first: int | None = None  # start of the first and the last call, microseconds UTC; None: no calls
    last: int | None = None
    codes: int = 0  # all codes are below this

    @property
    def days(self) -> int:
        """How many days there are between the first and the last call."""
        return 0 if self.first is None or self.last is None else (self.last - self.first) // DAY

    def span(self, periods: Sequence[Period] | None) -> tuple[int, int]:
        """The first and the last instant at which a call of these periods can start."""
        first, last = self.first or FIRST_INSTANT, self.last or FIRST_INSTANT
        if periods:
            first, last = max(first, periods[0].start), min(last, periods[-1].end - 1)
        return first, max(first, last)

    def widened(self, first: int | None, last: int | None, codes: int) -> "Extent":
        """The extent that has room also for calls between these starts, and for so many codes."""
        firsts = [start for start in (self.first, first) if start is not None]
        lasts = [start for start in (self.last, last) if start is not None]
        return Extent(min(firsts, default=None), max(lasts, default=None), max(self.codes, codes))


class Gate:
    """Lets threads through until it is closed, which waits until those within have left.

    Those that take their time, since they hand calls to somebody who takes them slowly, are asked to stop first;
    meanwhile the others go on.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._within = 0
        self._slow: list[Stop] = []  # what stops those who take their time
        self._closing = self._closed = False

    @contextmanager
    def passed(self, stop: Stop | None = None) -> Iterator[None]:
        """Be within as long as the block runs, never twice in one thread; with a `stop`, for as long as that takes."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._closed or (stop and self._closing)))
            self._within += 1
            self._slow += [stop] if stop else []
        try:
            yield
        finally:
            with self._changed:
                self._within -= 1
                if stop:
                    self._slow.remove(stop)
                self._changed.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nobody is within as long as the block runs. One thread at a time."""
        try:
            with self._changed:
                self._closing = True
                while self._slow:
                    for stop in self._slow:
                        stop.ask()  # again and again: an interrupt before the statement has begun is lost
                    self._changed.wait(ASK_AGAIN_SECONDS)
                self._closed = True
                self._changed.wait_for(lambda: not self._within)
            yield
        finally:
            with self._changed:
                self._closing = self._closed = False
                self._changed.notify_all()


@dataclass(frozen=True)
class Erasure:
    """The callers whose numbers were erased, as keyed hashes: a number is kept nowhere."""

    key: str | None = None
    hashes: frozenset[str] = frozenset()

    def has(self, caller_number: str) -> bool:
        """Whether a caller's number was erased."""
        return bool(self.hashes) and self.hash(caller_number) in self.hashes

    def hash(self, caller_number: str) -> str:
        """The keyed hash of a number, in hex."""
        return hashlib.sha256(f"{self.key}:{caller_number}".encode()).hexdigest()


@dataclass
class Store:
    """An attached file: its tables, and what is known of them."""

    calls: str
    log: Path = Path()  # beside the file, where there is one
    meta: str = ""
    codes: str = ""
    held: str = ""
    deleted: str = ""
    erased: str = ""
    version: str = ""  # see `Engine.version`
    extent: Extent = field(default_factory=Extent)
    size: int = 0  # about how many calls there are
    variety: dict[str, int] = field(default_factory=dict)  # about how many values a field has, where that was asked
    any_held: bool = False
    any_deleted: bool = False
    erasure: Erasure = field(default_factory=Erasure)
    hashes: dict[str, Hashes] = field(default_factory=dict)  # by table; read when they are first asked for
    recent_codes: dict[str, int] = field(default_factory=dict)  # of values that were met not long ago
    former_codes: dict[str, int] = field(default_factory=dict)  # of those that were met before these
    unseen: int = 0  # rows that came since that was asked
    logged: int = 0  # rows that came since the log was written into the file, or more
    written: int = 0  # rows that came since the file was attached
    journal: Journal | None = None  # where somebody wants to know what changes
    invalid: bool = False  # it answers nothing until it is attached again
    users: int = 0
    used_at: float = 0.0
    removed: bool = False
    writer: Writer | None = None  # of whoever had the right to write before
    writing: threading.Lock = field(default_factory=threading.Lock)
    gate: Gate = field(default_factory=Gate)  # whoever only reads is within while it does

    def learn(self, other: "Store") -> None:
        """Know what another knows of the same file, which was attached again."""
        self.version, self.extent, self.size = other.version, other.extent, other.size
        self.any_held, self.any_deleted, self.erasure = other.any_held, other.any_deleted, other.erasure
        self.variety, self.hashes, self.unseen, self.logged = {}, {}, 0, 0
        self.forget_codes()
        self.invalid = False

    def close_writer(self) -> None:
        """Let go of what writes to it, which holds on to the tables."""
        writer, self.writer = self.writer, None
        if writer:
            writer.close()

    def met(self, codes: Mapping[str, int]) -> None:
        """Take note of codes that values have, now that they are committed."""
        if len(self.recent_codes) + len(codes) > MOST_RECENT:
            self.recent_codes, self.former_codes = {}, self.recent_codes
        self.recent_codes |= codes

    def met_codes(self, values: Iterable[str]) -> dict[str, int]:
        """The codes of those values that were met not long ago."""
        recent, former = self.recent_codes.get, self.former_codes.get
        return {value: code for value in values if (code := recent(value, former(value))) is not None}

    def forget_codes(self) -> None:
        """Forget which values were met."""
        self.recent_codes, self.former_codes = {}, {}

    def grown(self, rows: int) -> None:
        """Take note of rows that came in: after many, fields may have many more values."""
        self.unseen += rows
        self.logged += rows
        self.written += rows
        if self.unseen > MANY_ROWS:
            self.variety.clear()
            self.unseen = 0


class Stores:
    """Attaches files on demand. Safe for threads; the root connection is only ever used for cursors."""

    def __init__(self, root: duckdb.DuckDBPyConnection, folder: Path, keep_open: int) -> None:
        self._root = root
        self._folder = folder
        self._keep_open = keep_open
        self._open: dict[str, Store] = {}
        self._versions: dict[str, str] = {}  # of stores that were let go of
        self._journals: dict[str, Journal] = {}
        self._removed: set[str] = set()
        self._lock = threading.Lock()
        root.execute(f"CREATE TABLE {NO_CALLS} ({CALLS_COLUMNS})")
        for left in folder.glob(LEFTOVERS):
            left.unlink()
        self._nothing = Store(NO_CALLS)

    @contextmanager
    def reading(self, calls: str, stop: Stop | None = None) -> Iterator[Store]:
        """The store, attached; a store that was never written to reads as one without calls.

        Whoever may take long gives what stops it.
        """
        if not self.exists(calls):
            yield self._nothing
            return
        with self.using(calls) as store:
            if store.invalid:
                with self.writing(calls, store):
                    pass
            with store.gate.passed(stop):
                yield store

    def exists(self, calls: str) -> bool:
        """Whether the store was ever written to, and not removed since."""
        return calls in self._open or store_path(self._folder, calls).exists()

    def known_version(self, calls: str) -> str | None:
        """The version of a store that is attached or was, as nobody else writes it; None: it takes a look inside."""
        store = self._open.get(calls)
        known = store.version if store else self._versions.get(calls)
        return known if known or self.exists(calls) else self._nothing.version

    def watched(self, calls: str) -> Journal:
        """A journal of what changes in a store from now on, until `unwatched`; it takes the place of one before."""
        with self._lock:
            journal = self._journals[calls] = Journal()
            if calls in self._open:
                self._open[calls].journal = journal
            return journal

    def unwatched(self, calls: str) -> None:
        """Keep no journal of a store any more."""
        with self._lock:
            self._journals.pop(calls, None)
            if calls in self._open:
                self._open[calls].journal = None

    @contextmanager
    def using(self, calls: str) -> Iterator[Store]:
        """The store, attached; made if there is none.

        Raises:
            NotFound: it was removed.
            Unavailable: its file cannot be opened.
        """
        with self._lock:
            if calls in self._removed:
                raise NotFound(REMOVED)
            store = self._open.get(calls) or self._attach(calls)
            store.users += 1
        try:
            yield store
        except duckdb.Error as error:
            store.invalid |= INVALIDATED in str(error)
            raise
        finally:
            with self._lock:
                store.users -= 1
                store.used_at = time.monotonic()
                self._let_go()

    @contextmanager
    def writing(self, calls: str, store: Store) -> Iterator[None]:
        """Nobody else changes the store, which the caller uses; one that became invalid is attached again first.

        Raises:
            NotFound: it was removed.
            Unavailable: its file cannot be opened.
        """
        with store.writing:
            if store.removed:
                raise NotFound(REMOVED)
            if store.invalid:
                self._heal(calls, store)
            yield

    @contextmanager
    def writer(self, store: Store) -> Iterator[Writer]:
        """What writes to a store, kept for the next time; the caller holds the right to write.

        After an error it is closed, which undoes what was not committed.
        """
        writer, store.writer = store.writer or Writer(self._root.cursor()), None
        try:
            yield writer
        except BaseException:
            writer.close()
            raise
        store.writer = writer

    @contextmanager
    def removing(self, calls: str) -> Iterator[None]:
        """Let nobody use the store any more; its files can be removed in the block."""
        with self._lock:
            self._removed.add(calls)  # for good: the name is never used again
            store = self._open.get(calls)
            if store:
                store.removed = True
        with store.writing if store else nullcontext(), self._lock:
            if calls in self._open:
                self._detach(calls)
            self._versions.pop(calls, None)
            self._journals.pop(calls, None)
            yield

    def close(self) -> None:
        """Detach all, which writes their logs into their files."""
        with self._lock:
            for calls in list(self._open):
                self._detach(calls)

    def rewrite(self, calls: str, store: Store) -> None:
        """Write the file of a store anew, with what it has now and nothing that it had before.

        The caller uses the store, holds the right to write to it, and is not among those who read it. Reports go on
        until the new file takes the place of the old one.
        """
        path = store_path(self._folder, calls)
        with self._root.cursor() as cursor:
            new = write_anew(cursor, calls, path)
            with store.gate.closed():
                self._reopen(cursor, calls, lambda: put_in_place(new, path))

    def replace(self, calls: str, store: Store, new: Path) -> None:
        """Let another file, which is not attached, take the place of a store's; for callers as of `rewrite`."""
        path = store_path(self._folder, calls)
        with self._root.cursor() as cursor, store.gate.closed():
            self._reopen(cursor, calls, lambda: put_in_place(new, path))
            store.learn(read_store(cursor, calls, log_path(path)))

    def _reopen(self, cursor: duckdb.DuckDBPyConnection, calls: str, between: Callable[[], None]) -> None:
        """Detach a file that nobody is reading or writing, do something, and attach it again."""
        path = store_path(self._folder, calls)
        store = self._open[calls]
        store.invalid = True  # whoever needs it next attaches it, or is told why not
        store.close_writer()
        detach(cursor, calls)
        between()
        attach(cursor, path, calls)
        store.invalid, store.written, store.logged = False, 0, 0

    def _attach_again(self, calls: str) -> None:
        """Attach a file again that nobody uses: DuckDB holds on to all that it has written, as if it were to be read.

        The log was just written into the file, so there is little to do.
        """
        try:
            with self._root.cursor() as cursor:
                self._reopen(cursor, calls, lambda: None)
        except duckdb.Error as error:
            logger.warning("cannot attach %s again at once: %s", store_path(self._folder, calls), error)

    def _heal(self, calls: str, store: Store) -> None:
        """Attach a file again that DuckDB gave up; what was committed is in its log."""
        path = store_path(self._folder, calls)
        logger.warning("attaching %s again", path)
        with store.gate.closed(), self._root.cursor() as cursor, _opening(path):
            store.close_writer()
            detach(cursor, calls)
            store.learn(self._attached(cursor, calls, path))

    def _attach(self, calls: str) -> Store:
        path = store_path(self._folder, calls)
        with self._root.cursor() as cursor, _opening(path):
            store = self._attached(cursor, calls, path)
        store.journal = self._journals.get(calls)
        self._open[calls] = store
        return store

    def _attached(self, cursor: duckdb.DuckDBPyConnection, calls: str, path: Path) -> Store:
        """A file's store, brought up to date; what a killed process left to be written anew is."""
        _remove_unmade(path)
        try:
            attach(cursor, path, calls, unless_attached=True)
            create_or_migrate(cursor, calls)
            sync_folder(path.parent)  # DuckDB syncs files, not their names
            if cursor.execute(f"SELECT to_rewrite FROM {quoted(calls)}.meta").fetchall()[0][0]:
                _written_anew(cursor, calls, path)
                attach(cursor, path, calls, unless_attached=True)
            return read_store(cursor, calls, log_path(path))
        except BaseException:
            detach(cursor, calls)
            _remove_unmade(path)
            raise

    def _detach(self, calls: str) -> None:
        self._open[calls].close_writer()
        with self._root.cursor() as cursor:
            detach(cursor, calls)
        self._versions[calls] = self._open[calls].version
        del self._open[calls]

    def _let_go(self) -> None:
        for calls, store in self._open.items():
            if store.written > MUCH_WRITTEN and not (store.users or store.invalid or store.log.exists()):
                self._attach_again(calls)
        idle = sorted((store.used_at, calls) for calls, store in self._open.items() if not store.users)
        too_many = len(self._open) - self._keep_open
        for place, (used_at, calls) in enumerate(idle):
            if place < too_many or used_at < time.monotonic() - IDLE_SECONDS:
                self._detach(calls)


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    """DuckDB's errors over a file as ours, save that of a full disk: it depends on who wants to open it."""
    try:
        yield
    except duckdb.Error as error:
        if NO_SPACE in str(error):
            raise
        logger.error("cannot open %s: %s", path, error)
        raise Unavailable(CANNOT_OPEN, 60) from error


def _written_anew(cursor: duckdb.DuckDBPyConnection, calls: str, path: Path) -> None:
    """Write an attached file anew, or leave it as it is until there is room: its calls can be read meanwhile."""
    try:
        new = write_anew(cursor, calls, path)
        detach(cursor, calls)
        put_in_place(new, path)
    except (duckdb.Error, OSError) as error:
        if NO_SPACE not in str(error):
            raise
        logger.warning("there is no room to write %s anew; it is tried again when it is next opened", path)


def _remove_unmade(path: Path) -> None:
    """Remove a file whose making a full disk or a kill has ended: it never held a call, and cannot be opened."""
    # Any other short file has lost what it held, which is to be told, as is a log without its file.
    if path.exists() and path.stat().st_size in UNMADE and not log_path(path).exists():
        path.unlink()


def read_store(cursor: duckdb.DuckDBPyConnection, calls: str, log: Path) -> Store:
    """What is known of an attached file."""
    names = ("calls", "meta", "codes", "held", "deleted", "erased")
    calls_table, meta, codes_table, held, deleted, erased = (f"{quoted(calls)}.{name}" for name in names)
    store = Store(calls_table, log, meta, codes_table, held, deleted, erased, used_at=time.monotonic())
    store.version, key = cursor.execute(f"SELECT data_version, erasure_key FROM {store.meta}").fetchall()[0]
    store.erasure = Erasure(key, frozenset(row[0] for row in cursor.execute(f"FROM {store.erased}").fetchall()))
    store.any_held, store.any_deleted = (_any(cursor, table) for table in (store.held, store.deleted))
    codes = cursor.execute(f"SELECT coalesce(max(code) + 1, 0) FROM {store.codes}").fetchall()[0][0]
    store.extent = Extent(*read_span(cursor, store.calls), codes)
    store.size = cursor.execute(f"SELECT count(*) FROM {store.calls}").fetchall()[0][0]
    return store


def _any(cursor: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(cursor.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall())


def read_span(cursor: duckdb.DuckDBPyConnection, calls: str) -> tuple[int | None, int | None]:
    """When the first and the last of some calls start, microseconds UTC; `calls` is a table or what stands for one."""
    first, last = cursor.execute(
        f"SELECT epoch_us(min(started_at)), epoch_us(max(started_at)) FROM {calls}"
    ).fetchall()[0]
    return first, last
