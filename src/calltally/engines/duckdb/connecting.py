"""DuckDB in this process, locked down: it reaches some folders and nothing else, and nobody can change that."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from calltally.engines.duckdb.spelling import quoted, text

__all__ = ["LOG_BYTES", "ROWS_A_GROUP", "attach", "connected"]

ROWS_A_GROUP = 61_440  # half of DuckDB's own
LOG_BYTES = 64_000_000  # of calls that take much, which are written into the file before there are enough of them


def connected(
    folders: Sequence[Path], spill: Path, memory: str, most_spill: str, threads: int
) -> duckdb.DuckDBPyConnection:
    """A connection to a database in memory, from which the files of these folders can be reached."""
    root = duckdb.connect(":memory:", config=_config(spill, memory, most_spill, threads))
    _lock_down(root, folders)
    return root


def attach(cursor: duckdb.DuckDBPyConnection, path: Path, name: str, *, unless_attached: bool = False) -> None:
    """Attach the file of a store, which is made if there is none.

    What is in the log is held in memory as it was sent until there is a group of rows of it, so that large groups take
    more than all else while calls stream in.
    """
    condition = "IF NOT EXISTS " if unless_attached else ""
    cursor.execute(f"ATTACH {condition}{text(str(path))} AS {quoted(name)} (ROW_GROUP_SIZE {ROWS_A_GROUP})")


def _config(spill: Path, memory: str, most_spill: str, threads: int) -> dict[str, str | bool | int | float | list[str]]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": str(spill),
        "max_temp_directory_size": most_spill,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        # To find out whether it pays takes a sixth of an import, and it hardly ever does.
        "disabled_compression_methods": "rle",
        "catalog_error_max_schemas": 0,  # else it looks into all files for a name that is like the one it has not found
        "checkpoint_threshold": f"{LOG_BYTES}B",
        "max_vacuum_tasks": 3,  # about so many groups of rows are written anew then; the others another time
        "late_materialization_max_rows": "1000",  # of a page: the columns that pick its calls first, then those alone
        "allocator_background_threads": True,  # what is no longer used goes back to the system within seconds
        "default_block_size": "65536",  # of new files; each column to which rows are added holds a block in memory
    }
    if threads:
        config["threads"] = threads
    return config


def _lock_down(root: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> None:
    allowed = ", ".join(text(f"{folder}/") for folder in folders)
    root.execute(f"SET allowed_directories = [{allowed}]")
    root.execute("SET enable_external_access = false")
    root.execute("SET lock_configuration = true")
