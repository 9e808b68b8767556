"""FreeSWITCH: call detail records of mod_cdr_csv in its own templates, which write no header, or under their names."""

from calltally.ingestion.presets.types import From, Layout, Legs, Preset, Said, Seconds, Times, Words, taken

__all__ = ["FREESWITCH"]

TIMES = Times(("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S"))
TIME = r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}[ T][0-9]{1,2}:[0-9]{2}.*"
UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"

# How a call ended that nobody answered; other causes stay as they are.
CAUSES = Words(
    {
        "NORMAL_CLEARING": "no-answer",
        "ORIGINATOR_CANCEL": "no-answer",
        "NO_ANSWER": "no-answer",
        "NO_USER_RESPONSE": "no-answer",
        "ALLOTTED_TIMEOUT": "no-answer",
        "LOSE_RACE": "no-answer",
        "PICKED_OFF": "no-answer",
        "USER_BUSY": "busy",
        "CALL_REJECTED": "busy",
        "USER_NOT_REGISTERED": "failed",
        "SUBSCRIBER_ABSENT": "failed",
        "UNALLOCATED_NUMBER": "failed",
        "INVALID_NUMBER_FORMAT": "failed",
        "NO_ROUTE_DESTINATION": "failed",
        "INCOMPATIBLE_DESTINATION": "failed",
        "DESTINATION_OUT_OF_ORDER": "failed",
        "NETWORK_OUT_OF_ORDER": "failed",
        "NORMAL_TEMPORARY_FAILURE": "failed",
        "NORMAL_CIRCUIT_CONGESTION": "failed",
        "RECOVERY_ON_TIMER_EXPIRE": "failed",
        "GATEWAY_DOWN": "failed",
    }
)

SQL = (
    "caller_id_name",
    "caller_id_number",
    "destination_number",
    "context",
    "start_stamp",
    "answer_stamp",
    "end_stamp",
    "duration",
    "billsec",
    "hangup_cause",
    "uuid",
    "bleg_uuid",
    "accountcode",
)
EXAMPLE = (*SQL, "read_codec", "write_codec")
LINKSYS = (*EXAMPLE, "sip_user_agent", "sip_p_rtp_stat")
SNOM = (*EXAMPLE, "sip_user_agent", "call_clientcode", "sip_rtp_rxstat", "sip_rtp_txstat", "sofia_record_file")
AS_ASTERISK = (
    "accountcode",
    "caller_id_number",
    "destination_number",
    "context",
    "caller_id",
    "channel_name",
    "bridge_channel",
    "last_app",
    "last_arg",
    "start_stamp",
    "answer_stamp",
    "end_stamp",
    "duration",
    "billsec",
    "hangup_cause",
    "amaflags",
    "uuid",
    "userfield",
)

FREESWITCH = Preset(
    "freeswitch",
    "FreeSWITCH",
    "Master.csv of mod_cdr_csv in its templates example, asterisk, linksys or snom; both legs are one call",
    fields=(
        taken("id", "uuid"),
        taken("started_at", From("start_stamp", TIMES)),
        taken("caller_number", "caller_id_number"),
        taken("tracking_number", "destination_number"),
        taken("status", From("answer_stamp", Said("completed")), From("hangup_cause", CAUSES)),
        taken("duration_seconds", From("billsec", Seconds())),
    ),
    signs=(
        ("start_stamp", "hangup_cause"),
        ("uuid", "hangup_cause", "billsec"),
    ),
    others=(*SNOM, *LINKSYS, *AS_ASTERISK),
    layouts=(Layout(SQL), Layout(EXAMPLE), Layout(LINKSYS), Layout(SNOM), Layout(AS_ASTERISK)),
    shapes={
        "start_stamp": TIME,
        "answer_stamp": f"(?:{TIME})?",
        "end_stamp": TIME,
        "duration": "[0-9]+",
        "billsec": "[0-9]+",
        "hangup_cause": "[A-Z][A-Z0-9_]+",
        "uuid": UUID,
        "bleg_uuid": f"(?:{UUID})?",
    },
    legs=Legs(best=("completed",), by_best=("status", "duration_seconds"), other="bleg_uuid"),
)
