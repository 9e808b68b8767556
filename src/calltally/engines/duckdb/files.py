"""The file of a store: attached, its log written into it, let go of.

DuckDB itself writes logs into no file, see `connecting`: it is done here, so that a kill on the way damages nothing.
"""

import errno
import logging
import os
from pathlib import Path

import duckdb

from calltally.engines.duckdb.blocks import Blocks, blocks_path, put_back
from calltally.engines.duckdb.connecting import attach
from calltally.engines.duckdb.spelling import quoted

__all__ = ["NO_SPACE", "CallsFile", "files_of", "remove_file", "store_path"]

logger = logging.getLogger(__name__)

NO_SPACE = os.strerror(errno.ENOSPC)


def store_path(folder: Path, calls: str) -> Path:
    """The file of a store of calls."""
    return folder / f"{calls}.duckdb"


class CallsFile:
    """A file of calls at `path`, attached by a name or not. For whoever alone may write to it."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.log = _log_path(path)
        self._name = name
        self._blocks: Blocks | None = None  # while it is attached

    def attach(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Attach the file, unless it is; it is made if there is none."""
        if self._blocks:
            return
        if put_back(self.path):
            logger.warning("%s was being written to when its process ended; it is as it was before", self.path)
        attach(cursor, self.path, self._name)
        self._blocks = Blocks(self.path)

    def write_log(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Write the log into the file, if there is one; all of it is committed before, and stays so after an error.

        Raises:
            duckdb.TransactionException: somebody reads what a commit has replaced.
            duckdb.Error: as DuckDB could not write, the file answers nothing until it is attached again.
            OSError: there is no room to do it safely; nothing was done.
        """
        if self._blocks and self.log.exists():
            with self._blocks.kept(cursor, self._name):
                cursor.execute(f"CHECKPOINT {quoted(self._name)}")

    def detach(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Let go of the file, if it is attached; its log stays beside it."""
        cursor.execute(f"DETACH DATABASE IF EXISTS {quoted(self._name)}")
        if self._blocks:
            self._blocks.close()
            self._blocks = None

    def settle(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Let go of the file; where its log cannot be written into it, the log stays beside it."""
        try:
            self.write_log(cursor)
        except (duckdb.Error, OSError) as error:
            logger.warning("the log %s stays as it is: %s", self.log, error)
        self.detach(cursor)


def files_of(path: Path) -> tuple[Path, ...]:
    """All files that a file of calls can be, whether they are there or not: itself, its log, its blocks."""
    return (path, _log_path(path), blocks_path(path))


def remove_file(path: Path) -> None:
    """Remove a file of calls, which is not attached, and all beside it that belongs to it; none there is fine."""
    for file in files_of(path):
        file.unlink(missing_ok=True)


def _log_path(path: Path) -> Path:
    """Where DuckDB keeps the log of a file."""
    return path.with_name(path.name + ".wal")
