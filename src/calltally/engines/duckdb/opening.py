"""The embedded engine of a data folder: opened, made ready, looked at."""

import duckdb

from calltally.engines.base import EngineStatus
from calltally.engines.duckdb.engine import DuckDBEngine
from calltally.folder import DataFolder
from calltally.settings import Settings

__all__ = ["open_file", "prepare_embedded", "status_of_embedded"]


def open_file(folder: DataFolder, settings: Settings) -> DuckDBEngine:
    """The database of a data folder that this process owns, without columns before it."""
    return DuckDBEngine(
        folder.calls,
        folder.staging,
        folder.spill,
        memory=settings.memory,
        most_spill=settings.spill,
        threads=settings.threads,
        keep_open=settings.open_businesses,
    )


def prepare_embedded(_: Settings) -> tuple[str, ...]:
    """Nothing: a file is made with its first call, and brought up to date when it is opened."""
    return ()


def status_of_embedded(_: Settings) -> EngineStatus:
    """Which database is inside; there are no servers."""
    return EngineStatus(f"DuckDB {duckdb.__version__}, embedded", ())
