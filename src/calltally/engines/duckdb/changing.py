"""A transaction that changes the calls of a store, and what follows on many of them."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from calltally.engines.duckdb.connecting import ROWS_A_GROUP
from calltally.engines.duckdb.files import CallsFile
from calltally.engines.duckdb.journal import Change
from calltally.engines.duckdb.store import Store
from calltally.folder import sync_folder

__all__ = ["LOG_BYTES", "MOST_LOGGED", "changing", "write_log"]

logger = logging.getLogger(__name__)

# When it writes its log into the file, DuckDB makes three groups of rows out of four that are no fuller than three
# quarters, two out of three, and so on, for which it holds all of them as they were sent: twice the memory and a
# quarter more time for a stream. So the log is written when there are more rows in it, but not more than one group.
MOST_LOGGED = ROWS_A_GROUP * 3 // 4
LOG_BYTES = 64_000_000  # of calls that take much, whose log is written before there are enough of them


@contextmanager
def changing(cursor: duckdb.DuckDBPyConnection, store: Store) -> Iterator[Change]:
    """Commit what the block does, all of it, synced to disk; after an error, closing the cursor undoes it.

    The caller holds the right to write to the store. The calls get a new version, see `Engine.version`; which of them
    are other ones now is what the block says of the change.
    """
    change = Change(str(uuid.uuid4()), store.version)
    cursor.execute("BEGIN")
    yield change
    cursor.execute(f"UPDATE {store.meta} SET data_version = ?", [change.version])
    if store.journal:
        store.journal.add(change)
    try:
        _commit(cursor, store)
    except BaseException:
        if store.journal:
            store.journal.lose()
        raise
    finally:
        store.version = change.version  # also after an error, which need not mean that nothing was changed


def _commit(cursor: duckdb.DuckDBPyConnection, store: Store) -> None:
    file = store.file
    log_is_new = file and not file.log.exists()  # whoever has the right to write is alone to make one
    try:
        cursor.execute("COMMIT")
    finally:
        if file and log_is_new:
            sync_folder(file.path.parent)  # DuckDB syncs the log, not its name, without which it is lost


def write_log(cursor: duckdb.DuckDBPyConnection, store: Store) -> None:
    """Write the log of a store into its file, once there is about a group of rows in it, or much of fewer.

    The caller holds the right to write to the store. All was committed before, and stays so where this fails. While
    somebody reads what a commit has replaced, it cannot be done, and is left to the next commit.
    """
    file = store.file
    if file is None or (store.logged <= MOST_LOGGED and _bytes_logged(file) <= LOG_BYTES):
        return
    try:
        file.write_log(cursor)
        store.logged = 0
    except duckdb.TransactionException as error:
        logger.debug("not now: %s", error)
    except (duckdb.Error, OSError) as error:
        logger.warning("cannot write the log %s into its file: %s", file.log, error)
        store.invalid |= isinstance(error, duckdb.Error)  # DuckDB has it that could not write: it is attached again


def _bytes_logged(file: CallsFile) -> int:
    return file.log.stat().st_size if file.log.exists() else 0
