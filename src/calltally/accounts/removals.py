"""Stores of calls on their way out: noted with what makes them superfluous, forgotten when their files are gone.

So a process that is killed in between leaves nothing behind: whoever next owns the data folder finishes its work.
"""

from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select

from calltally.accounts.control import Control
from calltally.accounts.tables import removals

__all__ = ["begin_removal", "finish_removals", "forget_removal", "next_generation", "store_name"]


def store_name(business_id: str, generation: int) -> str:
    """The name of a business's store of calls."""
    return f"{business_id}.{generation}"


def next_generation(connection: Connection, business_id: str, *known: int) -> int:
    """A generation greater than those `known`, and than that of any store of the business that is on its way out."""
    wanted = select(removals.c.store).where(removals.c.store.startswith(f"{business_id}.", autoescape=True))
    leaving = [int(store.rpartition(".")[2]) for store in connection.execute(wanted).scalars()]
    return max(*known, *leaving, 0) + 1


def begin_removal(connection: Connection, store: str) -> None:
    """Note that a store is to be removed, in the transaction that makes it superfluous."""
    connection.execute(insert(removals).values(store=store))


def forget_removal(control: Control, store: str) -> None:
    """Note that nothing is left of a store, and leave nothing of this note either."""
    with control.writing() as connection:
        connection.execute(delete(removals).where(removals.c.store == store))
    control.empty_log()


def finish_removals(control: Control, remove: Callable[[str], None]) -> None:
    """Let `remove` remove what killed processes have left; only for the process that owns the data folder.

    In a transaction for each, so that no restore can make a store one that is in use meanwhile.
    """
    with control.reading() as connection:
        left = list(connection.execute(select(removals.c.store)).scalars())
    for store in left:
        mine = removals.c.store == store
        with control.writing() as connection:
            if connection.execute(select(removals.c.store).where(mine).with_for_update()).one_or_none():
                remove(store)
                connection.execute(delete(removals).where(mine))
    if left:
        control.empty_log()
