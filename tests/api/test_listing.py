"""Lists of calls: pages that neither repeat nor skip, cursors, searches, and files that are whole or broken off."""

import asyncio
import base64
import csv
import gzip
import hashlib
import json
import logging
import signal
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from io import StringIO
from itertools import chain, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.accounts import clear_business
from calltally.api import Answers, Intake, Services, Workers, create_app, streams
from calltally.api.streams import STALL_SECONDS
from calltally.catalog import CATALOG
from calltally.engines import Condition, Engine, Stop
from calltally.folder import DataFolder
from calltally.ingestion import ImportOptions, import_file
from calltally.localtime import Period
from tests import strategies
from tests.api.conftest import (
    NOW,
    Asker,
    Door,
    Server,
    calls,
    filled,
    intake_limits,
    limits,
    open_client,
    serving,
)
from tests.wrapping import WrappedEngine

PROFILE = settings.get_profile(settings.get_current_profile_name())
LIST = "/api/v1/calls"
FILES = (f"{LIST}.csv", f"{LIST}.ndjson")
MANY = 300_000


def page(asker: Asker, query: str = "") -> dict[str, Any]:
    """What a page has in its `data`."""
    response = asker.get(query, LIST)
    assert response.status_code == 200, response.text
    assert list(response.json()) == ["data"]
    found: dict[str, Any] = response.json()["data"]
    assert list(found) == ["calls", "next_cursor"]
    return found


def pages(asker: Asker, query: str) -> Iterator[list[str]]:
    """The ids of each page."""
    cursor = ""
    while True:
        found = page(asker, query + cursor)
        yield [call["id"] for call in found["calls"]]
        if found["next_cursor"] is None:
            return
        cursor = f"&cursor={quote(found['next_cursor'])}"


def problems(asker: Asker, query: str, path: str = LIST) -> list[tuple[str, str]]:
    response = asker.get(query, path)
    assert response.status_code == 400, response.text
    return [(each["param"], each["message"]) for each in response.json()["error"]["details"]]


# --- Pages ----------------------------------------------------------------------------------------------------------


def test_a_call_has_every_field(few: Asker) -> None:
    [call] = page(few, "where_null=source")["calls"]
    assert list(call) == list(CATALOG.fields)
    assert {name: value for name, value in call.items() if value is not None} == {
        "id": "call-4",
        "started_at": "2026-03-09T12:00:00Z",
        "caller_number": "+13055551234",
        "direction": "inbound",
        "call_flow_id": "f-1",
        "number_id": "n-1",
        "number_group_id": "g-1",
    }
    [call] = page(few, "source=google&status=completed")["calls"]
    assert (call["qualified"], call["ai_score"], call["duration_seconds"]) == (True, 80, 60)


def test_a_business_without_calls(door: Door) -> None:
    asker = door.asker(door.business())
    assert page(asker) == {"calls": [], "next_cursor": None}
    assert asker.get("", FILES[0]).text.count("\n") == 1
    assert asker.get("", FILES[1]).content == b""


@pytest.fixture(scope="module")
def crowd(door: Door) -> Asker:
    """Somebody with 60 calls that start in 9 different moments, and so many ids."""
    records = [
        {"id": f"{n * 7 % 60:02}", "started_at": f"2026-03-0{1 + n % 9}T12:00:00.00000{n % 9}Z"} for n in range(60)
    ]
    return door.asker(door.business(records))


@pytest.mark.parametrize("order", ["", "&sort_order=desc", "&sort_order=asc"])
@pytest.mark.parametrize("limit", [1, 7, 20, 59, 60, 500])
def test_pages_have_every_call_once_and_in_order(crowd: Asker, order: str, limit: int) -> None:
    found = list(pages(crowd, f"limit={limit}{order}"))
    assert {len(each) for each in found[:-1]} <= {limit}
    assert 1 <= len(found[-1]) <= limit
    ids = list(chain.from_iterable(found))
    starts = {call["id"]: call["started_at"] for call in page(crowd, "limit=500")["calls"]}
    assert ids == sorted(starts, key=lambda name: (starts[name], name), reverse=order != "&sort_order=asc")


def test_the_default_limit_is_50(crowd: Asker) -> None:
    assert [len(each) for each in pages(crowd, "")] == [50, 10]


@settings(max_examples=PROFILE.max_examples // 3)
@given(data=st.data(), descending=st.booleans())
def test_pages_are_right_while_calls_arrive(door: Door, data: st.DataObject, descending: bool) -> None:
    numbers = st.integers(0, 99)
    there = data.draw(st.lists(numbers, min_size=5, max_size=20, unique=True))
    business = door.business(map(numbered, there))
    read: list[str] = []
    for ids in pages(door.asker(business), f"limit=3&sort_order={'desc' if descending else 'asc'}"):
        read += ids
        door.add(business, map(numbered, data.draw(st.lists(numbers, max_size=3))))
    assert len(read) == len(set(read))
    assert {str(number) for number in there} <= set(read)
    door.engine.remove(business.calls)


def numbered(number: int) -> dict[str, object]:
    """A call whose start, which several share, follows from its id."""
    return {"id": str(number), "started_at": f"2026-03-09T12:0{number % 4}:00Z"}


# --- Cursors --------------------------------------------------------------------------------------------------------

OTHER_LIST = "cursor: it is of another list; give it with the filters and the order that it came with, or leave it out"


def test_a_cursor_of_another_list_is_refused(crowd: Asker, few: Asker, door: Door) -> None:
    cursor = page(crowd, "limit=2&start_date=2026-03-01")["next_cursor"]
    same = ("limit=5&start_date=2026-03-01", "start_date=2026-03-01&sort_order=desc")
    others = ("", "start_date=2026-03-02", "start_date=2026-03-01&sort_order=asc", "start_date=2026-03-01&source=x")
    assert [len(page(crowd, f"{query}&cursor={cursor}")["calls"]) for query in same] == [5, 50]
    for query in others:
        assert problems(crowd, f"{query}&cursor={cursor}") == [("cursor", OTHER_LIST)]
    assert problems(few, f"start_date=2026-03-01&cursor={cursor}") == [("cursor", OTHER_LIST)]
    business = door.business(calls(*({} for _ in range(3))))
    asker = door.asker(business)
    cursor = page(asker, "limit=1")["next_cursor"]
    clear_business(door.control, business.id)
    assert problems(asker, f"cursor={cursor}") == [("cursor", OTHER_LIST)]


@pytest.mark.parametrize("text", ["x", "====", "é", "%00", "a" * 5000, "eyJ9", base64.b64encode(b"[1,2]" * 9).decode()])
def test_rubbish_is_no_cursor(crowd: Asker, text: str) -> None:
    [(name, _)] = problems(crowd, f"cursor={text if '%' in text else quote(text)}")
    assert name == "cursor"


@settings(max_examples=PROFILE.max_examples * 3)
@given(data=st.data())
def test_a_changed_cursor_is_refused(crowd: Asker, data: st.DataObject) -> None:
    cursor = page(crowd, "limit=2")["next_cursor"]
    place = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_"))
    changed = cursor[:place] + other + cursor[place + 1 :]
    raw = [base64.urlsafe_b64decode(text + "==") for text in (changed, cursor)]
    if raw[0] != raw[1]:
        assert [name for name, _ in problems(crowd, f"limit=2&cursor={changed}")] == ["cursor"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
)
ANYTHING = "0) OR id != ?) OR 1 = 1 --"


def forged(cursor: str, place: bytes) -> str:
    """A cursor of the same list for another place, as anybody can write it who has read how it is done."""
    raw = base64.urlsafe_b64decode(cursor + "==")
    content = raw[6:18] + place
    check = hashlib.sha256(b"calltally cursor" + content).digest()[:6]
    return base64.urlsafe_b64encode(check + content).decode().rstrip("=")


@pytest.mark.parametrize(
    "place",
    [
        json.dumps([ANYTHING, "x"]).encode(),
        json.dumps([[ANYTHING], "x"]).encode(),
        b"[1.5,'x']",
        b'[1.5,"x"]',
        b'[true,"x"]',
        b'[null,"x"]',
        b"[1,null]",
        b"[1,2]",
        b"[1]",
        b'[1,"x",1]',
        b"5",
        b"",
        b"[1,",
        json.dumps([-(2**63), "x"]).encode(),
        json.dumps([2**63, "x"]).encode(),
        b'[1e400,"x"]',
    ],
)
def test_a_cursor_that_names_no_place_is_refused_whoever_wrote_it(crowd: Asker, place: bytes) -> None:
    cursor = forged(page(crowd, "limit=2")["next_cursor"], place)
    assert [name for name, _ in problems(crowd, f"limit=2&cursor={cursor}")] == ["cursor"]


@settings(max_examples=PROFILE.max_examples * 3)
@given(said=JSON_VALUES | st.tuples(JSON_VALUES, JSON_VALUES).map(list))
def test_whatever_a_cursor_says_no_call_comes_that_is_not_in_the_list(crowd: Asker, said: Any) -> None:
    day = "where[date]=2026-03-02"
    cursor = forged(page(crowd, f"limit=1&{day}")["next_cursor"], json.dumps(said).encode())
    response = crowd.get(f"limit=500&{day}&cursor={cursor}", LIST)
    assert response.status_code in {200, 400}, response.text
    if response.status_code == 200:
        assert {call["started_at"][:10] for call in response.json()["data"]["calls"]} <= {"2026-03-02"}


@given(call_id=st.text())
def test_a_cursor_may_name_a_place_at_which_there_is_no_call(crowd: Asker, call_id: str) -> None:
    cursor = forged(page(crowd, "limit=1")["next_cursor"], json.dumps([1773064800000000, call_id]).encode())
    response = crowd.get(f"cursor={cursor}", LIST)
    assert response.status_code == (200 if len(cursor) <= 2000 else 400)


# --- What is asked --------------------------------------------------------------------------------------------------

NAMES = ", ".join(name for name in CATALOG.listing if not name.startswith("where"))
WRONG = {
    "limit=0": "limit: '0' is not a whole number from 1 to 500",
    "limit=501": "limit: '501' is not a whole number from 1 to 500",
    "limit=5&limit=5": "limit: was given 2 times; give it once",
    "sort_order=up": "sort_order: 'up' is not allowed; it is 'desc' or 'asc'",
    "cursor=": "cursor: is empty; it takes the next_cursor of the page before, or leave it out",
    "cursor=x": "cursor: 'x' is no next_cursor of this list; leave it out for the first page",
    "search=": "search: is empty; it takes a part of a text such as (305) 555-1234, or leave it out",
    "search=+": "search: is blank; give a part of what is looked for, or leave it out",
    "search=a&search=b": "search: was given 2 times; give it once",
    f"search={'1' * 513}": f"search: '{'1' * 100}' is 513 characters long; at most 512 are allowed",
    "updated_since=2026-03-09": "updated_since: '2026-03-09' is not a time such as 2026-03-09T14:05:00Z",
    "updated_since=now": "updated_since: 'now' is not a time such as 2026-03-09T14:05:00Z",
    "updated_since=": "updated_since: is empty; it takes a time such as 2026-03-09T14:05:00Z, or leave it out",
    "group_by=source": f"group_by: 'group_by' is not a parameter of this list; it takes {NAMES}",
    "sort_order_by=asc": "sort_order_by: 'sort_order_by' is not a parameter of this list; did you mean 'sort_order'?",
    "offset=5": f"offset: 'offset' is not a parameter of this list; it takes {NAMES}",
}


@pytest.mark.parametrize("query", WRONG, ids=lambda query: query[:40])
def test_each_way_to_be_wrong(few: Asker, query: str) -> None:
    sentence = WRONG[query]
    assert problems(few, query) == [(sentence.partition(": ")[0], sentence)]


@pytest.mark.parametrize("path", FILES)
def test_a_file_has_no_pages(few: Asker, path: str) -> None:
    found = problems(few, "limit=5&sort_order=asc&cursor=x", path)
    assert [name for name, _ in found] == ["limit", "sort_order", "cursor"]
    assert all("is not a parameter of this export" in message for _, message in found)


@settings(max_examples=PROFILE.max_examples * 5)
@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from((*CATALOG.listing, "where[", "where[]", "x")),
            st.one_of(st.text(max_size=12), st.sampled_from(("2026-03-09", "5", "google", "2026-03-09T00:00:00Z"))),
        ),
        max_size=4,
    )
)
def test_whatever_is_asked_is_answered(few: Asker, pairs: list[tuple[str, str]]) -> None:
    query = urlencode(pairs, errors="surrogatepass")
    for path in (LIST, *FILES):
        response = few.get(query, path)
        assert response.status_code in (200, 400), response.text
        if response.status_code == 400:
            assert {p["param"] for p in response.json()["error"]["details"]} <= {name for name, _ in pairs}


SEARCHES = {
    "(305) 555-1234": {"a", "b", "c"},
    "+13055551234": {"a", "b", "c"},
    "+1305": {"a", "b", "c"},
    "5551234": {"a", "b", "c"},
    "305": {"a", "b", "c"},
    "555-1234": {"d"},
    "SIP:": {"e"},
    "alice@Example.COM": {"e"},
    "ÄÖ": {"f"},
    "%": set(),
    "_": set(),
    "google": set(),
    " 0199 ": {"a"},
}


@pytest.fixture(scope="module")
def numbers(door: Door) -> Asker:
    records: list[dict[str, object]] = [
        {"id": "a", "caller_number": "305.555.1234", "destination_number": "+13055550199"},
        {"id": "b", "tracking_number": "3055551234"},
        {"id": "c", "destination_number": "+1 305 555 1234"},
        {"id": "d", "caller_number": "555-1234"},
        {"id": "e", "caller_number": "sip:Alice@example.com"},
        {"id": "f", "caller_number": "äö"},
        {"id": "g", "source": "google"},
    ]
    return door.asker(door.business({"started_at": "2026-03-09T12:00:00Z", **record} for record in records))


@pytest.mark.parametrize("text", SEARCHES)
def test_a_search_finds_numbers_however_they_are_written(numbers: Asker, text: str) -> None:
    asked = urlencode({"search": text})
    assert {call["id"] for call in page(numbers, asked)["calls"]} == SEARCHES[text]
    assert {row["id"] for row in csv.DictReader(StringIO(numbers.get(asked, FILES[0]).text))} == SEARCHES[text]


def test_what_changed_since(door: Door) -> None:
    business = door.business(calls({}, {"source": "google"}, {}))
    asker = door.asker(business)
    time.sleep(0.01)
    middle = datetime.now(UTC).isoformat()
    assert page(asker, urlencode({"updated_since": middle}))["calls"] == []
    door.add(business, [{"id": "call-1", "source": "bing"}, {"id": "call-2", "source": ""}, numbered(101)])
    found = page(asker, urlencode({"updated_since": middle}))["calls"]
    assert [call["id"] for call in found] == ["101", "call-1"]
    assert len(page(asker, "updated_since=1970-01-01T00:00:00Z")["calls"]) == 4
    rows = asker.get(urlencode({"updated_since": middle}), FILES[1]).text.splitlines()
    assert {json.loads(row)["id"] for row in rows} == {"101", "call-1"}


def test_a_newer_version_of_the_same_values_is_no_change(door: Door) -> None:
    said = {"id": "a", "started_at": "2026-03-09T12:00:00Z", "source": "google"}
    business = door.business([{**said, "updated_at": "2026-03-09T13:00:00Z"}])
    asker = door.asker(business)
    time.sleep(0.01)
    middle = datetime.now(UTC).isoformat()
    door.add(business, [{**said, "updated_at": "2026-03-09T14:00:00Z"}])
    [call] = page(asker, "")["calls"]
    assert call["updated_at"].startswith("2026-03-09T14:00:00")
    assert page(asker, urlencode({"updated_since": middle}))["calls"] == []


@pytest.mark.parametrize("path", [LIST, *FILES])
def test_the_scope_is_named(door: Door, path: str) -> None:
    business = door.business(calls({}))
    for scope, status in (("report", 403), ("write", 403), ("read", 200), ("admin", 200)):
        response = door.asker(business, scope).get("", path)
        assert response.status_code == status
        if status == 403:
            assert response.json()["error"]["message"] == "This key lacks the scope 'read'"
    assert door.client.get(path).status_code == 401


# --- Forms ----------------------------------------------------------------------------------------------------------

CSV, LINES, JSON = "text/csv; charset=utf-8", "application/x-ndjson; charset=utf-8", "application/json"
ACCEPTED = {
    "text/csv": CSV,
    "TEXT/CSV": CSV,
    "text/csv;charset=utf-8": CSV,
    "application/x-ndjson": LINES,
    "application/x-ndjson, text/csv;q=0.9": LINES,
    "application/json;q=0.5, text/*": CSV,
    "text/csv;q=0": JSON,
    "text/csv;q=0.5, */*": JSON,
    "*/*": JSON,
    "text/html,application/xhtml+xml,*/*;q=0.8": JSON,
    "image/png": JSON,
    "nonsense;;;=,": JSON,
}


@pytest.mark.parametrize("accept", ACCEPTED)
def test_the_form_is_that_which_is_accepted(few: Asker, accept: str) -> None:
    response = few.get("", LIST, Accept=accept)
    assert (response.status_code, response.headers["content-type"]) == (200, ACCEPTED[accept])
    assert response.headers["vary"] == "Accept, Accept-Encoding, Authorization, Cookie, X-Calltally-Business"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["server-timing"].startswith("auth;dur=")
    if ACCEPTED[accept] != JSON:
        assert response.content == few.get("", FILES[ACCEPTED[accept] == LINES]).content


@pytest.mark.parametrize("path", [LIST, *FILES])
def test_it_is_compressed_for_those_who_ask(crowd: Asker, path: str) -> None:
    plain = crowd.get("limit=60" if path == LIST else "", path, **{"Accept-Encoding": "identity"})
    packed = crowd.get("limit=60" if path == LIST else "", path, **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert len(plain.content) > 1000


@settings(max_examples=10)
@given(records=strategies.files_of_records(faulty=False, min_size=1), kind=st.sampled_from(("csv", "ndjson")))
def test_files_import_again_unchanged(door: Door, tmp_path: Path, records: list[strategies.Record], kind: str) -> None:
    business = door.business(timezone="America/New_York")
    door.add(business, records)
    asker = door.asker(business)
    path = tmp_path / f"calls.{kind}"
    path.write_bytes(asker.get("", f"{LIST}.{kind}").content)
    again = import_file(path, business, door.engine, ImportOptions()).summary
    assert (again.read, again.unchanged) == (again.read, again.read)
    other = door.business(timezone="America/New_York")
    import_file(path, other, door.engine, ImportOptions())
    first, second = (page(door.asker(each), "limit=500")["calls"] for each in (business, other))
    assert first == second
    if kind == "ndjson":
        by_id = {call["id"]: call for call in first}
        assert {call["id"]: call for call in map(json.loads, path.read_text().splitlines())} == by_id
    for each in (business, other):
        door.engine.remove(each.calls)


def test_head_has_no_body(few: Asker) -> None:
    for path in (LIST, *FILES):
        response = few.client.head(path, headers=few.headers)
        assert (response.status_code, response.content) == (200, b"")


# --- Files that do not end well -------------------------------------------------------------------------------------


class Broken(WrappedEngine):
    """An engine whose exports fail after so many batches."""

    batches = 1

    @contextmanager
    def _broken(self, found: AbstractContextManager[Iterator[pa.RecordBatch]]) -> Iterator[Iterator[pa.RecordBatch]]:
        with found as batches:
            yield self._some(batches)

    def _some(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _, batch in zip(range(self.batches), batches, strict=False):
            yield batch
        raise OSError("the disk is gone")

    def export(
        self,
        calls: str,
        conditions: tuple[Condition, ...],
        periods: tuple[Period, ...] | None,
        stop: Stop | None = None,
    ) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        return self._broken(self.inside.export(calls, conditions, periods, stop))


@pytest.mark.parametrize("path", FILES)
def test_what_goes_wrong_before_the_first_piece_is_an_error(few: Asker, door: Door, path: str) -> None:
    engine = Broken(door.engine)
    engine.batches = 0
    with open_client(door.control, engine) as client:
        response = client.get(path, headers=few.headers)
    assert (response.status_code, response.json()["error"]["type"]) == (500, "internal")


@pytest.mark.parametrize("path", FILES)
def test_what_goes_wrong_later_never_ends_the_file(few: Asker, door: Door, path: str) -> None:
    sent = asyncio.run(asked(services_of(door, Broken(door.engine)), path, few.headers))
    assert [message["type"] for message in sent[:2]] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 200
    assert all(message["more_body"] for message in sent[1:])


def test_a_client_that_takes_nothing_for_long_has_gone(
    few: Asker, door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(streams, "STALL_SECONDS", 0.2)
    sent = asyncio.run(asked(services_of(door, door.engine), FILES[0], few.headers, takes=1))
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def services_of(door: Door, engine: Engine) -> Services:
    """Services of a door, with another engine."""
    return Services(
        door.control,
        engine,
        Workers(limits(4, 64), 30),
        Answers(0),
        lambda: NOW,
        Intake(door.engine, intake_limits()),
        Path(tempfile.gettempdir()),
    )


async def asked(
    services: Services, path: str, headers: Mapping[str, str], takes: int | None = None
) -> list[dict[str, Any]]:
    """What an application sends, whether it ends well or not; to a client that takes so much, or all of it."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: Any) -> None:
        if len(sent) == takes:
            await asyncio.Event().wait()
        sent.append(dict(message))

    await create_app(services)(scope, receive, send)
    await services.streams.close()
    await services.workers.close()
    return sent


# --- A server of its own --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return DataFolder(tmp_path_factory.mktemp("lists") / "data")


@pytest.fixture(scope="module")
def headers(folder: DataFolder) -> Mapping[str, str]:
    return filled(folder, MANY)


@pytest.fixture(scope="module")
def server(folder: DataFolder, headers: Mapping[str, str]) -> Iterator[Server]:
    with serving(folder.path, CALLTALLY_THREADS="2", CALLTALLY_MEMORY="200MB") as running:
        yield running


@pytest.fixture
def client(server: Server, headers: Mapping[str, str]) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.address, headers=headers, timeout=30) as opened:
        yield opened


@contextmanager
def begun(server: Server, path: str, headers: Mapping[str, str]) -> Iterator[socket.socket]:
    """A connection on which an answer has begun to come, and of which no more is read."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", server.port))
        lines = [f"GET {path} HTTP/1.1", "Host: here", *(f"{name}: {value}" for name, value in headers.items())]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        assert connection.recv(9) == b"HTTP/1.1 "
        yield connection


def status_of(answer: socket.socket) -> bytes:
    return answer.recv(3)


@pytest.mark.parametrize(("path", "more"), [(FILES[0], 1), (FILES[1], 0)])
def test_a_file_has_all_calls(client: httpx2.Client, path: str, more: int) -> None:
    for accepted in ("identity", "gzip"):
        with client.stream("GET", path, headers={"Accept-Encoding": accepted}) as response:
            raw = b"".join(response.iter_raw())
        text = gzip.decompress(raw) if accepted == "gzip" else raw
        assert text.count(b"\n") == MANY + more


def test_memory_does_not_grow_with_the_calls(server: Server, client: httpx2.Client) -> None:
    held, sizes = [], []
    for path in FILES:  # the first is far smaller, and has the database read all that it keeps of the calls
        with client.stream("GET", path, headers={"Accept-Encoding": "identity"}) as response:
            sizes.append(sum(len(piece) for piece in response.iter_raw()))
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        held.append(int(status.partition("VmHWM:")[2].split()[0]) * 1024)
    assert sizes[1] > 100_000_000
    assert held[1] - held[0] < sizes[1] / 2


def test_clients_that_leave_give_up_their_places(
    server: Server, client: httpx2.Client, headers: Mapping[str, str]
) -> None:
    with ExitStack() as stack:
        answers = [stack.enter_context(begun(server, FILES[1], headers)) for _ in range(3)]
        assert [status_of(answer) for answer in answers] == [b"200"] * 3
        refused = client.get(FILES[0])
        assert refused.status_code == 503
        assert refused.json()["error"]["message"] == "3 files of this business are being sent; try again soon"
        assert refused.headers["retry-after"] == "5"
        assert client.get(f"{LIST}?limit=1").status_code == 200  # pages do not wait for files
    with ExitStack() as stack:
        for _ in range(3):
            assert gets_a_place(server, headers, stack)


def test_a_client_that_takes_nothing_holds_up_neither_an_erasure_nor_others(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    headers = filled(folder, 100_000, "admin")
    with serving(folder.path) as running, httpx2.Client(base_url=running.address, headers=headers) as client:
        [call] = client.get(f"{LIST}?limit=1").json()["data"]["calls"]
        with begun(running, FILES[1], headers):
            began = time.monotonic()
            erased = client.delete(LIST, params={"caller_number": call["caller_number"]}, timeout=50)
            assert erased.status_code == 200
            assert time.monotonic() - began < STALL_SECONDS / 2
        assert client.get(f"{LIST}/{call['id']}").json()["data"]["caller_number"] is None


def gets_a_place(server: Server, headers: Mapping[str, str], stack: ExitStack) -> bool:
    """Whether a file begins within some seconds; it has its place until the stack is left."""
    for _ in range(100):
        answer = stack.enter_context(begun(server, FILES[1], headers))
        if status_of(answer) == b"200":
            return True
        time.sleep(0.05)
    return False


def test_pages_are_quick_and_in_order(client: httpx2.Client) -> None:
    found = [client.get(f"{LIST}?limit=500&sort_order={order}").json()["data"]["calls"] for order in ("asc", "desc")]
    assert [found[0][0]["id"], found[1][0]["id"]] == ["call-0", f"call-{MANY - 1}"]
    assert all(a["started_at"] < b["started_at"] for a, b in pairwise(found[0]))


def test_a_server_that_stops_breaks_files_off(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    headers = filled(folder, 100_000)
    with serving(folder.path) as running, begun(running, FILES[1], headers) as connection:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(timeout=20) == 0
        received = b""
        with suppress(ConnectionResetError):
            while part := connection.recv(65536):
                received += part
        assert not received.endswith(b"\r\n0\r\n\r\n")
        assert "Traceback" not in running.log.read_text()
