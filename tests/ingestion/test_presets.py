"""Files of other vendors: which preset reads them, and what their rows come to."""

import csv
import gzip
import io
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.catalog import CATALOG
from calltally.engines import ROW_SCHEMA, Engine
from calltally.errors import UnreadableFile
from calltally.ingestion import PRESETS, FileResult, ImportOptions, import_file
from calltally.ingestion.files import RowBatch
from calltally.ingestion.presets import (
    CALLRAIL_LEADS,
    GENERIC,
    MOST_APART,
    OWN_NAMES,
    LegsTogether,
    PresetReading,
    columns_read,
    detected,
    folded,
    named_by_position,
)
from calltally.ingestion.presets.callrail import LEADS
from calltally.ingestion.presets.meanings import converter
from calltally.ingestion.presets.types import Legs, Meaning, Money, Seconds, Times
from calltally.localtime import offset_table
from calltally.records import Reading
from tests.conftest import NewBusiness

VENDORS = [name for name in PRESETS if name != GENERIC.name]
Call = dict[str, Any]


def text_of(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def lines(*rows: str) -> str:
    return "".join(f"{row}\n" for row in rows)


def put(engine: Engine, business: Business, path: Path, text: str, options: ImportOptions | None = None) -> FileResult:
    path.write_text(text, encoding="utf-8")
    return import_file(path, business, engine, options or ImportOptions())


def calls_of(engine: Engine, business: Business) -> dict[str, Call]:
    """The calls by id, without what nothing was said of; starts in ISO 8601."""
    with engine.export(business.calls, (), None) as batches:
        rows = [row for batch in batches for row in batch.to_pylist()]
    for row in rows:
        row["started_at"] = row["started_at"].isoformat()
    return {row["id"]: {name: value for name, value in row.items() if value is not None} for row in rows}


def said(call: Mapping[str, object], *names: str) -> tuple[object, ...]:
    return tuple(call.get(name) for name in names)


# --- One file of each vendor ----------------------------------------------------------------------------------------

CALLSCALER = lines(
    "id,created_at,caller_number,caller_name,tracking_number,destination_number,direction,status,duration_seconds,"
    "call_flow_name,source,ai_score,ai_category,qualified_ai,qualification_reason,robo_score,value_cents,cost_cents,"
    "recording_url,has_transcription,keywords_spotted",
    "cs-1,2026-03-09T18:05:00Z,+13055550134,Kim,+13055550100,+13055550199,inbound,completed,184,Main,google,81,lead,"
    "true,wants a quote,3,12000,42,https://example.com/1,true,price",
)
CALLRAIL = lines(
    "Call Status,Number Name,Tracking Number,Source,Start Time,Duration (seconds),Name,Phone Number,Campaign,Medium,"
    "Keywords,First-Time Caller,Qualified,Value",
    "Answered Call,Site,(305) 555-0100,Google Ads,2026-03-09 02:05 PM,184,Kim,(305) 555-0134,brand,CPC,plumber,Yes,"
    'Good Lead,"$1,234.565"',
    "Missed Call,Site,(305) 555-0100,Direct,2026-03-09 02:20 PM,0,,(786) 555-0190,,,,No,Not Scored,",
    "Voicemail,Site,(305) 555-0100,Direct,2026-03-09 03:20 PM,1m 2s,,(786) 555-0190,,,,No,Not a Good Lead,$0.00",
)
CALLRAIL_API = lines(
    *(
        json.dumps(
            {
                "id": f"CAL{number}",
                "start_time": "2026-03-09T14:05:00.000-04:00",
                "customer_phone_number": "+13055550134",
                "tracking_phone_number": "+13055550100",
                "business_phone_number": "+13055550199",
                "direction": "inbound",
                "answered": answered,
                "voicemail": voicemail,
                "duration": 61,
                "lead_status": lead,
                "value": value,
                "tags": ["a"],
            }
        )
        for number, answered, voicemail, lead, value in (
            (1, True, False, "good_lead", 12.5),
            (2, False, True, "not_a_good_lead", None),
            (3, False, False, None, "7"),
            (4, True, False, "not_a_lead", None),
        )
    )
)
CALLTRACKINGMETRICS = lines(
    "id,name,caller_number,tracking_number,receiving_number,duration,talk_time,direction,source,called_at,status,score,"
    "voicemail",
    "71,Kim,(305) 555-0134,(305) 555-0100,(305) 555-0199,75,60,Inbound,Google Organic,2026-03-09 02:05 PM -04:00,"
    "answered,4.5,false",
    "72,,(786) 555-0190,(305) 555-0100,(305) 555-0199,1:02:03,0,inbound,Direct,2026-03-09 02:20 PM,hangup,,",
    "73,,(786) 555-0190,(305) 555-0100,(305) 555-0199,9,0,inbound,Direct,2026-03-09 02:21 PM,answered,,true",
)
TWILIO = lines(
    "sid,account_sid,parent_call_sid,to,from,phone_number_sid,status,start_time,end_time,duration,price,price_unit,"
    "direction,answered_by",
    "CA2,AC1,CA1,+13055550199,+13055550134,,completed,2026-03-09T18:05:00Z,2026-03-09T18:07:00Z,120,-0.0140,USD,"
    "outbound-dial,",
    "CA1,AC1,,+13055550100,+13055550134,PN1,completed,2026-03-09T18:05:00Z,2026-03-09T18:08:04Z,184,-0.0340,USD,"
    "inbound,",
    'CA3,AC1,,+13055550134,+13055550100,,no-answer,"Mon, 09 Mar 2026 18:20:00 +0000","Mon, 09 Mar 2026 18:20:30 +0000"'
    ",,,USD,outbound-api,",
)
ASTERISK = lines(
    '"","3055550134","100","in","Kim","SIP/t-1","SIP/201-1","Dial","SIP/201,20","2026-03-09 14:05:00","",'
    '"2026-03-09 14:05:20",20,0,"NO ANSWER","DOCUMENTATION","1773079500.1","","","1773079500.1",0',
    '"","3055550134","100","in","Kim","SIP/t-1","SIP/202-1","Dial","SIP/202,20","2026-03-09 14:05:20",'
    '"2026-03-09 14:05:25","2026-03-09 14:06:25",65,60,"ANSWERED","DOCUMENTATION","1773079520.2","","",'
    '"1773079500.1",1',
    '"","3055550134","100","in","Kim","SIP/t-2","","VoiceMail","100@default","2026-03-09 15:00:00",'
    '"2026-03-09 15:00:01","2026-03-09 15:00:31",31,30,"ANSWERED","DOCUMENTATION","1773082800.3","","",'
    '"1773082800.3",2',
    '"","3055550134","100","in","Kim","SIP/t-3","SIP/201-2","Dial","SIP/201,20","2026-03-09 16:00:00","",'
    '"2026-03-09 16:00:05",5,0,"CONGESTION","DOCUMENTATION","1773086400.4","","","1773086400.4",3',
)
FREESWITCH = lines(
    '"Kim","3055550134","1001","default","2026-03-09 14:05:02","2026-03-09 14:05:05","2026-03-09 14:06:05","63","60",'
    '"NORMAL_CLEARING","bbbbbbbb-0000-4000-8000-000000000001","","","PCMU","PCMU"',
    '"Kim","3055550134","100","default","2026-03-09 14:05:00","2026-03-09 14:05:05","2026-03-09 14:06:05","65","60",'
    '"NORMAL_CLEARING","aaaaaaaa-0000-4000-8000-000000000001","bbbbbbbb-0000-4000-8000-000000000001","","PCMU","PCMU"',
    '"Kim","3055550134","100","default","2026/3/9 15:00","","2026/3/9 15:01","30","0",'
    '"ORIGINATOR_CANCEL","aaaaaaaa-0000-4000-8000-000000000002","","","",""',
    '"Kim","3055550134","100","default","2026-03-09 16:00:00","","2026-03-09 16:00:01","1","0",'
    '"USER_BUSY","aaaaaaaa-0000-4000-8000-000000000003","","","",""',
)

LEGS_BY_NAME = FREESWITCH.splitlines(keepends=True)[:2]

AT = "2026-03-09T18:05:00+00:00"
PEOPLE = {"caller_number": "+13055550134", "tracking_number": "+13055550100"}
LINES = {"caller_number": "+17865550190", "tracking_number": "+13055550100"}
SENT_ON = {"destination_number": "+13055550199", "direction": "inbound"}
EXTENSION = {"caller_number": "+13055550134", "tracking_number": "100", "direction": "inbound"}

FILES: dict[str, tuple[str, str, list[Call]]] = {
    "callscaler": (
        "calls.csv",
        CALLSCALER,
        [
            {"id": "cs-1", "started_at": AT, **PEOPLE, **SENT_ON, "status": "completed", "duration_seconds": 184}
            | {"source": "google", "call_flow": "Main", "ai_score": 81, "robo_score": 3, "ai_category": "lead"}
            | {"qualified": True, "value_cents": 12000, "cost_cents": 42}
        ],
    ),
    "callrail": (
        "calls.csv",
        CALLRAIL,
        [
            {"started_at": AT, **PEOPLE, "direction": "inbound", "status": "completed", "duration_seconds": 184}
            | {"source": "Google Ads", "utm_campaign": "brand", "utm_medium": "CPC", "utm_term": "plumber"}
            | {"qualified": True, "value_cents": 123457},
            {"started_at": "2026-03-09T18:20:00+00:00", **LINES, "direction": "inbound", "status": "no-answer"}
            | {"duration_seconds": 0, "source": "Direct"},
            {"started_at": "2026-03-09T19:20:00+00:00", **LINES, "direction": "inbound", "status": "voicemail"}
            | {"duration_seconds": 62, "source": "Direct", "qualified": False, "value_cents": 0},
        ],
    ),
    "callrail API": (
        "calls.ndjson",
        CALLRAIL_API,
        [
            {"id": f"CAL{number}", "started_at": AT, **PEOPLE, **SENT_ON, "duration_seconds": 61, **more}
            for number, more in enumerate(
                (
                    {"status": "completed", "qualified": True, "value_cents": 1250},
                    {"status": "voicemail", "qualified": False},
                    {"status": "no-answer", "value_cents": 700},
                    {"status": "completed", "qualified": False},
                ),
                1,
            )
        ],
    ),
    "calltrackingmetrics": (
        "calls.csv",
        CALLTRACKINGMETRICS,
        [
            {"id": "71", "started_at": AT, **PEOPLE, **SENT_ON, "status": "completed", "duration_seconds": 75}
            | {"source": "Google Organic"},
            {"id": "72", "started_at": "2026-03-09T18:20:00+00:00", **LINES, **SENT_ON, "status": "no-answer"}
            | {"duration_seconds": 3723, "source": "Direct"},
            {"id": "73", "started_at": "2026-03-09T18:21:00+00:00", **LINES, **SENT_ON, "status": "voicemail"}
            | {"duration_seconds": 9, "source": "Direct"},
        ],
    ),
    "twilio": (
        "calls.csv",
        TWILIO,
        [
            {"id": "CA1", "started_at": AT, **PEOPLE, **SENT_ON, "status": "completed", "duration_seconds": 184}
            | {"number_id": "PN1", "cost_cents": 4},
            {"id": "CA3", "started_at": "2026-03-09T18:20:00+00:00", "direction": "outbound", "status": "no-answer"}
            | {"caller_number": "+13055550100", "tracking_number": "+13055550134", "duration_seconds": 30},
        ],
    ),
    "asterisk": (
        "Master.csv",
        ASTERISK,
        [
            {"id": "1773079500.1", "started_at": AT, **EXTENSION, "status": "completed", "duration_seconds": 60},
            {"id": "1773082800.3", "started_at": "2026-03-09T19:00:00+00:00", **EXTENSION, "status": "voicemail"}
            | {"duration_seconds": 30},
            {"id": "1773086400.4", "started_at": "2026-03-09T20:00:00+00:00", **EXTENSION, "status": "failed"}
            | {"duration_seconds": 0},
        ],
    ),
    "freeswitch": (
        "Master.csv",
        FREESWITCH,
        [
            {"id": "aaaaaaaa-0000-4000-8000-000000000001", "started_at": AT, **EXTENSION, "status": "completed"}
            | {"duration_seconds": 60},
            {"id": "aaaaaaaa-0000-4000-8000-000000000002", "started_at": "2026-03-09T19:00:00+00:00", **EXTENSION}
            | {"status": "no-answer", "duration_seconds": 0},
            {"id": "aaaaaaaa-0000-4000-8000-000000000003", "started_at": "2026-03-09T20:00:00+00:00", **EXTENSION}
            | {"status": "busy", "duration_seconds": 0},
        ],
    ),
}


def preset_of(kind: str) -> str:
    return kind.partition(" ")[0]


@pytest.fixture
def new_york(new_business: NewBusiness) -> Business:
    return new_business("America/New_York")


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("named", [False, True])
def test_a_vendors_file(engine: Engine, new_york: Business, tmp_path: Path, kind: str, named: bool) -> None:
    name, text, expected = FILES[kind]
    options = ImportOptions(preset=PRESETS[preset_of(kind)] if named else None)
    found = put(engine, new_york, tmp_path / name, text, options)
    calls = calls_of(engine, new_york)
    by_start = sorted(calls.values(), key=lambda call: (call["started_at"], call["id"]))
    assert [call if "id" in want else call | {"id": None} for call, want in zip(by_start, expected, strict=True)] == [
        {"id": None} | want for want in expected
    ]
    rows = text.count("\n") - (name.endswith(".csv") and name != "Master.csv")
    assert found.summary.presets == {preset_of(kind): 1}
    assert (found.summary.read, found.summary.added, found.summary.rejected) == (rows, len(expected), 0)
    assert found.summary.unchanged == rows - len(expected)
    again = put(engine, new_york, tmp_path / name, text, options).summary
    assert (again.read, again.unchanged) == (rows, rows)
    assert calls_of(engine, new_york) == calls


def test_every_preset_has_a_file_here() -> None:
    assert {preset_of(kind) for kind in FILES} == set(VENDORS)


# --- Which preset ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        tuple(CATALOG.fields),
        ("id", "started_at", "from", "to", "status", "duration"),
        ("uuid", "start_time", "caller_number", "direction"),
        ("Call Time", "Caller ID", "Number Dialed", "Duration (sec)", "Result", "Campaign"),
        (*CATALOG.fields, "called_at", "talk_time"),
        ("start_time", "source", "value"),
        (),
    ],
)
def test_a_header_of_our_own_or_of_nobody_is_generic(columns: tuple[str, ...]) -> None:
    assert detected(columns) is GENERIC


@pytest.mark.parametrize(
    "kind", [kind for kind, (_, text, _) in FILES.items() if kind not in {"asterisk", "freeswitch"}]
)
def test_a_header_tells_one_vendor_alone(kind: str) -> None:
    _, text, _ = FILES[kind]
    first = text.partition("\n")[0]
    columns = tuple(json.loads(first)) if first.startswith("{") else tuple(next(csv.reader([first])))
    assert detected(columns).name == preset_of(kind)
    assert detected(column.upper().replace("_", " ") for column in columns) is PRESETS[preset_of(kind)] or (
        preset_of(kind) == "callscaler"
    )
    signs = [sign for preset in PRESETS.values() for sign in preset.signs]
    fitting = {
        preset.name
        for preset in PRESETS.values()
        if any({*map(folded, sign)} <= {*map(folded, columns)} for sign in preset.signs)
    }
    assert signs
    assert fitting == {preset_of(kind)}


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_layout_is_the_vendors_own(vendor: str) -> None:
    for layout in PRESETS[vendor].layouts:
        values = {
            "start": "2026-03-09 14:05:00",
            "end": "2026-03-09 14:06:00",
            "start_stamp": "2026-03-09 14:05:00",
            "end_stamp": "2026-03-09 14:06:00",
            "duration": "60",
            "billsec": "55",
            "disposition": "NO ANSWER",
            "hangup_cause": "NORMAL_CLEARING",
            "uniqueid": "pbx-1773079500.1",
            "linkedid": "1773079500.1",
            "sequence": "7",
            "uuid": "aaaaaaaa-0000-4000-8000-000000000001",
        }
        row = [values.get(name, "") for name in layout.columns]
        assert named_by_position([row, row], tuple(PRESETS.values())) == layout.columns
        assert named_by_position([row, row], (PRESETS[vendor],)) == layout.columns
        assert named_by_position([list(layout.columns), row, row], tuple(PRESETS.values())) is None
        broken = [value if value != "60" else "a minute" for value in row]
        assert named_by_position([broken, row], tuple(PRESETS.values())) is None


def test_files_of_ours_have_a_header() -> None:
    rows = [["id", "started_at", "status"], ["a", "2026-03-09 14:05:00", "ANSWERED"]]
    assert named_by_position(rows, tuple(PRESETS.values())) is None


@pytest.mark.parametrize(
    ("file", "vendor", "calls"),
    [
        ("asterisk_master_cdr_custom.csv", "asterisk", 5),
        ("asterisk_master_stock_masked.csv", "asterisk", 5),
        ("freeswitch_master.csv", "freeswitch", 5),
        ("twilio_calls_SYNTHETIC_rows.csv", "twilio", 5),
    ],
)
def test_real_files(
    engine: Engine, new_york: Business, shared_data: Path, tmp_path: Path, file: str, vendor: str, calls: int
) -> None:
    folder = shared_data / "headers"
    text = "".join(line for line in (folder / file).read_text().splitlines(keepends=True) if not line.startswith("#"))
    found = put(engine, new_york, tmp_path / file, text).summary
    assert (found.presets, found.added, found.rejected) == ({vendor: 1}, calls, 0)
    stored = calls_of(engine, new_york)
    assert {call["status"] for call in stored.values()} <= {"completed", "no-answer", "busy"}
    assert all(
        said(call, "caller_number", "tracking_number", "duration_seconds").count(None) == 0 for call in stored.values()
    )
    assert put(engine, new_york, tmp_path / file, text).summary.unchanged == found.read


@pytest.mark.parametrize("vendor", VENDORS)
def test_tables_are_sound(vendor: str) -> None:
    preset = PRESETS[vendor]
    fields = [row.field for row in preset.fields]
    assert len(set(fields)) == len(fields)
    assert set(fields) <= set(CATALOG.fields)
    assert all(row.sources for row in preset.fields)
    known = columns_read(preset) | {folded(name) for name in (*preset.others, *(OWN_NAMES if not fields else ()))}
    assert all(folded(name) in known for sign in preset.signs for name in sign)
    assert set(preset.shapes) <= {name for layout in preset.layouts for name in layout.columns}


# --- What somebody says comes first ---------------------------------------------------------------------------------


def test_map_comes_before_the_preset(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    options = ImportOptions({"duration_seconds": "duration", "source": "dcontext"})
    put(engine, new_york, tmp_path / "Master.csv", ASTERISK, options)
    call = calls_of(engine, new_york)["1773086400.4"]
    assert said(call, "duration_seconds", "source", "status") == (5, "in", "failed")


def test_a_format_of_time_comes_before_those_of_the_preset(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    text = lines("Call Status,Start Time,Tracking Number", "Missed Call,03/04/2026 02:05 PM,(305) 555-0100")
    put(engine, new_york, tmp_path / "calls.csv", text, ImportOptions(time_formats=("%d/%m/%Y %I:%M %p",)))
    (call,) = calls_of(engine, new_york).values()
    assert call["started_at"] == "2026-04-03T18:05:00+00:00"


def test_a_fields_own_name_comes_before_the_preset(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    text = lines(
        "Call Status,Start Time,Tracking Number,value_cents,Value,utm_source",
        "Missed Call,2026-03-09 02:05 PM,(305) 555-0100,7,$9.00,bing",
    )
    found = put(engine, new_york, tmp_path / "calls.csv", text).summary
    (call,) = calls_of(engine, new_york).values()
    assert said(call, "value_cents", "utm_source") == (7, "bing")
    assert found.dropped_fields == {"Value": 1}


def test_generic_can_be_said(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    found = put(engine, new_york, tmp_path / "calls.csv", TWILIO, ImportOptions(preset=GENERIC))
    assert not found.summary.presets
    assert found.summary.dropped_fields["price"] == 3
    with pytest.raises(UnreadableFile, match=r"No column of .* is a call field"):
        put(engine, new_york, tmp_path / "Master.csv", ASTERISK, ImportOptions(preset=GENERIC))


def test_a_preset_that_does_not_fit(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"No column of .* is one that the preset 'freeswitch' reads"):
        put(engine, new_york, tmp_path / "Master.csv", ASTERISK, ImportOptions(preset=PRESETS["freeswitch"]))


def test_a_generic_batch_is_not_touched() -> None:
    batch = RowBatch({"id": pa.array(["a"])}, [1], [1], [])
    for name in ("generic", "callscaler"):
        assert PresetReading(PRESETS[name], {}, Reading("US", offset_table("UTC"))).read(batch) is batch


def test_a_rejected_row_is_given_back_as_it_was(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    text = lines("Call Status,Start Time,Tracking Number,Value", "Missed Call,soon,(305) 555-0100,$9.00")
    assert put(engine, new_york, tmp_path / "calls.csv", text).summary.rejected == 1
    row = json.loads((tmp_path / "calls.csv.rejected.ndjson").read_text())
    assert row["record"] == {
        "Call Status": "Missed Call",
        "Start Time": "soon",
        "Tracking Number": "(305) 555-0100",
        "Value": "$9.00",
    }
    assert row["errors"] == [
        {"field": "started_at", "message": "started_at: 'soon' is not a time such as 2026-03-09T14:05:00Z"}
    ]


def test_amounts_and_lengths_that_are_none_are_called_so(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    path, rejects = tmp_path / "calls.csv", tmp_path / "calls.csv.rejected.ndjson"
    header = "Call Status,Start Time,Tracking Number,Duration (seconds),Value"
    row = "Missed Call,3/10/2026 2:05 PM,(305) 555-0100"
    put(engine, new_york, path, lines(header, f'{row},1:75,"1.234,50"', f"{row},184,9.00"))
    assert [error["message"] for error in json.loads(rejects.read_text())["errors"]] == [
        "duration_seconds: '1:75' is not a length such as 184 or 1:02:03",
        "value_cents: '1.234,50' is not an amount such as 1,234.50",
    ]
    put(engine, new_york, path, lines(f"{header},value_cents", f"{row},184,9.00,9.50"))  # our own name comes first
    assert [error["message"] for error in json.loads(rejects.read_text())["errors"]] == [
        "value_cents: '9.50' is not a whole number from -1000000000000 to 1000000000000"
    ]


def test_columns_that_nobody_knows_are_dropped_and_counted(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    found = put(engine, new_york, tmp_path / "calls.csv", CALLRAIL).summary
    assert found.dropped_fields == {"Number Name": 3, "Name": 3, "First-Time Caller": 3}


@pytest.mark.parametrize(("lead", "qualified"), CALLRAIL_LEADS.items())
def test_leads_of_callrail_are_those_of_its_webhooks(lead: str, qualified: str) -> None:
    read = converter(LEADS)
    assert (read(lead), read(lead.upper())) == (qualified, qualified)
    if not lead.startswith("previously"):
        assert read(lead.replace("_", " ").title()) == qualified


def test_what_callrail_writes_for_none_says_nothing(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    call = {"start_time": "2026-03-09T14:05:00-04:00", "customer_phone_number": "+13055550134", "answered": False}
    calls = [
        call
        | {"id": "CAL1", "value": None, "formatted_value": "--", "duration": 15, "formatted_duration": "(abandoned)"},
        call
        | {"id": "CAL2", "value": "", "formatted_value": " - ", "duration": None, "formatted_duration": "(Abandoned)"},
        call | {"id": "CAL3", "value": "--", "formatted_value": "$5.00", "duration": None, "formatted_duration": "20s"},
    ]
    found = put(engine, new_york, tmp_path / "calls.json", json.dumps(calls)).summary
    assert (found.presets, found.added, found.rejected) == ({"callrail": 1}, 3, 0)
    stored = calls_of(engine, new_york)
    assert [said(stored[f"CAL{n}"], "duration_seconds", "value_cents") for n in (1, 2, 3)] == [
        (15, None),
        (None, None),
        (20, 500),
    ]


def test_what_is_no_call_is_rejected(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    text = CALLTRACKINGMETRICS.replace("Inbound", "msg_inbound")
    found = put(engine, new_york, tmp_path / "calls.csv", text)
    assert (found.summary.added, found.summary.rejected) == (2, 1)
    [rejected] = found.rejected
    assert rejected.problem.message == "direction: 'msg_inbound' is not inbound or outbound"


FREEPBX = lines(
    "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,amaflags,"
    "accountcode,uniqueid,userfield,did,recordingfile,cnum,cnam,linkedid,peeraccount,sequence",
    "2026-03-09 14:05:00,Kim,3055550134,600,ext-queues,SIP/t-1,SIP/201-1,Queue,600,65,60,ANSWERED,3,,1773079500.1,,"
    "3055550100,,,,1773079500.1,,1",
)


def test_asterisk_with_a_header(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    found = put(engine, new_york, tmp_path / "cdr.csv", FREEPBX.replace(",", ";")).summary
    assert (found.presets, found.added) == ({"asterisk": 1}, 1)
    call = calls_of(engine, new_york)["1773079500.1"]
    assert said(call, "tracking_number", "destination_number", "duration_seconds") == ("+13055550100", "600", 60)


def test_rows_that_cannot_be_read_do_not_tell_whose_a_file_is(
    engine: Engine, new_york: Business, tmp_path: Path
) -> None:
    call = {"sid": "CA1", "accountSid": "AC1", "from": "+13055550134", "to": "+13055550100"}
    call |= {"startTime": "2026-03-09T18:05:00.000Z", "duration": "61"}
    found = put(engine, new_york, tmp_path / "calls.ndjson", "no call\n" * 50_000 + json.dumps(call) + "\n").summary
    assert (found.presets, found.rejected, found.added) == ({"twilio": 1}, 50_000, 1)
    assert said(calls_of(engine, new_york)["CA1"], "duration_seconds") == (61,)


def test_numbers_and_words_of_json(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    calls = [
        {"sid": "CA1", "accountSid": "AC1", "parentCallSid": None, "from": "+13055550134", "to": "+13055550100"}
        | {"startTime": "2026-03-09T18:05:00.000Z", "duration": 61, "price": -0.405, "direction": "inbound"},
        {"sid": "CA2", "accountSid": "AC1", "from": "anonymous", "to": "+13055550100"}
        | {"startTime": "2026-03-09T18:06:00.000Z", "duration": "61", "price": "-1", "direction": "inbound"},
        {"sid": "CA3", "accountSid": "AC1", "from": "anonymous", "to": "+13055550100"}
        | {"startTime": "2026-03-09T18:07:00.000Z", "duration": "1:01", "price": -0.00001, "direction": "Inbound"},
    ]
    assert put(engine, new_york, tmp_path / "calls.json", json.dumps(calls)).summary.presets == {"twilio": 1}
    stored = calls_of(engine, new_york)
    assert [said(stored[id_], "duration_seconds", "cost_cents") for id_ in ("CA1", "CA2", "CA3")] == [
        (61, 41),
        (61, 100),
        (61, 0),
    ]


# --- Values ---------------------------------------------------------------------------------------------------------


@given(
    st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=5),
    st.sampled_from(("{:f}", "${:,f}", " {:,f} ")),
    st.booleans(),
)
def test_money_is_exact(amount: Decimal, written: str, negated: bool) -> None:
    cents = int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))
    text = written.format(amount).replace("$-", "-$").strip()
    assert int(converter(Money(negated))(text)) == (-cents if negated else cents)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("0.005", "1"),
        ("-.0149", "-1"),
        ("1,2", "1,2"),
        ("1.234,50", "1.234,50"),
        ("$", "$"),
        ("12", "1200"),
        ("--", ""),
        ("—", ""),
        ("- -", ""),
        ("$-", "$-"),
    ],
)
def test_money_that_could_mean_two_things_is_not_guessed(text: str, cents: str) -> None:
    assert converter(Money())(text) == cents


@given(st.integers(0, 400), st.integers(0, 59), st.integers(0, 59))
def test_lengths(hours: int, minutes: int, seconds: int) -> None:
    total = str((hours * 60 + minutes) * 60 + seconds)
    read = converter(Seconds())
    written = [f"{hours}:{minutes:02}:{seconds:02}", f"{hours}h {minutes}m {seconds}s", f"{total}s", total]
    written += [f"{hours * 60 + minutes}:{seconds:02}", f"{hours} hours, {minutes} min {seconds} sec"]
    assert {read(text) for text in written} == {total}


@pytest.mark.parametrize("text", ["1:75", "m", "1:2:3:4", "soon", "69.5", ","])
def test_what_is_no_length_stays(text: str) -> None:
    assert converter(Seconds())(text) == text


@pytest.mark.parametrize("text", ["1h" + " " * 100_000 + "x", "2026" + " " * 100_000 + "x", " " * 100_000])
@pytest.mark.parametrize("meaning", [Seconds(), Times(("%Y %Z",)), Money()])
def test_a_long_text_stays_without_trying_all_ways_to_read_it(text: str, meaning: Meaning) -> None:
    assert converter(meaning)(text) == text


# --- Generated files ------------------------------------------------------------------------------------------------

STARTS = st.datetimes(datetime(2026, 3, 9), datetime(2026, 10, 1)).map(lambda moment: moment.replace(microsecond=0))  # noqa: DTZ001
NUMBERS = st.integers(2_000_000_000, 9_999_999_999).map(str)
RESULTS = st.sampled_from(("completed", "no-answer", "busy", "failed"))
MADE = st.lists(st.tuples(STARTS, NUMBERS, NUMBERS, RESULTS, st.integers(0, 9999)), min_size=1, max_size=30)
Made = list[tuple[datetime, str, str, str, int]]

DISPOSITIONS = {"completed": "ANSWERED", "no-answer": "NO ANSWER", "busy": "BUSY", "failed": "FAILED"}
HANGUPS = {"completed": "NORMAL_CLEARING", "no-answer": "NO_ANSWER", "busy": "USER_BUSY", "failed": "GATEWAY_DOWN"}
RAIL = {"completed": "Answered Call", "no-answer": "Missed Call", "busy": "Busy", "failed": "Failed"}


def as_callscaler(made: Made) -> str:
    header = ("id", "created_at", "caller_number", "tracking_number", "status", "duration_seconds", "has_transcription")
    return text_of([header, *((n, f"{at}", a, b, status, sec, "f") for n, (at, a, b, status, sec) in enumerate(made))])


def as_callrail(made: Made) -> str:
    header = ("Call ID", "Start Time", "Customer Phone Number", "Tracking Number", "Call Status", "Duration (seconds)")
    return text_of(
        [header, *((n, f"{at:%m/%d/%Y %I:%M:%S %p}", a, b, RAIL[s], sec) for n, (at, a, b, s, sec) in enumerate(made))]
    )


def as_calltrackingmetrics(made: Made) -> str:
    header = ("id", "called_at", "caller_number", "tracking_number", "status", "duration", "talk_time")
    return text_of(
        [header, *((n, f"{at:%Y-%m-%d %I:%M:%S %p}", a, b, s, sec, 0) for n, (at, a, b, s, sec) in enumerate(made))]
    )


def as_twilio(made: Made) -> str:
    header = ("Sid", "Start Time", "From", "To", "Status", "Duration", "Account Sid", "Direction")
    return text_of(
        [
            header,
            *((n, f"{at:%Y-%m-%d %H:%M:%S}", a, b, s, sec, 1, "inbound") for n, (at, a, b, s, sec) in enumerate(made)),
        ]
    )


def as_asterisk(made: Made) -> str:
    return text_of(
        ["", a, b, "in", "", "SIP/1", "", "Dial", "", at, at, at, sec, sec, DISPOSITIONS[s], "3", f"1773079500.{n}", ""]
        for n, (at, a, b, s, sec) in enumerate(made)
    )


def as_freeswitch(made: Made) -> str:
    ids = [f"{n:08x}-0000-4000-8000-{n:012x}" for n in range(len(made))]
    return text_of(
        ("", a, b, "in", at, at if s == "completed" else "", at, sec, sec, HANGUPS[s], id_, "", "", "PCMU", "PCMU")
        for id_, (at, a, b, s, sec) in zip(ids, made, strict=True)
    )


WRITERS = {
    "callscaler": as_callscaler,
    "callrail": as_callrail,
    "calltrackingmetrics": as_calltrackingmetrics,
    "twilio": as_twilio,
    "asterisk": as_asterisk,
    "freeswitch": as_freeswitch,
}


@pytest.mark.parametrize("vendor", VENDORS)
@given(made=MADE)
def test_generated_files(engine: Engine, new_business: NewBusiness, tmp_path: Path, vendor: str, made: Made) -> None:
    business = new_business("UTC")
    found = put(engine, business, tmp_path / "made.csv", WRITERS[vendor](made)).summary
    assert (found.presets, found.added) == ({vendor: 1}, len(made))
    expected = sorted((f"{at.isoformat()}+00:00", f"+1{a}", f"+1{b}", status, sec) for at, a, b, status, sec in made)
    names = ("started_at", "caller_number", "tracking_number", "status", "duration_seconds")
    assert sorted(said(call, *names) for call in calls_of(engine, business).values()) == expected
    again = put(engine, business, tmp_path / "made.csv", WRITERS[vendor](made)).summary
    assert (again.read, again.unchanged) == (len(made), len(made))


# --- Several rows that are one call ---------------------------------------------------------------------------------

RULES = Legs(best=("completed", "voicemail"), by_best=("status", "duration_seconds"), summed=("cost_cents",))
MIDNIGHT = datetime(2026, 3, 9)  # noqa: DTZ001


def leg(n: int, id_: str | None, start: int | None = 0, **said: object) -> Call:
    row = dict.fromkeys(ROW_SCHEMA.names) | {"n": n, "place": n, "accepted": True, "id": id_} | said
    return row | {"started_at": None if start is None else MIDNIGHT + timedelta(seconds=start)}


def together(rules: Legs, legs: Sequence[Call], cuts: Sequence[int] = (), **others: str) -> dict[int, Call]:
    """What comes back for each row, by its number."""
    gathering = LegsTogether(rules)
    bounds = [0, *sorted(cuts), len(legs)]
    batches = [legs[start:end] for start, end in pairwise(bounds)]
    back: list[pa.RecordBatch] = []
    for batch in batches:
        back += gathering.add(pa.RecordBatch.from_pylist(list(batch), ROW_SCHEMA), others, {})
    rows = [row for each in (*back, *gathering.rest()) for row in each.to_pylist()]
    assert sorted(row["n"] for row in rows) == [row["n"] for row in legs]
    return {row["n"]: row for row in rows}


LEGS = st.lists(
    st.tuples(
        st.sampled_from(("a", "b", "c", None)),
        st.none() | st.integers(0, 3),
        st.sampled_from((None, "completed", "voicemail", "busy", "no-answer")),
        st.none() | st.integers(0, 3),
        st.none() | st.integers(-2, 2),
        st.sampled_from((None, "x", "y")),
    ),
    max_size=12,
)


def expected_of(legs: list[Call]) -> tuple[object, ...]:
    """Start, status, duration, cost and source of a call, found the slow way."""
    in_order = sorted(legs, key=lambda row: (row["started_at"] is None, str(row["started_at"]), row["n"]))
    facts = ("started_at", "status", "duration_seconds", "cost_cents", "source")
    different: list[Call] = []
    for row in in_order:
        if all(said(row, *facts) != said(other, *facts) for other in different):
            different.append(row)
    wanted = next((s for s in RULES.best if any(row["status"] == s for row in different)), None)
    candidates = [row for row in different if wanted is None or row["status"] == wanted]
    longest = max((row["duration_seconds"] or 0) for row in candidates)
    best = next(row for row in candidates if (row["duration_seconds"] or 0) == longest)
    first = {name: next((row[name] for row in in_order if row[name] is not None), None) for name in facts}
    costs = [row["cost_cents"] for row in different if row["cost_cents"] is not None]
    status, duration = (first[name] if best[name] is None else best[name] for name in ("status", "duration_seconds"))
    return first["started_at"], status, duration, sum(costs) if costs else None, first["source"]


@given(LEGS, st.lists(st.integers(0, 12), max_size=3))
def test_legs_say_what_the_call_says(made: list[tuple[Any, ...]], cuts: list[int]) -> None:
    legs = [
        leg(n, id_, start, status=status, duration_seconds=length, cost_cents=cost, source=source)
        for n, (id_, start, status, length, cost, source) in enumerate(made, 1)
    ]
    found = together(RULES, legs, [min(cut, len(legs)) for cut in cuts])
    facts = ("started_at", "status", "duration_seconds", "cost_cents", "source")
    for row in legs:
        its = [other for other in legs if other["id"] == row["id"]]
        alone = row["id"] is None or len(its) == 1
        assert said(found[row["n"]], *facts) == (said(row, *facts) if alone else expected_of(its))
        assert found[row["n"]]["place"] == row["place"]


@pytest.mark.parametrize("apart", [MOST_APART, MOST_APART + 1])
@pytest.mark.parametrize("cut", [1, 9_000, 10_001])
def test_how_far_legs_may_be_apart(apart: int, cut: int) -> None:
    """It does not depend on how the file is cut into batches."""
    others = [leg(n, f"other-{n}") for n in range(2, apart + 1)]
    legs = [leg(1, "a", 5, status="busy"), *others, leg(apart + 1, "a", 9, status="completed")]
    found = together(RULES, legs, [cut])
    near = apart <= MOST_APART
    assert found[1]["status"] == ("completed" if near else "busy")
    assert found[apart + 1]["started_at"].second == (5 if near else 9)


def test_no_more_is_held_than_has_to_be() -> None:
    gathering = LegsTogether(RULES)
    for first in range(1, 100_000, 5_000):
        rows = [leg(n, "always") for n in range(first, first + 5_000)]
        for _ in gathering.add(pa.RecordBatch.from_pylist(rows, ROW_SCHEMA), {}, {}):
            pass
        assert len(gathering._held) <= MOST_APART + 5_000


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
@pytest.mark.parametrize("cut", [(), (1,)])
def test_a_leg_that_another_names_is_of_its_call(order: tuple[int, int], cut: tuple[int, ...]) -> None:
    rows = {1: ("main", "completed", 9), 2: ("other", "busy", 3)}
    legs = [
        leg(n, rows[which][0], status=rows[which][1], duration_seconds=rows[which][2])
        for n, which in enumerate(order, 1)
    ]
    found = together(replace(RULES, other="bleg_uuid"), legs, cut, main="other")
    assert {said(row, "id", "status", "duration_seconds") for row in found.values()} == {("main", "completed", 9)}


TWILIO_HEADER = "sid,account_sid,parent_call_sid,to,from,status,start_time,duration,price,direction"
TWILIO_CALL = "CA1,AC1,,+13055550100,+13055550134,completed,2026-03-09T18:05:00Z,184,-0.10,inbound"
TRIED = "CA2,AC1,CA1,+13055550198,+13055550134,no-answer,2026-03-09T18:05:05Z,0,,outbound-dial"
REACHED = "CA3,AC1,CA1,+13055550199,+13055550134,completed,2026-03-09T18:05:30Z,90,-0.14,outbound-dial"
FACTS = ("started_at", "status", "duration_seconds", "destination_number", "cost_cents", "direction")


@pytest.mark.parametrize("number", ["+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"])
def test_a_caller_of_twilio_who_hides_is_nobody(
    engine: Engine, new_york: Business, tmp_path: Path, number: str
) -> None:
    call = TWILIO_CALL.replace("+13055550134", number)
    put(engine, new_york, tmp_path / "calls.csv", lines(TWILIO_HEADER, call, REACHED.replace("+13055550199", number)))
    assert said(calls_of(engine, new_york)["CA1"], "caller_number", "destination_number") == (None, number)


@pytest.mark.parametrize("of_each", [1, 2])
def test_a_leg_of_twilio_in_another_file_says_where_the_call_was_sent_on_to_and_nothing_else(
    engine: Engine, new_york: Business, tmp_path: Path, of_each: int
) -> None:
    put(engine, new_york, tmp_path / "calls.csv", lines(TWILIO_HEADER, TWILIO_CALL))
    legs = lines(TWILIO_HEADER, *[TRIED, REACHED][-of_each:])
    assert put(engine, new_york, tmp_path / "legs.csv", legs).summary.rejected == 0
    assert said(calls_of(engine, new_york)["CA1"], *FACTS) == (AT, "completed", 184, "+13055550199", 10, "inbound")


def test_a_leg_of_twilio_without_its_call_is_rejected(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    found = put(engine, new_york, tmp_path / "legs.csv", lines(TWILIO_HEADER, REACHED))
    assert (found.summary.added, found.summary.rejected) == (0, 1)
    rejected = json.loads((tmp_path / "legs.csv.rejected.ndjson").read_text())
    assert rejected["record"]["sid"] == "CA3"


@pytest.mark.parametrize("order", list(itertools.permutations((TWILIO_CALL, TRIED, REACHED))))
def test_twilio_sent_the_call_on_to_who_answered(
    engine: Engine, new_york: Business, tmp_path: Path, order: tuple[str, ...]
) -> None:
    assert put(engine, new_york, tmp_path / "calls.csv", lines(TWILIO_HEADER, *order)).summary.rejected == 0
    assert said(calls_of(engine, new_york)["CA1"], *FACTS) == (AT, "completed", 184, "+13055550199", 24, "inbound")


def test_of_legs_that_nobody_answered_the_first_counts(engine: Engine, new_york: Business, tmp_path: Path) -> None:
    later = TRIED.replace("CA2", "CA4").replace("0198", "0197").replace("18:05:05", "18:05:20")
    put(engine, new_york, tmp_path / "calls.csv", lines(TWILIO_HEADER, later, TRIED, TWILIO_CALL))
    assert said(calls_of(engine, new_york)["CA1"], "destination_number") == ("+13055550198",)


def test_two_legs_that_differ_in_nothing_but_their_id_are_added_up(
    engine: Engine, new_york: Business, tmp_path: Path
) -> None:
    rows = (REACHED, REACHED.replace("CA3", "CA4"), REACHED, TWILIO_CALL)
    put(engine, new_york, tmp_path / "calls.csv", lines(TWILIO_HEADER, *rows))
    assert said(calls_of(engine, new_york)["CA1"], "cost_cents") == (10 + 14 + 14,)


def test_legs_of_freeswitch_are_one_call_in_one_file_and_two_in_two(
    engine: Engine, new_business: NewBusiness, tmp_path: Path
) -> None:
    legs = [line.replace('"","","PCMU"', '"aaaaaaaa-0000-4000-8000-000000000001","","PCMU"') for line in LEGS_BY_NAME]
    apart, whole = new_business("UTC"), new_business("UTC")
    for n, line in enumerate(legs):
        put(engine, apart, tmp_path / f"Master.csv.{n}", line)
    put(engine, whole, tmp_path / "Master.csv", "".join(legs))
    assert len(calls_of(engine, apart)) == 2
    assert len(calls_of(engine, whole)) == 1


def test_legs_far_apart_update_the_call_in_the_order_of_the_file(
    engine: Engine, new_business: NewBusiness, tmp_path: Path
) -> None:
    made: Made = [(MIDNIGHT, "3055550134", "3055550100", "completed", 60)] * (MOST_APART + 2)
    rows = as_asterisk(made).splitlines(keepends=True)
    rows[-1] = rows[0].replace("ANSWERED", "NO ANSWER").replace(",60,60,", ",5,5,")
    business = new_business("UTC")
    found = put(engine, business, tmp_path / "Master.csv", "".join(rows)).summary
    assert (found.added, found.updated) == (MOST_APART + 1, 1)
    assert said(calls_of(engine, business)["1773079500.0"], "status", "duration_seconds") == ("no-answer", 5)
    again = put(engine, business, tmp_path / "Master.csv", "".join(rows)).summary
    assert again.unchanged == len(rows)


def test_a_file_that_breaks_off_gives_the_rows_that_were_held(
    engine: Engine, new_business: NewBusiness, tmp_path: Path
) -> None:
    made: Made = [(MIDNIGHT, "3055550134", "3055550100", "completed", n % 1000) for n in range(3_000)]
    packed = gzip.compress(as_asterisk(made).encode())
    path = tmp_path / "Master.csv.gz"
    path.write_bytes(packed[: len(packed) // 2])
    business = new_business("UTC")
    found = import_file(path, business, engine, ImportOptions())
    assert found.failure is not None
    assert found.summary.added == found.summary.read > 100
