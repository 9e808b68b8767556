"""Where calls are stored and counted; nothing above knows which engine answers."""

import logging
import os
from importlib.util import find_spec
from pathlib import Path

from calltally.engines.base import (
    AtLeast,
    AtMost,
    ChangedSince,
    Condition,
    Contains,
    Engine,
    Group,
    Load,
    LoadSummary,
    LocalTimeIs,
    OneOf,
    Order,
    Outcome,
    Page,
    Place,
    Plan,
    Rows,
    Snapshot,
    Stop,
    StoreFacts,
    Unplaced,
)
from calltally.engines.duckdb import DuckDBEngine, file_facts, store_path
from calltally.engines.hot import HotEngine, budget_of
from calltally.engines.remote import Listener, RemoteEngine, join
from calltally.engines.rows import DELIVERY_SCHEMA, EXPORT_SCHEMA, ROW_SCHEMA, VALUE_FIELDS
from calltally.folder import DataFolder
from calltally.settings import Settings

__all__ = [
    "DELIVERY_SCHEMA",
    "EXPORT_SCHEMA",
    "ROW_SCHEMA",
    "VALUE_FIELDS",
    "AtLeast",
    "AtMost",
    "ChangedSince",
    "Condition",
    "Contains",
    "Engine",
    "Group",
    "Listener",
    "Load",
    "LoadSummary",
    "LocalTimeIs",
    "OneOf",
    "Order",
    "Outcome",
    "Page",
    "Place",
    "Plan",
    "RemoteEngine",
    "Rows",
    "Snapshot",
    "Stop",
    "StoreFacts",
    "Unplaced",
    "calls_file",
    "join",
    "open_engine",
    "read_file",
    "store_files",
]


logger = logging.getLogger(__name__)


def open_engine(folder: DataFolder, settings: Settings) -> Engine:
    """The engine of a data folder that this process owns."""
    file = _file_engine(folder, settings)
    budget = budget_of(settings.hot_memory)
    if not budget:
        return file
    if not find_spec("numba"):
        logger.info("reports are answered by the database alone, as numba (calltally[fast]) is not installed")
        return file
    return HotEngine(file, folder.cache, budget=budget, threads=settings.threads or os.cpu_count() or 1)


def _file_engine(folder: DataFolder, settings: Settings) -> DuckDBEngine:
    return DuckDBEngine(
        folder.calls,
        folder.staging,
        folder.spill,
        memory=settings.memory,
        most_spill=settings.spill,
        threads=settings.threads,
        keep_open=settings.open_businesses,
    )


def calls_file(calls_folder: Path, store: str) -> Path:
    """The file in which a store of calls is, or would be."""
    return store_path(calls_folder, store)


def store_files(calls_folder: Path, store: str) -> tuple[Path, ...]:
    """All files that a store of calls can have, whether they are there or not."""
    path = store_path(calls_folder, store)
    return (path, path.with_name(path.name + ".wal"))


def read_file(path: Path) -> StoreFacts:
    """What the file of a store holds, every byte of it read, wherever it lies and without changing it.

    Raises:
        FolderUnusable: it is damaged, which the message describes.
    """
    return file_facts(path)
