"""Whether it is a damaged file for which something could not be done, and which one."""

from calltally.engines.base import Engine
from calltally.engines.duckdb.failures import CANNOT_READ
from calltally.engines.duckdb.stores import CANNOT_OPEN
from calltally.errors import CalltallyError, FolderUnusable

__all__ = ["damage_of"]


def damage_of(engine: Engine, calls: str, error: CalltallyError) -> str | None:
    """What is wrong with the file of a store, which the sentence names; None: that is not what the error is about.

    What the error says is for whoever asks a server, and names neither the file nor the cause.
    """
    if isinstance(error, FolderUnusable):
        return error.message
    if error.message not in {CANNOT_OPEN, CANNOT_READ}:  # to look costs as long as to read all calls
        return None
    try:
        engine.check(calls)
    except FolderUnusable as found:
        return found.message
    except CalltallyError:  # such as that a server has ended meanwhile: the first error says more
        return None
    return None
