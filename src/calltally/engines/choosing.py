"""ENGINES: what gives each engine that there is, by how its setting begins."""

from collections.abc import Callable
from dataclasses import dataclass

from calltally.engines.base import Engine, EngineStatus
from calltally.engines.duckdb.opening import open_file, prepare_embedded, status_of_embedded
from calltally.engines.hot.opening import open_embedded
from calltally.engines.whole import Movable
from calltally.errors import InvalidRequest, Problem, shown
from calltally.folder import DataFolder
from calltally.settings import SETTINGS, Settings

__all__ = ["ENGINES", "Kind", "engine_status", "name_of_engine", "open_engine", "open_to_move", "prepare_engine"]


NAME_OF_FILES = "the data folder"
VARIABLE = next(setting.variable for setting in SETTINGS if setting.name == "engine")


@dataclass(frozen=True)
class Kind:
    """What can be done with an engine from outside."""

    open: Callable[[DataFolder, Settings], Engine]
    open_to_move: Callable[[DataFolder, Settings], Movable]
    prepare: Callable[[Settings], tuple[str, ...]]
    status: Callable[[Settings], EngineStatus]


def _embedded() -> Kind:
    return Kind(open_embedded, open_file, prepare_embedded, status_of_embedded)


def _cluster() -> Kind:
    from calltally.engines.clickhouse import opening  # noqa: PLC0415 - its driver takes 25 MB, of all who have a cluster

    return Kind(opening.open_cluster, opening.open_cluster, opening.prepare_cluster, opening.status_of_cluster)


ENGINES: dict[str, Callable[[], Kind]] = {"": _embedded, "clickhouse": _cluster}


def open_engine(folder: DataFolder, settings: Settings) -> Engine:
    """The engine of a data folder that this process owns.

    Raises:
        InvalidRequest: the settings name none.
    """
    return _kind(settings).open(folder, settings)


def open_to_move(folder: DataFolder, settings: Settings) -> Movable:
    """The engine that the settings name, for copying whole stores; nobody else works in the data folder.

    Raises:
        InvalidRequest: the settings name none.
    """
    return _kind(settings).open_to_move(folder, settings)


def name_of_engine(settings: Settings, said_by: str = VARIABLE) -> str:
    """What people call the engine that the settings name, without a password.

    Raises:
        InvalidRequest: the settings name none; it says so of the option that has said it, or else of the variable.
    """
    _kind(settings, said_by)
    scheme, separator, rest = settings.engine.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2].partition('?')[0]}" or NAME_OF_FILES


def prepare_engine(settings: Settings) -> tuple[str, ...]:
    """What was done so that calls can be kept, a sentence each; nothing where all was ready.

    Raises:
        InvalidRequest: the settings name no engine.
        Unavailable: a server of it does not answer; the others may have been made ready.
    """
    return _kind(settings).prepare(settings)


def engine_status(settings: Settings) -> EngineStatus:
    """What the engine is made of, and how that is.

    Raises:
        InvalidRequest: the settings name no engine.
        Unavailable: none of its servers answers.
    """
    return _kind(settings).status(settings)


def _kind(settings: Settings, said_by: str = VARIABLE) -> Kind:
    scheme, separator, _ = settings.engine.partition("://")
    if kind := ENGINES.get(scheme if separator else settings.engine):
        return kind()
    known = ", ".join(f"{scheme}://" for scheme in ENGINES if scheme)
    empty = "empty" if said_by == VARIABLE else "out"
    message = f"{said_by}: {shown(scheme)} is no engine; leave it {empty}, or let it begin with {known}"
    raise InvalidRequest((Problem("environment", message),))
