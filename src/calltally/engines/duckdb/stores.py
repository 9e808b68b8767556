"""The files of the embedded engine: one a business, attached while it is used and let go of when idle."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import duckdb

from calltally.engines.base import Stop
from calltally.engines.duckdb.failures import is_damage
from calltally.engines.duckdb.files import NO_SPACE, CallsFile, store_path
from calltally.engines.duckdb.journal import Journal
from calltally.engines.duckdb.rewriting import LEFTOVERS, put_in_place, write_anew
from calltally.engines.duckdb.schema import CALLS_COLUMNS, create_or_migrate
from calltally.engines.duckdb.spelling import quoted
from calltally.engines.duckdb.store import REMOVED, Store, read_store
from calltally.engines.duckdb.writer import Writer
from calltally.errors import CallsUnreadable, Damaged, NotFound
from calltally.folder import sync_folder

__all__ = ["CANNOT_OPEN", "INVALIDATED", "Stores"]

logger = logging.getLogger(__name__)

IDLE_SECONDS = 300.0
MUCH_WRITTEN = 100_000  # rows
UNMADE = (0, 4096, 8192)  # bytes of a file on which not all three headers were written
INVALIDATED = "has been invalidated"  # what DuckDB says of a file that it could not write its log into
CANNOT_OPEN = "The calls of this business cannot be opened; the server's log says why"
NO_CALLS = "no_calls"


class Stores:
    """Attaches files on demand. Safe for threads; the root connection is only ever used for cursors."""

    def __init__(self, root: duckdb.DuckDBPyConnection, folder: Path, keep_open: int) -> None:
        self._root = root
        self._folder = folder
        self._keep_open = keep_open
        self._files: dict[str, CallsFile] = {}  # those that are attached or were
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
    def reading(self, calls: str, stop: Stop | None = None, most_wait: float | None = None) -> Iterator[Store]:
        """The store, attached; a store that was never written to reads as one without calls.

        Whoever may take long gives what stops it, if only one that it does not heed: else nobody could read while what
        has to be alone waits for it.

        Raises:
            Unavailable: what has to be alone takes longer than seconds may be waited.
        """
        if not self.exists(calls):
            yield self._nothing
            return
        with self.using(calls) as store:
            if store.invalid:
                with self.writing(calls, store):
                    pass
            with store.gate.passed(stop, most_wait):
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
            CallsUnreadable: its file cannot be opened.
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
            CallsUnreadable: its file cannot be opened.
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
            if still_open := self._open.pop(calls, None):  # it may have been let go of meanwhile
                still_open.close_writer()
            with self._root.cursor() as cursor:
                self._file(calls).detach(cursor)
            for known in (self._files, self._versions, self._journals):
                known.pop(calls, None)
            yield

    def close(self) -> None:
        """Let go of all files, once their logs are written into them."""
        with self._lock:
            for calls in list(self._open):
                self._release(calls)

    def rewrite(self, calls: str, store: Store) -> None:
        """Write the file of a store anew, with what it has now and nothing that it had before.

        The caller uses the store, holds the right to write to it, and is not among those who read it. Reports go on
        until the new file takes the place of the old one.
        """
        file = self._file(calls)
        with self._root.cursor() as cursor:
            new = write_anew(cursor, calls, file.path)
            with store.gate.closed():
                self._reopen(cursor, calls, lambda: put_in_place(new, file))

    def replace(self, calls: str, store: Store, new: Path) -> None:
        """Let another file, which is not attached, take the place of a store's; for callers as of `rewrite`."""
        file = self._file(calls)
        with self._root.cursor() as cursor, store.gate.closed():
            self._reopen(cursor, calls, lambda: put_in_place(new, file))
            store.learn(read_store(cursor, calls, file))

    def _file(self, calls: str) -> CallsFile:
        return self._files.setdefault(calls, CallsFile(store_path(self._folder, calls), calls))

    def _reopen(self, cursor: duckdb.DuckDBPyConnection, calls: str, between: Callable[[], None]) -> None:
        """Let go of a file that nobody is reading or writing, do something, and attach it again."""
        file, store = self._file(calls), self._open[calls]
        store.invalid = True  # whoever needs it next attaches it, or is told why not
        store.close_writer()
        file.settle(cursor)
        between()
        file.attach(cursor)
        store.invalid, store.written, store.logged = False, 0, 0

    def _attach_again(self, calls: str) -> None:
        """Attach a file again that nobody uses: DuckDB holds on to all that it has written, as if it were to be read.

        The log was just written into the file, so there is little to do.
        """
        try:
            with self._root.cursor() as cursor:
                self._reopen(cursor, calls, lambda: None)
        except (duckdb.Error, OSError) as error:  # too many files may be open
            logger.warning("cannot attach %s again at once: %s", self._file(calls).path, error)

    def _heal(self, calls: str, store: Store) -> None:
        """Attach a file again that DuckDB gave up; what was committed is in its log."""
        file = self._file(calls)
        logger.warning("attaching %s again", file.path)
        with store.gate.closed(), self._root.cursor() as cursor, _opening(file.path):
            store.close_writer()
            file.detach(cursor)
            store.learn(self._attached(cursor, calls, file))

    def _attach(self, calls: str) -> Store:
        file = self._file(calls)
        with self._root.cursor() as cursor, _opening(file.path):
            store = self._attached(cursor, calls, file)
        store.journal = self._journals.get(calls)
        self._open[calls] = store
        return store

    def _attached(self, cursor: duckdb.DuckDBPyConnection, calls: str, file: CallsFile) -> Store:
        """A file's store, brought up to date; what a killed process left to be written anew is."""
        _remove_unmade(file)
        try:
            file.attach(cursor)
            create_or_migrate(cursor, calls)
            sync_folder(file.path.parent)  # DuckDB syncs files, not their names
            if cursor.execute(f"SELECT to_rewrite FROM {quoted(calls)}.meta").fetchall()[0][0]:
                _written_anew(cursor, calls, file)
                file.attach(cursor)
            return read_store(cursor, calls, file)
        except BaseException:
            file.detach(cursor)
            _remove_unmade(file)
            raise

    def _release(self, calls: str) -> None:
        store = self._open[calls]
        store.close_writer()
        with self._root.cursor() as cursor:
            self._file(calls).settle(cursor)
        self._versions[calls] = store.version
        del self._open[calls]

    def _let_go(self) -> None:
        for calls, store in self._open.items():
            if store.written > MUCH_WRITTEN and not (store.users or store.invalid or self._file(calls).log.exists()):
                self._attach_again(calls)
        idle = sorted((store.used_at, calls) for calls, store in self._open.items() if not store.users)
        too_many = len(self._open) - self._keep_open
        for place, (used_at, calls) in enumerate(idle):
            if place < too_many or used_at < time.monotonic() - IDLE_SECONDS:
                self._release(calls)


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    """DuckDB's errors over a file as ours, save that of a full disk: it depends on who wants to open it."""
    try:
        yield
    except duckdb.Error as error:
        if NO_SPACE in str(error):
            raise
        logger.error("cannot open %s: %s", path, error)
        raise (Damaged if is_damage(error) else CallsUnreadable)(CANNOT_OPEN, 60) from error


def _written_anew(cursor: duckdb.DuckDBPyConnection, calls: str, file: CallsFile) -> None:
    """Write an attached file anew, or leave it as it is until there is room: its calls can be read meanwhile."""
    try:
        new = write_anew(cursor, calls, file.path)
        file.settle(cursor)
        put_in_place(new, file)
    except (duckdb.Error, OSError) as error:
        if NO_SPACE not in str(error):
            raise
        logger.warning("there is no room to write %s anew; it is tried again when it is next opened", file.path)


def _remove_unmade(file: CallsFile) -> None:
    """Remove a file whose making a full disk or a kill has ended: it never held a call, and cannot be opened."""
    # Any other short file has lost what it held, which is to be told, as is a log without its file.
    if file.path.exists() and file.path.stat().st_size in UNMADE and not file.log.exists():
        file.path.unlink()
