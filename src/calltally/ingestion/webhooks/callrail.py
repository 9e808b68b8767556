"""What CallRail sends after a call: JSON, signed as it is."""

from functools import partial

from calltally.ingestion.presets import CALLRAIL_LEADS, Money, Times
from calltally.ingestion.webhooks.bodies import read_object
from calltally.ingestion.webhooks.signatures import signed_body
from calltally.ingestion.webhooks.vendor import Implies, Vendor

__all__ = ["CALLRAIL"]

CALLRAIL = Vendor(
    label="CallRail",
    secret="signing key",  # noqa: S106 - what it is called
    genuine=partial(signed_body, "signature"),
    read=read_object,
    names={
        "id": ("resource_id", "id"),
        "started_at": ("start_time", "datetime", "timestamp", "created_at"),
        "caller_number": ("customer_phone_number", "callernum"),
        "tracking_number": ("tracking_phone_number", "trackingnum"),
        "destination_number": ("business_phone_number", "destinationnum"),
        "direction": ("direction",),
        "duration_seconds": ("duration",),
        "source": ("source", "source_name", "formatted_tracking_source"),
        "utm_source": ("utm_source",),
        "utm_medium": ("utm_medium", "medium"),
        "utm_campaign": ("utm_campaign", "campaign"),
        "utm_term": ("utm_term", "keywords"),
        "utm_content": ("utm_content",),
        "number_id": ("tracker_id", "tracker_resource_id"),
        "value_cents": ("value", "formatted_value"),
    },
    meanings={"datetime": Times(utc=True), "value": Money(), "formatted_value": Money()},
    implies=(  # what comes first wins: a call with a voicemail was not answered
        Implies("voicemail", "true", "status", "voicemail"),
        Implies("answered", "true", "status", "completed"),
        Implies("answered", "false", "status", "no-answer"),
        *(Implies("lead_status", word, "qualified", said == "true") for word, said in CALLRAIL_LEADS.items()),
    ),
)
