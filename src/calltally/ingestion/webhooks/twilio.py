"""What Twilio sends as a status callback of a call: a form, signed together with the address."""

from functools import partial

from calltally.ingestion.presets import TWILIO_CALLERS, TWILIO_DIRECTIONS
from calltally.ingestion.webhooks.bodies import read_form, rfc2822_moment
from calltally.ingestion.webhooks.signatures import signed_form
from calltally.ingestion.webhooks.vendor import Implies, Leg, Vendor

__all__ = ["TWILIO"]

PARENT = "ParentCallSid"

TWILIO = Vendor(
    label="Twilio",
    secret="auth token",  # noqa: S106 - what it is called
    genuine=partial(signed_form, "x-twilio-signature"),
    read=read_form,
    names={
        "id": ("CallSid",),
        "caller_number": ("From",),
        "tracking_number": ("To",),
        "status": ("CallStatus",),
        "duration_seconds": ("CallDuration",),
    },
    meanings={"From": TWILIO_CALLERS},
    implies=tuple(Implies("Direction", word, "direction", value) for word, value in TWILIO_DIRECTIONS.items()),
    leg=Leg(PARENT, {"id": (PARENT,), "destination_number": ("To",)}),
    event="CallStatus",
    events=frozenset({"completed", "busy", "failed", "no-answer", "canceled"}),
    happened="Timestamp",
    moment=rfc2822_moment,
)
