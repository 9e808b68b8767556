"""Errors: one body for all of them, the right status and headers, and nothing of the inside."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from calltally.accounts import create_key, list_keys, revoke_key
from calltally.api import openapi
from calltally.engines import Engine, Plan, Rows, Stop
from calltally.errors import CalltallyError, Conflict, FolderUnusable, StorageFull, Unavailable
from tests.api.conftest import CATALOG, NOW, REPORT, Asker, Door, open_client
from tests.api.schemas import validate
from tests.wrapping import WrappedEngine

INVALID_KEY = {"error": {"code": "401", "type": "unauthorized", "message": "Invalid API key"}}
UNKNOWN_KEY = "cs_key_" + "0" * 40


def error_of(response: httpx2.Response, status: int, kind: str) -> dict[str, Any]:
    """The error in a response, which has the one body that all errors have, and an id."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    body = response.json()
    validate(body, openapi()["components"]["schemas"]["Error"])
    error: dict[str, Any] = body["error"]
    assert (error["code"], error["type"]) == (str(status), kind)
    assert ("param" in error, "details" in error) == (status == 400, status == 400)
    assert ("retry-after" in response.headers) == (status == 503)
    assert ("www-authenticate" in response.headers) == (status == 401)
    assert ("allow" in response.headers) == (status == 405)
    return error


# --- 401 and 403: keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        UNKNOWN_KEY,
        f"Basic {UNKNOWN_KEY}",
        f"Bearer {UNKNOWN_KEY}",
        f"Bearer {UNKNOWN_KEY[:-1]}",
        f"Bearer {UNKNOWN_KEY}0",
        f"Bearer {UNKNOWN_KEY.upper()}",
        f"Bearer {UNKNOWN_KEY}, Bearer {UNKNOWN_KEY}",
        "Bearer cs_key_" + "é" * 40,
        "Bearer cs_key_' OR 1=1 --",
        "Bearer " + "x" * 5000,
    ],
)
@pytest.mark.parametrize("path", [REPORT, CATALOG])
def test_whatever_is_no_key_gets_the_same_answer(door: Door, path: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {b"Authorization": authorization.encode()}
    response = door.client.get(path, params={"group_by": "sorce"}, headers=headers)
    error_of(response, 401, "unauthorized")
    assert response.json() == INVALID_KEY
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer  "])
def test_the_word_bearer_is_taken_in_any_case(few: Asker, word: str) -> None:
    secret = few.headers["Authorization"].partition(" ")[2]
    assert few.get(Authorization=f"{word} {secret}").status_code == 200


def test_a_key_in_the_query_is_no_key(few: Asker) -> None:
    secret = few.headers["Authorization"].partition(" ")[2]
    assert few.client.get(f"{REPORT}?group_by=source&key={secret}").status_code == 401


def test_a_revoked_key_is_refused_at_the_very_next_request(door: Door) -> None:
    business = door.business()
    asker, other = door.asker(business), door.asker(business)
    assert asker.get().status_code == 200
    revoke_key(door.control, list_keys(door.control, business)[0].id, NOW)
    assert sorted(response.status_code for response in (asker.get(), other.get())) == [200, 401]


@pytest.mark.parametrize("scope", ["report", "read", "admin"])
@pytest.mark.parametrize(("path", "query"), [(REPORT, "group_by=source"), (CATALOG, "")])
def test_scopes_that_may_ask(door: Door, scope: str, path: str, query: str) -> None:
    assert door.asker(door.business(), scope).get(query, path).status_code == 200


@pytest.mark.parametrize(("path", "query"), [(REPORT, "group_by=source"), (CATALOG, "")])
def test_a_key_that_only_writes_is_told_the_scope_it_lacks(door: Door, path: str, query: str) -> None:
    error = error_of(door.asker(door.business(), "write").get("group_by=sorce", path), 403, "forbidden")
    assert error["message"] == "This key lacks the scope 'report'"
    assert door.asker(door.business(), "write", "report").get(query, path).status_code == 200


# --- 404 and 405: with or without a key -----------------------------------------------------------------------------


@pytest.mark.parametrize("with_key", [True, False])
@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api", "/api"),
        ("/api/", "/api/"),
        ("/api/v1", "/api/v1"),
        ("/api/v1/", "/api/v1/"),
        ("/api/v1/analytics", "/api/v1/analytics"),
        (f"{REPORT}/", f"{REPORT}/"),
        ("/api/v1/Analytics/calls", "/api/v1/Analytics/calls"),
        ("/api//v1/catalog", "/api//v1/catalog"),
        ("/api/v2/analytics/calls", "/api/v2/analytics/calls"),
        ("/api/m%C3%BCnchen%3Fx%0A%00", "/api/münchen?x\n\x00"),
        ("/api/" + "x" * 500, "/api/" + "x" * 195),
        ("/elsewhere", "/elsewhere"),
        ("/nowhere/", "/nowhere/"),
    ],
)
def test_unknown_paths(few: Asker, path: str, shown: str, with_key: bool) -> None:
    headers = few.headers if with_key else {}
    for method in ("GET", "POST", "DELETE"):
        error = error_of(few.client.request(method, path, headers=headers), 404, "not_found")
        assert error["message"] == f"There is nothing at {shown}"


def test_a_strange_host_does_not_matter(few: Asker) -> None:
    assert (
        error_of(few.get("", "/api/nothing", Host="[x"), 404, "not_found")["message"]
        == "There is nothing at /api/nothing"
    )


@pytest.mark.parametrize("with_key", [True, False])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", [REPORT, CATALOG, "/openapi.json", "/healthz", "/readyz"])
def test_wrong_methods(few: Asker, path: str, method: str, with_key: bool) -> None:
    response = few.client.request(method, path, headers=few.headers if with_key else {})
    error = error_of(response, 405, "method_not_allowed")
    assert error["message"] == f"{path} does not take {method}"
    assert response.headers["allow"] == "GET, HEAD"


# --- X-Request-Id ---------------------------------------------------------------------------------------------------

GENERATED = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.parametrize(
    "path", [f"{REPORT}?group_by=source", f"{REPORT}?x", CATALOG, "/openapi.json", "/healthz", "/x"]
)
def test_every_answer_has_an_id_of_its_own(few: Asker, path: str) -> None:
    ids = [few.get("", path).headers["x-request-id"] for _ in range(2)]
    assert ids[0] != ids[1]
    assert all(GENERATED.fullmatch(found) for found in ids)


@pytest.mark.parametrize("given", ["abc", "A-1.b_c~d:e/f+g=", "x" * 128])
def test_a_safe_id_is_kept(few: Asker, given: str) -> None:
    assert few.get(**{"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "a\tb", '"', "%0a", "a,b"])
def test_an_unsafe_id_is_replaced(few: Asker, given: str) -> None:
    assert GENERATED.fullmatch(few.get(**{"X-Request-Id": given}).headers["x-request-id"])


# --- What fails inside ----------------------------------------------------------------------------------------------


class Failing(WrappedEngine):
    """An engine whose answers all fail."""

    def __init__(self, engine: Engine, failure: Exception) -> None:
        super().__init__(engine)
        self._failure = failure

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        raise self._failure

    def ready(self) -> None:
        raise self._failure


@contextmanager
def failing(door: Door, failure: Exception) -> Iterator[Asker]:
    """Somebody who asks an application whose engine fails."""
    with open_client(door.control, Failing(door.engine, failure)) as client:
        business = door.business()
        secret = create_key(door.control, business, None, ["read"], datetime.now(UTC)).secret
        yield Asker(client, business, {"Authorization": f"Bearer {secret}"})


@pytest.mark.parametrize("failure", [ZeroDivisionError("secret inside"), ValueError("secret"), Conflict("secret")])
def test_a_defect_tells_nothing_but_the_id_which_the_log_has_too(
    door: Door, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    with failing(door, failure) as asker:
        response = asker.get()
    request_id = response.headers["x-request-id"]
    error = error_of(response, 500, "internal")
    assert error["message"] == f"Something went wrong here; the server's log has it under request id {request_id}"
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert request_id in record.getMessage()
    assert record.exc_info
    assert record.exc_info[1] is failure


@pytest.mark.parametrize(
    ("failure", "status", "kind", "retry_after"),
    [
        (Unavailable("Not now", 7), 503, "unavailable", "7"),
        (FolderUnusable("Written by a newer release"), 503, "unavailable", "60"),
        (StorageFull("No room left"), 507, "storage_full", None),
    ],
)
def test_what_the_engine_says_on_purpose(
    door: Door, failure: CalltallyError, status: int, kind: str, retry_after: str | None
) -> None:
    with failing(door, failure) as asker:
        response = asker.get()
        ready = asker.get("", "/readyz")
    assert error_of(response, status, kind)["message"] == failure.message
    assert response.headers.get("retry-after") == retry_after
    assert ready.status_code == status


def test_the_log_has_one_line_a_request_without_what_was_asked(few: Asker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "calltally.requests")
    few.get("group_by=source&source=%2B13055551234", **{"X-Request-Id": "the-id"})
    few.get("", "/api/%0A2026-01-01 forged")
    first, second = [record.getMessage() for record in caplog.records if record.name == "calltally.requests"]
    assert re.fullmatch(rf"GET {REPORT} 200 [0-9.]+ ms the-id", first)
    assert second.startswith("GET /api/%0A2026-01-01%20forged 404 ")


def test_health_needs_no_key(door: Door) -> None:
    assert door.client.get("/healthz").json() == {"status": "ok"}
    assert door.client.get("/readyz").json() == {"status": "ready"}


PLAIN = [
    ("POST", "/api/v1/calls"),
    ("GET", "/api/v1/calls/c-1"),
    ("PATCH", "/api/v1/calls/c-1"),
    ("DELETE", "/api/v1/calls/c-1"),
    ("GET", CATALOG),
    ("GET", "/api/v1/session"),
    ("GET", "/api/v1/reports"),
    ("POST", "/api/v1/reports"),
    ("PATCH", "/api/v1/reports/r"),
    ("DELETE", "/api/v1/reports/r"),
    ("GET", "/api/v1/shares"),
    ("POST", "/api/v1/shares"),
    ("DELETE", "/api/v1/shares/s"),
]


@pytest.mark.parametrize(("method", "path"), PLAIN)
def test_an_address_that_takes_no_parameters_refuses_them(door: Door, method: str, path: str) -> None:
    """A misspelt path must not pass over what it was asked."""
    asker = door.asker(door.business(), "admin")
    names = ["dry_run", "x" * 1000, "\N{SNOWMAN}"]
    query = "&".join(f"{quote(name)}=1" for name in names) + "&dry_run=2"
    response = asker.client.request(method, f"{path}?{query}", headers=asker.headers)
    error = error_of(response, 400, "invalid_parameter")
    assert [detail["param"] for detail in error["details"]] == ["dry_run", "x" * 100, "\N{SNOWMAN}"]
    assert error["message"] == "dry_run: 'dry_run' is not a parameter of this address, which takes none"
    error_of(asker.client.request(method, f"{path}?{query}"), 401, "unauthorized")
    bare, empty = (asker.client.request(method, path + end, headers=asker.headers) for end in ("", "?&"))
    assert bare.status_code == empty.status_code
