"""DuckDB in this process, locked down: it reaches some folders and nothing else, and nobody can change that."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from calltally.engines.duckdb.spelling import text

__all__ = ["connected"]


def connected(
    folders: Sequence[Path], spill: Path, memory: str, most_spill: str, threads: int
) -> duckdb.DuckDBPyConnection:
    """A connection to a database in memory, from which the files of these folders can be reached."""
    root = duckdb.connect(":memory:", config=_config(spill, memory, most_spill, threads))
    _lock_down(root, folders)
    return root


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
        # Writing the log into the file holds up the commit that it follows: at 16MB, the default, every few seconds.
        # What is in the log is also held in memory.
        "checkpoint_threshold": "32MB",
        "late_materialization_max_rows": "1000",  # of a page: the columns that pick its calls first, then those alone
        "allocator_background_threads": True,  # what is no longer used goes back to the system within seconds
    }
    if threads:
        config["threads"] = threads
    return config


def _lock_down(root: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> None:
    allowed = ", ".join(text(f"{folder}/") for folder in folders)
    root.execute(f"SET allowed_directories = [{allowed}]")
    root.execute("SET enable_external_access = false")
    root.execute("SET lock_configuration = true")
