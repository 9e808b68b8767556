"""DuckDB in this process, locked down: it reaches some folders and nothing else, and nobody can change that."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from calltally.engines.duckdb.spelling import quoted, text

__all__ = ["ROWS_A_GROUP", "attach", "connected", "new_file"]

ROWS_A_GROUP = 61_440  # half of DuckDB's own
NEVER = "1000TB"  # of a log


def connected(
    folders: Sequence[Path], spill: Path, memory: str, most_spill: str, threads: int
) -> duckdb.DuckDBPyConnection:
    """A connection to a database in memory, from which the files of these folders can be reached."""
    root = duckdb.connect(":memory:", config=_config(spill, memory, most_spill, threads))
    # To find out whether it pays takes time at each import, and it hardly ever does. As an option it has no effect.
    root.execute("SET GLOBAL disabled_compression_methods = 'rle'")
    _lock_down(root, folders)
    return root


def attach(cursor: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attach the file of a store, which is made if there is none.

    What is in the log is held in memory as it was sent until there is a group of rows of it, so that large groups take
    more than all else while calls stream in.
    """
    cursor.execute(f"ATTACH {text(str(path))} AS {quoted(name)} (ROW_GROUP_SIZE {ROWS_A_GROUP})")


@contextmanager
def new_file(cursor: duckdb.DuckDBPyConnection, path: Path, name: str) -> Iterator[None]:
    """Attach a file that is made for the block; after it, all that was committed to it is in the file itself.

    A kill can damage it, as nothing of it is kept beside; whoever makes it removes it after an error.
    """
    attach(cursor, path, name)
    try:
        yield
        cursor.execute(f"CHECKPOINT {quoted(name)}")
    except BaseException:
        with suppress(duckdb.TransactionException):  # none was begun
            cursor.execute("ROLLBACK")
        raise
    finally:
        cursor.execute(f"DETACH DATABASE IF EXISTS {quoted(name)}")


def _config(spill: Path, memory: str, most_spill: str, threads: int) -> dict[str, str | bool | int | float | list[str]]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": str(spill),
        "max_temp_directory_size": most_spill,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "catalog_error_max_schemas": 0,  # else it looks into all files for a name that is like the one it has not found
        "checkpoint_threshold": NEVER,  # logs are written into files by `calltally.engines.duckdb.files` alone
        "max_vacuum_tasks": 3,  # about so many groups of rows are written anew then; the others another time
        "late_materialization_max_rows": "1000",  # of a page: the columns that pick its calls first, then those alone
        "allocator_background_threads": True,  # what is no longer used goes back to the system within seconds
        "default_block_size": "65536",  # of new files; each column to which rows are added holds a block in memory
    }
    if threads:
        config["threads"] = threads
    return config


def _lock_down(root: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> None:
    root.execute("PRAGMA disable_checkpoint_on_shutdown")  # nor when a file is let go of
    allowed = ", ".join(text(f"{folder}/") for folder in folders)
    root.execute(f"SET allowed_directories = [{allowed}]")
    root.execute("SET enable_external_access = false")
    root.execute("SET lock_configuration = true")
