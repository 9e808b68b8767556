"""The end of a store of calls: nothing of it stays, wherever something of it is."""

from calltally.accounts import Control, finish_removals, forget_removal
from calltally.engines.base import Engine
from calltally.folder import DataFolder

__all__ = ["remove_left", "remove_store"]


def remove_store(folder: DataFolder, control: Control, engine: Engine, store: str) -> None:
    """Leave nothing of a store of calls whose removal has begun, see `calltally.accounts.removals`."""
    _remove(folder, engine, store)
    forget_removal(control, store)


def remove_left(folder: DataFolder, control: Control, engine: Engine) -> None:
    """Remove what killed processes were removing; only for the process that owns the data folder."""
    finish_removals(control, lambda store: _remove(folder, engine, store))


def _remove(folder: DataFolder, engine: Engine, store: str) -> None:
    engine.remove(store)
    folder.remove_files_of(store)
