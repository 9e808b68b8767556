"""What CallScaler sends: its names are those of a call here, a secret of ours is in a header or in the address."""

from calltally.ingestion.webhooks.bodies import read_object, rfc3339_moment
from calltally.ingestion.webhooks.signatures import has_secret
from calltally.ingestion.webhooks.vendor import Implies, Vendor

__all__ = ["CALLSCALER"]

STATUSES = {
    "call.completed": "completed",
    "call.missed": "no-answer",
    "call.voicemail": "voicemail",
    "call.failed": "failed",
}

CALLSCALER = Vendor(
    label="CallScaler",
    secret=None,
    genuine=has_secret,
    read=read_object,
    implies=tuple(Implies("event", event, "status", status) for event, status in STATUSES.items()),
    event="event",
    events=frozenset({*STATUSES, "call.ended"}),
    happened="timestamp",
    moment=rfc3339_moment,
)
