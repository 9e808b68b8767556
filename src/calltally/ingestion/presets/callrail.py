"""CallRail: the CSV export of its call log, and the Calls API."""

from calltally.ingestion.presets.types import From, Money, Preset, Seconds, Times, Words, any_case, taken

__all__ = ["CALLRAIL", "CALLRAIL_LEADS"]

TIMES = Times(
    (
        "%Y-%m-%d %I:%M %p",
        "%Y-%m-%d %I:%M:%S %p",
        "%m/%d/%Y %I:%M %p",
        "%m/%d/%Y %I:%M:%S %p",
        "%b %d, %Y %I:%M %p",
    )
)
STATUSES = Words(
    {
        "answered call": "completed",
        "missed call": "no-answer",
        "abandoned call": "no-answer",
        "abandoned": "no-answer",
        "voicemail left": "voicemail",
    }
)
LENGTH = Seconds(nothing=("(abandoned)",))
CALLRAIL_LEADS = {  # of the API and its webhooks
    "good_lead": "true",
    "previously_marked_good_lead": "true",
    "not_a_good_lead": "false",
    "not_a_lead": "false",
}
LEADS = Words(
    {
        **CALLRAIL_LEADS,
        "good lead": "true",
        "qualified": "true",
        "not a good lead": "false",
        "not a lead": "false",
        "not qualified": "false",
        "not scored": "",
        "not_scored": "",
        "unscored": "",
    }
)

CALLRAIL = Preset(
    "callrail",
    "CallRail",
    "the CSV export of the call log, or calls of the API as JSON",
    fields=(
        taken("id", "Call ID", "resource_id", "id"),
        taken("started_at", From("Start Time", TIMES), From("created_at", TIMES)),
        taken(
            "caller_number", "Customer Phone Number", "Phone Number", "Caller Number", "formatted_customer_phone_number"
        ),
        taken("tracking_number", "Tracking Number", "tracking_phone_number", "formatted_tracking_phone_number"),
        taken("destination_number", "Destination Number", "business_phone_number", "formatted_business_phone_number"),
        taken("direction", From("Direction", any_case("direction"))),
        taken(
            "status",
            From("Call Status", STATUSES),
            From("voicemail", Words({"true": "voicemail", "yes": "voicemail"}, only=True)),
            From("answered", Words({"true": "completed", "yes": "completed", "false": "no-answer", "no": "no-answer"})),
        ),
        taken(
            "duration_seconds",
            From("Duration (seconds)", LENGTH),
            From("Duration", LENGTH),
            From("formatted_duration", LENGTH),
        ),
        taken("source", "Source", "source_name", "formatted_tracking_source"),
        taken("utm_source", "utm_source"),
        taken("utm_medium", "utm_medium", "Medium"),
        taken("utm_campaign", "utm_campaign", "Campaign"),
        taken("utm_term", "utm_term", "Keywords"),
        taken("utm_content", "utm_content"),
        taken("number_id", "tracker_id"),
        taken("qualified", From("Qualified", LEADS), From("Lead Status", LEADS)),
        taken("value_cents", From("Value", Money()), From("formatted_value", Money())),
    ),
    signs=(
        ("Call Status", "Start Time", "Tracking Number"),
        ("Start Time", "Duration (seconds)", "Tracking Number"),
        ("First-Time Caller", "Start Time", "Tracking Number"),
        ("start_time", "customer_phone_number"),
        ("start_time", "tracking_phone_number"),
    ),
    others=("First-Time Caller", "Number Name", "Landing Page", "Referrer", "Tags", "Note", "company_name"),
)
