"""A store's file written anew: what was deleted leaves bytes in a file until they are written over."""

import errno
import logging
import os
from pathlib import Path

import duckdb

from calltally.engines.duckdb.connecting import attach
from calltally.engines.duckdb.schema import create_or_migrate
from calltally.engines.duckdb.spelling import quoted
from calltally.folder import sync_folder

__all__ = ["LEFTOVERS", "NO_SPACE", "detach", "log_path", "put_in_place", "write_anew"]

logger = logging.getLogger(__name__)

NO_SPACE = os.strerror(errno.ENOSPC)
SUFFIX = ".rewriting"
LEFTOVERS = f"*{SUFFIX}*"  # of processes that were killed on the way
COPIED = ("calls", "codes", "held", "deleted", "erased")


def write_anew(cursor: duckdb.DuckDBPyConnection, calls: str, path: Path) -> Path:
    """A file beside `path` with all that the attached store has now, and nothing that it had before."""
    new = path.with_name(path.name + SUFFIX)
    _remove(new)
    name = f"{calls}{SUFFIX}"
    attach(cursor, new, name)
    try:
        create_or_migrate(cursor, name)
        cursor.execute("BEGIN")
        for table in COPIED:
            cursor.execute(f"INSERT INTO {quoted(name)}.{table} BY NAME FROM {quoted(calls)}.{table}")
        cursor.execute(
            f"UPDATE {quoted(name)}.meta SET data_version = old.data_version, erasure_key = old.erasure_key "
            f"FROM {quoted(calls)}.meta AS old"
        )
        cursor.execute("COMMIT")
        cursor.execute(f"DETACH {quoted(name)}")  # which writes its log into the file
    except BaseException:
        detach(cursor, name)
        _remove(new)
        raise
    return new


def detach(cursor: duckdb.DuckDBPyConnection, calls: str) -> None:
    """Let go of a file, if it is attached; where its log does not fit into it, the log stays beside it."""
    try:
        cursor.execute(f"DETACH DATABASE IF EXISTS {quoted(calls)}")
    except duckdb.IOException as error:
        if "Detached database" not in str(error):
            raise
        logger.warning("%s", error)


def put_in_place(new: Path, path: Path) -> None:
    """Let the new file take the place of the one before it, for good; neither is attached.

    Raises:
        OSError: the old file still needs its log, as the disk was full: taken from it, a kill could lose calls.
    """
    if log_path(path).exists():
        _remove(new)
        raise OSError(errno.ENOSPC, NO_SPACE)
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(path)
    sync_folder(path.parent)


def log_path(path: Path) -> Path:
    """Where DuckDB keeps the log of a file."""
    return path.with_name(path.name + ".wal")


def _remove(path: Path) -> None:
    for file in (path, log_path(path)):
        file.unlink(missing_ok=True)
