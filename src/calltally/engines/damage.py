"""What is wrong with a file of calls for which something could not be done."""

from calltally.engines.base import Engine
from calltally.errors import CallsUnreadable, CalltallyError

__all__ = ["cause_of"]


def cause_of(engine: Engine, calls: str, error: CallsUnreadable) -> CallsUnreadable:
    """The error with a message that names the file and the cause, for whoever runs the server.

    What a request is told names neither. To look costs as long as to read all calls.
    """
    try:
        engine.check(calls)
    except CallsUnreadable as found:
        return found
    except CalltallyError:  # such as that a server has ended meanwhile: the first error says more
        return error
    return error
