"""What a command says where the calls of a business are damaged: which business, and what helps."""

from collections.abc import Iterator
from contextlib import contextmanager

from calltally.accounts import Business
from calltally.engines import Engine, damage_of
from calltally.errors import Damaged, Unavailable

__all__ = ["naming_damage", "restore_it"]


def restore_it(business_id: str) -> str:
    """What helps."""
    return f"restore it from a backup: calltally restore BACKUP --business {business_id}"


@contextmanager
def naming_damage(business: Business, engine: Engine) -> Iterator[None]:
    """Say of calls that cannot be read whose they are: the engine does not know what else the command works on.

    Raises:
        Damaged: they cannot be read.
    """
    try:
        yield
    except Unavailable as error:
        if problem := damage_of(engine, business.calls, error):
            raise Damaged(f"'{business.name}' ({business.id}): {problem}; {restore_it(business.id)}") from error
        raise
