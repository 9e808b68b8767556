"""Whether it is a damaged file for which something could not be done, and which one."""

from calltally.engines.base import Engine
from calltally.errors import FolderUnusable

__all__ = ["damage_of"]


def damage_of(engine: Engine, calls: str) -> str | None:
    """What is wrong with the file of a store, which the sentence names; None: it can be read.

    What reports and writes say of it is for whoever asks a server, and names neither the file nor the cause.

    Raises:
        CalltallyError: it cannot be told.
    """
    try:
        engine.check(calls)
    except FolderUnusable as error:
        return error.message
    return None
