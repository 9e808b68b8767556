"""How far the calls of a business have been pulled from a vendor, kept so that the next pull goes on from there.

It holds for one store of calls and one address: where the calls were cleared or restored since, or are pulled from
somewhere else, nothing is known.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, insert, select

from calltally.accounts.businesses import Business, locked_business
from calltally.accounts.control import Control
from calltally.accounts.tables import syncs

__all__ = ["Round", "SyncState", "find_sync", "keep_sync"]


@dataclass(frozen=True)
class Round:
    """One pull of all that was changed since an instant, page by page."""

    began_at: datetime
    since: datetime | None  # None: all that there is
    cursor: str  # of the page that comes next
    first_day: date | None = None  # local days of the calls that came so far: the first and the last of them
    last_day: date | None = None


@dataclass(frozen=True)
class SyncState:
    """When the last complete round began, if there was one, and the round that has not ended, if there is one."""

    complete_at: datetime | None = None
    round: Round | None = None


def find_sync(control: Control, business: Business, vendor: str, address: str) -> SyncState:
    """How far the pull of the business's calls from this address is."""
    wanted = select(syncs).where(
        syncs.c.business_id == business.id,
        syncs.c.vendor == vendor,
        syncs.c.address == address,
        syncs.c.generation == business.generation,
    )
    with control.reading() as connection:
        row = connection.execute(wanted).one_or_none()
    if row is None:
        return SyncState()
    if row.round_began_at is None or row.round_cursor is None:
        return SyncState(row.complete_at)
    begun = Round(row.round_began_at, row.round_since, row.round_cursor, row.round_first_day, row.round_last_day)
    return SyncState(row.complete_at, begun)


def keep_sync(control: Control, business: Business, vendor: str, address: str, state: SyncState) -> None:
    """Keep how far it is; what it counts has to be durable by now.

    Raises:
        NotFound: the business is gone.
    """
    begun = state.round
    with control.writing() as connection:
        locked_business(connection, business.id)
        connection.execute(delete(syncs).where(syncs.c.business_id == business.id, syncs.c.vendor == vendor))
        connection.execute(
            insert(syncs).values(
                business_id=business.id,
                vendor=vendor,
                address=address,
                generation=business.generation,
                complete_at=state.complete_at,
                round_began_at=begun.began_at if begun else None,
                round_since=begun.since if begun else None,
                round_cursor=begun.cursor if begun else None,
                round_first_day=begun.first_day if begun else None,
                round_last_day=begun.last_day if begun else None,
            )
        )
