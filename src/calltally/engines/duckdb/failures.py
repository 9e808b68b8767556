"""What DuckDB raises, as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from calltally.engines.duckdb.files import NO_SPACE
from calltally.errors import CallsUnreadable, Damaged, StorageFull, Unavailable

__all__ = ["CANNOT_READ", "STOPPED", "full_disk_said", "is_damage", "translated", "unreadable"]

STOPPED = "This was stopped before it was done"
DAMAGE = ("Corrupt database file", "not a valid DuckDB database file", "Could not read enough bytes")
CANNOT_READ = "The calls of this business cannot be read, as their file is damaged; restore them from a backup"
NOTHING_CHANGED = "There is no room left on the disk; nothing was changed, free some and try again"


@contextmanager
def full_disk_said(message: str = NOTHING_CHANGED) -> Iterator[None]:
    """A full disk as that of a write, whichever error tells of it."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        if NO_SPACE not in str(error):
            raise
        raise StorageFull(message) from error


@contextmanager
def translated() -> Iterator[None]:
    """DuckDB's errors as ours; what is left is a defect."""
    try:
        yield
    except duckdb.InterruptException as error:
        raise Unavailable(STOPPED) from error
    except duckdb.OutOfMemoryException as error:
        raise Unavailable("There is not enough memory or spill space for this now", retry_after=5) from error
    except duckdb.Error as error:  # which class it is depends on what was being read or written
        if NO_SPACE in str(error):
            raise Unavailable("There is no room left on the disk for what this needs for the moment", 60) from error
        if is_damage(error):
            raise Damaged(CANNOT_READ, 60) from error
        raise


def unreadable(path: Path, error: duckdb.Error) -> CallsUnreadable:
    """What to raise for a file of calls that DuckDB cannot read to its end."""
    if is_damage(error):
        return Damaged(f"The calls in {path} are damaged: {error}", 60)
    return CallsUnreadable(f"The calls in {path} cannot be read: {error}", 60)


def is_damage(error: duckdb.Error) -> bool:
    """Whether DuckDB says that a file has not what was written to it."""
    return any(words in str(error) for words in DAMAGE)
