"""The files of the embedded engine: one a business, attached while it is used and let go of when idle."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from calltally.engines.duckdb.dialect import quoted, text
from calltally.engines.duckdb.schema import CALLS_COLUMNS, create_or_migrate
from calltally.errors import NotFound, Unavailable

__all__ = ["REMOVED", "Store", "Stores", "read_span", "store_path"]

logger = logging.getLogger(__name__)

IDLE_SECONDS = 300.0
NO_CALLS = "no_calls"
REMOVED = "The calls of this business were cleared or deleted meanwhile"


def store_path(folder: Path, calls: str) -> Path:
    """The file of a store of calls."""
    return folder / f"{calls}.duckdb"


@dataclass
class Store:
    """An attached file: its tables, its version (see `Engine.version`), and when its calls start (for local time)."""

    table: str
    meta: str = ""
    version: str = ""
    span: tuple[int, int] | None = None  # first and last start, microseconds UTC; None: no calls
    users: int = 0
    used_at: float = 0.0
    removed: bool = False
    writing: threading.Lock = field(default_factory=threading.Lock)


class Stores:
    """Attaches files on demand. Safe for threads; the root connection is only ever used for cursors."""

    def __init__(self, root: duckdb.DuckDBPyConnection, folder: Path, keep_open: int) -> None:
        self._root = root
        self._folder = folder
        self._keep_open = keep_open
        self._open: dict[str, Store] = {}
        self._removed: set[str] = set()
        self._lock = threading.Lock()
        root.execute(f"CREATE TABLE {NO_CALLS} ({CALLS_COLUMNS})")
        self._nothing = Store(NO_CALLS)

    @contextmanager
    def reading(self, calls: str) -> Iterator[Store]:
        """The store, attached; a store that was never written to reads as one without calls."""
        if not self.exists(calls):
            yield self._nothing
            return
        with self.using(calls) as store:
            yield store

    def exists(self, calls: str) -> bool:
        """Whether the store was ever written to, and not removed since."""
        return calls in self._open or store_path(self._folder, calls).exists()

    def attached(self, calls: str) -> Store | None:
        """The store if it is attached at this moment; that of no calls where there never was one."""
        return self._open.get(calls) or (None if self.exists(calls) else self._nothing)

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
        finally:
            with self._lock:
                store.users -= 1
                store.used_at = time.monotonic()
                self._let_go()

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
            yield

    def close(self) -> None:
        """Detach all, which writes their logs into their files."""
        with self._lock:
            for calls in list(self._open):
                self._detach(calls)

    def _attach(self, calls: str) -> Store:
        path = store_path(self._folder, calls)
        cursor = self._root.cursor()
        try:
            cursor.execute(f"ATTACH {text(str(path))} AS {quoted(calls)}")
            try:
                create_or_migrate(cursor, calls)
                table, meta = f"{quoted(calls)}.calls", f"{quoted(calls)}.meta"
                version = cursor.execute(f"SELECT data_version FROM {meta}").fetchall()[0][0]
                store = Store(table, meta, version, read_span(cursor, table), used_at=time.monotonic())
            except BaseException:
                cursor.execute(f"DETACH {quoted(calls)}")
                raise
        except duckdb.Error as error:
            logger.error("cannot open %s: %s", path, error)
            raise Unavailable("The calls of this business cannot be opened; the server's log says why", 60) from error
        finally:
            cursor.close()
        self._open[calls] = store
        return store

    def _detach(self, calls: str) -> None:
        with self._root.cursor() as cursor:
            cursor.execute(f"DETACH {quoted(calls)}")
        del self._open[calls]

    def _let_go(self) -> None:
        idle = sorted((store.used_at, calls) for calls, store in self._open.items() if not store.users)
        too_many = len(self._open) - self._keep_open
        for place, (used_at, calls) in enumerate(idle):
            if place < too_many or used_at < time.monotonic() - IDLE_SECONDS:
                self._detach(calls)


def read_span(cursor: duckdb.DuckDBPyConnection, table: str) -> tuple[int, int] | None:
    """When the first and the last call of a table start, microseconds UTC."""
    first, last = cursor.execute(
        f"SELECT epoch_us(min(started_at)), epoch_us(max(started_at)) FROM {table}"
    ).fetchall()[0]
    return None if first is None else (first, last)
