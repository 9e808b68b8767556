"""Keys: issued once, kept as a hash, verified on every request, revoked at once.

A secret is 160 random bits, so that its SHA-256 is all the protection that it needs: a slow, salted hash is for
passwords, which can be guessed; here there is nothing to guess, and every request would pay for it.
"""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, update

from calltally.accounts.businesses import Business, locked_business, name_problem
from calltally.accounts.control import Control
from calltally.accounts.permissions import SCOPES, Actor, actor_of, scope_problems
from calltally.accounts.tables import businesses, keys
from calltally.errors import Conflict, InvalidRequest, NotFound, StorageFull, Unauthorized, Unavailable, shown

__all__ = [
    "MOST_KEYS",
    "Key",
    "KnownKeys",
    "NewKey",
    "authenticate",
    "create_key",
    "is_due",
    "list_keys",
    "note_use",
    "revoke_key",
]

MOST_KEYS = 10  # active ones of a business
WORD = "cs_key_"
PREFIX_LENGTH = len(WORD) + 8
USE_NOTED_EVERY = timedelta(minutes=1)
KEY_ID = re.compile(r"[0-9a-f]{16}")
AUTHORIZATION = re.compile(rf"(?i:bearer) +({WORD}[0-9a-f]{{40}}) *")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Key:
    """What is known of a key after it was issued."""

    id: str
    prefix: str
    name: str | None
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None = None


@dataclass(frozen=True)
class NewKey(Key):
    """A key at the one moment at which its secret is known."""

    secret: str = ""


ACTIVE = keys.c.revoked_at.is_(None)
BEARER = (
    select(
        businesses,
        keys.c.id.label("key_id"),
        keys.c.secret_hash,
        keys.c.scopes,
        keys.c.last_used_at,
    )
    .join_from(keys, businesses)
    .where(keys.c.prefix == bindparam("prefix"), ACTIVE)
)


def create_key(
    control: Control,
    business: Business,
    name: str | None,
    scopes: Collection[str],
    now: datetime,
) -> NewKey:
    """The new key with its secret, which cannot be had again.

    Raises:
        InvalidRequest: lists everything that is wrong with the name and the scopes.
        Conflict: the business has as many keys as it can have.
        NotFound: the business is gone.
    """
    name, granted = _checked(name, scopes)
    secret = WORD + secrets.token_hex(20)
    key = NewKey(
        id=secrets.token_hex(8),
        prefix=secret[:PREFIX_LENGTH],
        name=name,
        scopes=granted,
        created_at=now,
        secret=secret,
    )
    with control.writing() as connection:
        locked_business(connection, business.id)
        active = select(func.count()).select_from(keys).where(keys.c.business_id == business.id, ACTIVE)
        if connection.execute(active).scalar_one() >= MOST_KEYS:
            raise Conflict(
                f"The business {shown(business.name)} has {MOST_KEYS} active keys, the most there can be; "
                "revoke one with 'calltally key revoke ID'"
            )
        connection.execute(
            insert(keys).values(
                id=key.id,
                business_id=business.id,
                prefix=key.prefix,
                secret_hash=_hash(secret),
                name=key.name,
                scopes=",".join(key.scopes),
                created_at=key.created_at,
            )
        )
    return key


def list_keys(control: Control, business: Business) -> tuple[Key, ...]:
    """The active keys of a business, the oldest first."""
    wanted = select(keys).where(keys.c.business_id == business.id, ACTIVE)
    with control.reading() as connection:
        rows = connection.execute(wanted.order_by(keys.c.created_at, keys.c.id)).all()
    return tuple(
        Key(row.id, row.prefix, row.name, tuple(row.scopes.split(",")), row.created_at, row.last_used_at)
        for row in rows
    )


def revoke_key(control: Control, key_id: str, now: datetime) -> None:
    """Revoke a key: the next request with it is refused.

    Raises:
        NotFound: there is no such key, or it was revoked before.
    """
    revoked = 0
    if KEY_ID.fullmatch(key_id):
        with control.writing() as connection:
            done = connection.execute(update(keys).where(keys.c.id == key_id, ACTIVE).values(revoked_at=now))
        revoked = done.rowcount
    if not revoked:
        raise NotFound(f"There is no active key {shown(key_id)}; 'calltally key list BUSINESS' shows the ids")


def authenticate(control: Control, authorization: str | None, now: datetime) -> Actor:
    """Who asks, looked up anew on every call, so that what was revoked or changed counts at once.

    Raises:
        Unauthorized: the header is missing or malformed, the key unknown or revoked.
    """
    return actor_of(_row(control, _secret(authorization), now))


class KnownKeys:
    """Keys that were looked up before, good until anything in the control database changes. Safe for threads.

    `version` is how to ask for its version on behalf of those to be recognised, if not each time.
    """

    def __init__(self, control: Control, version: Callable[[], int | None] | None = None) -> None:
        self._control = control
        self._version = version or control.version
        self._known: dict[str, _Known] = {}  # by the hash of the secret; no more than there ever were keys

    def recognise(self, authorization: str | None, now: datetime) -> Actor | None:
        """Who asks, told without waiting for the database; None: it takes a `look_up`.

        Raises:
            Unauthorized: the header is missing or malformed.
        """
        known = self._known.get(_hash(_secret(authorization)))
        if known is None or known.version != self._version() or is_due(known.used_at, now):
            return None
        return known.actor

    def look_up(self, authorization: str | None, now: datetime) -> Actor:
        """Who asks; see `authenticate`."""
        secret = _secret(authorization)
        version = self._control.version()  # before the look-up, so that a change beside it counts as one after it
        row = _row(self._control, secret, now)
        if version is not None and row.last_used_at:
            self._known[row.secret_hash] = _Known(version, actor_of(row), row.last_used_at)
        return actor_of(row)


@dataclass(frozen=True)
class _Known:
    """Who uses a key and when that was last noted, as of one version of the control database."""

    version: int
    actor: Actor
    used_at: datetime


def _secret(authorization: str | None) -> str:
    found = AUTHORIZATION.fullmatch(authorization or "")
    if found is None:
        raise Unauthorized
    return found[1]


def _row(control: Control, secret: str, now: datetime) -> Row[Any]:
    """The key and its business, the use of the key being noted."""
    with control.reading() as connection:
        rows = connection.execute(BEARER, {"prefix": secret[:PREFIX_LENGTH]}).all()
    secret_hash = _hash(secret)
    for row in rows:
        if hmac.compare_digest(row.secret_hash, secret_hash):
            if row.last_used_at is None or is_due(row.last_used_at, now):
                _note_use(control, row.key_id, now)
            return row
    raise Unauthorized


def is_due(used_at: datetime, now: datetime) -> bool:
    """Whether it is time to note again that a key, or a session, is used."""
    return now - used_at >= USE_NOTED_EVERY


def _note_use(control: Control, key_id: str, now: datetime) -> None:
    """Note when the key was used; where that cannot be done now, a later request will."""
    try:
        with control.writing(hurried=True) as connection:
            note_use(connection, [key_id], now)
    except (Unavailable, StorageFull) as error:
        log.warning("the use of key %s was not noted: %s", key_id, error)


def note_use(connection: Connection, key_ids: Sequence[str], now: datetime) -> None:
    """Note when keys were used, unless that was noted just now."""
    due = or_(keys.c.last_used_at.is_(None), keys.c.last_used_at <= now - USE_NOTED_EVERY)
    connection.execute(update(keys).where(keys.c.id.in_(key_ids), due).values(last_used_at=now))


def _checked(name: str | None, scopes: Collection[str]) -> tuple[str | None, tuple[str, ...]]:
    """Name and scopes as they are stored: no empty name; each scope once, in the order of their table."""
    trimmed = (name or "").strip() or None
    problem = name_problem(trimmed) if trimmed else None
    if problems := (*([problem] if problem else []), *scope_problems(scopes)):
        raise InvalidRequest(problems)
    return trimmed, tuple(scope for scope in SCOPES if scope in scopes)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
