"""Calls pulled from a vendor that is slow, busy, broken or changing: in the end both have the same."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.accounts import clear_business, delete_business, find_business
from calltally.engines import Outcome
from calltally.errors import InvalidRequest, NotFound, Refused, Unavailable
from calltally.syncing import PullProgress
from calltally.syncing import client as asking
from calltally.syncing.client import Client
from tests.syncing.conftest import Puller
from tests.vendor.callscaler import (
    CAP,
    KEY,
    CallScaler,
    Fault,
    Handler,
    Shape,
    cursor_after,
    cut_off,
    garbage,
    gateway,
    records,
    refusal,
    reset,
    saying,
    silent,
    then,
)

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Stopped(Exception):
    """As by kill -9, after a page."""


def stop_after(pages: int) -> Callable[[PullProgress], None]:
    def on_progress(now: PullProgress) -> None:
        if now.pages == pages:
            raise Stopped

    return on_progress


# --- All goes well --------------------------------------------------------------------------------------------------


def test_all_calls_come_and_then_only_what_changed(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(90), LONG_AGO)
    first = puller.pull()
    assert (first.since, first.resumed, first.pages, first.read) == (None, False, 5, 90)
    assert first.outcomes == {Outcome.ADDED: 90}
    assert (first.first_day, first.last_day) == (date(2026, 3, 5), date(2026, 3, 10))
    assert first.dropped_fields["recording_url"] == 90
    assert set(first.dropped_fields) <= set(records(1)[0])
    assert puller.stored() == puller.wanted()
    assert vendor.asked()[0] == {"limit": "500"}
    assert all(set(params) == {"limit", "cursor"} for params in vendor.asked()[1:])

    vendor.change("call-00003", ai_score=99, qualified_ai=True)
    vendor.put(records(1, 90))
    second = puller.pull()
    assert (second.pages, second.read, second.resumed) == (1, 2, False)
    assert second.outcomes == {Outcome.ADDED: 1, Outcome.UPDATED: 1}
    assert puller.stored() == puller.wanted()
    complete = puller.state().complete_at
    assert complete is not None
    assert second.since is not None
    assert timedelta(0) <= complete - second.since - timedelta(minutes=10) < timedelta(minutes=1)


def test_pages_are_as_large_as_the_vendor_gives(puller: Puller, vendor: CallScaler) -> None:
    vendor.page_size = CAP
    vendor.put(records(CAP + 1))
    found = puller.pull()
    assert (found.pages, found.read) == (2, CAP + 1)
    assert puller.stored() == puller.wanted()


def test_a_vendor_without_calls(puller: Puller) -> None:
    found = puller.pull()
    assert (found.pages, found.read, found.first_day) == (1, 0, None)
    assert puller.stored() == {}


def test_pulling_everything_again_changes_nothing(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(50), LONG_AGO)
    puller.pull()
    assert puller.pull().read == 0
    again = puller.pull(full=True)
    assert again.since is None
    assert again.outcomes == {Outcome.UNCHANGED: 50}
    assert puller.stored() == puller.wanted()


def test_null_says_nothing_in_a_pull(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(2))
    puller.pull()
    vendor.change("call-00001", ai_score=None)
    puller.pull()
    assert puller.stored()["call-00001"]["ai_score"] == 1


def test_a_call_that_changes_between_two_pages(puller: Puller, vendor: CallScaler) -> None:
    """One that came already comes again with the next round, one that is still to come comes as it is by then."""
    vendor.put(records(60), LONG_AGO)

    def change() -> None:
        vendor.change("call-00005", source="changed early")
        vendor.change("call-00045", source="changed late")
        vendor.put(records(3, 60))

    vendor.faults.extend([None, then(change)])
    puller.pull()
    assert set(puller.stored()) == set(puller.wanted())
    assert puller.stored()["call-00045"]["source"] == "changed late"
    puller.pull()
    assert puller.stored() == puller.wanted()


# --- Stopped in the middle ------------------------------------------------------------------------------------------


def test_a_round_goes_on_where_it_was(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(90), LONG_AGO)
    with pytest.raises(Stopped):
        puller.pull(on_progress=stop_after(3))
    assert len(puller.stored()) == 60
    vendor.requests.clear()
    found = puller.pull()
    assert (found.resumed, found.pages, found.read) == (True, 2, 30)
    assert found.first_day == date(2026, 3, 5)
    assert "cursor" in vendor.asked()[0]
    assert puller.stored() == puller.wanted()


def test_a_round_that_went_on_counts_as_begun_when_it_began(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(60), LONG_AGO)
    with pytest.raises(Stopped):
        puller.pull(on_progress=stop_after(1))
    begun = puller.state().round
    assert begun is not None
    puller.pull()
    assert puller.state().complete_at == begun.began_at


def test_a_full_round_that_was_stopped_goes_on_as_one(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(60), LONG_AGO)
    puller.pull()
    with pytest.raises(Stopped):
        puller.pull(full=True, on_progress=stop_after(1))
    found = puller.pull()
    assert (found.resumed, found.since, found.outcomes) == (True, None, {Outcome.UNCHANGED: 40})


@settings(max_examples=10)
@given(stops=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 39)), max_size=6))
def test_stopped_anywhere_it_ends_the_same(puller: Puller, stops: list[tuple[int, int]]) -> None:
    """Begun anew, stopped after some pages again and again, with a call that changes each time."""
    puller.vendor.page_size = 10
    puller.vendor.put(records(40))
    for turn, (pages, changed) in enumerate(stops):
        with suppress(Stopped):
            puller.pull(full=turn == 0, on_progress=stop_after(pages))
        puller.vendor.change(f"call-{changed:05}", value_cents=changed + turn)
    puller.pull()
    puller.pull()
    assert puller.stored() == puller.wanted()


def test_two_pulls_at_once_end_the_same(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(100))
    both = [threading.Thread(target=puller.pull) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    puller.pull()
    assert puller.stored() == puller.wanted()


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_cursor_that_is_no_longer_good(puller: Puller, vendor: CallScaler, status: int) -> None:
    vendor.put(records(60), LONG_AGO)
    with pytest.raises(Stopped):
        puller.pull(on_progress=stop_after(2))
    vendor.faults.append(refusal(status, "Invalid cursor"))
    found = puller.pull()
    assert (found.pages, found.read) == (3, 60)
    assert puller.stored() == puller.wanted()


def test_calls_that_were_cleared_come_again(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(30), LONG_AGO)
    puller.pull()
    puller.engine.remove(clear_business(puller.control, puller.business.id))
    with pytest.raises(NotFound):
        puller.pull(full=True)
    puller.business = find_business(puller.control, puller.business.id)
    assert puller.pull().outcomes == {Outcome.ADDED: 30}


def test_another_address_begins_anew(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(30), LONG_AGO)
    puller.pull()
    vendor.server_address = vendor.server_address.replace("127.0.0.1", "localhost")
    assert puller.pull().read == 30


def test_what_is_kept_goes_with_the_business(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(30))
    puller.pull()
    assert puller.state().complete_at
    delete_business(puller.control, puller.business.id)
    assert puller.state().complete_at is None


# --- Pages that are formed otherwise ---------------------------------------------------------------------------------


def beside_data(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"next_cursor": answer["data"].pop("next_cursor")}


def within(name: str, *, outside: bool) -> Shape:
    def shape(answer: dict[str, Any]) -> dict[str, Any]:
        around = answer if outside else answer["data"]
        around[name] = {key: answer["data"].pop(key) for key in ("next_cursor", "total")}
        return answer

    return shape


def a_list(answer: dict[str, Any]) -> dict[str, Any]:
    return {"data": answer["data"].pop("calls"), "meta": answer["data"]}


def without_cursor(answer: dict[str, Any]) -> dict[str, Any]:
    del answer["data"]["next_cursor"]
    return answer


def null_cursor(answer: dict[str, Any]) -> dict[str, Any]:
    answer["data"]["next_cursor"] = None
    return answer


@pytest.mark.parametrize(
    "shape",
    [
        beside_data,
        within("pagination", outside=False),
        within("meta", outside=False),
        within("pagination", outside=True),
        within("meta", outside=True),
        a_list,
    ],
)
def test_the_cursor_is_found_wherever_it_stands(puller: Puller, vendor: CallScaler, shape: Shape) -> None:
    vendor.put(records(50))
    vendor.shape = shape
    found = puller.pull()
    assert (found.pages, found.read) == (3, 50)
    assert puller.stored() == puller.wanted()


@pytest.mark.parametrize(("shape", "size"), [(without_cursor, 20), (without_cursor, CAP), (null_cursor, CAP)])
def test_without_a_cursor_the_total_tells_that_there_are_more(
    puller: Puller, vendor: CallScaler, shape: Shape, size: int
) -> None:
    vendor.page_size = size
    vendor.put(records(2 * size + 10))
    vendor.shape = lambda answer: shape(whole_total(answer, 2 * size + 10))
    with pytest.raises(Stopped):
        puller.pull(on_progress=stop_after(1))
    found = puller.pull()
    assert (found.pages, found.resumed) == (2, True)
    assert [params.get("offset") for params in vendor.asked()] == [None, str(size), str(2 * size)]
    assert puller.stored() == puller.wanted()


def whole_total(answer: dict[str, Any], total: int) -> dict[str, Any]:
    """The total of all calls, wherever the page begins."""
    return answer | {"data": answer["data"] | {"total": total}}


def test_a_page_that_is_short_is_the_last_whatever_the_total_counts(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(5))
    vendor.shape = lambda answer: whole_total(answer, 1000)
    assert puller.pull().read == 5
    vendor.shape = lambda answer: without_cursor(whole_total(answer, 1000))
    assert puller.pull(full=True).read == 5
    assert puller.state().complete_at


@pytest.mark.parametrize("calls", [CAP, 2 * CAP])
def test_calls_that_are_counted_and_not_given_are_no_end(puller: Puller, vendor: CallScaler, calls: int) -> None:
    vendor.page_size = CAP
    vendor.put(records(calls))
    vendor.shape = lambda answer: without_cursor(whole_total(answer, 1300))
    for _ in range(2):
        with pytest.raises(Refused, match=rf"CallScaler says that there are 1,300 calls, but gives only {calls:,}"):
            puller.pull()
        assert puller.state().complete_at is None


def test_a_vendor_that_takes_no_offset(puller: Puller, vendor: CallScaler) -> None:
    vendor.page_size = CAP
    vendor.put(records(CAP))
    page = {"calls": records(CAP), "total": CAP + 400}
    vendor.faults.extend([saying(orjson.dumps({"data": page}))] * 3)
    for _ in range(2):
        with pytest.raises(Refused, match="CallScaler gives the same calls again, wherever they are to begin"):
            puller.pull()
        assert puller.state().complete_at is None


def test_an_empty_page_that_leads_to_itself_is_the_end(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(10))
    vendor.shape = lambda answer: {"data": answer["data"] | {"next_cursor": cursor_after(10)}}
    assert puller.pull().pages == 2
    assert puller.state().complete_at
    assert puller.stored() == puller.wanted()


# --- Faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        refusal(429),
        refusal(429, Retry_After="3"),
        refusal(500),
        refusal(503),
        refusal(408),
        gateway,
        garbage,
        cut_off,
        reset,
        silent,
    ],
    ids=["429", "429-after", "500", "503", "408", "502", "garbage", "cut off", "reset", "silent"],
)
@pytest.mark.parametrize("times", [1, 5])
def test_a_fault_that_passes(
    puller: Puller, vendor: CallScaler, fault: Fault, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault is silent:
        monkeypatch.setattr(asking, "SILENT_SECONDS", 1.0)
    vendor.put(records(50))
    vendor.faults.extend([None, *[fault] * times])
    found = puller.pull()
    assert (found.pages, found.read) == (3, 50)
    assert len(puller.waits) == len(puller.said) == times
    assert puller.stored() == puller.wanted()


def test_a_server_that_says_when_is_asked_then(puller: Puller, vendor: CallScaler) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=100), usegmt=True)
    vendor.faults.extend(refusal(429, Retry_After=after) for after in ("7", soon, past))
    puller.pull()
    assert puller.waits[0] == 7
    assert 90 < puller.waits[1] <= 100
    assert 0 < puller.waits[2] <= 4  # as if it had not said
    assert puller.said[0] == "CallScaler: 429: 'Not now'; asking again in 7 s (try 2 of 8)"


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_server_whose_clock_is_wrong_is_asked_when_its_clock_says(
    puller: Puller, vendor: CallScaler, hours: int
) -> None:
    def fault(handler: Handler, _: int, __: bytes) -> None:
        now = datetime.now(UTC) + timedelta(hours=hours)
        handler.send_response_only(429)
        handler.send_header("Date", format_datetime(now, usegmt=True))
        handler.send_header("Retry-After", format_datetime(now + timedelta(seconds=30), usegmt=True))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    vendor.faults.append(fault)
    puller.pull()
    assert puller.waits == [30]


def test_a_server_that_may_be_asked_at_once_is_asked_ever_later(puller: Puller, vendor: CallScaler) -> None:
    vendor.faults.extend([refusal(429, Retry_After="0")] * 7)
    puller.pull()
    assert len(set(puller.waits)) == 7
    assert 0 not in puller.waits


def test_how_long_to_leave_a_server_alone_that_never_answers(puller: Puller, vendor: CallScaler) -> None:
    vendor.faults.extend([refusal(429, Retry_After="600")] * 8)
    with pytest.raises(Unavailable) as raised:
        puller.pull()
    assert raised.value.retry_after == 600


def test_a_certificate_that_is_not_trusted_is_refused_at_once(tmp_path: Path) -> None:
    made = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out own.pem -subj /CN=localhost -days 1"
    subprocess.run(["openssl", *made.split()], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem", tmp_path / "key.pem")
    waits: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with server.accept()[0] as connection, suppress(ssl.SSLError):
                context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=greet)
        thread.start()
        address = f"https://127.0.0.1:{server.getsockname()[1]}/api/v1"
        said = r"^CallScaler shows a certificate that is not trusted \(.*self-signed certificate.*\)$"
        with Client("CallScaler", address, KEY, print, waits.append) as client, pytest.raises(Refused, match=said):
            client.get("calls", {})
        thread.join()
    assert waits == []


def test_a_server_that_does_not_say_when_is_asked_ever_later(puller: Puller, vendor: CallScaler) -> None:
    vendor.faults.extend([refusal(500)] * 7)
    puller.pull()
    assert len(puller.waits) == 7
    assert all(0 <= wait <= min(2**n, 60) for n, wait in enumerate(puller.waits))
    assert len(set(puller.waits)) == 7


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (refusal(429), r"CallScaler gives no answer \(429: 'Not now'\), though asked 8 times"),
        (gateway, r"CallScaler gives no answer \(502 Bad Gateway\), though asked 8 times"),
        (garbage, r"CallScaler gives no answer \(what it sent is not JSON\), though asked 8 times"),
        (refusal(503, Retry_After="3600"), r"CallScaler wants to be asked again in 3,600 seconds \(503: 'Not now'\)"),
    ],
)
def test_a_fault_that_stays_ends_the_round(puller: Puller, vendor: CallScaler, fault: Fault, sentence: str) -> None:
    vendor.put(records(50))
    vendor.faults.extend([None, *[fault] * 8])
    with pytest.raises(Unavailable, match=sentence):
        puller.pull()
    assert len(puller.stored()) == 20
    vendor.faults.clear()
    assert puller.pull().resumed
    assert puller.stored() == puller.wanted()


def test_nobody_there(puller: Puller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        puller.vendor.server_address = f"http://127.0.0.1:{nobody.getsockname()[1]}/api/v1"
    with pytest.raises(Unavailable, match=r"gives no answer \(.*refused.*\), though asked 8 times"):
        puller.pull()


def test_a_key_that_is_not_taken(puller: Puller) -> None:
    with pytest.raises(Refused, match=r"^CallScaler does not take the key \(401: 'Invalid API key'\)$"):
        puller.pull(key="cs_key_wrong")
    assert puller.waits == []


def test_what_is_refused_is_not_asked_again(puller: Puller, vendor: CallScaler) -> None:
    vendor.faults.append(refusal(403, f"No scope for {KEY}"))
    with pytest.raises(Refused, match=r"^CallScaler refuses to answer \(403: 'No scope for \.\.\.'\)$"):
        puller.pull()
    assert puller.waits == []


def test_the_key_follows_no_redirect(puller: Puller, vendor: CallScaler) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.3)
        where = f"http://127.0.0.1:{other.getsockname()[1]}/api/v1/calls?key={KEY}&{quote(KEY, safe='')}"
        vendor.faults.append(refusal(302, Location=where))
        said = r"sends elsewhere, to 'http.*/api/v1/calls\?key=\.\.\.&\.\.\.'; if that is right, say so with --url"
        with pytest.raises(Refused, match=said):
            puller.pull()
        with pytest.raises(TimeoutError):
            other.accept()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_sees_the_key(
    puller: Puller, vendor: CallScaler, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    vendor.put(records(5))
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setattr(asking, "SILENT_SECONDS", 0.5)
        assert puller.pull().read == 5
        proxy.settimeout(0.1)
        with pytest.raises(TimeoutError):
            proxy.accept()


@pytest.mark.parametrize(
    ("address", "key", "params"),
    [
        ("http://example.com/api/v1", KEY, ["url"]),
        ("ftp://example.com", KEY, ["url"]),
        ("https://user:word@example.com", KEY, ["url"]),
        ("https://example.com/?a=b", KEY, ["url"]),
        ("https://[", KEY, ["url"]),
        ("", "", ["key", "url"]),
        ("https://example.com", "cs key", ["key"]),
        ("https://example.com", "cs_key\n", ["key"]),
        ("https://example.com", "schlüssel", ["key"]),
    ],
)
def test_addresses_and_keys_that_are_none(address: str, key: str, params: list[str]) -> None:
    with pytest.raises(InvalidRequest) as raised:
        Client("CallScaler", address, key, print)
    assert [problem.param for problem in raised.value.problems] == params
    assert not key or key not in str(raised.value)


def test_a_page_that_comes_twice(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(50))
    vendor.faults.extend([None, vendor.repeated])
    found = puller.pull()
    assert (found.pages, found.read) == (4, 70)
    assert found.outcomes[Outcome.ADDED] == 50
    assert puller.stored() == puller.wanted()


def test_pages_that_go_round_in_circles(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(50))
    vendor.circles = True
    with pytest.raises(Refused, match="The pages of CallScaler go round in circles"):
        puller.pull()
    assert len(vendor.asked()) < 20
    vendor.circles = False
    puller.pull()
    assert puller.stored() == puller.wanted()


@pytest.mark.parametrize("cursor", [{}, [], 1.5])
def test_a_cursor_that_is_none(puller: Puller, vendor: CallScaler, cursor: object) -> None:
    vendor.faults.append(saying(orjson.dumps({"data": {"calls": [], "next_cursor": cursor}})))
    with pytest.raises(Refused, match="CallScaler answers with a cursor that is none"):
        puller.pull()


@pytest.mark.parametrize("body", [b"[]", b'{"data": 5}', b'{"calls": []}', b"null"])
def test_an_answer_that_is_no_page(puller: Puller, vendor: CallScaler, body: bytes) -> None:
    vendor.faults.append(saying(body))
    with pytest.raises(Refused, match="CallScaler answers with something else than calls"):
        puller.pull()


def test_an_endless_answer(puller: Puller, vendor: CallScaler, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor.put(records(50))
    monkeypatch.setattr(asking, "MOST_BYTES", 1000)
    with pytest.raises(Refused, match="CallScaler answers with more than 1,000 bytes"):
        puller.pull()
    assert len(vendor.asked()) == 1  # it would be no shorter another time


# --- Rejected calls -------------------------------------------------------------------------------------------------


def test_a_bad_call_keeps_nothing_out(puller: Puller, vendor: CallScaler) -> None:
    vendor.put([*records(30), records(1, 30)[0] | {"ai_score": 1000, "created_at": "2026-03-20T12:00:00Z"}])
    vendor.put([{**records(1, 31)[0], "created_at": "yesterday"}])
    found = puller.pull()
    assert found.outcomes == {Outcome.ADDED: 30, Outcome.REJECTED: 2}
    assert found.last_day == date(2026, 3, 20)
    lines = [orjson.loads(line) for line in puller.rejects().path.read_text().splitlines()]
    assert [(line["call"], line["record"]["id"]) for line in lines] == [(31, "call-00030"), (32, "call-00031")]
    assert lines[0]["errors"][0]["field"] == "ai_score"
    puller.pull()
    assert len(puller.rejects().path.read_text().splitlines()) == 4


def test_what_is_no_object_is_rejected(puller: Puller, vendor: CallScaler) -> None:
    vendor.faults.append(saying(orjson.dumps({"data": {"calls": [5, records(1)[0]]}})))
    found = puller.pull()
    assert found.outcomes == {Outcome.ADDED: 1, Outcome.REJECTED: 1}
    assert orjson.loads(puller.rejects().path.read_text())["record"] == {"value": 5}


def test_rejects_that_cannot_be_written_stop_nothing(puller: Puller, vendor: CallScaler, tmp_path: Path) -> None:
    vendor.put([{**record, "ai_score": 1000 if n % 25 == 0 else 1} for n, record in enumerate(records(50))])
    puller.rejects().path.mkdir()
    found = puller.pull()
    assert found.outcomes == {Outcome.ADDED: 48, Outcome.REJECTED: 2}
    assert "rejected rows cannot be written there" in str(found.failure)
