"""The tables of the control database, as they are now."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Named,
    Table,
    Text,
    TypedColumns,
    TypeDecorator,
)

__all__ = [
    "METADATA",
    "UtcTime",
    "businesses",
    "dead_letters",
    "ignored_events",
    "keys",
    "links",
    "removals",
    "saved_reports",
    "schema_version",
    "session_keys",
    "sessions",
    "shares",
    "syncs",
    "tables_of_a_business",
    "tables_of_an_account",
    "turns",
    "webhook_arrivals",
    "webhooks",
]


class UtcTime(TypeDecorator[datetime]):
    """A moment, stored in UTC without saying so."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The moment in UTC; it has to know its offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The moment, knowing that it is UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


METADATA = MetaData()
MOMENTARY = {"momentary": True}  # of a table that no backup holds


class BusinessColumns(TypedColumns):
    """A business and its settings; `generation` grows each time its calls are cleared."""

    id = Column(Text, primary_key=True)
    name: Named[str] = Column(Text)
    timezone: Named[str] = Column(Text)
    region: Named[str] = Column(Text)
    currency: Named[str] = Column(Text)
    generation: Named[int] = Column(Integer)
    created_at: Named[datetime] = Column(UtcTime)


class KeyColumns(TypedColumns):
    """A key; never its secret, only the hash of it."""

    id = Column(Text, primary_key=True)
    business_id: Named[str] = Column(Text, ForeignKey("businesses.id"), index=True)
    prefix: Named[str] = Column(Text, index=True)
    secret_hash: Named[str] = Column(Text)
    name: Named[str | None] = Column(Text)
    scopes: Named[str] = Column(Text)
    created_at: Named[datetime] = Column(UtcTime)
    last_used_at: Named[datetime | None] = Column(UtcTime)
    revoked_at: Named[datetime | None] = Column(UtcTime)


class RemovalColumns(TypedColumns):
    """A store of calls whose files are to be removed: what was begun is finished by whoever next owns the folder."""

    store = Column(Text, primary_key=True)


class WebhookColumns(TypedColumns):
    """An address for one vendor's webhooks; a deleted one stays, without secrets, so that no backup brings it back.

    `secret` is a vendor's, as signatures are computed with it; of one that was made here there is only the hash.
    """

    id = Column(Text, primary_key=True)
    business_id: Named[str] = Column(Text, ForeignKey("businesses.id"), index=True)
    kind: Named[str] = Column(Text)
    name: Named[str | None] = Column(Text)
    header: Named[str | None] = Column(Text)
    secret: Named[str | None] = Column(Text)
    secret_hash: Named[str | None] = Column(Text)
    created_at: Named[datetime] = Column(UtcTime)
    deleted_at: Named[datetime | None] = Column(UtcTime)


class IgnoredEventColumns(TypedColumns):
    """How often an event came by a webhook that nothing is done about."""

    webhook_id = Column(Text, ForeignKey("webhooks.id"), primary_key=True)
    event = Column(Text, primary_key=True)
    business_id: Named[str] = Column(Text, ForeignKey("businesses.id"), index=True)
    times: Named[int] = Column(Integer)
    last_at: Named[datetime] = Column(UtcTime)


class WebhookArrivalColumns(TypedColumns):
    """When a body, known by its SHA-256, first came by a webhook."""

    webhook_id = Column(Text, ForeignKey("webhooks.id"), primary_key=True)
    body_sha256 = Column(Text, primary_key=True)
    business_id: Named[str] = Column(Text, ForeignKey("businesses.id"), index=True)
    first_at: Named[datetime] = Column(UtcTime)


class DeadLetterColumns(TypedColumns):
    """What came by a webhook and could not be applied: the whole body, and why."""

    id = Column(Text, primary_key=True)
    business_id: Named[str] = Column(Text, ForeignKey("businesses.id"), index=True)
    webhook_id: Named[str] = Column(Text, ForeignKey("webhooks.id"), index=True)
    arrived_at: Named[datetime] = Column(UtcTime)
    reason: Named[str] = Column(Text)
    body: Named[bytes] = Column(LargeBinary)


class SessionColumns(TypedColumns):
    """A browser that is signed in, known by the hash of its token; `chosen` is the business that it looks at."""

    token_hash = Column(Text, primary_key=True)
    chosen: Named[str] = Column(Text)
    created_at: Named[datetime] = Column(UtcTime)
    expires_at: Named[datetime] = Column(UtcTime, index=True)
    last_used_at: Named[datetime] = Column(UtcTime)


class SessionKeyColumns(TypedColumns):
    """The key with which a session sees a business."""

    token_hash = Column(Text, ForeignKey("sessions.token_hash"), primary_key=True)
    business_id: Named[str] = Column(Text, ForeignKey("businesses.id"), primary_key=True, index=True)
    key_id: Named[str] = Column(Text, ForeignKey("keys.id"))


class LinkColumns(TypedColumns):
    """A link that signs a browser in with a key, once; known by the hash of its token."""

    token_hash = Column(Text, primary_key=True)
    business_id: Named[str] = Column(Text, ForeignKey("businesses.id"), index=True)
    key_id: Named[str] = Column(Text, ForeignKey("keys.id"))
    expires_at: Named[datetime] = Column(UtcTime, index=True)


class SavedReportColumns(TypedColumns):
    """A report that a business has given a name; `request` is what `calltally.query.saved` makes of it."""

    id = Column(Text, primary_key=True)
    business_id: Named[str] = Column(Text, ForeignKey("businesses.id"))
    name: Named[str] = Column(Text)
    request: Named[str] = Column(Text)
    created_at: Named[datetime] = Column(UtcTime)
    updated_at: Named[datetime] = Column(UtcTime)


class ShareColumns(TypedColumns):
    """A report that is shown to whoever has its token, of which there is only the hash; made with a key."""

    id = Column(Text, primary_key=True)
    business_id: Named[str] = Column(Text, ForeignKey("businesses.id"), index=True)
    key_id: Named[str] = Column(Text, ForeignKey("keys.id"))
    token_hash: Named[str] = Column(Text, unique=True, index=True)
    name: Named[str | None] = Column(Text)
    request: Named[str] = Column(Text)
    created_at: Named[datetime] = Column(UtcTime)
    expires_at: Named[datetime | None] = Column(UtcTime)


class SyncColumns(TypedColumns):
    """How far a business's pull from a vendor is; what begins with `round` is of a round that has not ended."""

    business_id = Column(Text, ForeignKey("businesses.id"), primary_key=True)
    vendor = Column(Text, primary_key=True)
    address: Named[str] = Column(Text)
    generation: Named[int] = Column(Integer)
    complete_at: Named[datetime | None] = Column(UtcTime)
    round_began_at: Named[datetime | None] = Column(UtcTime)
    round_since: Named[datetime | None] = Column(UtcTime)
    round_cursor: Named[str | None] = Column(Text)
    round_first_day: Named[date | None] = Column(Date)
    round_last_day: Named[date | None] = Column(Date)


class TurnColumns(TypedColumns):
    """The number of the last write to a store of calls that several nodes write to, see `calltally.accounts.turns`.

    It outlives the store, so that no write of long ago passes for a new one.
    """

    store = Column(Text, primary_key=True)
    number: Named[int] = Column(BigInteger)


class SchemaVersionColumns(TypedColumns):
    """The one row that says how many migrations this database has had."""

    version: Named[int] = Column(Integer)


businesses = Table("businesses", METADATA, BusinessColumns)
keys = Table("keys", METADATA, KeyColumns)
removals = Table("removals", METADATA, RemovalColumns)
webhooks = Table("webhooks", METADATA, WebhookColumns)
ignored_events = Table("ignored_events", METADATA, IgnoredEventColumns)
webhook_arrivals = Table("webhook_arrivals", METADATA, WebhookArrivalColumns)
dead_letters = Table("dead_letters", METADATA, DeadLetterColumns)
sessions = Table("sessions", METADATA, SessionColumns)
# Whoever holds a token of the past is not to be let in by a backup of it.
session_keys = Table("session_keys", METADATA, SessionKeyColumns, info=MOMENTARY)
links = Table("links", METADATA, LinkColumns, info=MOMENTARY)
shares = Table("shares", METADATA, ShareColumns, info=MOMENTARY)
saved_reports = Table("saved_reports", METADATA, SavedReportColumns)
Index("ix_saved_reports_name", saved_reports.c.business_id, saved_reports.c.name, unique=True)
syncs = Table("syncs", METADATA, SyncColumns)
turns = Table("turns", METADATA, TurnColumns)
schema_version = Table("schema_version", METADATA, SchemaVersionColumns)


def tables_of_a_business() -> tuple[Table[Any], ...]:
    """The tables whose rows each belong to a business; one that refers to another comes after it."""
    return tuple(table for table in METADATA.sorted_tables if "business_id" in table.c)


def tables_of_an_account() -> tuple[Table[Any], ...]:
    """Those of them that belong into a copy of the business, in the same order."""
    return tuple(table for table in tables_of_a_business() if not table.info.get("momentary"))
