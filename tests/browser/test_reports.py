"""The page of reports in a browser: what it shows is what the API answers, and its address says all of it."""

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from playwright.sync_api import Locator, expect

from tests.api.conftest import REPORT, serving
from tests.browser.conftest import OpenPage, Site, Visit
from tests.cli.conftest import CommandLine

HOSTILE = "<img src=x onerror=alert(1)>"
BY_SOURCE = "range=all&group_by=source&metrics=count,qualified_pct"
CALLS = [
    {"id": "a", "started_at": "2026-03-09T14:05:00Z", "source": "google", "qualified": True, "utm_campaign": HOSTILE},
    {"id": "b", "started_at": "2026-03-09T15:05:00Z", "source": "google", "qualified": False},
    {"id": "c", "started_at": "2026-03-10T14:05:00Z", "source": HOSTILE, "duration_seconds": 3661},
    {"id": "d", "started_at": "2026-03-11T14:05:00Z"},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with a business whose name and calls try to be HTML."""
    folder = tmp_path_factory.mktemp("reports")
    command = CommandLine(folder / "data")
    business = command.run("business", "create", HOSTILE, "--json").json()["id"]
    calls = folder / "calls.ndjson"
    calls.write_text("".join(f"{json.dumps(call)}\n" for call in CALLS))
    assert command.run("import", str(calls), "-b", business).code == 0
    key = command.run("key", "create", business, "--json").json()["key"]
    with serving(command.data) as server:
        yield Site(server, key)


def reports(open_page: OpenPage, site: Site, query: str) -> Visit:
    """The page, signed in, with the report of a query drawn."""
    visit = open_page(f"{site.server.address}/sign-in")
    visit.page.locator("input[type=password], input[name=key]").first.fill(site.key)
    visit.page.locator("form button").first.click()
    expect(visit.page.locator("#reports")).to_be_attached()
    visit.page.goto(f"{site.server.address}/?{query}")
    expect(visit.page.locator(".waiting")).to_have_count(0)
    return visit


def rows(visit: Visit) -> Locator:
    return visit.page.locator(".answer tbody tr")


def test_the_opening_page_has_the_totals_that_the_api_has(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "range=all")
    expect(visit.page.locator(".tile strong")).to_have_text(["4", "0", "0", "25%", "$0", "0"])
    expect(visit.page.get_by_role("heading", name="Latest calls")).to_be_visible()
    expect(visit.page.locator(".latest li")).to_have_count(len(CALLS))
    assert visit.fits
    visit.page.get_by_role("link", name="Sources").click()
    expect(visit.page.get_by_role("columnheader", name="Source")).to_be_visible()
    assert parse_qs(urlsplit(visit.page.url).query)["group_by"] == ["source"]


def test_a_report_is_what_the_api_answers_and_text_stays_text(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    headers = {"Authorization": f"Bearer {shop.key}"}
    query = BY_SOURCE.removeprefix("range=all&")
    answer = httpx2.get(f"{shop.server.address}{REPORT}?{query}", headers=headers).json()["data"]
    expect(rows(visit)).to_have_count(answer["count"])
    shown = [row.split("\t") for row in rows(visit).all_inner_texts()]
    assert shown == [
        [row["source"] or "(none)", str(row["count"]), f"{row['qualified_pct']}%"] for row in answer["data"]
    ]
    assert HOSTILE in visit.page.locator(".answer").inner_text()
    assert visit.page.locator(".answer img").count() == 0
    assert visit.fits


def test_a_value_filters_and_back_reload_and_paste_find_the_state_again(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.get_by_role("button", name="google", exact=True).click()
    expect(rows(visit)).to_have_count(1)
    filtered = visit.page.url
    assert parse_qs(urlsplit(filtered).query)["where[source]"] == ["google"]
    visit.page.reload()
    expect(rows(visit)).to_have_count(1)
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="Download the calls behind it").click()
    calls = download.value.path().read_text().splitlines()[1:]
    assert [call.split(",")[0].strip('"') for call in calls] == ["a", "b"]
    visit.page.go_back()
    expect(rows(visit)).to_have_count(3)
    visit.page.goto(filtered)
    visit.page.get_by_role("button", name="Source: google").click()
    expect(rows(visit)).to_have_count(3)
    visit.page.get_by_role("button", name="(none)").click()
    expect(rows(visit)).to_have_count(1)
    assert parse_qs(urlsplit(visit.page.url).query)["where_null"] == ["source"]


def test_by_keyboard_a_dimension_is_added_and_a_column_sorted(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    second = visit.page.get_by_label("then by")
    second.focus()
    second.select_option("date")
    expect(visit.page.get_by_role("columnheader", name="Date")).to_be_visible()
    heading = visit.page.get_by_role("columnheader", name="Date").get_by_role("button")
    heading.focus()
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("th[aria-sort=descending]")).to_have_text("Date")
    expect(rows(visit).first).to_contain_text("2026-03-11")


def test_without_calls_and_with_a_wrong_report(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, f"{BY_SOURCE}&where[source]=bing")
    expect(visit.page.get_by_text("No calls match")).to_be_visible()
    visit.page.goto(f"{shop.server.address}/?group_by=source&limit=0")
    expect(visit.page.get_by_role("alert")).to_contain_text("limit: '0' is not a whole number")
    visit.refused(400)
