"""What vendors send, as records of calls, and whether they sent it."""

import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.accounts import Business, Credential, new_secret
from calltally.catalog import CATALOG
from calltally.engines import Engine
from calltally.errors import InvalidBody
from calltally.ingestion import Delivery, deliver
from calltally.ingestion.deliveries import deliver_read
from calltally.ingestion.presets import TWILIO_CALLERS
from calltally.ingestion.webhooks import CALLRAIL, CALLSCALER, TWILIO, VENDORS, Notice, Posted, Vendor, read_notice
from calltally.localtime import microseconds
from tests.asking import import_records
from tests.conftest import NewBusiness
from tests.webhooks import (
    NEWER,
    OLDER,
    POST_CALL,
    SIGNING_KEY,
    STATUS,
    TOKEN,
    as_form,
    as_json,
    callrail_signature,
    twilio_signature,
)

ADDRESS = "https://calls.example.com/api/v1/webhooks/twilio/0123456789abcdef"


@pytest.fixture
def business(new_business: NewBusiness) -> Business:
    return new_business("America/New_York")


def instant(text: str) -> int:
    return microseconds(datetime.fromisoformat(text))


def started(notice: Notice) -> int:
    """When the call of a notice started, microseconds UTC."""
    record = notice.start or notice.record
    assert record is not None
    return instant(str(record["started_at"]))


# --- What is said ---------------------------------------------------------------------------------------------------


def test_the_older_example_of_callscaler(business: Business) -> None:
    notice = read_notice(CALLSCALER, as_json(OLDER), business)
    assert (notice.event, notice.happened_at) == ("call.ended", instant("2026-03-09T14:05:00Z"))
    assert started(notice) == instant("2026-03-09T14:02:55Z")
    assert notice.record is not None
    assert (notice.record["call_id"], notice.record["status"]) == ("cs-1", "answered")
    assert "utm_campaign" not in notice.record  # empty: nothing was said
    assert "recording_url" not in notice.record


@pytest.mark.parametrize("name", ["started_at", "start_time", "created_at"])
def test_a_start_that_is_given_stands(business: Business, name: str) -> None:
    notice = read_notice(CALLSCALER, as_json({**OLDER, name: "2026-03-09T14:01:00Z"}), business)
    assert notice.record is not None
    assert notice.record[name] == "2026-03-09T14:01:00Z"
    assert name == "started_at" or "started_at" not in notice.record


@pytest.mark.parametrize(
    ("duration", "start"),
    [
        ({"duration_seconds": None, "duration": "125"}, "2026-03-09T14:02:55Z"),
        ({"duration_seconds": "60.0"}, "2026-03-09T14:04:00Z"),
        ({"duration_seconds": ""}, "2026-03-09T14:05:00Z"),
        ({"duration_seconds": 0, "timestamp": "2026-03-09T10:05:00.25"}, "2026-03-09T14:05:00.25Z"),  # local time
    ],
)
def test_a_start_that_is_not_given_is_the_end_less_the_duration(
    business: Business, duration: Mapping[str, object], start: str
) -> None:
    assert started(read_notice(CALLSCALER, as_json({**OLDER, **duration}), business)) == instant(start)


@pytest.mark.parametrize(
    ("event", "given", "status"),
    [
        ("call.completed", None, "completed"),
        ("call.missed", "", "no-answer"),
        ("call.voicemail", None, "voicemail"),
        ("call.failed", None, "failed"),
        ("call.failed", "busy", "busy"),
        ("call.ended", "answered", "answered"),
        ("call.ended", None, None),
    ],
)
def test_events_of_callscaler(business: Business, event: str, given: str | None, status: str | None) -> None:
    notice = read_notice(CALLSCALER, as_json({**OLDER, "event": event, "status": given}), business)
    assert notice.record is not None
    assert notice.record.get("status") == status


def test_the_names_of_the_calls_api(business: Business) -> None:
    notice = read_notice(CALLSCALER, as_json(NEWER), business)
    assert notice.record == {**NEWER, "status": "completed"}
    assert notice.happened_at == instant("2026-03-09T14:02:00Z")


@pytest.mark.parametrize(
    ("said", "direction"),
    [("inbound", "inbound"), ("outbound-api", "outbound"), ("outbound-dial", "outbound"), ("trunking", None)],
)
def test_twilio(business: Business, said: str, direction: str | None) -> None:
    notice = read_notice(TWILIO, as_form({**STATUS, "Direction": said}), business)
    assert started(notice) == instant("2026-03-09T14:03:30Z")
    assert notice.record is not None
    assert {name: value for name, value in notice.record.items() if name != "started_at"} == {
        "id": STATUS["CallSid"],
        "caller_number": "+13055551234",
        "tracking_number": "+13055550100",
        "status": "completed",
        "duration_seconds": "90",
        **({"direction": direction} if direction else {}),
    }
    assert notice.happened_at == instant("2026-03-09T14:05:00Z")


@pytest.mark.parametrize("status", ["busy", "failed", "no-answer", "canceled"])
def test_ends_of_twilio_without_a_duration(business: Business, status: str) -> None:
    said = {name: value for name, value in STATUS.items() if name != "CallDuration"}
    notice = read_notice(TWILIO, as_form({**said, "CallStatus": status}), business)
    assert started(notice) == notice.happened_at
    assert notice.record
    assert notice.record["status"] == status


@pytest.mark.parametrize("status", ["queued", "initiated", "ringing", "in-progress", "new-one"])
def test_what_is_no_end_of_a_call_is_not_applied(business: Business, status: str) -> None:
    assert read_notice(TWILIO, as_form({**STATUS, "CallStatus": status}), business) == Notice(status, None)
    body = as_json({"event": f"call.{status}", "id": []})
    assert read_notice(CALLSCALER, body, business) == Notice(f"call.{status}", None)


@pytest.mark.parametrize("number", TWILIO_CALLERS.meanings)
def test_a_caller_of_twilio_who_hides_is_nobody(business: Business, number: str) -> None:
    notice = read_notice(TWILIO, as_form({**STATUS, "From": number, "To": number}), business)
    assert notice.record is not None
    assert "caller_number" not in notice.record
    assert notice.record["tracking_number"] == number


@pytest.mark.parametrize(
    ("answered", "voicemail", "status"),
    [(True, False, "completed"), (False, False, "no-answer"), (True, True, "voicemail"), (None, None, None)],
)
def test_callrail(business: Business, answered: bool | None, voicemail: bool | None, status: str | None) -> None:
    body = as_json({**POST_CALL, "answered": answered, "voicemail": voicemail})
    notice = read_notice(CALLRAIL, body, business)
    assert notice.happened_at is None
    assert notice.record == {
        "id": POST_CALL["resource_id"],
        "started_at": "2026-03-09T10:00:00-04:00",
        "caller_number": "+13055551234",
        "tracking_number": "+13055550100",
        "destination_number": "+13055550199",
        "direction": "inbound",
        "duration_seconds": "125",
        "source": "Google Ads",
        "utm_source": "google",
        "qualified": True,
        **({"status": status} if status else {}),
    }


@pytest.mark.parametrize(
    ("said", "started"),
    [
        ({"datetime": "2026-03-09 14:00:00"}, "2026-03-09T14:00:00+00:00"),
        ({"datetime": "2026-03-09T10:00:00-04:00"}, "2026-03-09T14:00:00+00:00"),
        ({"start_time": "2026-03-09T09:00:00-05:00", "datetime": "2026-03-09 14:30:00"}, "2026-03-09T14:00:00+00:00"),
        ({"timestamp": "2026-03-09T10:00:00.5-04:00", "created_at": "x"}, "2026-03-09T14:00:00.500000+00:00"),
        ({"created_at": "2026-03-09T10:00:00-04:00"}, "2026-03-09T14:00:00+00:00"),
    ],
)
def test_starts_of_callrail(business: Business, engine: Engine, said: dict[str, str], started: str) -> None:
    body = as_json({**POST_CALL, "start_time": None, **said})
    deliveries = read_notice(CALLRAIL, body, business).deliveries(1, business)
    assert deliveries
    deliver_read([deliveries], business, engine)
    [call] = stored(business, engine)
    assert call["started_at"].isoformat() == started


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"value": "125.50", "formatted_value": "$125.50"}, {"value_cents": "12550"}),
        ({"value": 12.5}, {"value_cents": "1250"}),
        ({"value": "", "formatted_value": "--"}, {}),
        ({"value": None, "formatted_value": "$1,000"}, {"value_cents": "100000"}),
        ({"tracker_resource_id": "TRK1"}, {"number_id": "TRK1"}),
        ({"tracker_id": 35, "tracker_resource_id": "TRK1"}, {"number_id": 35}),
    ],
)
def test_the_value_and_the_number_of_callrail(business: Business, said: dict[str, object], read: Any) -> None:
    without = read_notice(CALLRAIL, as_json(POST_CALL), business).record
    assert without is not None
    assert read_notice(CALLRAIL, as_json({**POST_CALL, **said}), business).record == {**without, **read}


def test_a_leg_of_a_call_says_where_that_call_was_sent_on_to(
    business: Business, engine: Engine, new_business: NewBusiness
) -> None:
    leg = {**STATUS, "CallSid": "CA-leg", "ParentCallSid": STATUS["CallSid"], "To": "+13055550199", "CallDuration": "9"}
    first, later = ({**leg, "Timestamp": f"Mon, 09 Mar 2026 14:0{minute}:00 +0000"} for minute in (4, 6))
    first["To"] = "+13055550188"
    notice = read_notice(TWILIO, as_form(later), business)
    assert notice.record == {"id": STATUS["CallSid"], "destination_number": "+13055550199"}
    for order in permutations((first, later, STATUS)):
        each = new_business()
        for said in order:
            notice = read_notice(TWILIO, as_form(said), each)
            assert notice.record is not None
            assert notice.happened_at is not None
            deliver([Delivery(notice.record, notice.happened_at)], each, engine)
        [call] = stored(each, engine)
        assert (call["id"], call["destination_number"]) == (STATUS["CallSid"], "+13055550199")
        assert (call["tracking_number"], call["duration_seconds"]) == (STATUS["To"], 90)


def stored(business: Business, engine: Engine) -> list[dict[str, Any]]:
    """The calls of a business."""
    with engine.export(business.calls, (), None) as batches:
        return [row for batch in batches for row in batch.to_pylist()]


def test_the_tables_name_fields_that_there_are() -> None:
    for vendor in VENDORS.values():
        legs = vendor.leg.names if vendor.leg else {}
        named = {*(vendor.names or {}), *legs, *(implies.field for implies in vendor.implies)}
        assert named <= set(CATALOG.fields)
        for implies in vendor.implies:
            assert implies.word == implies.word.lower()


# --- What cannot be read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "body", "why"),
    [
        (CALLSCALER, b"{", "body: it is not JSON"),
        (CALLSCALER, b"\xff", "body: it is not UTF-8 (byte 1: ff)"),
        (CALLSCALER, b"[]", "body: it is not a JSON object"),
        (CALLSCALER, b"{}", "event: is missing"),
        (CALLSCALER, b'{"event": 5}', "event: '5' is not text"),
        (
            CALLSCALER,
            as_json({**OLDER, "timestamp": "soon"}),
            "timestamp: 'soon' is not a time as CallScaler writes it",
        ),
        (
            CALLSCALER,
            as_json({**OLDER, "timestamp": "9999-12-31T23:30:00-05:00"}),
            "timestamp: '9999-12-31T23:30:00-05:00' is not a time as CallScaler writes it",
        ),
        (CALLSCALER, as_json({**OLDER, "timestamp": 5}), "timestamp: '5' is not a time as CallScaler writes it"),
        (
            CALLSCALER,
            as_json({**OLDER, "duration_seconds": "long"}),
            "duration_seconds: 'long' is not a whole number from 0 to 10000000",
        ),
        (
            CALLSCALER,
            as_json({**OLDER, "duration_seconds": [1]}),
            "duration_seconds: '[1]' is not a whole number from 0 to 10000000",
        ),
        (
            CALLSCALER,
            as_json({**OLDER, "timestamp": "0001-01-01T00:00:00Z"}),
            "started_at: the call would have started",
        ),
        (TWILIO, b"a", "body: it is not a form"),
        (TWILIO, b"a=%ff", "body: it is not UTF-8"),
        (TWILIO, b"\xff=", "body: it is not UTF-8"),
        (TWILIO, b"a=b", "CallStatus: is missing"),
        (TWILIO, as_form({**STATUS, "Timestamp": "soon"}), "Timestamp: 'soon' is not a time as Twilio writes it"),
        (CALLRAIL, b"null", "body: it is not a JSON object"),
    ],
)
def test_what_nothing_can_be_made_of(business: Business, vendor: Vendor, body: bytes, why: str) -> None:
    with pytest.raises(InvalidBody) as caught:
        read_notice(vendor, body, business)
    assert caught.value.message.startswith(why)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from(list(VENDORS.values())),
    st.dictionaries(st.sampled_from([*OLDER, *NEWER, *STATUS, *POST_CALL]), ANYTHING | st.text(), max_size=12),
    st.binary(max_size=40),
)
def test_any_body_is_understood_or_refused_in_words(
    new_business: NewBusiness, vendor: Vendor, changes: dict[str, Any], rubbish: bytes
) -> None:
    whole = {**OLDER, **NEWER, **STATUS, **POST_CALL, **changes}
    bodies = [rubbish, as_form({name: str(value).encode(errors="replace").decode() for name, value in whole.items()})]
    bodies.append(as_json({**whole, "event": "call.ended"}))
    for body in bodies:
        with suppress(InvalidBody):
            notice = read_notice(vendor, body, new_business())
            assert notice.record is None or all(value is not None for value in notice.record.values())


# --- Any order, any repetition --------------------------------------------------------------------------------------

EVENTS: tuple[Mapping[str, object], ...] = (
    {**NEWER, "ai_score": None, "ai_category": None, "qualified_ai": None, "value_cents": None},
    {**NEWER, "timestamp": "2026-03-09T14:03:00Z"},
    {**NEWER, "timestamp": "2026-03-09T14:04:00Z", "ai_score": 91, "duration_seconds": 61},
    {"event": "call.voicemail", "id": "cs-2", "timestamp": "2026-03-09T14:05:00Z", "created_at": NEWER["created_at"]},
    {**OLDER, "call_id": "cs-2", "timestamp": "2026-03-09T14:02:30Z", "utm_medium": "email"},
    {"event": "call.ended", "id": "cs-2", "timestamp": "2026-03-09T14:06:00Z", "utm_term": "pipes"},
    {"event": "call.ended", "id": "cs-2", "timestamp": "2026-03-09T14:07:00Z", "duration_seconds": None},
)


def apply(events: Sequence[Mapping[str, object]], business: Business, engine: Engine) -> list[dict[str, Any]]:
    """The calls of a business after these events."""
    for event in events:
        notice = read_notice(CALLSCALER, as_json(event), business)
        assert notice.record is not None
        assert notice.happened_at is not None
        read = notice.deliveries(notice.happened_at, business)
        assert read is not None
        deliver_read([read], business, engine)
    return stored(business, engine)


@settings(max_examples=10)
@given(st.permutations(EVENTS), st.lists(st.sampled_from(EVENTS), max_size=3))
def test_any_order_and_repetition_ends_in_the_same_call(
    engine: Engine,
    new_business: NewBusiness,
    order: list[Mapping[str, object]],
    again: list[Mapping[str, object]],
) -> None:
    expected = apply(EVENTS, new_business(), engine)
    assert len(expected) == 1
    assert (expected[0]["ai_score"], expected[0]["status"], expected[0]["duration_seconds"]) == (91, "voicemail", 61)
    assert apply([*order, *again], new_business(), engine) == expected


def test_a_supposed_start_gives_way_to_one_that_is_said_without_a_version(
    engine: Engine, new_business: NewBusiness, tmp_path: Path
) -> None:
    event = {"event": "call.missed", "call_id": "f1", "timestamp": "2026-03-09T14:00:25Z"}
    file = [{"id": "f1", "started_at": "2026-03-09T14:00:00Z", "source": "file"}]
    ends = []
    for webhook_first in (True, False):
        business = new_business()
        for is_webhook in (webhook_first, not webhook_first, webhook_first):
            if is_webhook:
                apply([event], business, engine)
            else:
                import_records(engine, business, file, tmp_path)
        ends += stored(business, engine)
    assert ends[0] == ends[1]
    assert (ends[0]["started_at"].isoformat(), ends[0]["source"]) == ("2026-03-09T14:00:00+00:00", "file")


def test_a_supposed_start_has_no_version_for_others(engine: Engine, new_business: NewBusiness) -> None:
    business = new_business()
    event = {"event": "call.missed", "call_id": "f1", "timestamp": "2026-03-09T14:00:25Z"}
    [call] = apply([event], business, engine)
    assert call["updated_at"].isoformat() == "2026-03-09T14:00:25+00:00"
    alone = engine.call(business.calls, "f1")
    assert alone is not None
    assert alone.to_pylist() == [call]


@pytest.mark.parametrize("year", ["1969", "2101"])
def test_a_supposed_start_that_no_call_can_have_leaves_nothing_of_its_event(business: Business, year: str) -> None:
    event = {"event": "call.missed", "call_id": "f1", "timestamp": f"{year}-01-01T00:00:00Z"}
    with pytest.raises(InvalidBody, match="is not from 1970 to 2100"):
        read_notice(CALLSCALER, as_json(event), business)


# --- Who sent it ----------------------------------------------------------------------------------------------------


def posted(body: bytes, address: str = ADDRESS, query: str = "", **headers: str) -> Posted:
    return Posted(address, {"secret": query} if query else {}, headers, body)


def test_the_signature_of_twilio() -> None:
    known = Credential(secret=TOKEN)
    body, signature = as_form(STATUS), twilio_signature(ADDRESS, STATUS)
    good = posted(body, **{"x-twilio-signature": signature})
    assert TWILIO.genuine(good, known)
    reordered = as_form(dict(reversed(STATUS.items())))
    assert TWILIO.genuine(posted(reordered, **{"x-twilio-signature": signature}), known)
    for bad in (
        posted(body),
        posted(body, **{"x-twilio-signature": ""}),
        posted(body, **{"x-twilio-signature": signature[:-4] + "AAA="}),
        posted(body, **{"x-twilio-signature": "ü"}),
        posted(body, signature=signature),
        posted(body, ADDRESS + "?a=b", **{"x-twilio-signature": signature}),
        posted(body, ADDRESS.replace("https", "http"), **{"x-twilio-signature": signature}),
        posted(as_form({**STATUS, "CallDuration": "91"}), **{"x-twilio-signature": signature}),
        posted(body + b"&More=", **{"x-twilio-signature": signature}),
        posted(b"&".join([b"a="] * 2000), **{"x-twilio-signature": signature}),
    ):
        assert not TWILIO.genuine(bad, known)
    for unknown in (Credential(secret=TOKEN[::-1]), Credential(), Credential(secret_hash=TOKEN)):
        assert not TWILIO.genuine(good, unknown)


@pytest.mark.parametrize(
    ("server", "signed", "others"),
    [
        ("https://a.example:8443", ["https://a.example:8443", "https://a.example"], ["https://a.example:443"]),
        ("https://a.example", ["https://a.example", "https://a.example:443"], ["https://a.example:80"]),
        ("https://a.example:443", ["https://a.example", "https://a.example:443"], ["https://b.example"]),
        ("http://a.example", ["http://a.example", "http://a.example:80"], ["https://a.example", "http://a.example:8"]),
        ("https://[::1]:8443", ["https://[::1]:8443", "https://[::1]"], ["https://[:"]),
        ("https://[::1]", ["https://[::1]:443", "https://[::1]"], ["https://[:"]),
        ("https://a.example:80@b.example", ["https://a.example:80@b.example"], ["https://a.example@b.example"]),
    ],
)
@pytest.mark.parametrize("rest", ["/api/v1/webhooks/twilio/1?at=12:30", "", "?a=b:80"])
def test_twilio_may_sign_the_address_with_its_port_or_without(
    server: str, signed: list[str], others: list[str], rest: str
) -> None:
    known = Credential(secret=TOKEN)
    for address, genuine in [*((each, True) for each in signed), *((each, False) for each in others)]:
        signature = twilio_signature(address + rest, STATUS)
        sent = posted(as_form(STATUS), server + rest, **{"x-twilio-signature": signature})
        assert TWILIO.genuine(sent, known) == genuine


def test_the_published_example_of_twilios_signatures() -> None:
    form = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
    sent = posted(
        form, "https://mycompany.com/myapp.php?foo=1&bar=2", **{"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    )
    assert TWILIO.genuine(sent, Credential(secret="12345"))


@given(st.binary(max_size=60))
def test_bytes_that_are_no_utf8_can_be_signed_or_not(rubbish: bytes) -> None:
    assert not TWILIO.genuine(posted(rubbish, **{"x-twilio-signature": "AAAA"}), Credential(secret=TOKEN))


def test_the_signature_of_callrail() -> None:
    known, body = Credential(secret=SIGNING_KEY), as_json(POST_CALL)
    assert CALLRAIL.genuine(posted(body, signature=callrail_signature(body)), known)
    for bad in (
        posted(body),
        posted(body + b" ", signature=callrail_signature(body)),
        posted(body, signature=callrail_signature(body, "another")),
        posted(body, **{"x-twilio-signature": callrail_signature(body)}),
    ):
        assert not CALLRAIL.genuine(bad, known)


def test_the_secret_of_callscaler() -> None:
    secret, digest = new_secret()
    in_header, in_address = Credential("X-Hook", secret_hash=digest), Credential(secret_hash=digest)
    assert CALLSCALER.genuine(posted(b"", **{"x-hook": secret}), in_header)
    assert CALLSCALER.genuine(posted(b"", query=secret), in_address)
    for bad, credential in (
        (posted(b"", query=secret), in_header),
        (posted(b"", **{"x-hook": secret}), in_address),
        (posted(b"", **{"x-hook": secret + "0"}), in_header),
        (posted(b"", **{"x-hook": digest}), in_header),
        (posted(b"", **{"x-other": secret}), in_header),
        (posted(b""), in_address),
        (posted(b"", **{"x-hook": secret}), Credential("X-Hook")),
    ):
        assert not CALLSCALER.genuine(bad, credential)


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS)
def test_secrets_are_compared_in_constant_time(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    compare = hmac.compare_digest

    def counting(one: Any, other: Any) -> bool:
        nonlocal compared
        compared += 1
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    vendor.genuine(posted(b"a=b"), Credential(secret=TOKEN, secret_hash="0"))
    assert compared == (2 if vendor is TWILIO else 1)  # its address with and without the port, whichever is right


def test_what_is_printed_of_a_delivery_has_no_secret() -> None:
    assert "sesame" not in repr(posted(b"sesame", "https://x/?secret=sesame", "sesame", **{"x-hook": "sesame"}))
