"""Webhooks over HTTP: who is believed, what is applied, and what is kept."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from calltally.accounts import (
    Business,
    Credential,
    UsedWebhook,
    Webhook,
    clear_business,
    create_business,
    create_webhook,
    delete_business,
    delete_webhook,
    list_dead_letters,
    list_webhooks,
    new_secret,
    open_control,
    read_dead_letter,
)
from calltally.api import Answers, Intake, Services, Workers, create_app
from calltally.api.webhooks import MOST_BYTES
from calltally.engines import Engine, open_engine
from calltally.engines.duckdb.failures import CANNOT_READ
from calltally.engines.duckdb.stores import CANNOT_OPEN
from calltally.errors import FolderUnusable, NotFound, StorageFull, Unavailable
from calltally.folder import DataFolder
from calltally.ingestion import Delivered, Delivery, ReadDeliveries, erase_caller, import_records
from calltally.ingestion.webhooks import retry_dead_letters
from calltally.settings import Settings
from tests.api.conftest import NOW, Door, intake_limits, limits, serving
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

REFUSED = {
    "error": {
        "code": "404",
        "type": "not_found",
        "message": "There is no such webhook, or what was sent does not prove that it comes from the vendor",
    }
}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Hook:
    """A webhook of a new business, and its secret."""

    door: Door
    business: Business
    webhook: Webhook
    secret: str

    def post(
        self, body: bytes, headers: Mapping[str, str], query: str = "", client: httpx2.Client | None = None
    ) -> httpx2.Response:
        return (client or self.door.client).post(self.webhook.path + query, content=body, headers=headers)

    def send(self, event: Mapping[str, object], client: httpx2.Client | None = None) -> httpx2.Response:
        """The answer to an event of CallScaler."""
        return self.post(as_json(event), self.known(), client=client)

    def known(self) -> dict[str, str]:
        """The header that proves who sends."""
        return {"X-Hook": self.secret}

    def used(self) -> UsedWebhook:
        [found] = list_webhooks(self.door.control, self.business)
        return found

    def calls(self) -> list[dict[str, Any]]:
        with self.door.engine.export(self.business.calls, (), None) as batches:
            return [row for batch in batches for row in batch.to_pylist()]

    def letters(self) -> list[tuple[bytes, str]]:
        """Bodies and reasons of the dead letters."""
        found = list_dead_letters(self.door.control, self.business)
        return [(read_dead_letter(self.door.control, letter.id), letter.reason) for letter in found]


def hook(door: Door, kind: str = "callscaler", secret: str | None = None, header: str | None = "X-Hook") -> Hook:
    business = door.business()
    made, digest = new_secret()
    credential = Credential(secret=secret) if secret else Credential(header, secret_hash=digest)
    webhook = create_webhook(door.control, business, kind=kind, name=None, credential=credential, now=NOW)
    return Hook(door, business, webhook, secret or made)


def outcome(response: httpx2.Response) -> str:
    assert response.status_code == 200, response.text
    assert list(response.json()) == ["data"]
    assert list(response.json()["data"]) == ["outcome"]
    return str(response.json()["data"]["outcome"])


# --- What is applied ------------------------------------------------------------------------------------------------


def test_calls_of_callscaler(door: Door) -> None:
    mine = hook(door)
    assert outcome(mine.send(OLDER)) == "added"
    assert outcome(mine.send(OLDER)) == "unchanged"
    assert outcome(mine.send(NEWER)) == "added"
    later = {**NEWER, "ai_score": 90, "timestamp": "2026-03-09T14:10:00Z"}
    assert outcome(mine.send(later)) == "updated"
    assert outcome(mine.send(NEWER)) == "unchanged"
    first, second = sorted(mine.calls(), key=lambda call: str(call["id"]))
    assert first["started_at"] == datetime(2026, 3, 9, 14, 2, 55, tzinfo=UTC)
    assert (first["caller_number"], first["status"], first["robo_score"]) == ("+13055551234", "completed", 3)
    assert (second["ai_score"], second["status"], second["qualified"]) == (90, "completed", True)
    assert mine.letters() == []


def test_a_secret_in_the_address(door: Door) -> None:
    mine = hook(door, header=None)
    assert outcome(mine.post(as_json(NEWER), {}, f"?secret={mine.secret}")) == "added"
    assert mine.post(as_json(NEWER), {}, "?secret=x").json() == REFUSED


def test_calls_of_twilio(door: Door) -> None:
    mine = hook(door, "twilio", TOKEN)
    signature = twilio_signature(f"http://testserver{mine.webhook.path}", STATUS)
    sent = {"X-Twilio-Signature": signature, "Content-Type": FORM}
    assert outcome(mine.post(as_form(STATUS), sent)) == "added"
    [call] = mine.calls()
    assert call["started_at"] == datetime(2026, 3, 9, 14, 3, 30, tzinfo=UTC)
    assert (call["direction"], call["duration_seconds"]) == ("outbound", 90)
    assert mine.post(as_form({**STATUS, "To": "+13055550101"}), sent).json() == REFUSED
    assert mine.post(as_form(STATUS), sent, "?x=1").json() == REFUSED
    assert mine.post(as_form(STATUS), {**sent, "Host": "other.example"}).json() == REFUSED


def test_forwarded_headers_do_not_change_the_address_that_is_signed(door: Door) -> None:
    mine = hook(door, "twilio", TOKEN)
    forged = {"X-Forwarded-Host": "calls.example.com", "X-Forwarded-Proto": "https"}
    for server, accepted in (("https://calls.example.com", False), ("http://testserver", True)):
        signature = twilio_signature(f"{server}{mine.webhook.path}", STATUS)
        response = mine.post(as_form(STATUS), {**forged, "X-Twilio-Signature": signature})
        assert (response.status_code == 200) == accepted


def test_calls_of_callrail_go_by_the_first_arrival_of_their_body(door: Door) -> None:
    mine = hook(door, "callrail", SIGNING_KEY)
    old, new = as_json(POST_CALL), as_json({**POST_CALL, "duration": 130})
    for body, became in ((old, "added"), (new, "updated"), (old, "unchanged"), (new, "unchanged")):
        assert outcome(mine.post(body, {"Signature": callrail_signature(body)})) == became
    [call] = mine.calls()
    assert (call["duration_seconds"], call["status"], call["qualified"]) == (130, "completed", True)
    assert mine.post(old, {"Signature": callrail_signature(new)}).json() == REFUSED


def test_what_says_no_start_waits_for_its_call(door: Door) -> None:
    mine = hook(door, "callrail", SIGNING_KEY)
    scored = as_json({"resource_id": POST_CALL["resource_id"], "lead_status": "not_a_lead"})
    for body, became in ((scored, "held"), (as_json(POST_CALL), "added"), (scored, "unchanged")):
        assert outcome(mine.post(body, {"Signature": callrail_signature(body)})) == became
    [call] = mine.calls()
    assert (call["duration_seconds"], call["qualified"]) == (125, True)


def test_a_time_without_a_duration_moves_no_call_whose_start_is_known(door: Door) -> None:
    mine = hook(door)
    bare = {"event": "call.missed", "call_id": "cs-9", "timestamp": "2026-03-09T14:05:00Z"}
    later = {**bare, "timestamp": "2026-03-09T14:10:00Z", "robo_risk_score": 7}
    known = {**bare, "timestamp": "2026-03-09T14:01:00Z", "start_time": "2026-03-09T13:59:00Z"}
    starts = []
    for body, became in ((bare, "added"), (known, "updated"), (later, "updated"), (later, "unchanged")):
        assert outcome(mine.post(as_json(body), mine.known())) == became
        [call] = mine.calls()
        starts.append(call["started_at"].isoformat())
    assert starts == ["2026-03-09T14:05:00+00:00", *["2026-03-09T13:59:00+00:00"] * 3]
    assert (call["status"], call["robo_score"]) == ("no-answer", 7)


# --- Who is refused -------------------------------------------------------------------------------------------------


def test_refusals_tell_nothing_of_why(door: Door) -> None:
    mine, gone = hook(door), hook(door)
    delete_webhook(door.control, gone.webhook.id, NOW)
    removed = hook(door)
    delete_business(door.control, removed.business.id)
    right = {"X-Hook": mine.secret}
    paths = [
        (mine.webhook.path, {}),
        (mine.webhook.path, {"X-Hook": "x"}),
        (mine.webhook.path, {"Authorization": f"Bearer {mine.secret}"}),
        (mine.webhook.path.replace("callscaler", "twilio"), right),
        (mine.webhook.path.replace("callscaler", "nobody"), right),
        (f"/api/v1/webhooks/callscaler/{'0' * 16}", right),
        ("/api/v1/webhooks/callscaler/%00", right),
        (gone.webhook.path, {"X-Hook": gone.secret}),
        (removed.webhook.path, {"X-Hook": removed.secret}),
        (hook(door).webhook.path, right),
    ]
    for path, headers in paths:
        response = door.client.post(path, content=as_json(NEWER), headers=headers)
        assert (response.status_code, response.json()) == (404, REFUSED), path
    assert mine.calls() == []
    assert mine.letters() == []


def test_of_who_knows_no_webhook_nothing_is_read(door: Door) -> None:
    body = b" " * (MOST_BYTES + 1)
    response = door.client.post(f"/api/v1/webhooks/callscaler/{'0' * 16}", content=body)
    assert (response.status_code, response.json()) == (404, REFUSED)


def test_only_posts_are_taken(door: Door) -> None:
    response = door.client.get(hook(door).webhook.path)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("proven", [True, False])
def test_a_body_can_be_too_large(door: Door, proven: bool) -> None:
    mine = hook(door)
    response = mine.post(b" " * (MOST_BYTES + 1), mine.known() if proven else {})
    assert response.status_code == 413
    assert "1,048,576 bytes" in response.json()["error"]["message"]
    assert mine.letters() == []
    whole = as_json({**NEWER, "note": "x" * 1000})
    assert outcome(mine.post(whole + b" " * (MOST_BYTES - len(whole)), mine.known())) == "added"


# --- What is kept, and what is counted ------------------------------------------------------------------------------


def test_what_cannot_be_applied_is_kept_whole(door: Door) -> None:
    mine = hook(door)
    bad = {**NEWER, "ai_score": 500}
    for body in (b"\xff{", as_json(bad), as_json({**NEWER, "timestamp": "soon"}), b"\xff{"):
        assert outcome(mine.post(body, mine.known())) == "kept"
    (broken, no_json), (rejected, why), (_, no_time) = mine.letters()
    assert broken == b"\xff{"
    assert no_json == "body: it is not UTF-8 (byte 1: ff)"
    assert json.loads(rejected) == bad
    assert why == "ai_score: '500' is not from 0 to 100"
    assert no_time == "timestamp: 'soon' is not a time as CallScaler writes it"
    assert mine.used().dead_letters == 3
    assert mine.calls() == []


def test_of_what_is_kept_nothing_is_applied(door: Door) -> None:
    """Nor a start that would only have been supposed."""
    mine = hook(door)
    bad = {"event": "call.missed", "call_id": "cs-9", "timestamp": "2026-03-09T14:05:00Z", "ai_score": 300}
    assert outcome(mine.send(bad)) == "kept"
    assert mine.calls() == []
    [(_, why)] = mine.letters()
    assert why == "ai_score: '300' is not from 0 to 100"
    [retried] = retry_dead_letters(door.control, door.engine, list_dead_letters(door.control, mine.business))
    assert retried.reason == why
    assert mine.calls() == []


def test_an_amount_that_cannot_be_read_is_told_as_the_vendor_writes_amounts(door: Door) -> None:
    mine = hook(door, "callrail", SIGNING_KEY)
    body = as_json({**POST_CALL, "value": "1.234,50", "duration": "2:05"})
    assert outcome(mine.post(body, {"Signature": callrail_signature(body)})) == "kept"
    [(_, why)] = mine.letters()
    assert "value_cents: '1.234,50' is not an amount such as 1,234.50" in why
    assert "duration_seconds: '2:05' is not a whole number from 0 to 10000000" in why


@pytest.mark.parametrize("field", ["event", "timestamp", "source", "status", "duration_seconds"])
def test_what_has_values_inside_one_another_is_kept_whole(door: Door, field: str) -> None:
    mine = hook(door)
    body = as_json({**NEWER, field: "@"}).replace(b'"@"', b'{"a":' * 990 + b"1" + b"}" * 990)
    assert outcome(mine.post(body, mine.known())) == "kept"
    [(kept, why)] = mine.letters()
    assert kept == body
    assert why.startswith(f"{field}: '" + '{"a": {"a": ')


@pytest.mark.parametrize(
    "written",
    [
        "+13055551234",
        "(305) 555-1234",
        "305.555.1234",
        "1 305 555 1234",
        "((305)) 555-1234",
        "0013055551234",
        "\\u002b13055551234",
        "%2B13055551234",
    ],
)
def test_what_is_kept_has_no_number_of_a_caller_who_was_erased_before(door: Door, written: str) -> None:
    mine = hook(door)
    mine.send(OLDER)
    assert erase_caller("+13055551234", mine.business, door.control, door.engine) == 1
    others = {"caller_number": "@", "note": "or +13055559999", "ai_score": "many"}
    body = as_json({**NEWER, **others}).replace(b"@", written.encode())
    for _ in range(2):
        assert outcome(mine.post(body, mine.known())) == "kept"
    [(kept, why)] = mine.letters()
    assert json.loads(kept) == {**NEWER, **others, "caller_number": ""}
    assert why == "ai_score: 'many' is not a whole number from 0 to 100"
    about = as_json({**NEWER, "timestamp": written}).replace(rb"\\u", rb"\u")
    assert outcome(mine.post(about, mine.known())) == "kept"
    assert not any(b"5551234" in text for body, why in mine.letters() for text in (body, why.encode()))


def test_what_is_deep_or_long_is_looked_through_for_those_who_were_erased(door: Door) -> None:
    mine = hook(door)
    mine.send({**OLDER, "caller_number": "bob.s"})
    assert erase_caller("bob.s", mine.business, door.control, door.engine) == 1
    deep = b'{"a":' * 900 + b'"bob.s"' + b"}" * 900
    long = b'"' + b"305 " * 200_000 + b'"'
    body = as_json({**NEWER, "timestamp": "soon", "note": "@"}).replace(b'"@"', b"[%b,%b]" % (deep, long))
    assert outcome(mine.post(body, mine.known())) == "kept"
    [(kept, _)] = mine.letters()
    assert kept == body.replace(b'"bob.s"', b'""')


@pytest.mark.parametrize("caller", ["C00001", "sip:bob@example.com", "John Smith", "555-1234", "(555) 1234", "bob.s"])
@pytest.mark.parametrize("end", [None, -1])
def test_a_caller_who_is_no_number_is_not_kept_either_once_erased(door: Door, caller: str, end: int | None) -> None:
    mine = hook(door)
    mine.send({**OLDER, "caller_number": caller})
    assert erase_caller(caller, mine.business, door.control, door.engine) == 1
    body = as_json({**OLDER, "caller_number": caller, "tracking_number": "C000012", "timestamp": "soon"})[:end]
    assert outcome(mine.post(body, mine.known())) == "kept"
    [(kept, _)] = mine.letters()
    assert kept == body.replace(json.dumps(caller).encode(), b'""')


def test_unknown_events_are_counted(door: Door) -> None:
    mine = hook(door)
    for event in ("call.started", "call.started", "sms.received"):
        assert outcome(mine.send({**NEWER, "event": event})) == "ignored"
    assert [(seen.event, seen.count) for seen in mine.used().ignored] == [("call.started", 2), ("sms.received", 1)]
    assert mine.calls() == []
    assert mine.letters() == []


@settings(max_examples=15)
@given(st.binary(max_size=200) | st.text().map(lambda text: json.dumps({**NEWER, "id": text}).encode()))
def test_any_body_is_applied_counted_or_kept(door: Door, body: bytes) -> None:
    mine = hook(door)
    assert outcome(mine.post(body, mine.known())) in {"added", "held", "kept", "ignored"}
    assert bool(mine.calls()) or bool(mine.letters()) or bool(mine.used().ignored)


# --- When the calls cannot be written -------------------------------------------------------------------------------


class RefusingIntake(Intake):
    """An intake that takes nothing."""

    failure: Exception

    async def put(self, business: Business, deliveries: Sequence[Delivery] | ReadDeliveries) -> list[Delivered]:
        raise self.failure


@contextmanager
def refusing(door: Door, failure: Exception) -> Iterator[TestClient]:
    """A client of an application whose calls cannot be written."""
    intake = RefusingIntake(door.engine, intake_limits())
    intake.failure = failure
    with another(door, door.engine, intake) as client:
        yield client


@contextmanager
def another(door: Door, engine: Engine, intake: Intake) -> Iterator[TestClient]:
    """A client of another application on the same control database."""
    workers = Workers(limits(1, 1), 30)
    services = Services(door.control, engine, workers, Answers(0), lambda: datetime.now(UTC), intake, Path())
    with TestClient(create_app(services), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("failure", "status", "kind"),
    [
        (StorageFull("No room"), 507, "storage_full"),
        (Unavailable("Not now", 3), 503, "unavailable"),
        (NotFound("The calls were cleared"), 503, "unavailable"),
        (ZeroDivisionError("inside"), 500, "internal"),
    ],
)
def test_what_is_not_durable_is_not_acknowledged(door: Door, failure: Exception, status: int, kind: str) -> None:
    mine = hook(door)
    with refusing(door, failure) as client:
        response = mine.send(NEWER, client)
    assert (response.status_code, response.json()["error"]["type"]) == (status, kind)
    assert ("retry-after" in response.headers) == (status == 503)
    assert mine.letters() == []
    assert outcome(mine.send(NEWER)) == "added"


def test_what_a_damaged_store_refuses_is_kept(door: Door) -> None:
    mine = hook(door)
    with refusing(door, FolderUnusable("The calls are damaged")) as client:
        assert outcome(mine.send(NEWER, client)) == "kept"
    [(body, reason)] = mine.letters()
    assert json.loads(body) == NEWER
    assert reason == "The calls are damaged"


@pytest.mark.parametrize(("column", "why"), [(None, CANNOT_OPEN), ("id_hash", CANNOT_READ)])
def test_what_comes_while_a_file_is_damaged_is_kept(door: Door, tmp_path: Path, column: str | None, why: str) -> None:
    mine, folder, hidden = hook(door), DataFolder(tmp_path / "damaged"), Settings(hot_memory="0")
    calls = ({"id": f"c{n}", "started_at": "2026-03-09T14:00:00Z"} for n in range(9000))
    with closing(open_engine(folder, hidden)) as engine:
        import_records(calls, mine.business, engine)
    [path] = folder.calls.glob("*.duckdb")
    damage(path, place_of(path, column) if column else 0)
    with (
        closing(open_engine(folder, hidden)) as engine,
        another(door, engine, Intake(engine, intake_limits())) as client,
    ):
        assert outcome(mine.send(NEWER, client)) == "kept"
        assert outcome(mine.send({**NEWER, "timestamp": "soon"}, client)) == "kept"
    reasons = {reason for _, reason in mine.letters()}
    assert reasons == {why, "timestamp: 'soon' is not a time as CallScaler writes it"}


def place_of(path: Path, column: str) -> int:
    """Where values of a column are in a file."""
    of_column = "SELECT min(block_id) FROM pragma_storage_info('calls') WHERE column_name = $1 AND block_id >= 0"
    with duckdb.connect(path, read_only=True) as database:
        [(block,)] = database.execute(of_column, [column]).fetchall()
        [(size,)] = database.execute("SELECT block_size FROM pragma_database_size()").fetchall()
    return 3 * 4096 + int(block) * int(size)


def damage(path: Path, place: int) -> None:
    """Let the disk give back something else than was written."""
    with path.open("r+b") as file:
        file.seek(place + 100)
        file.write(bytes(range(200)))


def test_the_arrival_of_a_body_outlives_a_failure(door: Door) -> None:
    mine = hook(door, "callrail", SIGNING_KEY)
    old, new = as_json(POST_CALL), as_json({**POST_CALL, "duration": 130})
    with refusing(door, Unavailable("Not now")) as client:
        assert mine.post(old, {"Signature": callrail_signature(old)}, client=client).status_code == 503
    assert outcome(mine.post(new, {"Signature": callrail_signature(new)})) == "added"
    mine.post(old, {"Signature": callrail_signature(old)})
    [call] = mine.calls()
    assert call["duration_seconds"] == 130


def test_calls_go_into_a_cleared_business_again(door: Door) -> None:
    mine = hook(door)
    assert outcome(mine.send(NEWER)) == "added"
    door.engine.remove(clear_business(door.control, mine.business.id))
    assert outcome(mine.send(NEWER)) == "added"


# --- A server of its own, behind a proxy ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Hooks:
    """A business of a data folder with a webhook of each kind, by kind, and the secret of those of CallScaler."""

    webhooks: Mapping[str, Webhook]
    in_address: Webhook
    secret: str


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def hooks(data: Path) -> Hooks:
    secret, digest = new_secret()
    credentials = {
        "callscaler": Credential("X-Hook", secret_hash=digest),
        "twilio": Credential(secret=TOKEN),
        "callrail": Credential(secret=SIGNING_KEY),
    }
    with open_control(DataFolder(data)) as control:
        business = create_business(control, "Acme", timezone="UTC", region="US", currency="USD", now=NOW)
        made = {
            kind: create_webhook(control, business, kind=kind, name=None, credential=credential, now=NOW)
            for kind, credential in credentials.items()
        }
        in_address = create_webhook(
            control, business, kind="callscaler", name=None, credential=Credential(secret_hash=digest), now=NOW
        )
    return Hooks(made, in_address, secret)


@pytest.mark.parametrize(
    ("variables", "forwarded", "signed"),
    [
        ({}, {}, "http://{host}"),
        ({}, {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "calls.example.com"}, "http://{host}"),
        (
            {"CALLTALLY_TRUSTED_PROXIES": "127.0.0.0/8"},
            {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "calls.example.com"},
            "https://calls.example.com",
        ),
        (
            {"CALLTALLY_PUBLIC_URL": "https://example.com/calls/"},
            {"X-Forwarded-Host": "x"},
            "https://example.com/calls",
        ),
        ({"FORWARDED_ALLOW_IPS": "*"}, {"X-Forwarded-Proto": "https"}, "http://{host}"),
    ],
)
def test_the_address_that_is_signed(
    data: Path, hooks: Hooks, variables: dict[str, str], forwarded: dict[str, str], signed: str
) -> None:
    path = hooks.webhooks["twilio"].path
    with serving(data, **variables) as server:
        for server_address, status in ((signed, 200), ("https://elsewhere.example", 404)):
            address = server_address.format(host=f"127.0.0.1:{server.port}") + path + "?a=%20b"
            sent = {**forwarded, "X-Twilio-Signature": twilio_signature(address, STATUS), "Content-Type": FORM}
            response = httpx2.post(f"{server.address}{path}?a=%20b", content=as_form(STATUS), headers=sent)
            assert response.status_code == status, response.text


def test_no_secret_and_no_value_is_in_the_log(data: Path, hooks: Hooks) -> None:
    with serving(data, CALLTALLY_LOG_LEVEL="debug") as server:
        posts: list[tuple[str, bytes, dict[str, str]]] = []
        for event in (NEWER, {**NEWER, "ai_score": 999}, {**NEWER, "event": "call.odd"}):
            posts.append((f"{hooks.in_address.path}?secret={hooks.secret}", as_json(event), {}))
            posts.append((hooks.webhooks["callscaler"].path, as_json(event), {"X-Hook": hooks.secret}))
        posts.append((f"{hooks.webhooks['twilio'].path}?secret={hooks.secret}", as_form(STATUS), {}))
        posts.append((hooks.webhooks["callrail"].path, b"{", {"Signature": callrail_signature(b"{")}))
        posts.append((f"{hooks.in_address.path}?secret={hooks.secret}", b" " * (MOST_BYTES + 1), {}))
        answers = [httpx2.post(server.address + path, content=body, headers=sent) for path, body, sent in posts]
        assert [answer.status_code for answer in answers] == [200] * 6 + [404, 200, 413]
        assert server.stop() == 0
        log = server.log.read_text()
    said = log + "".join(answer.text for answer in answers)
    assert log.count("POST /api/v1/webhooks/") == len(posts)
    for secret in (hooks.secret, TOKEN, SIGNING_KEY, "'999'", "call.odd", str(NEWER["caller_number"])):
        assert secret not in said
    assert "Traceback" not in log


def test_what_was_acknowledged_outlives_a_kill(data: Path, hooks: Hooks) -> None:
    path = hooks.webhooks["callscaler"].path
    with serving(data) as server:
        for number in range(5):
            body = as_json({**NEWER, "id": f"c-{number}"})
            assert httpx2.post(server.address + path, content=body, headers={"X-Hook": hooks.secret}).status_code == 200
        server.process.kill()
        server.process.wait(timeout=30)
    exported = subprocess.run(
        [sys.executable, "-m", "calltally", "export", "--business", "Acme", "--data", str(data), "--format", "ndjson"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert [json.loads(line)["id"] for line in exported.stdout.splitlines()] == [f"c-{n}" for n in range(5)]


def test_the_log_of_this_process_has_no_secret(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "calltally")
    mine = hook(door, header=None)
    mine.post(as_json({**NEWER, "ai_score": 999}), {}, f"?secret={mine.secret}")
    said = "".join(record.getMessage() for record in caplog.records if record.name.startswith("calltally"))
    assert f"webhook {mine.webhook.id}: what came could not be applied" in said
    assert mine.secret not in said
    assert "'999'" not in said
