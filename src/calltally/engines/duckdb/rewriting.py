"""A store's file written anew: what was deleted leaves bytes in a file until they are written over."""

import os
from pathlib import Path

import duckdb

from calltally.engines.duckdb.schema import create_or_migrate
from calltally.engines.duckdb.spelling import quoted, text

__all__ = ["LEFTOVERS", "put_in_place", "write_anew"]

SUFFIX = ".rewriting"
LEFTOVERS = f"*{SUFFIX}*"  # of processes that were killed on the way
COPIED = ("calls", "codes", "held", "deleted", "erased")


def write_anew(cursor: duckdb.DuckDBPyConnection, calls: str, path: Path) -> Path:
    """A file beside `path` with all that the attached store has now, and nothing that it had before."""
    new = path.with_name(path.name + SUFFIX)
    _remove(new)
    name = f"{calls}{SUFFIX}"
    cursor.execute(f"ATTACH {text(str(new))} AS {quoted(name)}")
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
    except BaseException:
        cursor.execute(f"DETACH {quoted(name)}")
        _remove(new)
        raise
    cursor.execute(f"DETACH {quoted(name)}")  # which writes its log into the file
    return new


def put_in_place(new: Path, path: Path) -> None:
    """Let the new file take the place of the one before it, for good; neither is attached."""
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove(path: Path) -> None:
    for file in (path, path.with_name(path.name + ".wal")):
        file.unlink(missing_ok=True)
