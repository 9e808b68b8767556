"""Webhooks in: whether a vendor sent them, and what they say of a call."""

from calltally.ingestion.webhooks.callrail import CALLRAIL
from calltally.ingestion.webhooks.callscaler import CALLSCALER
from calltally.ingestion.webhooks.reading import Notice, outcome_of, read_notice
from calltally.ingestion.webhooks.retrying import Retried, reason_of, retry_dead_letters
from calltally.ingestion.webhooks.signatures import SECRET_PARAMETER
from calltally.ingestion.webhooks.twilio import TWILIO
from calltally.ingestion.webhooks.vendor import Posted, Vendor
from calltally.ingestion.webhooks.vendors import VENDORS

__all__ = [
    "CALLRAIL",
    "CALLSCALER",
    "SECRET_PARAMETER",
    "TWILIO",
    "VENDORS",
    "Notice",
    "Posted",
    "Retried",
    "Vendor",
    "outcome_of",
    "read_notice",
    "reason_of",
    "retry_dead_letters",
]
