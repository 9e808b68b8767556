"""`/api/v1/reports` and `/api/v1/shares`: what is kept, who may, and what is wrong with what was sent."""

from typing import Any

import httpx2
import pytest

from calltally.accounts import revoke_key
from calltally.accounts.tables import saved_reports
from calltally.api import openapi
from tests.api.conftest import NOW, Asker, Door, calls
from tests.api.schemas import validate, validate_response
from tests.api.test_sign_in import Browser, new_key

REPORTS, SHARES = "/api/v1/reports", "/api/v1/shares"
REQUEST = "group_by=source&range=month"
HOSTILE = "<img src=x onerror=alert(1)>"


def send(asker: Asker, method: str, path: str, body: object = None) -> httpx2.Response:
    """The answer, which is as the document says."""
    answer = asker.client.request(method, path, json=body, headers=asker.headers)
    if answer.content:
        one = path not in {REPORTS, SHARES}
        documented = path.rpartition("/")[0] + "/{id}" if one else path
        validate_response(documented, answer.status_code, answer.json(), method.lower())
    return answer


def save(asker: Asker, name: str = "Sources", request: str = REQUEST) -> dict[str, Any]:
    answer = send(asker, "POST", REPORTS, {"name": name, "request": request})
    assert answer.status_code == 201, answer.text
    saved: dict[str, Any] = answer.json()["data"]
    return saved


def share(asker: Asker, **fields: object) -> dict[str, Any]:
    answer = send(asker, "POST", SHARES, {"request": REQUEST, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["data"]
    return made


def listed(asker: Asker, path: str) -> list[dict[str, Any]]:
    answer = send(asker, "GET", path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    [rows] = answer.json()["data"].values()
    return list(rows)


def problems(answer: httpx2.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_body"
    for problem in error["details"]:
        assert problem["message"].startswith(f"{problem['param']}: ")
    return [(problem["param"], problem["message"]) for problem in error["details"]]


@pytest.fixture
def asker(door: Door) -> Asker:
    return door.asker(door.business(calls({"source": "google"})), "report")


# --- Saved reports --------------------------------------------------------------------------------------------------


def test_a_report_is_saved_renamed_changed_and_deleted(asker: Asker) -> None:
    saved = save(asker, f"  {HOSTILE} ", "?metrics=count, count&group_by=source")
    assert saved == {**saved, "name": HOSTILE, "request": "group_by=source&metrics=count&range=30-days"}
    assert listed(asker, REPORTS) == [saved]
    path = f"{REPORTS}/{saved['id']}"
    renamed = send(asker, "PATCH", path, {"name": "Other"}).json()["data"]
    assert renamed == {**saved, "name": "Other", "updated_at": renamed["updated_at"]}
    changed = send(asker, "PATCH", path, {"request": "group_by=date&range=all"}).json()["data"]
    assert (changed["name"], changed["request"]) == ("Other", "group_by=date&range=all")
    assert (send(asker, "DELETE", path).status_code, listed(asker, REPORTS)) == (204, [])
    assert [send(asker, method, path, {"name": "x"}).status_code for method in ("PATCH", "DELETE")] == [404, 404]


def test_one_that_no_longer_holds_is_listed_with_the_reason_and_can_be_deleted(door: Door, asker: Asker) -> None:
    saved = save(asker)
    with door.control.writing() as connection:
        mine = saved_reports.c.id == saved["id"]
        connection.execute(saved_reports.update().where(mine).values(request="group_by=mood&range=month"))
    [found] = listed(asker, REPORTS)
    assert found["problem"].startswith("group_by: 'mood' is not a dimension")
    assert send(asker, "PATCH", f"{REPORTS}/{saved['id']}", {"name": "Mood"}).json()["data"]["problem"]
    assert send(asker, "DELETE", f"{REPORTS}/{saved['id']}").status_code == 204


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["name", "request"]),
        ({"name": " ", "request": "group_by=sorce&limit=0"}, ["name", "request", "request"]),
        ({"name": "x" * 101, "request": 7}, ["name", "request"]),
        ({"name": None, "request": REQUEST}, ["name"]),
        ({"name": "a\nb", "request": REQUEST}, ["name"]),
        ({"name": "x", "request": REQUEST, "nmae": "y"}, ["nmae"]),
        ({"name": 5, "request": 7, "nmae": "y", "zz": 1}, ["nmae", "zz", "name", "request"]),
        ({"name": "x", "request": f"{REQUEST}&theme=dark"}, ["request"]),
        ([], ["body"]),
        ("name", ["body"]),
    ],
)
def test_what_cannot_be_saved(asker: Asker, body: object, wrong: list[str]) -> None:
    assert [param for param, _ in problems(send(asker, "POST", REPORTS, body))] == wrong
    assert listed(asker, REPORTS) == []


def test_problems_name_the_field_and_what_is_allowed(asker: Asker) -> None:
    save(asker)
    taken = problems(send(asker, "POST", REPORTS, {"name": "Sources", "request": REQUEST}))
    assert taken == [("name", "name: there is a saved report 'Sources' already; choose another name")]
    [(_, message)] = problems(send(asker, "POST", REPORTS, {"name": "x", "request": "group_by=sorce"}))
    assert message == "request: group_by: 'sorce' is not a dimension; did you mean 'source'?"
    path = f"{REPORTS}/{save(asker, 'Second')['id']}"
    assert problems(send(asker, "PATCH", path, {"name": "Sources"})) == taken
    assert problems(send(asker, "PATCH", path, {})) == [("body", "body: has neither name nor request")]


def test_what_is_no_json_or_too_much(asker: Asker) -> None:
    def sent(content: bytes, kind: str) -> httpx2.Response:
        return asker.client.post(REPORTS, content=content, headers={**asker.headers, "Content-Type": kind})

    assert problems(sent(b"{", "application/json"))[0][0] == "body"
    assert sent(b"name=x", "application/x-www-form-urlencoded").status_code == 415
    assert sent(b" " * 70_000, "application/json").status_code == 413


# --- Shares ---------------------------------------------------------------------------------------------------------


def test_a_share_is_made_listed_without_its_address_and_revoked(asker: Asker) -> None:
    made = share(asker, name=f" {HOSTILE} ", expires_in_days=7)
    path, address = made.pop("path"), made.pop("address")
    assert address == f"http://testserver/{path}"
    assert (made["name"], made["title"]) == (HOSTILE, HOSTILE)
    assert listed(asker, SHARES) == [made]
    assert path.removeprefix("shared/") not in asker.get("", SHARES).text
    unnamed = share(asker)
    assert (unnamed["name"], unnamed["title"], unnamed["expires_at"]) == (None, "Calls by source", None)
    for found in listed(asker, SHARES):
        assert send(asker, "DELETE", f"{SHARES}/{found['id']}").status_code == 204
    assert listed(asker, SHARES) == []
    assert send(asker, "DELETE", f"{SHARES}/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"request": None}, ["request"]),
        ({"name": ""}, ["name"]),
        ({"name": 7}, ["name"]),
        ({"expires_in_days": 0}, ["expires_in_days"]),
        ({"expires_in_days": 3651}, ["expires_in_days"]),
        ({"expires_in_days": True}, ["expires_in_days"]),
        ({"expires_in_days": "7"}, ["expires_in_days"]),
        ({"expires_in_days": 1.5}, ["expires_in_days"]),
        ({"expires_at": "tomorrow"}, ["expires_at"]),
        ({"expires_at": 7}, ["expires_at"]),
        ({"expires_at": "2026-01-01T00:00:00Z"}, ["expires_at"]),
        ({"expires_at": "9999-01-01T00:00:00Z"}, ["expires_at"]),
        ({"expires_at": "2027-01-01T00:00:00Z", "expires_in_days": 7}, ["expires_at"]),
        ({"request": "group_by=x", "name": "", "expires_in_days": 0}, ["request", "name", "expires_in_days"]),
        ({"token": "mine"}, ["token"]),
    ],
)
def test_what_cannot_be_shared(asker: Asker, fields: dict[str, object], wrong: list[str]) -> None:
    assert [param for param, _ in problems(send(asker, "POST", SHARES, {"request": REQUEST, **fields}))] == wrong
    assert listed(asker, SHARES) == []


def test_an_end_without_an_offset_is_on_the_clock_of_the_business(door: Door) -> None:
    asker = door.asker(door.business(timezone="Asia/Tokyo"))
    assert share(asker, expires_at="2027-01-01 09:00")["expires_at"] == "2027-01-01T00:00:00Z"
    assert share(asker, expires_at=None, expires_in_days=None, name=None)["expires_at"] is None


# --- Who may --------------------------------------------------------------------------------------------------------


def test_another_business_sees_and_changes_nothing_of_it(door: Door, asker: Asker) -> None:
    saved, made = save(asker), share(asker)
    other = door.asker(door.business(), "admin")
    assert listed(other, REPORTS) == listed(other, SHARES) == []
    assert send(other, "PATCH", f"{REPORTS}/{saved['id']}", {"name": "Stolen"}).status_code == 404
    assert send(other, "DELETE", f"{REPORTS}/{saved['id']}").status_code == 404
    assert send(other, "DELETE", f"{SHARES}/{made['id']}").status_code == 404
    assert [row["name"] for row in listed(asker, REPORTS)] == ["Sources"]
    assert len(listed(asker, SHARES)) == 1
    save(other)


OPERATIONS = [
    (method, path.replace("{id}", "0123456789abcdef"))
    for path, item in openapi()["paths"].items()
    if path.startswith((REPORTS, SHARES))
    for method in sorted(set(item) - {"parameters"})
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_it_needs_a_key_with_the_scope_report(door: Door, asker: Asker, method: str, path: str) -> None:
    assert len(OPERATIONS) == 7
    key = new_key(door, asker.business, "report")
    revoke_key(door.control, key.id, NOW)
    for headers in ({}, {"Authorization": f"Bearer {key.secret}"}):
        assert door.client.request(method.upper(), path, json={}, headers=headers).status_code == 401
    answer = send(door.asker(asker.business, "write"), method.upper(), path, {})
    assert (answer.status_code, answer.json()["error"]["message"]) == (403, "This key lacks the scope 'report'")


def test_a_browser_has_to_show_that_a_page_of_this_server_asks(door: Door, asker: Asker) -> None:
    browser = Browser(door).sign_in(new_key(door, asker.business, "report"))
    body = {"name": "Sources", "request": REQUEST}
    ours = {"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": browser.csrf}
    for lacking in ({}, {"Sec-Fetch-Site": "same-origin"}, {**ours, "Sec-Fetch-Site": "cross-site"}):
        for path in (REPORTS, SHARES):
            assert browser.client.post(path, json=body, headers=lacking).status_code == 403
    assert browser.client.post(REPORTS, json=body, headers=ours).status_code == 201
    made = browser.client.post(SHARES, json={"request": REQUEST}, headers=ours)
    validate(made.json(), openapi()["components"]["schemas"]["ShareMade"])
    assert len(listed(asker, REPORTS)) == len(listed(asker, SHARES)) == 1
