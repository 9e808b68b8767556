"""FIELDS: the fields of a call record, from which tables, imports and their documentation are derived.

Order matters: it is that of the stored columns and of every listing.
"""

from calltally.catalog.types import CallField, FieldKind, Unit

__all__ = ["FIELDS"]

LONGEST_TEXT = 512
LONGEST_ID = 128
MOST_SECONDS = 10_000_000
MOST_CENTS = 10**12


def _text(name: str, label: str, description: str, *aliases: str) -> CallField:
    return CallField(name, FieldKind.TEXT, label, description, aliases, highest=LONGEST_TEXT)


def _phone(name: str, label: str, description: str, *aliases: str) -> CallField:
    return CallField(name, FieldKind.PHONE, label, description, aliases, highest=LONGEST_TEXT)


def _score(name: str, label: str, description: str, *aliases: str) -> CallField:
    return CallField(name, FieldKind.WHOLE, label, description, aliases, highest=100, unit=Unit.SCORE)


def _money(name: str, label: str, description: str) -> CallField:
    return CallField(name, FieldKind.WHOLE, label, description, lowest=-MOST_CENTS, highest=MOST_CENTS, unit=Unit.CENTS)


FIELDS = (
    CallField(
        "id",
        FieldKind.ID,
        "Id",
        "Names the call, uniquely in its business; derived for rows of a file that has none",
        ("call_id", "uuid"),
        highest=LONGEST_ID,
    ),
    CallField(
        "started_at",
        FieldKind.TIME,
        "Started",
        "When the call started, RFC 3339; local to the business without an offset. Needed to create a call",
        ("start_time", "created_at"),
    ),
    CallField(
        "updated_at",
        FieldKind.TIME,
        "Updated",
        "The version of the fields that come with it: a greater one wins, field by field",
        stored=False,
    ),
    _phone("caller_number", "Caller", "Who called, E.164 where it is written as a number", "from"),
    _phone("tracking_number", "Tracking number", "The number that was called", "to"),
    _phone("destination_number", "Destination number", "Where the call was sent on to"),
    CallField(
        "direction",
        FieldKind.CHOICE,
        "Direction",
        "inbound or outbound; inbound where nothing is said",
        choices=("inbound", "outbound"),
        default="inbound",
    ),
    CallField(
        "status",
        FieldKind.STATUS,
        "Status",
        "How the call ended: completed, no-answer, voicemail, busy, failed or another word",
        highest=LONGEST_TEXT,
    ),
    CallField(
        "duration_seconds",
        FieldKind.WHOLE,
        "Duration",
        "How long the call lasted, seconds",
        ("duration",),
        highest=MOST_SECONDS,
        unit=Unit.SECONDS,
    ),
    _text("source", "Source", "Traffic source"),
    _text("utm_source", "UTM source", "UTM source parameter"),
    _text("utm_medium", "UTM medium", "UTM medium parameter"),
    _text("utm_campaign", "UTM campaign", "UTM campaign parameter"),
    _text("utm_term", "UTM term", "UTM term parameter"),
    _text("utm_content", "UTM content", "UTM content parameter"),
    _text("call_flow", "Call flow", "Name of the call flow", "call_flow_name"),
    _text("call_flow_id", "Call flow id", "Id of the call flow"),
    _text("number_id", "Number id", "Id of the tracking number"),
    _text("number_group_id", "Number group id", "Id of the tracking number's group"),
    _score("ai_score", "AI score", "AI quality score, 0 to 100"),
    _score("robo_score", "Robocall score", "Robocall score, 0 to 100", "robo_risk_score"),
    _text("ai_category", "AI category", "AI category"),
    CallField(
        "qualified",
        FieldKind.BOOLEAN,
        "Qualified",
        "Whether the call was judged qualified; empty where it was not judged",
        ("qualified_ai",),
    ),
    _money("value_cents", "Value", "Value assigned to the call, cents"),
    _money("cost_cents", "Cost", "Cost of the call, cents"),
)
