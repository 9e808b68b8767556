"""One-time links: each signs a browser in with one key, once, within ten minutes."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, select

from calltally.accounts.businesses import locked_business
from calltally.accounts.control import Control
from calltally.accounts.permissions import Actor, actor_of
from calltally.accounts.sessions import token_hash
from calltally.accounts.tables import businesses, keys, links
from calltally.errors import NotFound

__all__ = ["LINK_LASTS", "create_link", "find_link", "use_link"]

LINK_LASTS = timedelta(minutes=10)
USED = "This link was used already, or is more than ten minutes old; 'calltally open' makes a new one"

FOUND = (
    select(businesses, keys.c.id.label("key_id"), keys.c.scopes)
    .join_from(links, keys, keys.c.id == links.c.key_id)
    .join(businesses, businesses.c.id == links.c.business_id)
    .where(links.c.token_hash == bindparam("hash"), links.c.expires_at > bindparam("now"), keys.c.revoked_at.is_(None))
)


def create_link(control: Control, business_id: str, key_id: str, now: datetime) -> str:
    """The token of a new link that signs in with a key of a business.

    Raises:
        NotFound: the business is gone.
    """
    token = secrets.token_urlsafe(32)
    with control.writing() as connection:
        locked_business(connection, business_id)
        connection.execute(delete(links).where(links.c.expires_at <= now))
        values = {"business_id": business_id, "key_id": key_id, "expires_at": now + LINK_LASTS}
        connection.execute(insert(links).values(token_hash=token_hash(token), **values))
    return token


def find_link(control: Control, token: str, now: datetime) -> Actor:
    """As whom the link signs in; it stays good.

    Raises:
        NotFound: there is no such link, it was used, or it is too old, or its key was revoked.
    """
    with control.reading() as connection:
        return _found(connection, token, now)


def use_link(control: Control, token: str, now: datetime) -> Actor:
    """As whom the link signs in, which it does no more after this.

    Raises:
        NotFound: see `find_link`; also where somebody else uses it at the same moment.
    """
    with control.writing() as connection:
        actor = _found(connection, token, now)
        if not connection.execute(delete(links).where(links.c.token_hash == token_hash(token))).rowcount:
            raise NotFound(USED)
    return actor


def _found(connection: Connection, token: str, now: datetime) -> Actor:
    row = connection.execute(FOUND, {"hash": token_hash(token), "now": now}).one_or_none()
    if row is None:
        raise NotFound(USED)
    return actor_of(row)
