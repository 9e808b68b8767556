"""What the page of reports shows when there is no report to show, and that a report which is cancelled really stops."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from calltally.folder import DataFolder
from tests.api.conftest import REPORT, eventually, filled, serving
from tests.browser.conftest import OpenPage, Site
from tests.browser.shop import BY_SOURCE, drawn, open_shop, parameters, reports, rows, signed_in
from tests.cli.conftest import CommandLine
from tests.strategies import METRIC_NAMES

MANY = 1_000_000  # calls, over which a report of as many groups takes a second
SLOW = f"group_by=source,utm_campaign,date&metrics={','.join(METRIC_NAMES)}&sort_by=unique_callers"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The shop, and a key that may read."""
    with open_shop(tmp_path_factory.mktemp("states"), "read") as site:
        yield site


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with many calls."""
    folder = DataFolder(tmp_path_factory.mktemp("crowd") / "data")
    key = filled(folder, MANY)["Authorization"].removeprefix("Bearer ")
    with serving(
        folder.path, CALLTALLY_HOT_MEMORY="0", CALLTALLY_THREADS="1"
    ) as server:  # from columns it would be too quick
        yield Site(server, key)


def test_a_slow_report_can_be_cancelled_and_then_stops_on_the_server(open_page: OpenPage, crowd: Site) -> None:
    visit = reports(open_page, crowd, "range=all&group_by=date")
    log = crowd.server.log
    before = log.read_text().count(f"GET {REPORT}.chart.json 499 ")
    with ExitStack() as stack:

        def hold(route: Route) -> None:
            stack.enter_context(crowd.server.held())
            route.continue_()

        visit.page.route("**/*.chart.json?*", hold, times=1)
        address = f"{crowd.server.address}/?range=all&{SLOW}&limit={900 + len(visit.size)}"
        with visit.page.expect_request("**/*.chart.json?*"):
            visit.page.goto(address, wait_until="commit")
        expect(visit.page.locator(".skeleton")).to_be_visible()
        visit.page.get_by_role("button", name="Cancel").click()
        expect(visit.page.get_by_role("heading", name="Cancelled")).to_be_visible()
    assert eventually(lambda: log.read_text().count(f"GET {REPORT}.chart.json 499 ") > before)
    visit.page.get_by_role("button", name="Ask again").click()
    expect(rows(visit).first).to_be_visible()


def test_what_was_shown_stays_until_the_next_report_is_there(open_page: OpenPage, crowd: Site) -> None:
    visit = reports(open_page, crowd, "range=all&group_by=date")
    shown = rows(visit).count()
    with crowd.server.held():
        visit.page.evaluate(
            "address => { history.pushState(null, '', address); dispatchEvent(new PopStateEvent('popstate')); }",
            f"/?range=all&{SLOW}&limit={800 + len(visit.size)}",
        )
        expect(visit.page.locator(".answer[aria-busy]")).to_be_visible()
        assert rows(visit).count() == shown
        expect(visit.page.locator(".waiting")).to_be_visible()
    expect(visit.page.locator(".answer:not([aria-busy])")).to_be_visible()
    expect(visit.page.locator(".waiting")).to_be_hidden()
    assert rows(visit).count() == 800 + len(visit.size)


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("Campaigns", {"range": ["last-month"], "group_by": ["utm_campaign"], "where[source]": ["google"]}),
        ("Latest calls", {"range": ["last-month"], "view": ["calls"], "where[source]": ["google"]}),
    ],
)
def test_a_link_of_what_is_still_shown_keeps_the_dates_that_were_chosen_since(
    open_page: OpenPage, shop: Site, link: str, kept: dict[str, list[str]]
) -> None:
    visit = reports(open_page, shop, "range=all&where[source]=google")
    with shop.server.held():
        visit.page.locator("#dates-name").click()
        visit.page.get_by_role("link", name="Last month").click()
        expect(visit.page.locator(".answer[aria-busy]")).to_be_visible()
        visit.page.locator(".answer").get_by_role("link", name=link, exact=True).click()
        expect(visit.page).to_have_url(re.compile("group_by|view="))
    drawn(visit)
    assert kept.items() <= parameters(visit).items()
    visit.page.get_by_role("link", name="Show all time").click()
    drawn(visit)
    assert {**kept, "range": ["all"]}.items() <= parameters(visit).items()


def test_when_the_key_is_revoked_signing_in_leads_back(open_page: OpenPage, tmp_path: Path) -> None:
    with open_shop(tmp_path, "read") as site:
        visit = reports(open_page, site, BY_SOURCE)
        command = CommandLine(tmp_path / "data")
        [business] = command.run("business", "list", "--json").json()
        [key] = command.run("key", "list", business["id"], "--json").json()
        other = command.run("key", "create", business["id"], "--json").json()["key"]
        command.run("key", "revoke", key["id"], "--json")
        visit.page.get_by_role("button", name="google", exact=True).click()
        expect(visit.page.locator("input[name=key]")).to_be_visible()
        visit.refused(401)
        visit.page.locator("input[name=key]").fill(other)
        visit.page.keyboard.press("Enter")
        expect(rows(visit)).to_have_count(1)
        assert "where%5Bsource%5D=google" in visit.page.url
        visit.page.close()


@pytest.mark.parametrize("noticed", ["by itself", "by a filter", "by more calls", "by a call"])
def test_a_session_that_ended_in_another_window_is_noticed(open_page: OpenPage, shop: Site, noticed: str) -> None:
    visit = reports(open_page, shop, "view=calls&range=all&limit=2")
    page, address = visit.page, visit.page.url
    page.clock.install()
    page.reload()
    drawn(visit)
    visit.settled()
    token = page.evaluate("fetch('api/v1/session').then(answer => answer.json())")["data"]["csrf_token"]
    page.request.post(
        f"{shop.server.address}/sign-out", form={"csrf_token": token}, headers={"Origin": shop.server.address}
    )
    match noticed:
        case "by itself":
            page.clock.run_for(16_000)
        case "by a filter":
            page.locator("#add-filter-name").click()
            page.get_by_role("button", name="Source", exact=True).click()
        case "by more calls":
            page.get_by_role("button", name="Show more").click()
        case _:
            page.evaluate("history.pushState(null, '', `${location}&call=a`); dispatchEvent(new Event('popstate'))")
    expect(page).to_have_title("Sign in · Calltally")
    visit.refused(401)
    page.locator("input[name=key]").fill(shop.key)
    page.keyboard.press("Enter")
    expect(page.locator("table.calls tbody tr")).to_have_count(2)
    assert page.url.startswith(address)


def test_what_is_wrong_with_more_calls_is_told_once(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "view=calls&range=all&limit=2")
    body = json.dumps({"error": {"code": "503", "message": "Not now"}})
    visit.page.route("**/calls?*", lambda route: route.fulfill(status=503, body=body))
    for _ in range(2):
        with visit.page.expect_response("**/calls?*"):
            visit.page.get_by_role("button", name="Show more").click()
        expect(visit.page.get_by_role("button", name="Show more")).to_be_enabled()
        expect(visit.page.locator(".more").get_by_role("alert")).to_have_text("Not now")
    visit.complaints.clear()
    visit.page.unroute("**/calls?*")
    visit.page.get_by_role("button", name="Show more").click()
    expect(visit.page.locator("table.calls tbody tr")).to_have_count(4)
    expect(visit.page.locator(".more").get_by_role("alert")).to_have_count(0)


def test_more_calls_that_are_no_longer_wanted_are_no_problem(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "view=calls&range=all&limit=2")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visit.page.route("**/api/v1/calls?*", hold)
    with visit.page.expect_request("**/api/v1/calls?*"):
        visit.page.get_by_role("button", name="Show more").click()
    with visit.page.expect_request("**/api/v1/calls?*"):
        visit.page.get_by_role("link", name="Calls", exact=True).click()
    expect(visit.page.locator(".answer[aria-busy]")).to_be_visible()
    visit.page.wait_for_timeout(200)
    assert len(held) == 2
    expect(visit.page.locator(".more")).to_have_text("2 of 4 calls shownShow more")
    held[-1].continue_()
    expect(visit.page.locator(".more")).to_have_text("4 of 4 calls shown")


@pytest.mark.parametrize("query", [BY_SOURCE, "range=all", "range=all&view=calls"])
def test_what_a_server_did_not_answer_is_shown_once_it_does(open_page: OpenPage, shop: Site, query: str) -> None:
    visit = signed_in(open_page, shop)
    visit.page.clock.install()
    visit.page.route("**/api/v1/**", lambda route: route.fulfill(status=503, body="<html>"))
    visit.page.goto(f"{shop.server.address}/?{query}")
    for _ in range(2):
        expect(visit.page.get_by_role("heading", name="The server does not answer")).to_be_visible()
        visit.page.clock.run_for(16_000)
    visit.page.unroute("**/api/v1/**")
    visit.page.clock.run_for(16_000)
    expect(visit.page.locator(".answer table").first).to_be_attached()
    expect(visit.page.get_by_role("heading", name="The server does not answer")).to_have_count(0)
    visit.refused(503)


def test_a_key_that_may_not_see_reports_is_told_so(open_page: OpenPage, tmp_path: Path) -> None:
    with open_shop(tmp_path, "write") as site:
        visit = open_page(f"{site.server.address}/sign-in")
        visit.page.locator("input[name=key]").fill(site.key)
        visit.page.keyboard.press("Enter")
        expect(visit.page.get_by_role("heading", name="This key may not see reports")).to_be_visible()
        assert not [url for url in visit.asked if "vega.js" in url]
        visit.page.get_by_role("link", name="Sign in with another key").click()
        expect(visit.page.locator("input[name=key]")).to_be_visible()
        visit.page.close()


def test_a_key_that_may_see_reports_alone_is_shown_no_calls(open_page: OpenPage, tmp_path: Path) -> None:
    with open_shop(tmp_path, "report") as site:
        visit = signed_in(open_page, site)
        visit.page.goto(f"{site.server.address}/?range=all")
        expect(visit.page.locator(".tile")).to_have_count(6)
        expect(visit.page.get_by_role("heading", name="Latest calls")).to_have_count(0)
        expect(visit.page.get_by_role("link", name="Calls", exact=True)).to_have_count(0)
        visit.page.goto(f"{site.server.address}/?view=calls")
        expect(visit.page.get_by_role("heading", name="This key may not see this")).to_be_visible()
        expect(visit.page.locator(".answer").get_by_role("alert")).to_contain_text("lacks the scope 'read'.")
        expect(visit.page.get_by_role("link", name="Sign in with another key")).to_be_visible()
        visit.refused(403)
        visit.page.close()


@pytest.mark.parametrize(("query", "told"), [("range=all", 2), (BY_SOURCE, 1)])
def test_without_what_draws_charts_the_numbers_are_shown(
    open_page: OpenPage, shop: Site, query: str, told: int
) -> None:
    visit = signed_in(open_page, shop)
    visit.page.route("**/vega.js", lambda route: route.abort())
    visit.page.goto(f"{shop.server.address}/?{query}")
    said = visit.page.get_by_role("alert").filter(has_text="What draws charts could not be loaded. The table has")
    expect(said).to_have_count(told)
    if query == "range=all":
        expect(visit.page.locator(".tile strong").first).to_have_text("4")
        visit.page.get_by_text("As a table").first.click()
        expect(visit.page.get_by_role("region", name="Calls by day").locator("tbody tr")).to_have_count(3)
    else:
        expect(rows(visit)).to_have_count(3)
    assert visit.fits
    assert all("ERR_FAILED" in complaint for complaint in visit.complaints)
    visit.complaints.clear()


@pytest.mark.parametrize("query", ["start_date=foo", "where_null=nope"])
def test_what_is_wrong_is_told_on_the_overview_and_nowhere_else(open_page: OpenPage, shop: Site, query: str) -> None:
    visit = reports(open_page, shop, query)
    expect(visit.page.get_by_role("heading", name="This cannot be asked")).to_be_visible()
    visit.refused(400)


@pytest.mark.parametrize(
    ("query", "wrong", "view"),
    [
        ("foo=1", "parameter foo: 1", "Report"),
        ("where[nope]=<b>x", "parameter where[nope]: <b>x", "Calls"),
        ("where_null=nope", "filter Without a value: nope", "Report"),
        ("cursor=x&view=calls", "parameter cursor: x", "Overview"),
        (f"{BY_SOURCE}&search=1", "parameter search: 1", "Report"),
        ("view=calls&group_by=source", "parameter group_by: source", None),
    ],
)
def test_what_cannot_be_asked_can_be_taken_out_of_the_address(
    open_page: OpenPage, shop: Site, query: str, wrong: str, view: str | None
) -> None:
    visit = reports(open_page, shop, f"{query}&range=all&source=google")
    expect(visit.page.get_by_role("heading", name="This cannot be asked")).to_be_visible()
    if view:  # it stays from one view to the next
        visit.page.get_by_role("link", name=view, exact=True).click()
        drawn(visit)
    assert visit.fits
    visit.refused(400)
    visit.page.get_by_role("button", name=f"Remove the {wrong}").click()
    expect(visit.page.locator(".answer table").first).to_be_visible()
    expect(visit.page.locator(".chips .chip")).to_have_text(re.compile("^Source: google"))


def test_without_a_network_the_overview_says_so(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.context.set_offline(True)
    visit.page.get_by_role("link", name="Overview").click()
    expect(visit.page.get_by_role("heading", name="The server does not answer")).to_be_visible()
    visit.complained("ERR_INTERNET_DISCONNECTED")


@pytest.mark.parametrize(
    ("status", "body"), [(502, "<html><body>Bad Gateway</body></html>"), (503, "{}"), (200, "<html>")]
)
def test_what_a_proxy_says_of_a_server_that_is_gone_is_told_as_that(
    open_page: OpenPage, shop: Site, status: int, body: str
) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.route("**/calls.chart.json*", lambda route: route.fulfill(status=status, body=body))
    visit.page.get_by_role("button", name="google", exact=True).click()
    expect(visit.page.get_by_role("heading", name="The server does not answer")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Try again")).to_be_visible()
    visit.page.route("**/analytics/values*", lambda route: route.fulfill(status=status, body=body))
    visit.page.locator("#add-filter-name").click()
    visit.page.get_by_role("button", name="Source", exact=True).click()
    said = visit.page.locator("#add-filter").get_by_role("alert")
    expect(said).to_have_text("The server does not answer at the moment. Please try again.")
    assert all(f"a status of {status} " in complaint for complaint in visit.complaints)
    visit.complaints.clear()


def test_a_defect_of_the_page_is_not_taken_for_the_network(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    body = json.dumps({"data": {"report": None, "chart": None}})
    visit.page.route("**/calls.chart.json*", lambda route: route.fulfill(body=body))
    visit.page.get_by_role("button", name="google", exact=True).click()
    expect(visit.page.get_by_role("heading", name="That did not work")).to_be_visible()
    [complaint] = visit.complaints
    assert "TypeError" in complaint
    visit.complaints.clear()


def test_a_server_that_is_gone_is_told_and_asked_again(open_page: OpenPage, tmp_path: Path) -> None:
    with open_shop(tmp_path, "read") as site:
        visit = reports(open_page, site, BY_SOURCE)
        site.server.stop()
        visit.page.get_by_role("button", name="google", exact=True).click()
        expect(visit.page.get_by_role("heading", name="The server does not answer")).to_be_visible()
        expect(visit.page.get_by_role("button", name="Try again")).to_be_visible()
        visit.complained("ERR_CONNECTION_REFUSED")
        visit.page.close()
