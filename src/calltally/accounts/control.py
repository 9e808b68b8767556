"""The control database: businesses and keys, in SQLite in the data folder, or in PostgreSQL for several nodes.

Several processes (servers and commands beside them) and their threads may use it at once.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import (
    URL,
    Connection,
    DateTime,
    Engine,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.pool import ConnectionPoolEntry

from calltally.accounts import postgresql
from calltally.accounts.migrations import MIGRATIONS, Migrations
from calltally.accounts.tables import METADATA, schema_version
from calltally.errors import FolderUnusable, StorageFull, Unavailable
from calltally.folder import DataFolder

__all__ = ["Control", "open_control", "rfc3339"]

BUSY_SECONDS = 10.0  # how long to wait for another process's write
HURRIED_BUSY_SECONDS = 0.05
CONNECTIONS, MORE_CONNECTIONS = 16, 48  # kept open, and at the most besides: more than a server has threads
SHARED_CONNECTIONS, MORE_SHARED_CONNECTIONS = 8, 16  # those of a node, of what a server of PostgreSQL has for all

log = logging.getLogger(__name__)


class _Watch:
    """One connection to SQLite that never writes, so that to it every commit is one of another connection."""

    def __init__(self, engine: Engine) -> None:
        pooled = engine.raw_connection()
        assert isinstance(pooled.driver_connection, sqlite3.Connection)  # noqa: S101 - only made for SQLite
        self._connection = pooled.driver_connection
        pooled.detach()
        self._connection.execute("PRAGMA busy_timeout = 0")
        self._lock = threading.Lock()

    def version(self) -> int | None:
        """See `Control.version`."""
        try:
            with self._lock:
                # To the last row: a statement that is not at its end would hold on to the state that it began with.
                return int(self._connection.execute("PRAGMA data_version").fetchall()[0][0])
        except sqlite3.Error:  # what it is will be said by whoever reads next
            return None

    def close(self) -> None:
        """Close the connection; while another thread uses it, that would end the process."""
        with self._lock:
            self._connection.close()


class Control:
    """An open control database; close it when done."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._watch: _Watch | None = None
        # Of PostgreSQL each statement is a transaction by itself then, which saves the way to begin and to end one.
        shared = engine.dialect.name == postgresql.NAME
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT") if shared else engine
        self._writing = engine.execution_options(writes=True, busy_seconds=BUSY_SECONDS)
        self._hurried = engine.execution_options(writes=True, busy_seconds=HURRIED_BUSY_SECONDS)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read with; each statement sees what was committed when it began."""
        with _translated(), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, hurried: bool = False) -> Iterator[Connection]:
        """A transaction that holds the right to write from its start; kept if the context ends well.

        A `hurried` one gives up almost at once where another process is writing.
        """
        with _translated(), (self._hurried if hurried else self._writing).begin() as connection:
            yield connection

    def watch(self) -> None:
        """Make `version` tell, where the database can."""
        if self._engine.dialect.name == "sqlite":
            self._watch = _Watch(self._engine)

    def version(self) -> int | None:
        """What stays the same as long as nobody, in any process, commits a change; None: that cannot be told now.

        It takes some microseconds and waits for nobody, so that it can be asked for on every request. PostgreSQL
        cannot tell it so: there whatever is asked for has to be read anew.
        """
        return self._watch.version() if self._watch else None

    def shared_clock(self) -> Callable[[], datetime] | None:
        """What tells the time by the one clock of all nodes, asked of the database; None: there is one node."""
        return self._asked_time if self._engine.dialect.name == postgresql.NAME else None

    def _asked_time(self) -> datetime:
        with self.reading() as connection:
            return connection.execute(select(func.clock_timestamp(type_=DateTime(timezone=True)))).scalar_one()

    def check(self) -> tuple[str, ...]:
        """What is wrong with the database, every row of it read; nothing where all is well."""
        try:
            with self.reading() as connection:
                found = _sqlite_complaints(connection) if self._engine.dialect.name == "sqlite" else []
                for table in METADATA.sorted_tables:
                    for _ in connection.execute(select(table)):
                        pass
        except (Unavailable, DatabaseError, ValueError) as error:
            return (str(error.orig if isinstance(error, DatabaseError) else error),)
        return tuple(found)

    def empty_log(self) -> None:
        """Write SQLite's log into its file and empty it, so that nothing of deleted rows stays there.

        Where somebody reads for so long that it cannot be emptied now, it is when the last connection is closed.
        """
        if self._engine.dialect.name == "sqlite":
            with self.reading() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all connections."""
        if self._watch:
            self._watch.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_control(folder: DataFolder, url: str = "", migrations: Migrations = MIGRATIONS) -> Control:
    """The control database at `url`, or else in the folder; made or brought up to date where needed.

    Raises:
        FolderUnusable: it cannot be opened, or a newer release of Calltally wrote it.
    """
    try:
        engine = _engine(make_url(url) if url else URL.create("sqlite", database=str(folder.control)))
    except (ArgumentError, ImportError) as error:
        raise FolderUnusable(f"The control database cannot be opened: {error}; see CALLTALLY_CONTROL_URL") from error
    control = Control(engine)
    try:
        _migrate(control, migrations, str(engine.url))
        control.watch()
    except (StorageFull, Unavailable, DatabaseError) as error:
        control.close()
        failure = error if isinstance(error, DatabaseError) else error.__cause__
        why = " ".join(str(failure.orig if isinstance(failure, DatabaseError) else failure).split())
        raise FolderUnusable(f"The control database {engine.url} cannot be opened: {why}") from error
    except FolderUnusable:
        control.close()
        raise
    return control


def rfc3339(moment: datetime) -> str:
    """A moment as it is shown everywhere: `2026-03-09T14:05:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InternalError) as error:
        code = getattr(error.orig, "sqlstate", None)
        if code == postgresql.DISK_FULL or getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise StorageFull("There is no room left on the disk for the control database") from error
        if isinstance(error, InternalError) and code != postgresql.READ_ONLY:
            raise
        if isinstance(error.orig, sqlite3.Error):
            raise Unavailable(f"The control database cannot be used at the moment: {error.orig}") from error
        # What a server says may have its address in it, which is nobody's business.
        log.warning("the control database cannot be used: %s", error.orig)
        raise Unavailable("The control database cannot be used at the moment") from error
    except NoFreeConnection as error:
        raise Unavailable("The control database cannot be used at the moment: too many requests at once") from error


def _sqlite_complaints(connection: Connection) -> list[str]:
    found = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check") if row[0] != "ok"]
    for table, *_ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        found.append(f"a row of {table} refers to one that is not there")
    return found


def _migrate(control: Control, migrations: Migrations, name: str) -> None:
    """Run the migrations that are missing, each in its own transaction; another process may be doing the same."""
    with control.reading() as connection:
        version = _version(connection)
    while version < len(migrations):
        with control.writing() as connection:
            version = _version(connection)
            if version < len(migrations):
                for statement in migrations[version]:
                    connection.exec_driver_sql(statement)
                version += 1
                connection.execute(update(schema_version).values(version=version))
    if version > len(migrations):
        raise FolderUnusable(f"The control database {name} was written by a newer release of Calltally")


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table(schema_version.name):
        return 0
    return connection.execute(select(schema_version.c.version)).scalar_one()


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == postgresql.NAME:
        return postgresql.postgresql_engine(url, SHARED_CONNECTIONS, MORE_SHARED_CONNECTIONS, BUSY_SECONDS)
    if url.get_backend_name() != "sqlite":
        raise ArgumentError("it can be in SQLite or in PostgreSQL")
    if not url.database or url.database == ":memory:":
        raise ArgumentError("processes and threads cannot share a SQLite database in memory")
    if not url.database.startswith("file:"):
        _make_private(Path(url.database))
    engine = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS}, pool_size=CONNECTIONS, max_overflow=MORE_CONNECTIONS
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(path: Path) -> None:
    """Make the file before SQLite does, for its owner's eyes only; its companions take over its mode."""
    # Only a file that was not there may be opened here: to close one that SQLite has open in this process would drop
    # SQLite's locks on it. What else may be wrong with the path SQLite will say.
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _set_up_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says, not where the driver guesses
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA secure_delete = ON")  # what was deleted is overwritten, not only unlinked
    _use_write_ahead_log(cursor.execute)
    cursor.close()


def _use_write_ahead_log(execute: Callable[[str], object]) -> None:
    """Let readers go on while another process writes.

    SQLite does not wait its turn for this one statement, so that two processes that open a new database at the same
    moment would fail.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    patience = options.get("busy_seconds", BUSY_SECONDS)
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(1000 * patience)}")
    if options.get("writes"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
