"""One attached file of calls, and what is known of it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import duckdb

from calltally.engines.base import Stop
from calltally.engines.duckdb.files import CallsFile
from calltally.engines.duckdb.hashes import Hashes
from calltally.engines.duckdb.journal import Journal
from calltally.engines.duckdb.spelling import quoted
from calltally.engines.duckdb.writer import Writer
from calltally.engines.erasure import Erasure
from calltally.engines.extent import Extent
from calltally.errors import Unavailable

__all__ = ["REMOVED", "KnownExtent", "Store", "read_span", "read_store"]

ASK_AGAIN_SECONDS = 0.05
MANY_ROWS = 10_000
REMOVED = "The calls of this business were cleared or deleted meanwhile"
CLOSED = "The file of these calls is being written anew; try again soon"


@dataclass(frozen=True)
class KnownExtent(Extent):
    """What holds of every call of a store, so that reports can be spelled shorter.

    It is widened before a commit: a report that finds it the same before and after has met no call outside it.
    """

    codes: int = 0  # all codes are below this

    def with_codes(self, codes: int) -> "KnownExtent":
        """The extent that has room also for so many codes."""
        return replace(self, codes=max(self.codes, codes))


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
    def passed(self, stop: Stop | None = None, most_wait: float | None = None) -> Iterator[None]:
        """Be within as long as the block runs, never twice in one thread; with a `stop`, for as long as that takes.

        Raises:
            Unavailable: it stays closed for longer than so many seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not (self._closed or (stop and self._closing)), most_wait):
                raise Unavailable(CLOSED, 1)
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


@dataclass
class Store:
    """An attached file: its tables, and what is known of them."""

    calls: str
    file: CallsFile | None = None  # None: it is in memory, or it is the one without calls
    meta: str = ""
    codes: str = ""
    held: str = ""
    deleted: str = ""
    erased: str = ""
    version: str = ""  # see `Engine.version`
    extent: KnownExtent = field(default_factory=KnownExtent)
    size: int = 0  # about how many calls there are
    variety: dict[str, int] = field(default_factory=dict)  # about how many values a field has, where that was asked
    any_held: bool = False
    any_deleted: bool = False
    erasure: Erasure = field(default_factory=Erasure)
    hashes: dict[str, Hashes] = field(default_factory=dict)  # by table; read when they are first asked for
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
        self.invalid = False

    def close_writer(self) -> None:
        """Let go of what writes to it, which holds on to the tables."""
        writer, self.writer = self.writer, None
        if writer:
            writer.close()

    def grown(self, rows: int) -> None:
        """Take note of rows that came in: after many, fields may have many more values."""
        self.unseen += rows
        self.logged += rows
        self.written += rows
        if self.unseen > MANY_ROWS:
            self.variety.clear()
            self.unseen = 0


def read_store(cursor: duckdb.DuckDBPyConnection, calls: str, file: CallsFile | None = None) -> Store:
    """What is known of a store that is attached by a name, and its file, if it has one."""
    names = ("calls", "meta", "codes", "held", "deleted", "erased")
    calls_table, meta, codes_table, held, deleted, erased = (f"{quoted(calls)}.{name}" for name in names)
    store = Store(calls_table, file, meta, codes_table, held, deleted, erased, used_at=time.monotonic())
    store.version, key = cursor.execute(f"SELECT data_version, erasure_key FROM {store.meta}").fetchall()[0]
    store.erasure = Erasure(key, frozenset(row[0] for row in cursor.execute(f"FROM {store.erased}").fetchall()))
    store.any_held, store.any_deleted = (_any(cursor, table) for table in (store.held, store.deleted))
    codes = cursor.execute(f"SELECT coalesce(max(code) + 1, 0) FROM {store.codes}").fetchall()[0][0]
    store.extent = KnownExtent(*read_span(cursor, store.calls), codes)
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
