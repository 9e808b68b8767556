"""Sessions: browsers that are signed in with keys, one for each business that they may look at.

A token is 256 random bits, kept as a hash like the secrets of keys. A session has no rights of its own: each request
looks its keys up anew, so that what was revoked or changed counts at once, in whatever process.
"""

import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from calltally.accounts.businesses import locked_business
from calltally.accounts.control import Control
from calltally.accounts.keys import is_due, note_use
from calltally.accounts.permissions import Actor, actor_of
from calltally.accounts.tables import businesses, keys, session_keys, sessions
from calltally.errors import NotFound, StorageFull, Unauthorized, Unavailable

__all__ = ["Session", "begin_session", "choose_business", "csrf_token", "end_session", "find_session", "token_hash"]


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Session:
    """Who uses a browser: as whom they may act, by name of the business, and the business that they look at."""

    actors: tuple[Actor, ...]
    chosen: str
    last_used_at: datetime

    @property
    def actor(self) -> Actor:
        """As whom they act.

        Raises:
            Unauthorized: there is no key of the business that they look at, or it was revoked.
        """
        for actor in self.actors:
            if actor.business.id == self.chosen:
                return actor
        raise Unauthorized


FOUND = (
    select(businesses, keys.c.id.label("key_id"), keys.c.scopes, sessions.c.chosen, sessions.c.last_used_at)
    .join_from(sessions, session_keys, session_keys.c.token_hash == sessions.c.token_hash)
    .join(keys, keys.c.id == session_keys.c.key_id)
    .join(businesses, businesses.c.id == session_keys.c.business_id)
    .where(
        sessions.c.token_hash == bindparam("hash"),
        sessions.c.expires_at > bindparam("now"),
        keys.c.revoked_at.is_(None),
    )
)


def begin_session(control: Control, actor: Actor, token: str | None, now: datetime, expires_at: datetime) -> str:
    """The token of a new session that looks at the actor's business.

    It takes the place of the session with the token that is given, if there is one, and over the keys of that one: a
    token that somebody else knew before is worth nothing after.

    Raises:
        NotFound: the business is gone.
    """
    new = secrets.token_urlsafe(32)
    with control.writing() as connection:
        locked_business(connection, actor.business.id)
        taken = _key_ids(connection, token, now) | {actor.business.id: actor.key_id}
        _remove(connection, sessions.c.expires_at <= now)
        _remove(connection, sessions.c.token_hash == token_hash(token or ""))
        values = {"chosen": actor.business.id, "created_at": now, "expires_at": expires_at, "last_used_at": now}
        connection.execute(insert(sessions).values(token_hash=token_hash(new), **values))
        for business_id, key_id in taken.items():
            connection.execute(
                insert(session_keys).values(token_hash=token_hash(new), business_id=business_id, key_id=key_id)
            )
    return new


def find_session(control: Control, token: str, now: datetime, business_id: str | None = None) -> Session:
    """The session with this token, its use being noted; it looks at the business that is given, if one is.

    Raises:
        Unauthorized: there is none, it is over, or all its keys were revoked.
    """
    with control.reading() as connection:
        rows = _rows(connection, token, now)
    if not rows:
        raise Unauthorized
    session = Session(tuple(map(actor_of, rows)), business_id or rows[0].chosen, rows[0].last_used_at)
    if is_due(session.last_used_at, now):
        _note_use(control, token, session, now)
    return session


def choose_business(control: Control, token: str, business_id: str, now: datetime) -> None:
    """Let a session look at another of its businesses.

    Raises:
        NotFound: it has no key of this one.
    """
    with control.writing() as connection:
        if business_id not in _key_ids(connection, token, now):
            raise NotFound("You are not signed in to this business")
        mine = sessions.c.token_hash == token_hash(token)
        connection.execute(update(sessions).where(mine).values(chosen=business_id))


def end_session(control: Control, token: str) -> None:
    """Forget a session, if there is one with this token."""
    with control.writing() as connection:
        _remove(connection, sessions.c.token_hash == token_hash(token))


def csrf_token(token: str) -> str:
    """What a page of a session shows to prove that it was made for it; it does not tell the session's own token."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def token_hash(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _rows(connection: Connection, token: str, now: datetime) -> list[Row[Any]]:
    """A row for each key of the session that is good, with its business."""
    rows = connection.execute(FOUND, {"hash": token_hash(token), "now": now}).all()
    return sorted(rows, key=lambda row: (row.name, row.id))


def _key_ids(connection: Connection, token: str | None, now: datetime) -> dict[str, str]:
    """The keys of a session, by business."""
    return {row.id: row.key_id for row in _rows(connection, token or "", now)}


def _remove(connection: Connection, condition: Any) -> None:
    gone = select(sessions.c.token_hash).where(condition)
    connection.execute(delete(session_keys).where(session_keys.c.token_hash.in_(gone)))
    connection.execute(delete(sessions).where(condition))


def _note_use(control: Control, token: str, session: Session, now: datetime) -> None:
    """Note when the session, and with it the key, was used; where that cannot be done now, a later request will."""
    used = [actor.key_id for actor in session.actors if actor.business.id == session.chosen]
    try:
        with control.writing(hurried=True) as connection:
            connection.execute(
                update(sessions).where(sessions.c.token_hash == token_hash(token)).values(last_used_at=now)
            )
            note_use(connection, used, now)
    except (Unavailable, StorageFull) as error:
        log.warning("the use of a session was not noted: %s", error)
