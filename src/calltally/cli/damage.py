"""What a command says where the calls of a business cannot be read: which business, why, and what helps."""

from collections.abc import Iterator
from contextlib import contextmanager

from calltally.accounts import Business
from calltally.engines import Engine, cause_of
from calltally.errors import CallsUnreadable, Damaged

__all__ = ["advice", "naming_damage"]


def advice(business_id: str, *, damaged: bool) -> str:
    """What helps, as the end of a sentence; empty where its cause is to be mended."""
    if not damaged:
        return ""
    return f"; restore it from a backup: calltally restore BACKUP --business {business_id}"


@contextmanager
def naming_damage(business: Business, engine: Engine) -> Iterator[None]:
    """Say of calls that cannot be read whose they are: the engine does not know what else the command works on.

    Raises:
        CallsUnreadable: they cannot be read.
    """
    try:
        yield
    except CallsUnreadable as error:
        cause = cause_of(engine, business.calls, error)
        helps = advice(business.id, damaged=isinstance(cause, Damaged))
        raise type(cause)(f"'{business.name}' ({business.id}): {cause.message}{helps}") from error
