"""A business with all that is its, out of one control database and into another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, insert, or_, select, update

from calltally.accounts.businesses import Business, business_of, locked_business
from calltally.accounts.control import Control
from calltally.accounts.removals import begin_removal, next_generation, store_name
from calltally.accounts.tables import businesses, removals, tables_of_an_account
from calltally.errors import Conflict, NotFound

__all__ = ["Account", "known_stores", "read_account", "reserve_store", "restore_account", "write_account"]

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Account:
    """A business, its own row, and the rows of other tables that are its, as they are stored."""

    business: Business
    row: Values
    rows: Mapping[str, tuple[Values, ...]]


def read_account(control: Control, business_id: str) -> Account:
    """The account of a business, as it is at one moment.

    Raises:
        NotFound: there is none.
    """
    with control.writing() as connection:
        locked_business(connection, business_id)
        row = connection.execute(select(businesses).where(businesses.c.id == business_id)).one()
        rows = {
            table.name: tuple(
                dict(found._mapping)
                for found in connection.execute(select(table).where(table.c.business_id == business_id))
            )
            for table in tables_of_an_account()
        }
    return Account(business_of(row), dict(row._mapping), rows)


def write_account(control: Control, account: Account) -> None:
    """Put an account into a database that does not have it."""
    with control.writing() as connection:
        connection.execute(insert(businesses).values(account.row))
        _add_missing(connection, account)


def reserve_store(control: Control, account: Account, above: int = 0) -> int:
    """A generation for the calls that are to be restored, greater than any known and than `above`.

    Its store counts as on its way out until `restore_account` takes it, so that a restore that is killed leaves
    nothing behind.
    """
    business = account.business
    with control.writing() as connection:
        current = _generation(connection, business.id)
        generation = next_generation(connection, business.id, business.generation, current, above)
        begin_removal(connection, store_name(business.id, generation))
    return generation


def restore_account(control: Control, account: Account, generation: int) -> str | None:
    """Let a business be as the account says, with the reserved store; the store before it, whose removal has begun.

    Where the business still exists its keys stay as they are, the revoked ones revoked: what is missing comes back. A
    saved report does not where another one has its name by now.

    Raises:
        Conflict: the store was removed, as another process took the folder over.
    """
    business_id = account.business.id
    store = store_name(business_id, generation)
    with control.writing() as connection:
        if not connection.execute(delete(removals).where(removals.c.store == store)).rowcount:
            raise Conflict("Another process took the data folder over meanwhile; run the restore again")
        row = {**account.row, "generation": generation}
        current = _generation(connection, business_id)
        if current:
            connection.execute(update(businesses).where(businesses.c.id == business_id).values(row))
            begin_removal(connection, store_name(business_id, current))
        else:
            connection.execute(insert(businesses).values(row))
        _add_missing(connection, account)
    return store_name(business_id, current) if current else None


def known_stores(control: Control) -> frozenset[str]:
    """The stores of all businesses, and those on their way in or out."""
    with control.writing() as connection:
        owned = [business_of(row).calls for row in connection.execute(select(businesses))]
        return frozenset((*owned, *connection.execute(select(removals.c.store)).scalars()))


def _generation(connection: Connection, business_id: str) -> int:
    """The generation of a business; 0: there is none."""
    try:
        return locked_business(connection, business_id).generation
    except NotFound:
        return 0


def _add_missing(connection: Connection, account: Account) -> None:
    for table in tables_of_an_account():
        for row in account.rows.get(table.name, ()):
            if not _is_there(connection, table, row):
                connection.execute(insert(table).values(row))


def _is_there(connection: Connection, table: Table[Any], row: Values) -> bool:
    """Whether the row is there, or another that leaves no place for it: one of the same name."""
    told_apart_by = [table.primary_key.columns, *(index.columns for index in table.indexes if index.unique)]
    same = or_(*(and_(*(column == row[column.name] for column in columns)) for columns in told_apart_by))
    return connection.execute(select(table).where(same)).first() is not None
