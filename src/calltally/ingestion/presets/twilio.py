"""Twilio: the call log as CSV, and Call resources of the API as JSON."""

from calltally.ingestion.presets.types import (
    Elapsed,
    From,
    Legs,
    Money,
    Parts,
    Preset,
    Seconds,
    Times,
    Words,
    any_case,
    taken,
)

__all__ = ["TWILIO", "TWILIO_CALLERS", "TWILIO_DIRECTIONS"]

FORMATS = ("%a, %d %b %Y %H:%M:%S %z", "%Y-%m-%d %H:%M:%S %z", "%H:%M:%S %z %Y-%m-%d")
TWILIO_DIRECTIONS = {  # of the API and its webhooks
    **any_case("direction").meanings,
    "outbound-api": "outbound",
    "outbound-dial": "outbound",
    "trunking-originating": "outbound",
    "trunking-terminating": "inbound",
}
# Twilio writes a caller who hides as such a word on a keypad.
TWILIO_CALLERS = Words(
    {
        "+266696687": "",  # anonymous
        "+7378742833": "",  # restricted
        "+2562533": "",  # blocked
        "+8656696": "",  # unknown
        "+86282452253": "",  # unavailable
    }
)
DIRECTIONS = Words(
    {**TWILIO_DIRECTIONS, "incoming": "inbound", "outgoing api": "outbound", "outgoing dial": "outbound"}
)
PARENT = "parent_call_sid"

TWILIO = Preset(
    "twilio",
    "Twilio",
    "the call log as CSV, or Call resources of the API as JSON",
    fields=(
        taken("id", PARENT, "sid", "Call SID"),
        taken(
            "started_at",
            From("start_time", Times(FORMATS), unless=PARENT),
            From("date_created", Times(FORMATS), unless=PARENT),
        ),
        taken("caller_number", From("from", TWILIO_CALLERS, unless=PARENT)),
        taken("tracking_number", From("to", unless=PARENT)),
        taken("destination_number", From("to", where=PARENT)),
        taken("direction", From("direction", DIRECTIONS, unless=PARENT)),
        taken("status", From("status", unless=PARENT), From("Call Status", unless=PARENT)),
        taken(
            "duration_seconds",
            From("duration", Seconds(), unless=PARENT),
            From("end_time", Elapsed("start_time", FORMATS), unless=PARENT),
        ),
        taken("number_id", From("phone_number_sid", unless=PARENT)),
        taken("cost_cents", From("price", Money(negated=True))),
    ),
    signs=(
        ("sid", "from", "to", "start_time"),
        ("sid", "account_sid", "from", "to"),
        ("Call SID", "from", "to"),
    ),
    others=("account_sid", "date_updated", "price_unit", "answered_by", "forwarded_from", "caller_name", "uri"),
    legs=Legs(
        best=("completed",),
        by_best=("destination_number",),
        summed=("cost_cents",),
        parts=Parts(
            PARENT,
            (
                taken("id", "sid"),
                taken("started_at", From("start_time", Times(FORMATS)), From("date_created", Times(FORMATS))),
                taken("status", "status"),
                taken("duration_seconds", From("duration", Seconds())),
            ),
        ),
    ),
)
