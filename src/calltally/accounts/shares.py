"""Shares: single reports that are shown to whoever has their address, and nothing else to them.

A token is 256 random bits, kept as a hash like that of a session. A share ends when it is revoked, at its own end, with
its business, and with the key that made it: whoever loses a key to somebody else ends what was given away with it.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, or_, select

from calltally.accounts.businesses import Business, business_of, locked_business
from calltally.accounts.control import Control
from calltally.accounts.permissions import Actor
from calltally.accounts.redacting import redact_reports
from calltally.accounts.sessions import token_hash
from calltally.accounts.tables import businesses, keys, shares
from calltally.errors import InvalidRequest, NotFound, Problem, shown

__all__ = [
    "MOST_SHARES",
    "Share",
    "create_share",
    "find_share",
    "list_shares",
    "redact_shares",
    "revoke_share",
]

MOST_SHARES = 500  # of a business
SHARE_ID = re.compile(r"[0-9a-f]{1,16}")
GONE = "This report is not shared any more, or its address is not complete; ask whoever sent it to you"

ACTIVE_KEY = select(keys.c.id).where(keys.c.revoked_at.is_(None))


@dataclass(frozen=True)
class Share:
    """A report that is shared; `expires_at` None: until it is revoked."""

    id: str
    name: str | None
    request: str
    created_at: datetime
    expires_at: datetime | None


def create_share(
    control: Control, actor: Actor, *, name: str | None, request: str, now: datetime, expires_at: datetime | None
) -> tuple[Share, str]:
    """The new share of the actor's business, and its token, which cannot be had again.

    Raises:
        InvalidRequest: the business has as many as it can have.
        NotFound: the business is gone.
    """
    business_id, token = actor.business.id, secrets.token_urlsafe(32)
    share = Share(secrets.token_hex(8), name, request, now, expires_at)
    mine = shares.c.business_id == business_id
    with control.writing() as connection:
        locked_business(connection, business_id)
        connection.execute(delete(shares).where(mine, ~_good(now)))
        if connection.execute(select(func.count()).select_from(shares).where(mine)).scalar_one() >= MOST_SHARES:
            message = f"this business shares {MOST_SHARES} reports, the most there can be; revoke one first"
            raise InvalidRequest((Problem("request", f"request: {message}"),))
        connection.execute(
            insert(shares).values(
                id=share.id,
                business_id=business_id,
                key_id=actor.key_id,
                token_hash=token_hash(token),
                name=name,
                request=request,
                created_at=now,
                expires_at=expires_at,
            )
        )
    return share, token


def list_shares(control: Control, business: Business, now: datetime) -> tuple[Share, ...]:
    """The shares of a business that are good, the newest first."""
    wanted = select(shares).where(shares.c.business_id == business.id, _good(now))
    with control.reading() as connection:
        rows = connection.execute(wanted.order_by(shares.c.created_at.desc(), shares.c.id)).all()
    return tuple(map(_share, rows))


def revoke_share(control: Control, business_id: str, share_id: str) -> None:
    """Revoke a share of a business: the next request for it finds nothing.

    Raises:
        NotFound: the business has none with this id.
    """
    mine = (shares.c.id == share_id) & (shares.c.business_id == business_id)
    revoked = 0
    if SHARE_ID.fullmatch(share_id):
        with control.writing() as connection:
            revoked = connection.execute(delete(shares).where(mine)).rowcount
    if not revoked:
        raise NotFound(f"There is no share {shown(share_id)}")


def find_share(control: Control, token: str, now: datetime) -> tuple[Share, Business]:
    """The share with this token, and its business.

    Raises:
        NotFound: there is none, it was revoked, or it has ended; which of these is not said.
    """
    wanted = shares.c.token_hash == token_hash(token)
    with control.reading() as connection:
        row = connection.execute(select(shares).where(wanted, _good(now))).one_or_none()
        owner = row and connection.execute(select(businesses).where(businesses.c.id == row.business_id)).one_or_none()
    if row is None or owner is None:
        raise NotFound(GONE)
    return _share(row), business_of(owner)


def redact_shares(control: Control, business: Business, caller_number: str) -> int:
    """How many shares had a caller's number (E.164) in their name or request, which have it no more."""
    return redact_reports(control, business, shares, caller_number, lambda _, left: left.strip() or None)


def _good(now: datetime) -> ColumnElement[bool]:
    """Whether a share has not ended, and the key that made it is not revoked."""
    return or_(shares.c.expires_at.is_(None), shares.c.expires_at > now) & shares.c.key_id.in_(ACTIVE_KEY)


def _share(row: Row[Any]) -> Share:
    return Share(row.id, row.name, row.request, row.created_at, row.expires_at)
