"""A store's file written anew: what was deleted leaves bytes in a file until they are written over."""

import errno
import os
from pathlib import Path

import duckdb

from calltally.engines.duckdb.connecting import new_file
from calltally.engines.duckdb.files import NO_SPACE, CallsFile, files_of, remove_file
from calltally.engines.duckdb.schema import create_or_migrate
from calltally.engines.duckdb.spelling import quoted
from calltally.folder import sync_folder

__all__ = ["LEFTOVERS", "put_in_place", "rewriting_files_of", "write_anew"]

SUFFIX = ".rewriting"
LEFTOVERS = f"*{SUFFIX}*"  # of processes that were killed on the way
COPIED = ("calls", "codes", "held", "deleted", "erased")


def rewriting_files_of(path: Path) -> tuple[Path, ...]:
    """All files that can be beside a file of calls while it is written anew, whether they are there or not."""
    return files_of(_new_path(path))


def write_anew(cursor: duckdb.DuckDBPyConnection, calls: str, path: Path) -> Path:
    """A file beside `path` with all that the attached store has now, and nothing that it had before."""
    new = _new_path(path)
    remove_file(new)
    name = f"{calls}{SUFFIX}"
    try:
        with new_file(cursor, new, name):
            create_or_migrate(cursor, name)
            cursor.execute("BEGIN")
            for table in COPIED:
                cursor.execute(f"INSERT INTO {quoted(name)}.{table} BY NAME FROM {quoted(calls)}.{table}")
            cursor.execute(
                f"UPDATE {quoted(name)}.meta SET data_version = old.data_version, erasure_key = old.erasure_key "
                f"FROM {quoted(calls)}.meta AS old"
            )
            cursor.execute("COMMIT")
    except BaseException:
        remove_file(new)
        raise
    return new


def put_in_place(new: Path, file: CallsFile) -> None:
    """Let the new file take the place of the one before it, for good; neither is attached.

    Raises:
        OSError: the old file still needs its log, as the disk was full: taken from it, a kill could lose calls.
    """
    if file.log.exists():
        remove_file(new)
        raise OSError(errno.ENOSPC, NO_SPACE)
    with new.open("rb") as written:
        os.fsync(written.fileno())
    new.replace(file.path)
    sync_folder(file.path.parent)


def _new_path(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)
