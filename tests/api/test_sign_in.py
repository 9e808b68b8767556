"""Browsers that sign in, as they meet the server: with a cookie, forms, and pages that only they are shown."""

import gzip
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from calltally.accounts import (
    Business,
    NewKey,
    Session,
    begin_session,
    create_key,
    create_link,
    delete_business,
    find_session,
    revoke_key,
    update_business,
)
from calltally.accounts.keys import authenticate
from calltally.api.sign_in import local_path
from calltally.errors import NotFound, Unauthorized, Unavailable
from tests.api.conftest import NOW, REPORT, Door, calls

SESSION = "/api/v1/session"
COOKIE = "calltally_session"
OURS = {"Sec-Fetch-Site": "same-origin"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class Browser:
    """A client with cookies of its own on the application of a door, which follows no redirects."""

    def __init__(self, door: Door, address: str = "http://testserver") -> None:
        self.client = TestClient(
            door.client.app, base_url=address, raise_server_exceptions=False, follow_redirects=False
        )

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.client.get(path, headers=headers)

    def submit(self, path: str, headers: Mapping[str, str] = OURS, **fields: str) -> httpx2.Response:
        """The answer to a form."""
        return self.client.post(path, data=fields, headers=dict(headers))

    def sign_in(self, key: NewKey) -> "Browser":
        """It, signed in with a key."""
        answer = self.submit("/sign-in", key=key.secret)
        assert (answer.status_code, answer.headers["location"]) == (303, "./"), answer.text
        return self

    @property
    def token(self) -> str:
        return self.client.cookies[COOKIE]

    @property
    def session(self) -> dict[str, Any]:
        answer = self.get(SESSION)
        assert answer.status_code == 200, answer.text
        described: dict[str, Any] = answer.json()["data"]
        return described

    @property
    def csrf(self) -> str:
        return str(self.session["csrf_token"])


@pytest.fixture
def browser(door: Door) -> Browser:
    return Browser(door)


def new_key(door: Door, business: Business, *scopes: str) -> NewKey:
    return create_key(door.control, business, None, scopes or ("read",), NOW)


@pytest.fixture
def key(door: Door) -> NewKey:
    """A key of a business with two calls."""
    return new_key(door, door.business(calls({"source": "google"}, {"source": "bing"})))


def new_link(door: Door, key: NewKey, age: timedelta = timedelta()) -> str:
    """The path of a one-time link that was made so long ago."""
    actor = authenticate(door.control, f"Bearer {key.secret}", datetime.now(UTC))
    return f"/open/{create_link(door.control, actor.business.id, key.id, datetime.now(UTC) - age)}"


# --- Signing in -----------------------------------------------------------------------------------------------------


def test_a_key_becomes_a_cookie_that_scripts_cannot_read(browser: Browser, key: NewKey) -> None:
    answer = browser.submit("/sign-in", key=f"  {key.secret} ")
    assert answer.status_code == 303
    value, *flags = answer.headers["set-cookie"].split("; ")
    assert re.fullmatch(rf"{COOKIE}=[\w-]{{43}}", value)
    assert flags == ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=lax"]
    assert key.secret not in answer.headers["set-cookie"] + answer.text


def test_over_tls_the_cookie_is_bound_to_host_and_tls(door: Door, key: NewKey) -> None:
    browser = Browser(door, "https://testserver")
    answer = browser.submit("/sign-in", key=key.secret)
    value, *flags = answer.headers["set-cookie"].split("; ")
    assert value.startswith(f"__Host-{COOKIE}=")
    assert flags == ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=lax", "Secure"]
    assert browser.get(SESSION).status_code == 200
    plain = {"Cookie": f"{COOKIE}={value.partition('=')[2]}"}  # a name that a neighbour could have set
    assert Browser(door, "https://testserver").get(SESSION, **plain).status_code == 401


def test_the_cookie_asks_the_api_exactly_as_the_key_does(browser: Browser, key: NewKey) -> None:
    browser.sign_in(key)
    by_key = browser.client.get(f"{REPORT}?group_by=source", headers={"Authorization": f"Bearer {key.secret}"})
    by_cookie = browser.get(f"{REPORT}?group_by=source")
    assert (by_cookie.status_code, by_cookie.content) == (200, by_key.content)
    assert "Cookie" in by_cookie.headers["vary"]
    assert browser.get("/api/v1/calls").json()["data"]["calls"]


@pytest.mark.parametrize(("scope", "path"), [("report", "/api/v1/calls"), ("write", f"{REPORT}?group_by=source")])
def test_a_cookie_allows_what_its_key_does_and_no_more(browser: Browser, door: Door, scope: str, path: str) -> None:
    answer = browser.sign_in(new_key(door, door.business(), scope)).get(path)
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "forbidden")


def test_a_key_in_a_header_goes_before_the_cookie(browser: Browser, key: NewKey) -> None:
    browser.sign_in(key)
    assert browser.get(SESSION, Authorization="Bearer cs_key_wrong").status_code == 401


@pytest.mark.parametrize("given_key", ["", "hello", "cs_key_" + "0" * 40])
def test_a_wrong_key_is_told_and_what_was_wanted_is_kept(browser: Browser, given_key: str) -> None:
    answer = browser.submit("/sign-in", key=given_key, next="/?group_by=source")
    assert answer.status_code == 401
    assert 'role="alert">There is no such key, or it was revoked' in answer.text
    assert 'name="next" value="/?group_by=source"' in answer.text
    assert "set-cookie" not in answer.headers


def test_who_is_not_signed_in_signs_in_first_and_is_then_where_they_wanted(browser: Browser, key: NewKey) -> None:
    assert browser.get("/").headers["location"] == "./sign-in"
    sent = browser.get("/?group_by=source&where[source]=a%26b")
    assert sent.status_code == 303
    page = browser.get("/" + sent.headers["location"].removeprefix("./"))
    found = re.search(r'name="next" value="(.*?)"', page.text)
    assert found
    assert unescape(found[1]) == "/?group_by=source&where[source]=a%26b"
    answer = browser.submit("/sign-in", key=key.secret, next=unescape(found[1]))
    assert answer.headers["location"] == "./?group_by=source&where[source]=a%26b"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "\\/evil",
        "javascript:alert(1)",
        "/\t/evil",
        "",
        "x",
    ],
)
def test_nobody_is_sent_elsewhere(browser: Browser, key: NewKey, elsewhere: str) -> None:
    page = browser.client.get("/sign-in", params={"next": elsewhere})
    assert 'name="next" value="/"' in page.text
    answer = browser.submit("/sign-in", key=key.secret, next=elsewhere)
    assert answer.headers["location"] == "./"


@given(st.text(max_size=30) | st.text("/\\.:e\t@?", max_size=10))
def test_a_local_path_stays_on_this_server(text: str) -> None:
    path = local_path(text)
    assert httpx2.URL("https://calls.example/sign-in").join(f"./{path[1:]}").host == "calls.example"
    assert path in {text, "/"}
    assert re.match(r"/[^/\\]|/$", path)


def test_a_page_that_cannot_be_shown_now_says_so_and_when_to_ask_again(
    browser: Browser, key: NewKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> Session:
        raise Unavailable("The control database cannot be used at the moment", 7)

    browser.sign_in(key)
    monkeypatch.setattr("calltally.api.services.find_session", busy)
    answer = browser.get("/")
    assert (answer.status_code, "This does not work now" in answer.text) == (503, True)
    assert answer.headers["retry-after"] == "7"


# --- Sessions -------------------------------------------------------------------------------------------------------


def test_what_a_page_is_told(browser: Browser, door: Door) -> None:
    business = door.business(timezone="Europe/Berlin")
    session = browser.sign_in(new_key(door, business, "read")).session
    csrf = session.pop("csrf_token")
    assert isinstance(csrf, str)
    assert browser.token not in csrf
    assert session == {
        "business": {"id": business.id, "name": business.name, "timezone": "Europe/Berlin", "currency": "USD"},
        "other_businesses": [],
        "scopes": ["report", "read"],
    }
    assert browser.get(SESSION).headers["cache-control"] == "no-store"


def test_a_key_is_told_the_same_without_a_token(door: Door) -> None:
    asker = door.asker(door.business(), "admin")
    told = asker.get("", SESSION).json()["data"]
    assert (told["csrf_token"], told["other_businesses"]) == (None, [])
    assert (told["business"]["id"], told["scopes"]) == (asker.business.id, ["report", "read", "write", "admin"])


def test_a_revoked_key_ends_its_sessions_at_the_next_request(browser: Browser, door: Door, key: NewKey) -> None:
    assert browser.sign_in(key).get(SESSION).status_code == 200
    revoke_key(door.control, key.id, NOW)
    answer = browser.get(SESSION)
    assert (answer.status_code, answer.json()["error"]["message"]) == (401, "Invalid API key")
    assert browser.get("/").headers["location"] == "./sign-in"


def test_a_session_that_is_too_old(door: Door, browser: Browser, key: NewKey) -> None:
    now = datetime.now(UTC)
    actor = authenticate(door.control, f"Bearer {key.secret}", now)
    for until, status in ((now + timedelta(minutes=1), 200), (now - timedelta(seconds=1), 401)):
        token = begin_session(door.control, actor, None, now, until)
        assert browser.get(SESSION, Cookie=f"{COOKIE}={token}").status_code == status


def test_signing_in_gives_a_new_token_and_ends_the_old_one(browser: Browser, door: Door, key: NewKey) -> None:
    old = browser.sign_in(key).token
    assert browser.sign_in(key).token != old
    with pytest.raises(Unauthorized):
        find_session(door.control, old, datetime.now(UTC))


def test_signing_out_ends_the_session_for_good(browser: Browser, door: Door, key: NewKey) -> None:
    token = browser.sign_in(key).token
    answer = browser.submit("/sign-out", csrf_token=browser.csrf)
    assert (answer.status_code, answer.headers["location"]) == (303, "./sign-in")
    assert COOKIE not in browser.client.cookies
    assert browser.get(SESSION, Cookie=f"{COOKIE}={token}").status_code == 401
    assert browser.submit("/sign-out").status_code == 303


def test_the_token_is_nowhere_in_the_database(browser: Browser, door: Door, key: NewKey) -> None:
    token = browser.sign_in(key).token
    with door.control.reading() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM sessions").all()
    assert rows
    assert token not in str(rows)


# --- Several businesses ---------------------------------------------------------------------------------------------


def test_keys_of_several_businesses_can_be_switched_between(browser: Browser, door: Door, key: NewKey) -> None:
    first = str(browser.sign_in(key).session["business"])
    second = door.business(calls({"source": "other"}))
    browser.sign_in(new_key(door, second))
    session = browser.session
    assert session["business"]["id"] == second.id
    [other] = session["other_businesses"]
    assert other["id"] in first
    assert browser.get(f"{REPORT}?group_by=source").json()["data"]["data"][0]["source"] == "other"
    answer = browser.submit("/session/business", business=other["id"], csrf_token=browser.csrf)
    assert (answer.status_code, answer.headers["location"]) == (303, "../")
    assert browser.get(f"{REPORT}?group_by=source").json()["data"]["totals"] == {"count": 2}


def test_a_page_keeps_its_business_while_another_one_is_chosen(browser: Browser, door: Door, key: NewKey) -> None:
    first = browser.sign_in(key).session["business"]
    second = door.business(calls({"source": "other"}))
    browser.sign_in(new_key(door, second))
    shows = {"X-Calltally-Business": first["id"]}
    report = f"{REPORT}?group_by=source"
    answer = browser.get(report, **shows)
    assert answer.json()["data"]["totals"] == {"count": 2}
    assert "X-Calltally-Business" in answer.headers["vary"]
    assert browser.get(report).json()["data"]["totals"] == {"count": 1}
    tag = answer.headers["etag"]
    statuses = [browser.get(report, **who, **{"If-None-Match": tag}).status_code for who in (shows, {})]
    assert statuses == [304, 200]
    assert browser.get(SESSION, **shows).json()["data"]["business"] == first
    listed = browser.get("/api/v1/calls", **shows).json()["data"]["calls"]
    assert {call["source"] for call in listed} == {"google", "bing"}
    wanted = {"name": "Mine", "request": "group_by=source"}
    made = browser.client.post("/api/v1/reports", json=wanted, headers={**OURS, **shows, "X-CSRF-Token": browser.csrf})
    assert made.status_code == 201
    names = [browser.get("/api/v1/reports", **who).json()["data"]["reports"] for who in (shows, {})]
    assert [len(each) for each in names] == [1, 0]
    assert browser.session["business"]["id"] == second.id


def test_a_link_of_a_page_leads_to_files_of_its_business(browser: Browser, door: Door, key: NewKey) -> None:
    first = browser.sign_in(key).session["business"]["id"]
    second = door.business(calls({"source": "other"}))
    browser.sign_in(new_key(door, second))
    for business, sources in ((first, {"google", "bing"}), (second.id, {"other"})):
        report = browser.get(f"/session/{business}/report.csv?group_by=source")
        assert {line.partition(",")[0] for line in report.text.splitlines()[1:]} == sources
        listed = browser.get(f"/session/{business}/calls.csv?where[source]=other")
        assert len(listed.text.splitlines()) == 1 + ("other" in sources)
    refused = browser.get(f"/session/{first}/report.csv?group_by=source&business=1")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "business")


def test_a_page_of_a_business_that_is_none_of_the_session_is_signed_out(
    browser: Browser, door: Door, key: NewKey
) -> None:
    other = door.business(calls({})).id
    browser.sign_in(key)
    assert browser.get(f"{REPORT}?group_by=source", **{"X-Calltally-Business": other}).status_code == 401
    assert browser.get(f"/session/{other}/calls.csv").status_code == 401
    assert browser.get("/", **{"X-Calltally-Business": other}).status_code == 200
    assert Browser(door).get(f"/session/{other}/calls.csv").status_code == 401


def test_nobody_switches_to_a_business_without_a_key(browser: Browser, door: Door, key: NewKey) -> None:
    browser.sign_in(key)
    answer = browser.submit("/session/business", business=door.business().id, csrf_token=browser.csrf)
    assert answer.status_code == 404
    assert "You are not signed in to this business." in answer.text


def test_the_other_businesses_stay_where_one_key_is_revoked(browser: Browser, door: Door, key: NewKey) -> None:
    left = browser.sign_in(key).session["business"]
    second = new_key(door, door.business())
    browser.sign_in(second)
    revoke_key(door.control, second.id, NOW)
    assert browser.get(SESSION).status_code == 401  # not silently another business's numbers
    assert browser.get("/").headers["location"] == "./"
    assert browser.get("/").status_code == 200
    assert browser.session["business"] == left


def test_a_business_is_deleted_with_sessions_and_links(browser: Browser, door: Door, key: NewKey) -> None:
    business = door.business()
    mine = new_key(door, business)
    link = new_link(door, mine)
    browser.sign_in(key).sign_in(mine)
    delete_business(door.control, business.id)
    assert browser.get(SESSION).status_code == 401
    assert browser.get(link).status_code == 404
    assert browser.get("/").headers["location"] == "./"
    assert browser.get("/").status_code == 200


# --- One-time links -------------------------------------------------------------------------------------------------


def test_a_link_signs_in_once(browser: Browser, door: Door, key: NewKey) -> None:
    link = new_link(door, key)
    page = browser.get(link)
    assert page.status_code == 200
    assert "It works once." in page.text
    answer = browser.submit(link)
    assert (answer.status_code, answer.headers["location"]) == (303, "../")
    assert browser.get("/").status_code == 200
    for again in (Browser(door).get(link), Browser(door).submit(link)):
        assert again.status_code == 404
        assert "This link was used already" in again.text
        assert "set-cookie" not in again.headers


def test_looking_at_a_link_does_not_use_it_up(browser: Browser, door: Door, key: NewKey) -> None:
    link = new_link(door, key)
    for _ in range(2):
        assert browser.get(link).status_code == 200
        assert browser.client.head(link).status_code == 200
        assert browser.client.options(link).status_code == 405
    assert "set-cookie" not in browser.get(link).headers
    assert browser.submit(link).status_code == 303


def test_a_link_lasts_ten_minutes(browser: Browser, door: Door, key: NewKey) -> None:
    assert browser.submit(new_link(door, key, timedelta(minutes=10, seconds=1))).status_code == 404
    assert browser.submit(new_link(door, key, timedelta(minutes=9))).status_code == 303


def test_a_link_of_a_revoked_key_is_no_more(browser: Browser, door: Door, key: NewKey) -> None:
    link = new_link(door, key)
    revoke_key(door.control, key.id, NOW)
    assert browser.get(link).status_code == browser.submit(link).status_code == 404


def test_a_link_that_is_made_for_a_business_that_is_gone(door: Door, key: NewKey) -> None:
    with pytest.raises(NotFound):
        create_link(door.control, "gone", key.id, NOW)


# --- Other sites ----------------------------------------------------------------------------------------------------

FOREIGN: list[Mapping[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    {"Origin": "http://evil.example"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "http://testserver:81"},
    {"Origin": "null"},
    {"Origin": "http://["},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_no_other_site_signs_in_switches_or_signs_out(
    browser: Browser, door: Door, key: NewKey, headers: Mapping[str, str]
) -> None:
    link = new_link(door, key)
    browser.sign_in(key)
    csrf = browser.csrf
    assert Browser(door).submit("/sign-in", headers, key=key.secret).status_code == 403
    assert Browser(door).submit(link, headers).status_code == 403
    for path in ("/sign-out", "/session/business"):
        answer = browser.submit(path, headers, csrf_token=csrf)
        assert answer.status_code == 403
        assert "load the page again." in answer.text
    assert browser.get("/").status_code == 200
    assert browser.submit(link).status_code == 303


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_no_other_site_changes_anything_over_the_api(browser: Browser, door: Door, headers: Mapping[str, str]) -> None:
    browser.sign_in(new_key(door, door.business(), "admin"))
    shown = {"X-CSRF-Token": browser.csrf}
    answer = browser.client.post("/api/v1/calls", json=calls({}), headers={**headers, **shown})
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "forbidden")


@pytest.mark.parametrize("shown", [None, "", "0" * 64, "é"])
def test_a_change_has_to_show_the_token(browser: Browser, door: Door, shown: str | None) -> None:
    browser.sign_in(new_key(door, door.business(), "admin"))
    headers = OURS if shown is None else {**OURS, "X-CSRF-Token": shown.encode()}
    answer = browser.client.post("/api/v1/calls", json=calls({}), headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 403
    assert browser.submit("/sign-out", csrf_token=shown or "").status_code == 403
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize("headers", [OURS, {"Origin": "http://testserver"}, {"Origin": "https://testserver"}], ids=str)
def test_a_page_of_ours_changes_what_its_key_may(browser: Browser, door: Door, headers: Mapping[str, str]) -> None:
    browser.sign_in(new_key(door, door.business(), "admin"))
    shown = {"X-CSRF-Token": browser.csrf, **headers}
    assert browser.client.post("/api/v1/calls", json=calls({}), headers=shown).status_code == 200
    reading = Browser(door).sign_in(new_key(door, door.business(), "read"))
    shown = {"X-CSRF-Token": reading.csrf, **headers}
    assert reading.client.post("/api/v1/calls", json=calls({}), headers=shown).status_code == 403


def test_a_key_needs_no_token(door: Door) -> None:
    asker = door.asker(door.business(), "write")
    assert asker.client.post("/api/v1/calls", json=calls({}), headers=asker.headers).status_code == 200


def test_a_plain_page_of_a_host_with_tls_is_another_site(door: Door, key: NewKey) -> None:
    browser = Browser(door, "https://testserver")
    assert browser.submit("/sign-in", {"Origin": "http://testserver"}, key=key.secret).status_code == 403
    assert browser.submit("/sign-in", {"Origin": "https://testserver"}, key=key.secret).status_code == 303


# --- Pages and what they are made of --------------------------------------------------------------------------------


def pages(door: Door, browser: Browser, key: NewKey) -> dict[str, httpx2.Response]:
    """Each page, by path."""
    paths = ("/sign-in", new_link(door, key), "/open/nothing", "/")
    return {path: browser.sign_in(key).get(path) for path in paths}


def test_every_page_is_fenced_in(door: Door, browser: Browser, key: NewKey) -> None:
    for path, page in pages(door, browser, key).items():
        assert page.headers["content-security-policy"] == POLICY, path
        assert page.headers["referrer-policy"] == "same-origin"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cross-origin-opener-policy"] == "same-origin"
        assert page.headers["cache-control"] == "no-store"
        assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]* src=)|https?:", page.text), path
        assert key.secret not in page.text


def test_what_pages_are_made_of_is_kept_for_ever(door: Door, browser: Browser, key: NewKey) -> None:
    page = browser.sign_in(key).get("/").text
    assets = re.findall(r'(?:href|src)="\./(assets/[0-9a-f]{16}/[^"]+)"', page)
    assert {name.rpartition("/")[2] for name in assets} >= {"base.css", "icon.svg", "menu.js"}
    types = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
    for path in assets:
        plain = browser.get(f"/{path}", **{"Accept-Encoding": "identity"})
        assert plain.headers["content-type"] == types[path.rpartition(".")[2]]
        assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert plain.headers["x-content-type-options"] == "nosniff"
        with browser.client.stream("GET", f"/{path}", headers={"Accept-Encoding": "gzip"}) as packed:
            assert packed.headers["content-encoding"] == "gzip"
            assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content


def test_there_is_nothing_beside_it(browser: Browser) -> None:
    [base] = re.findall(r"assets/[0-9a-f]{16}/", browser.get("/sign-in").text.partition("base.css")[0])[-1:]
    assert browser.get(f"/{base}base.css").status_code == 200
    for path in (f"/{base}nothing.js", f"/{base}../app.py", f"/{base}%2e%2e/docs.html", f"/assets/{'0' * 16}/base.css"):
        assert browser.get(path).status_code == 404


def test_a_name_stays_text(door: Door, browser: Browser) -> None:
    business = door.business()
    name = '<img src=x onerror="alert(1)">'
    update_business(door.control, business.id, name=name)
    key = new_key(door, business)
    for path, page in pages(door, browser, key).items():
        assert "<img src=x" not in page.text, path
    assert name in unescape(browser.get("/").text)


def test_a_form_that_is_too_large(browser: Browser) -> None:
    answer = browser.submit("/sign-in", key="x" * 30_000)
    assert answer.status_code == 413
    assert "the most that is taken at once" in answer.text


def test_the_log_does_not_tell_a_link(
    door: Door, browser: Browser, key: NewKey, caplog: pytest.LogCaptureFixture
) -> None:
    link = new_link(door, key)
    with caplog.at_level("INFO", "calltally.requests"):
        browser.get(link)
    assert "GET /open/... 200" in caplog.text
    assert link not in caplog.text
