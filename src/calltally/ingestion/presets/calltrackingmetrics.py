"""CallTrackingMetrics: the CSV export of its activity log, and the Calls API."""

from calltally.ingestion.presets.types import From, Preset, Seconds, Times, Words, any_case, taken

__all__ = ["CALLTRACKINGMETRICS"]

TIMES = Times(
    (
        "%Y-%m-%d %I:%M %p %z",
        "%Y-%m-%d %I:%M:%S %p %z",
        "%Y-%m-%d %I:%M %p",
        "%Y-%m-%d %I:%M:%S %p",
        "%m/%d/%Y %I:%M %p",
        "%m/%d/%Y %I:%M:%S %p",
    )
)

CALLTRACKINGMETRICS = Preset(
    "calltrackingmetrics",
    "CallTrackingMetrics",
    "the CSV export of the activity log, or calls of the API as JSON; what is no call, such as a text, is rejected",
    fields=(
        taken("id", "id", "Call ID", "sid"),
        taken("started_at", From("called_at", TIMES)),
        taken("caller_number", "caller_number", "caller_number_formatted", "Contact Number"),
        taken("tracking_number", "tracking_number", "tracking_number_formatted"),
        taken("destination_number", "receiving_number", "receiving_number_formatted", "business_number"),
        taken("direction", From("direction", any_case("direction"))),
        taken(
            "status",
            From("voicemail", Words({"true": "voicemail", "yes": "voicemail"}, only=True)),
            From("status", Words({"hangup": "no-answer", "no answer": "no-answer"})),
            From("call_status", Words({"hangup": "no-answer", "no answer": "no-answer"})),
        ),
        taken("duration_seconds", From("duration", Seconds()), From("talk_time", Seconds())),
        taken("source", "source", "source_name", "Tracking Source"),
        taken("utm_source", "utm_source"),
        taken("utm_medium", "utm_medium", "medium"),
        taken("utm_campaign", "utm_campaign", "campaign"),
        taken("utm_term", "utm_term", "keyword"),
        taken("utm_content", "utm_content"),
        taken("number_id", "tracking_number_id", "number_id"),
    ),
    signs=(
        ("called_at", "tracking_number"),
        ("called_at", "caller_number"),
        ("called_at", "receiving_number"),
        ("called_at", "talk_time"),
    ),
    others=("name", "city", "state", "country", "ring_time", "tracking_label", "audio", "tag_list", "score", "notes"),
)
