"""`/shared/TOKEN`: whoever has the address sees one report as the API gives it, and nothing else by it."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from calltally.accounts import (
    authenticate,
    clear_business,
    create_share,
    csrf_token,
    delete_business,
    revoke_key,
    update_business,
)
from calltally.accounts.tables import shares
from calltally.api.app import ROUTES
from calltally.api.home import HOME
from calltally.api.links import LINKS
from calltally.api.sign_in import SIGN_IN
from calltally.catalog import RANGES
from calltally.engines import Plan, Rows, Stop
from calltally.errors import Unavailable
from calltally.query import asked_at
from tests import strategies
from tests.api.conftest import NOW, REPORT, Asker, Door, calls, open_client
from tests.api.test_saved_reports import HOSTILE, SHARES, share
from tests.api.test_sign_in import POLICY
from tests.asking import import_records
from tests.strategies import METRIC_NAMES
from tests.wrapping import WrappedEngine

PROFILE = settings.get_profile(settings.get_current_profile_name())
BELOW = ("", "/report", "/report.csv", "/picture.svg", "/picture.png")
BY_SOURCE = "group_by=source&metrics=count,total_value_cents,avg_duration,qualified_pct&range=all"


@pytest.fixture(scope="module")
def stranger(door: Door) -> TestClient:
    """A client that has no key and no cookie."""
    return TestClient(door.client.app, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture(scope="module")
def asker(door: Door) -> Asker:
    records = calls(
        {"source": "google", "value_cents": 123456, "duration_seconds": 3661, "qualified": True},
        {"source": "google", "qualified": False},
        {"source": HOSTILE, "value_cents": -5},
        {},
    )
    return door.asker(door.business(records), "report")


def made(asker: Asker, request: str = BY_SOURCE, **fields: object) -> str:
    """The path of a new share."""
    return f"/{share(asker, request=request, **fields)['path']}"


def cells(page: str) -> list[list[str]]:
    """The table of a page, without its heading."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)[1:]
    return [[unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


# --- The same numbers -----------------------------------------------------------------------------------------------


@settings(max_examples=PROFILE.max_examples // 2)
@given(
    records=strategies.files_of_records(min_size=3, max_size=12),
    time_zone=st.sampled_from(strategies.TIME_ZONES),
    asked=st.lists(strategies.requests(), min_size=1, max_size=4),
)
def test_a_share_gives_what_the_report_gives(
    door: Door,
    stranger: TestClient,
    tmp_path: Path,
    records: list[dict[str, object]],
    time_zone: str,
    asked: list[list[tuple[str, str]]],
) -> None:
    business = door.business(timezone=time_zone)
    import_records(door.engine, business, records, tmp_path)
    asker = door.asker(business, "report")
    for params in asked:
        dated = {"start_date", "end_date"} & {name for name, _ in params}
        path = made(asker, urlencode(params if dated else [*params, ("range", "all")]))
        for ending, of_report in (("/report", REPORT), ("/report.csv", f"{REPORT}.csv")):
            answer, wanted = stranger.get(path + ending), asker.get(urlencode(params), of_report)
            assert (answer.status_code, answer.content) == (200, wanted.content), params
            assert answer.headers["content-type"] == wanted.headers["content-type"]
    door.engine.remove(business.calls)


@pytest.mark.parametrize("named", RANGES, ids=lambda row: str(row.name))
def test_dates_in_words_are_those_of_the_day_on_which_it_is_looked_at(
    door: Door, stranger: TestClient, named: object
) -> None:
    [row] = [each for each in RANGES if each == named]
    today = datetime.now(UTC)
    days = [today - timedelta(days=ago) for ago in (0, 1, 6, 7, 29, 30, 89, 90, 40, 400)]
    records = [{"id": f"{n}", "started_at": f"{day:%Y-%m-%d}T{day:%H:%M:%S}Z"} for n, day in enumerate(days)]
    asker = door.asker(door.business(records, "Australia/Lord_Howe"))
    path = made(asker, f"group_by=date&range={row.name}")
    query = asked_at(f"group_by=date&range={row.name}", asker.business, datetime.now(UTC)).decode()
    assert stranger.get(f"{path}/report").json()["data"] == asker.report(query)
    assert f"{row.label}" in stranger.get(path).text


def test_the_page_has_all_numbers_with_their_units_and_text_stays_text(asker: Asker, stranger: TestClient) -> None:
    page = stranger.get(made(asker, name=HOSTILE))
    assert page.status_code == 200
    assert cells(page.text) == [
        ["google", "2", "1,234.56", "1:01:01", "50%"],
        [HOSTILE, "1", "-0.05", "–", "0%"],
        ["(none)", "1", "0", "–", "0%"],
        ["All matching calls", "4", "1,234.51", "1:01:01", "25%"],
    ]
    assert "<img src=x" not in page.text
    assert f"<h1>{HOSTILE}</h1>" in unescape(page.text)
    assert asker.business.name in page.text
    assert "Total value (USD)" in page.text
    assert "<script" not in page.text


def test_every_dimension_and_metric_can_be_shown(asker: Asker, stranger: TestClient) -> None:
    for dimension in strategies.DIMENSION_NAMES:
        request = f"group_by={dimension}&metrics={','.join(METRIC_NAMES)}&range=all"
        page = stranger.get(made(asker, request))
        assert page.status_code == 200, page.text
        assert len(cells(page.text)[-1]) == 1 + len(METRIC_NAMES)


def test_the_page_says_which_calls_are_counted(asker: Asker, stranger: TestClient) -> None:
    query = urlencode(
        [
            ("group_by", "day_of_week,hour_of_day"),
            ("start_date", "2026-03-09"),
            ("where[day_of_week]", "1"),
            ("where[hour_of_day]", "12"),
            ("where_null", "utm_source"),
            ("min_duration", "0"),
            ("source", "a<b"),
            ("source", "google"),
        ]
    )
    text = unescape(stranger.get(made(asker, query)).text)
    assert "From 9 March 2026" in text
    found = re.findall(r"<li>(.*?): <b><bdi>(.*?)</bdi></b></li>", text)
    assert found == [
        ("Source", "a<b or google"),
        ("Shortest duration", "0:00:00"),
        ("Hour of day", "12:00"),
        ("Day of week", "Monday"),
        ("UTM source", "(none)"),
    ]
    assert cells(text)[0] == ["Monday", "12:00", "1"]


def test_without_calls_it_says_so(door: Door, stranger: TestClient) -> None:
    path = made(door.asker(door.business()))
    assert "No calls match" in stranger.get(path).text
    assert [stranger.get(path + below).status_code for below in BELOW] == [200] * 5


def test_pictures_take_how_they_look_and_nothing_else(asker: Asker, stranger: TestClient) -> None:
    path = made(asker)
    light, dark = (
        stranger.get(f"{path}/picture.svg?theme={theme}&width=400&height=300") for theme in ("light", "dark")
    )
    assert (light.status_code, dark.status_code, light.content == dark.content) == (200, 200, False)
    assert stranger.get(f"{path}/picture.png?width=300").content.startswith(b"\x89PNG")
    for wrong in ("theme=blue", "width=9", "width=400&width=500", "theme="):
        assert stranger.get(f"{path}/picture.svg?{wrong}").status_code == 400
    assert stranger.get(f"{path}/picture.chart.json").status_code == 404


# --- Nothing else ---------------------------------------------------------------------------------------------------

ADDED = (
    "group_by=date",
    "metrics=unique_callers",
    "start_date=2020-01-01",
    "end_date=2030-01-01",
    "range=all",
    "limit=1000",
    "source=google",
    "where[source]=google",
    "where_null=source",
    "sort_by=count",
    "x=1",
    "utm_source=mail",
    "=",
    "x",
    "theme=dark&source=google",
    "width=400&%73ource=google",
    "theme=dark&range=today",
    "request=group_by%3Ddate",
)


@pytest.mark.parametrize("added", ADDED)
def test_nothing_can_be_added_to_the_address(asker: Asker, stranger: TestClient, added: str) -> None:
    path = made(asker)
    for below in BELOW:
        answer = stranger.get(f"{path}{below}?{added}")
        assert answer.status_code == 400, below
        assert "This address does not work" in answer.text
        assert "cannot be added to its address" in answer.text


def test_keys_and_cookies_make_no_difference(door: Door, asker: Asker, stranger: TestClient) -> None:
    path = made(asker)
    other = door.asker(door.business(calls({"source": "theirs"})), "admin")
    for headers in ({}, other.headers, asker.headers, {"Authorization": "Bearer nonsense"}, {"Cookie": "x=y"}):
        assert stranger.get(f"{path}/report", headers=headers).json()["data"]["totals"]["count"] == 4


def test_the_token_opens_nothing_else(asker: Asker, stranger: TestClient) -> None:
    token = made(asker).removeprefix("/shared/")
    names = ("calltally_session", "__Host-calltally_session")
    carriers = [
        ({"Authorization": f"Bearer {token}"}, ""),
        ({"Authorization": f"Bearer cs_key_{token}"}, ""),
        ({"Cookie": "; ".join(f"{name}={token}" for name in names)}, ""),
        ({}, f"?token={token}&key={token}&share={token}&group_by=source"),
    ]
    form = {"csrf_token": csrf_token(token), "key": token, "business": asker.business.id}
    tried = 0
    for route in (*ROUTES, *HOME, *SIGN_IN, *LINKS):
        path = re.sub(r"\{\w+\}", token, route.path_format)
        for method in route.methods or ():
            for headers, query in carriers:
                tried += 1
                ours = {**headers, "Sec-Fetch-Site": "same-origin", "X-CSRF-Token": csrf_token(token)}
                sent = form if route in SIGN_IN and method == "POST" else None
                answer = stranger.request(method, path + query, headers=ours, data=sent)
                if path.startswith("/api/"):
                    assert answer.status_code in {401, 404}, (method, path, headers)
                else:
                    without = stranger.request(method, path, headers={"Sec-Fetch-Site": "same-origin"})
                    assert answer.status_code in {401, 404, without.status_code}, (method, path, headers)
                    assert asker.business.name not in answer.text
                    assert "set-cookie" not in answer.headers or path == "/sign-out"
    assert tried > 100


def test_only_reading_is_answered(asker: Asker, stranger: TestClient) -> None:
    path = made(asker)
    for below in BELOW:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert stranger.request(method, path + below).status_code == 405
        assert stranger.head(path + below).status_code == 200


# --- The end --------------------------------------------------------------------------------------------------------


def gone(stranger: TestClient, path: str) -> str:
    """The page that there is in place of a share, whatever below it is asked for."""
    [page] = {re.sub(r"(\.\./)+", "", stranger.get(path + below).text) for below in BELOW}
    assert {stranger.get(path + below).status_code for below in BELOW} == {404}
    assert "Not here any more" in page
    return page


def test_the_same_page_for_what_was_revoked_or_never_there(door: Door, stranger: TestClient) -> None:
    asker = door.asker(door.business(calls({"source": "google"})), "report")
    pages = {gone(stranger, "/shared/nothing"), gone(stranger, f"/shared/{'x' * 43}")}
    revoked = share(asker, request=BY_SOURCE)
    path = f"/{revoked['path']}"
    assert stranger.get(path).status_code == 200
    assert asker.client.delete(f"{SHARES}/{revoked['id']}", headers=asker.headers).status_code == 204
    pages.add(gone(stranger, path))
    actor = authenticate(door.control, asker.headers["Authorization"], NOW)
    past = datetime.now(UTC) - timedelta(seconds=1)
    _, token = create_share(door.control, actor, name=None, request=BY_SOURCE, now=NOW, expires_at=past)
    pages.add(gone(stranger, f"/shared/{token}"))
    by_key = made(asker, BY_SOURCE)
    revoke_key(door.control, actor.key_id, NOW)
    pages.add(gone(stranger, by_key))
    last = door.asker(asker.business, "report")
    of_business = made(last, BY_SOURCE)
    door.engine.remove(delete_business(door.control, asker.business.id))
    pages.add(gone(stranger, of_business))
    assert len(pages) == 1
    assert stranger.get("/shared/a/b/c").status_code == stranger.get("/shared/").status_code == 404


def test_it_follows_the_business(door: Door, stranger: TestClient) -> None:
    asker = door.asker(door.business(calls({"source": "google"})), "report")
    path = made(asker, "group_by=hour_of_day&range=all")
    assert stranger.get(f"{path}/report").json()["data"]["data"] == [{"hour_of_day": 12, "count": 1}]
    update_business(door.control, asker.business.id, timezone="Asia/Tokyo", name="Renamed")
    assert stranger.get(f"{path}/report").json()["data"]["data"] == [{"hour_of_day": 21, "count": 1}]
    assert "Renamed" in stranger.get(path).text
    door.engine.remove(clear_business(door.control, asker.business.id))
    assert stranger.get(f"{path}/report").json()["data"]["count"] == 0


def test_one_whose_report_no_longer_holds_says_so_and_shows_nothing(
    door: Door, asker: Asker, stranger: TestClient
) -> None:
    made_now = share(asker, request=BY_SOURCE)
    with door.control.writing() as connection:
        mine = shares.c.id == made_now["id"]
        connection.execute(shares.update().where(mine).values(request="group_by=source&where%5Bsource%5D=&range=all"))
    for below in BELOW:
        answer = stranger.get(f"/{made_now['path']}{below}")
        assert answer.status_code == 400
        assert "google" not in answer.text


class Busy(WrappedEngine):
    """Has no time for reports."""

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        raise Unavailable("Too much is asked at the moment", 7)


def test_a_server_that_cannot_answer_now_says_so_and_when_to_ask_again(door: Door, asker: Asker) -> None:
    path = made(asker)
    with open_client(door.control, Busy(door.engine), kept_bytes=0) as stranger:
        for below in BELOW:
            answer = stranger.get(path + below)
            assert (answer.status_code, "This does not work now" in answer.text) == (503, True)
            assert int(answer.headers["retry-after"]) > 0


# --- What surrounds it ----------------------------------------------------------------------------------------------


def fence(answer: httpx2.Response) -> dict[str, str]:
    names = ("referrer-policy", "x-robots-tag", "x-content-type-options")
    return {name: answer.headers[name] for name in names}


def test_headers_keep_the_address_to_itself(asker: Asker, stranger: TestClient) -> None:
    path = made(asker)
    wanted = {
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex, nofollow",
        "x-content-type-options": "nosniff",
    }
    for address in (*(path + below for below in BELOW), f"{path}?x=1", "/shared/nothing", "/shared/a/b"):
        answer = stranger.get(address)
        assert fence(answer) == wanted, address
        picture = answer.headers["content-type"].startswith("image/")
        policy = "default-src 'none'; style-src 'unsafe-inline'" if picture else POLICY
        assert answer.headers["content-security-policy"] == policy
    assert stranger.get(path).headers["cache-control"] == "no-store"


def test_data_is_asked_for_anew_and_not_sent_again(door: Door, stranger: TestClient) -> None:
    asker = door.asker(door.business(calls({"source": "google"})), "report")
    path = made(asker)
    first = stranger.get(f"{path}/report")
    assert first.headers["cache-control"] == "private, no-cache"
    again = stranger.get(f"{path}/report", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, fence(again)) == (304, fence(first))
    door.add(asker.business, [{"id": "new", "started_at": "2026-03-09T12:00:00Z"}])
    newer = stranger.get(f"{path}/report", headers={"If-None-Match": first.headers["etag"]})
    assert (newer.status_code, newer.json()["data"]["totals"]["count"]) == (200, 2)


def test_the_log_does_not_tell_the_address(
    asker: Asker, stranger: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        path = made(asker)
        for address in (*(path + below for below in BELOW), f"{path}/nothing", f"/prefix{path}", f"//shared{path}"):
            stranger.get(address)
    assert "GET /shared/... 200" in caplog.text
    assert "GET /prefix/shared/... 404" in caplog.text
    assert path.removeprefix("/shared/") not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("calltally")
    )


def test_the_table_as_a_file_and_the_links_on_the_page_lead_to_it(asker: Asker, stranger: TestClient) -> None:
    path = made(asker)
    page = stranger.get(path).text
    for address in re.findall(r'(?:href|src|srcset)="([^"]+)"', page):
        assert stranger.get(str(httpx2.URL(f"http://testserver{path}").join(unescape(address)))).status_code == 200
    query = dict(parse_qsl(BY_SOURCE.replace("&range=all", "")))
    assert stranger.get(f"{path}/report.csv").content == asker.get(urlencode(query), f"{REPORT}.csv").content
