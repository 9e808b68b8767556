"""Where calls are stored and counted; nothing above knows which engine answers."""

from calltally.engines.base import (
    AtLeast,
    AtMost,
    Condition,
    Engine,
    Group,
    Load,
    LoadSummary,
    OneOf,
    Order,
    Plan,
    Rows,
    Snapshot,
    Stop,
    StoreFacts,
    Unplaced,
)
from calltally.engines.duckdb import DuckDBEngine
from calltally.engines.remote import Listener, RemoteEngine, join
from calltally.engines.rows import EXPORT_SCHEMA, ROW_SCHEMA, VALUE_FIELDS
from calltally.folder import DataFolder
from calltally.settings import Settings

__all__ = [
    "EXPORT_SCHEMA",
    "ROW_SCHEMA",
    "VALUE_FIELDS",
    "AtLeast",
    "AtMost",
    "Condition",
    "Engine",
    "Group",
    "Listener",
    "Load",
    "LoadSummary",
    "OneOf",
    "Order",
    "Plan",
    "RemoteEngine",
    "Rows",
    "Snapshot",
    "Stop",
    "StoreFacts",
    "Unplaced",
    "join",
    "open_engine",
]


def open_engine(folder: DataFolder, settings: Settings) -> Engine:
    """The engine of a data folder that this process owns."""
    return DuckDBEngine(
        folder.calls,
        folder.staging,
        folder.spill,
        memory=settings.memory,
        most_spill=settings.spill,
        threads=settings.threads,
        keep_open=settings.open_businesses,
    )
