"""Asterisk: call detail records of cdr_csv and cdr_custom, which write no header, and of FreePBX."""

from calltally.ingestion.presets.types import From, Layout, Legs, Preset, Seconds, Times, Words, taken

__all__ = ["ASTERISK"]

TIMES = Times(("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S"))
TIME = r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}[ T][0-9]{1,2}:[0-9]{2}.*"
CHANNEL_ID = r"(?:.+-)?[0-9]{9,}\.[0-9]+"

MASTER = (
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
)
CUSTOM = (
    "clid",
    "src",
    "dst",
    "dcontext",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
    "accountcode",
    "uniqueid",
    "userfield",
)
SINCE_1_8 = ("peeraccount", "linkedid", "sequence")

ASTERISK = Preset(
    "asterisk",
    "Asterisk",
    "Master.csv of cdr_csv or cdr_custom, or the table cdr (FreePBX) as CSV; the rows of one linkedid are one call",
    fields=(
        taken("id", "linkedid", "uniqueid"),
        taken("started_at", From("start", TIMES), From("calldate", TIMES)),
        taken("caller_number", "src"),
        taken("tracking_number", "did", "dst"),
        taken("destination_number", From("dst", where="did")),
        taken(
            "status",
            From("lastapp", Words({"VoiceMail": "voicemail"}, only=True)),
            From("disposition", Words({"congestion": "failed"})),
        ),
        taken("duration_seconds", From("billsec", Seconds())),
    ),
    signs=(
        ("src", "dst", "disposition"),
        ("uniqueid", "billsec", "disposition"),
    ),
    others=(*MASTER, *SINCE_1_8, "userfield", "cnum", "cnam", "recordingfile"),
    layouts=(
        Layout(MASTER),
        Layout((*MASTER, "uniqueid")),
        Layout((*MASTER, "uniqueid", "userfield")),
        Layout((*MASTER, "userfield")),
        Layout((*MASTER, *SINCE_1_8)),
        Layout((*MASTER, "uniqueid", *SINCE_1_8)),
        Layout((*MASTER, "uniqueid", "userfield", *SINCE_1_8)),
        Layout(CUSTOM),
        Layout((*CUSTOM, "sequence")),
        Layout((*CUSTOM, *SINCE_1_8)),
    ),
    shapes={
        "start": TIME,
        "answer": f"(?:{TIME})?",
        "end": TIME,
        "duration": r"[0-9]+",
        "billsec": r"[0-9]+",
        "disposition": "ANSWERED|NO ANSWER|BUSY|FAILED|CONGESTION",
        "uniqueid": CHANNEL_ID,
        "linkedid": CHANNEL_ID,
        "sequence": "[0-9]+",
    },
    legs=Legs(best=("completed", "voicemail"), by_best=("status", "duration_seconds", "destination_number")),
)
