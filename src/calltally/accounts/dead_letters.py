"""Dead letters: what came by a webhook and could not be applied, kept whole until it can be."""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from calltally.accounts.businesses import Business, locked_business
from calltally.accounts.control import Control
from calltally.accounts.tables import dead_letters, webhooks
from calltally.accounts.webhooks import UNSHOWABLE, Webhook, forget_arrival
from calltally.errors import NotFound, shown

__all__ = [
    "DeadLetter",
    "find_dead_letter",
    "keep_dead_letter",
    "list_dead_letters",
    "note_reason",
    "read_dead_letter",
    "redact_dead_letters",
    "remove_dead_letter",
]

LETTER_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class DeadLetter:
    """What is known of a body that could not be applied; `size` is in bytes."""

    id: str
    business_id: str
    webhook_id: str
    kind: str
    arrived_at: datetime
    reason: str
    size: int


KNOWN = select(
    dead_letters.c.id,
    dead_letters.c.business_id,
    dead_letters.c.webhook_id,
    webhooks.c.kind,
    dead_letters.c.arrived_at,
    dead_letters.c.reason,
    func.length(dead_letters.c.body).label("size"),
).join_from(dead_letters, webhooks)


def keep_dead_letter(
    control: Control, webhook: Webhook, body: bytes, reason: str, arrived_at: datetime, *, came_as: bytes | None = None
) -> str:
    """Keep a body; its id. One that is kept already keeps its arrival, and has the new reason.

    `came_as` is what it was before erased callers were taken out of it, which is forgotten if it is something else.

    Raises:
        NotFound: the business is gone.
    """
    letter_id = hashlib.sha256(webhook.id.encode() + body).hexdigest()[:16]
    said = UNSHOWABLE.sub(" ", reason)
    with control.writing() as connection:
        locked_business(connection, webhook.business_id)
        if came_as is not None and came_as != body:
            forget_arrival(connection, webhook.id, came_as)
        this = dead_letters.c.id == letter_id
        if connection.execute(update(dead_letters).where(this).values(reason=said)).rowcount:
            return letter_id
        connection.execute(
            insert(dead_letters).values(
                id=letter_id,
                business_id=webhook.business_id,
                webhook_id=webhook.id,
                arrived_at=arrived_at,
                reason=said,
                body=body,
            )
        )
    return letter_id


def list_dead_letters(control: Control, business: Business | None = None) -> tuple[DeadLetter, ...]:
    """The dead letters of a business, or of all, the oldest first."""
    wanted = KNOWN.order_by(dead_letters.c.arrived_at, dead_letters.c.id)
    if business:
        wanted = wanted.where(dead_letters.c.business_id == business.id)
    with control.reading() as connection:
        return tuple(_letter(row) for row in connection.execute(wanted))


def find_dead_letter(control: Control, letter_id: str) -> DeadLetter:
    """The dead letter with this id.

    Raises:
        NotFound: there is none.
    """
    row = None
    if LETTER_ID.fullmatch(letter_id):
        with control.reading() as connection:
            row = connection.execute(KNOWN.where(dead_letters.c.id == letter_id)).one_or_none()
    if row is None:
        raise NotFound(_unknown(letter_id))
    return _letter(row)


def read_dead_letter(control: Control, letter_id: str) -> bytes:
    """The body of a dead letter.

    Raises:
        NotFound: there is none.
    """
    with control.reading() as connection:
        wanted = select(dead_letters.c.body).where(dead_letters.c.id == letter_id)
        body = connection.execute(wanted).scalar_one_or_none()
    if body is None:
        raise NotFound(_unknown(letter_id))
    return body


def note_reason(control: Control, letter_id: str, reason: str) -> None:
    """Note why a dead letter is one still; none there is fine."""
    with control.writing() as connection:
        connection.execute(
            update(dead_letters).where(dead_letters.c.id == letter_id).values(reason=UNSHOWABLE.sub(" ", reason))
        )


def remove_dead_letter(control: Control, letter_id: str) -> None:
    """Remove a dead letter that was taken; none there is fine."""
    with control.writing() as connection:
        connection.execute(delete(dead_letters).where(dead_letters.c.id == letter_id))


def redact_dead_letters(
    control: Control, business: Business, without: Callable[[bytes], bytes], letter_id: str | None = None
) -> int:
    """How many dead letters of the business, or whether that one, had what `without` takes out: they have it no more.

    They get new ids, and the arrival of what they were is forgotten: both came from hashes of the whole body, from
    which the number could be found out by trying all there are.
    """
    changed = 0
    with control.writing() as connection:
        locked_business(connection, business.id)
        wanted = select(dead_letters.c.id).where(dead_letters.c.business_id == business.id)
        if letter_id is not None:
            wanted = wanted.where(dead_letters.c.id == letter_id)
        for found in connection.execute(wanted).scalars().all():
            changed += _redact(connection, found, without)
    if changed:
        control.empty_log()
    return changed


def _redact(connection: Connection, letter_id: str, without: Callable[[bytes], bytes]) -> bool:
    """Whether a dead letter had what is to be taken out."""
    this = dead_letters.c.id == letter_id
    row = connection.execute(select(dead_letters).where(this)).one()
    body, reason = without(row.body), without(row.reason.encode()).decode()
    if (body, reason) == (row.body, row.reason):
        return False
    connection.execute(update(dead_letters).where(this).values(id=secrets.token_hex(8), body=body, reason=reason))
    forget_arrival(connection, row.webhook_id, row.body)
    return True


def _letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(row.id, row.business_id, row.webhook_id, row.kind, row.arrived_at, row.reason, row.size)


def _unknown(letter_id: str) -> str:
    return f"There is no dead letter {shown(letter_id)}; 'calltally dead-letters list' shows the ids"
