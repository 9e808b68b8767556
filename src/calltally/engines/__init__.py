"""Where calls are stored and counted; nothing above knows which engine answers."""

from pathlib import Path

from calltally.engines.base import (
    AtLeast,
    AtMost,
    ChangedSince,
    Condition,
    Contains,
    Engine,
    EngineStatus,
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
    ServerStatus,
    Snapshot,
    Stop,
    StoreFacts,
    Unplaced,
)
from calltally.engines.choosing import ENGINES, engine_status, name_of_engine, open_engine, open_to_move, prepare_engine
from calltally.engines.damage import cause_of
from calltally.engines.duckdb import file_facts, files_of, rewriting_files_of, store_path
from calltally.engines.erasure import Erasure
from calltally.engines.hashing import hashes_of
from calltally.engines.remote import Listener, RemoteEngine, join
from calltally.engines.removing import remove_left, remove_store
from calltally.engines.rows import DELIVERY_SCHEMA, EXPORT_SCHEMA, ROW_SCHEMA, VALUE_FIELDS
from calltally.engines.versions import SUPPOSED
from calltally.engines.whole import SUMMED_FIELDS, Holdings, Movable, Part, PartKind, Taking, Tally

__all__ = [
    "DELIVERY_SCHEMA",
    "ENGINES",
    "EXPORT_SCHEMA",
    "ROW_SCHEMA",
    "SUMMED_FIELDS",
    "SUPPOSED",
    "VALUE_FIELDS",
    "AtLeast",
    "AtMost",
    "ChangedSince",
    "Condition",
    "Contains",
    "Engine",
    "EngineStatus",
    "Erasure",
    "Group",
    "Holdings",
    "Listener",
    "Load",
    "LoadSummary",
    "LocalTimeIs",
    "Movable",
    "OneOf",
    "Order",
    "Outcome",
    "Page",
    "Part",
    "PartKind",
    "Place",
    "Plan",
    "RemoteEngine",
    "Rows",
    "ServerStatus",
    "Snapshot",
    "Stop",
    "StoreFacts",
    "Taking",
    "Tally",
    "Unplaced",
    "calls_file",
    "cause_of",
    "engine_status",
    "hashes_of",
    "join",
    "name_of_engine",
    "open_engine",
    "open_to_move",
    "prepare_engine",
    "read_file",
    "remove_left",
    "remove_store",
    "store_files",
    "working_files",
]


def calls_file(calls_folder: Path, store: str) -> Path:
    """The file in which a store of calls is, or would be."""
    return store_path(calls_folder, store)


def store_files(calls_folder: Path, store: str) -> tuple[Path, ...]:
    """All files that a store of calls can have, whether they are there or not."""
    return files_of(store_path(calls_folder, store))


def working_files(calls_folder: Path, store: str) -> tuple[Path, ...]:
    """All files that can be beside those of a store while it is worked on, whether they are there or not."""
    return rewriting_files_of(store_path(calls_folder, store))


def read_file(path: Path) -> StoreFacts:
    """What the file of a store holds, every byte of it read, wherever it lies and without changing it.

    Raises:
        Damaged: it is damaged, which the message describes.
        CallsUnreadable: it cannot be read otherwise.
    """
    return file_facts(path)
