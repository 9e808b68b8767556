"""Addresses for the webhooks of vendors: made, found when something is sent there, listed, deleted.

A secret of ours is kept as a hash, like a key's. A vendor's has to be kept as it is: signatures are computed with it.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, select, update

from calltally.accounts.businesses import Business, business_of, locked_business, name_problem
from calltally.accounts.control import Control
from calltally.accounts.tables import businesses, dead_letters, ignored_events, webhook_arrivals, webhooks
from calltally.errors import InvalidRequest, NotFound, Problem, shown

__all__ = [
    "UNSHOWABLE",
    "Credential",
    "IgnoredEvent",
    "UsedWebhook",
    "Webhook",
    "count_ignored",
    "create_webhook",
    "delete_webhook",
    "find_webhook",
    "first_arrival",
    "forget_arrival",
    "list_webhooks",
    "new_secret",
]

WORD = "cs_hook_"
WEBHOOK_ID = re.compile(r"[0-9a-f]{16}")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
LONGEST_SECRET = 512
UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
LONGEST_EVENT = 100
MOST_EVENTS = 100  # different ones of a webhook that are counted by name
OTHER_EVENTS = "(others)"


@dataclass(frozen=True)
class Credential:
    """How a sender proves that it is one: a header with a secret, a secret in the address, or signatures."""

    header: str | None = None
    secret: str | None = field(default=None, repr=False)  # the vendor's, for signatures
    secret_hash: str | None = field(default=None, repr=False)  # of one that was made here


@dataclass(frozen=True)
class Webhook:
    """One address for the webhooks of one vendor into one business."""

    id: str
    business_id: str
    kind: str
    name: str | None
    credential: Credential
    created_at: datetime

    @property
    def path(self) -> str:
        """Where it is on the server."""
        return f"/api/v1/webhooks/{self.kind}/{self.id}"


@dataclass(frozen=True)
class IgnoredEvent:
    """An event that nothing is done about, and how often it came."""

    event: str
    count: int
    last_at: datetime


@dataclass(frozen=True)
class UsedWebhook:
    """A webhook, the events that were ignored, and how many dead letters it has."""

    webhook: Webhook
    business: Business
    ignored: tuple[IgnoredEvent, ...]
    dead_letters: int


ACTIVE = webhooks.c.deleted_at.is_(None)


def new_secret() -> tuple[str, str]:
    """A secret of ours and its hash."""
    secret = WORD + secrets.token_hex(20)
    return secret, hashlib.sha256(secret.encode()).hexdigest()


def create_webhook(
    control: Control, business: Business, *, kind: str, name: str | None, credential: Credential, now: datetime
) -> Webhook:
    """The new webhook.

    Raises:
        InvalidRequest: lists everything that is wrong with its name, header and secret.
        NotFound: the business is gone.
    """
    trimmed = (name or "").strip() or None
    if problems := tuple(_problems(trimmed, credential)):
        raise InvalidRequest(problems)
    webhook = Webhook(secrets.token_hex(8), business.id, kind, trimmed, credential, now)
    with control.writing() as connection:
        locked_business(connection, business.id)
        connection.execute(
            insert(webhooks).values(
                id=webhook.id,
                business_id=business.id,
                kind=kind,
                name=trimmed,
                header=credential.header,
                secret=credential.secret,
                secret_hash=credential.secret_hash,
                created_at=now,
            )
        )
    return webhook


def find_webhook(control: Control, kind: str, webhook_id: str) -> tuple[Webhook, Business]:
    """The webhook, and the business as it is now.

    Raises:
        NotFound: there is none of this kind and id.
    """
    this = and_(webhooks.c.id == webhook_id, ACTIVE)
    if WEBHOOK_ID.fullmatch(webhook_id):
        with control.reading() as connection:
            row = connection.execute(select(webhooks).where(this)).one_or_none()
            if row and row.kind == kind:
                owner = connection.execute(select(businesses).where(businesses.c.id == row.business_id)).one_or_none()
                if owner:
                    return _webhook(row), business_of(owner)
    raise NotFound(_unknown(webhook_id))


def list_webhooks(control: Control, business: Business | None = None) -> tuple[UsedWebhook, ...]:
    """The webhooks of a business, or of all, the oldest first."""
    wanted = select(webhooks).where(ACTIVE).order_by(webhooks.c.created_at, webhooks.c.id)
    if business:
        wanted = wanted.where(webhooks.c.business_id == business.id)
    with control.reading() as connection:
        owners = {row.id: business_of(row) for row in connection.execute(select(businesses))}
        rows = [row for row in connection.execute(wanted) if row.business_id in owners]
        return tuple(
            UsedWebhook(
                _webhook(row), owners[row.business_id], _ignored(connection, row.id), _letters(connection, row.id)
            )
            for row in rows
        )


def delete_webhook(control: Control, webhook_id: str, now: datetime) -> None:
    """Delete a webhook and its secret: what is sent there is refused from now on. Its dead letters stay.

    Raises:
        NotFound: there is no such webhook, or it was deleted before.
    """
    deleted = 0
    if WEBHOOK_ID.fullmatch(webhook_id):
        with control.writing() as connection:
            done = connection.execute(
                update(webhooks)
                .where(webhooks.c.id == webhook_id, ACTIVE)
                .values(deleted_at=now, secret=None, secret_hash=None)
            )
        deleted = done.rowcount
    if not deleted:
        raise NotFound(_unknown(webhook_id))
    control.empty_log()


def count_ignored(control: Control, webhook: Webhook, event: str, now: datetime) -> None:
    """Count an event that nothing is done about.

    Raises:
        NotFound: the business is gone.
    """
    with control.writing() as connection:
        locked_business(connection, webhook.business_id)
        counted = _counted_name(connection, webhook.id, UNSHOWABLE.sub(" ", event)[:LONGEST_EVENT])
        this = and_(ignored_events.c.webhook_id == webhook.id, ignored_events.c.event == counted)
        more = {"times": ignored_events.c.times + 1, "last_at": now}
        if not connection.execute(update(ignored_events).where(this).values(more)).rowcount:
            connection.execute(
                insert(ignored_events).values(
                    webhook_id=webhook.id, event=counted, business_id=webhook.business_id, times=1, last_at=now
                )
            )


def first_arrival(control: Control, webhook: Webhook, body: bytes, now: datetime) -> datetime:
    """When this same body first came by this webhook; where that is now, it is known for ever after.

    Raises:
        NotFound: the business is gone.
    """
    wanted = select(webhook_arrivals.c.first_at).where(_arrival(webhook.id, body))
    with control.reading() as connection:
        if known := connection.execute(wanted).scalar_one_or_none():
            return known
    with control.writing() as connection:
        locked_business(connection, webhook.business_id)
        if known := connection.execute(wanted).scalar_one_or_none():  # another thread was quicker
            return known
        connection.execute(
            insert(webhook_arrivals).values(
                webhook_id=webhook.id, body_sha256=_sha256(body), business_id=webhook.business_id, first_at=now
            )
        )
    return now


def forget_arrival(connection: Connection, webhook_id: str, body: bytes) -> None:
    """Forget when a body first came; where it never did that is fine."""
    connection.execute(delete(webhook_arrivals).where(_arrival(webhook_id, body)))


def _arrival(webhook_id: str, body: bytes) -> ColumnElement[bool]:
    return and_(webhook_arrivals.c.webhook_id == webhook_id, webhook_arrivals.c.body_sha256 == _sha256(body))


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _unknown(webhook_id: str) -> str:
    return f"There is no webhook {shown(webhook_id)}; 'calltally webhook list' shows the ids"


def _problems(name: str | None, credential: Credential) -> Iterable[Problem]:
    if name and (problem := name_problem(name)):
        yield problem
    if credential.header is not None and not HEADER.fullmatch(credential.header):
        yield Problem("header", f"header: {shown(credential.header)} is not the name of a header")
    if credential.secret is not None and not (
        0 < len(credential.secret) <= LONGEST_SECRET and credential.secret.isascii() and credential.secret.isprintable()
    ):
        yield Problem("secret", f"secret: it has to be 1 to {LONGEST_SECRET} printable ASCII characters")


def _webhook(row: Row[Any]) -> Webhook:
    credential = Credential(row.header, row.secret, row.secret_hash)
    return Webhook(row.id, row.business_id, row.kind, row.name, credential, row.created_at)


def _ignored(connection: Connection, webhook_id: str) -> tuple[IgnoredEvent, ...]:
    wanted = select(ignored_events).where(ignored_events.c.webhook_id == webhook_id)
    found = [IgnoredEvent(row.event, row.times, row.last_at) for row in connection.execute(wanted)]
    return tuple(sorted(found, key=lambda ignored: ignored.event))


def _letters(connection: Connection, webhook_id: str) -> int:
    counted = select(func.count()).select_from(dead_letters).where(dead_letters.c.webhook_id == webhook_id)
    return connection.execute(counted).scalar_one()


def _counted_name(connection: Connection, webhook_id: str, event: str) -> str:
    """The name under which an event is counted: its own, unless a webhook has too many of them."""
    known = {seen.event for seen in _ignored(connection, webhook_id)}
    return event if event in known or len(known) < MOST_EVENTS else OTHER_EVENTS
