"""Saved reports and shares in a browser: dialogs by keyboard and pointer, and what a stranger sees by a link."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import httpx2
import pytest
from playwright.sync_api import Locator, Route, expect

from calltally.catalog import RANGES, USUAL_RANGE, currency_digits
from tests.api.conftest import REPORT
from tests.browser.conftest import OpenPage, Site, Visit
from tests.browser.shop import HOSTILE, drawn, open_shop, reports, stopped

BY_SOURCE = "range=all&group_by=source&metrics=count,qualified_pct,avg_duration,total_value_cents"
REPORTS, SHARES = "api/v1/reports", "api/v1/shares"
LOST = "The server does not answer at the moment. Please try again."


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The shop, and a key that may read."""
    with open_shop(tmp_path_factory.mktemp("saved"), "read") as site:
        yield site


@pytest.fixture(autouse=True)
def _nothing_left(shop: Site) -> Iterator[None]:
    yield
    for path in (REPORTS, SHARES):
        for row in listed(shop, path):
            api(shop, "DELETE", f"{path}/{row['id']}")


def api(site: Site, method: str, path: str, body: object = None) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {site.key}"}
    return httpx2.request(method, f"{site.server.address}/{path}", json=body, headers=headers)


def listed(site: Site, path: str) -> list[dict[str, Any]]:
    [rows] = api(site, "GET", path).json()["data"].values()
    return list(rows)


def save(site: Site, name: str, request: str = BY_SOURCE) -> None:
    assert api(site, "POST", REPORTS, {"name": name, "request": request}).status_code == 201


def share(site: Site, name: str) -> None:
    assert api(site, "POST", SHARES, {"name": name, "request": BY_SOURCE}).status_code == 201


def summary(visit: Visit) -> Locator:
    return visit.page.locator(".saved summary")


def dialog(visit: Visit) -> Locator:
    return visit.page.get_by_role("dialog")


def press(visit: Visit, name: str) -> None:
    visit.page.locator(".saved").get_by_role("button", name=name, exact=True).click()


def cells(page: Locator) -> list[list[str]]:
    return [row.split("\t") for row in page.all_inner_texts()]


# --- Saved reports --------------------------------------------------------------------------------------------------


def test_a_report_is_saved_listed_and_opened(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    press(visit, "Save")
    expect(dialog(visit).get_by_label("Name")).to_be_focused()
    assert visit.fits
    visit.page.keyboard.type(HOSTILE)
    visit.page.keyboard.press("Enter")
    expect(dialog(visit)).to_have_count(0)
    expect(visit.page.locator(".saved").get_by_role("button", name="Save", exact=True)).to_be_focused()
    expect(visit.page.locator(".saved [role=status]")).to_have_text(f"Saved as {HOSTILE}")
    expect(visit.page.locator(".saved [role=status]")).to_be_visible()
    assert visit.fits
    [saved] = listed(shop, REPORTS)
    assert saved["name"] == HOSTILE
    visit.page.goto(f"{shop.server.address}/?range=all&group_by=date")
    drawn(visit)
    summary(visit).click()
    assert visit.fits
    visit.page.get_by_role("link", name=HOSTILE, exact=True).click()
    expect(visit.page.get_by_role("columnheader", name="Source")).to_be_visible()
    assert parse_qs(urlsplit(visit.page.url).query) == parse_qs(saved["request"])
    expect(visit.page.locator(".answer .report tbody tr")).to_have_count(3)
    assert visit.page.locator("#reports img").count() == 0
    summary(visit).click()
    expect(visit.page.get_by_role("link", name=HOSTILE, exact=True)).to_have_attribute("aria-current", "page")


def test_it_is_renamed_and_deleted_by_keyboard(open_page: OpenPage, shop: Site) -> None:
    save(shop, "Before")
    visit = reports(open_page, shop, BY_SOURCE)
    keyboard = visit.page.keyboard
    summary(visit).focus()
    keyboard.press("Enter")
    rename = visit.page.get_by_role("button", name="Rename Before")
    expect(rename).to_be_visible()
    keyboard.press("Tab")
    keyboard.press("Tab")
    expect(rename).to_be_focused()
    keyboard.press("Enter")
    expect(dialog(visit).get_by_label("Name")).to_have_value("Before")
    keyboard.type("After")
    keyboard.press("Enter")
    expect(dialog(visit)).to_have_count(0)
    expect(summary(visit)).to_be_focused()
    expect(visit.page.get_by_role("link", name="After")).to_be_visible()
    assert [row["name"] for row in listed(shop, REPORTS)] == ["After"]
    expect(visit.page.locator(".saved [role=status]")).to_have_text("Renamed to After")
    for _ in range(3):
        keyboard.press("Tab")
    expect(visit.page.get_by_role("button", name="Delete After")).to_be_focused()
    keyboard.press("Enter")
    expect(dialog(visit)).to_contain_text("After will be gone for everybody")
    keyboard.press("Escape")
    expect(summary(visit)).to_be_focused()
    visit.page.get_by_role("button", name="Delete After").press("Enter")  # the list may be made anew below a pointer
    dialog(visit).get_by_role("button", name="Delete", exact=True).click()
    expect(visit.page.get_by_text("No report is saved yet")).to_be_visible()
    expect(visit.page.locator(".saved [role=status]")).to_have_text("Deleted After")
    assert listed(shop, REPORTS) == []


def test_a_list_that_comes_late_leaves_the_focus_where_it_is(open_page: OpenPage, shop: Site) -> None:
    save(shop, "Before")
    visit = reports(open_page, shop, BY_SOURCE)
    summary(visit).click()
    visit.page.get_by_role("button", name="Rename Before").click()
    [saved] = listed(shop, REPORTS)
    api(shop, "PATCH", f"{REPORTS}/{saved['id']}", {"name": "After"})
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visit.page.route(f"**/{REPORTS}", hold)
    with visit.page.expect_request(f"**/{REPORTS}"):
        visit.page.keyboard.press("Escape")
    expect(summary(visit)).to_be_focused()
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Tab")
    expect(visit.page.get_by_role("button", name="Rename Before")).to_be_focused()
    [route] = held
    route.continue_()
    expect(visit.page.get_by_role("button", name="Rename After")).to_be_focused()


def test_what_is_wrong_is_told_in_the_dialog(open_page: OpenPage, shop: Site) -> None:
    save(shop, "Taken")
    visit = reports(open_page, shop, BY_SOURCE)
    press(visit, "Save")
    name = dialog(visit).get_by_label("Name")
    name.fill("Taken")
    name.press("Enter")
    expect(dialog(visit).get_by_role("alert")).to_have_text(
        "There is a saved report 'Taken' already; choose another name."
    )
    expect(name).to_be_focused()
    expect(name).to_have_accessible_description("There is a saved report 'Taken' already; choose another name.")
    visit.refused(400)
    name.fill("Free")
    dialog(visit).get_by_role("button", name="Save").click()
    expect(dialog(visit)).to_have_count(0)


def test_without_a_report_there_is_nothing_to_save(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "range=all")
    expect(summary(visit)).to_be_visible()
    expect(visit.page.locator(".saved").get_by_role("button")).to_have_count(0)


def test_a_report_that_is_saved_after_all_is_told_of(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visit.page.route(f"**/{REPORTS}", hold)
    press(visit, "Save")
    dialog(visit).get_by_label("Name").fill("Soon")
    with visit.page.expect_request(f"**/{REPORTS}"):
        visit.page.keyboard.press("Enter")
    visit.page.keyboard.press("Escape")
    expect(dialog(visit)).to_have_count(0)
    held[0].continue_()
    expect(visit.page.locator(".saved [role=status]")).to_have_text("Saved as Soon")
    assert [row["name"] for row in listed(shop, REPORTS)] == ["Soon"]


@pytest.mark.parametrize("name", ["Save", "Share", "As curl"])
def test_a_dialog_about_a_report_closes_with_a_step_to_another(open_page: OpenPage, shop: Site, name: str) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.get_by_role("button", name="google", exact=True).click()
    expect(visit.page.locator(".answer .report tbody tr")).to_have_count(1)
    if name == "As curl":
        visit.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
        visit.page.locator("#copy-name").click()
    visit.page.get_by_role("button", name=name, exact=True).click()
    expect(dialog(visit)).to_be_visible()
    visit.page.go_back()
    expect(visit.page.locator(".answer .report tbody tr")).to_have_count(3)
    expect(dialog(visit)).to_have_count(0)


# --- Shares ---------------------------------------------------------------------------------------------------------


def shared(visit: Visit, ends: str = "In 7 days") -> str:
    """The link that the dialog makes."""
    press(visit, "Share")
    dialog(visit).get_by_label("Name").fill(HOSTILE)
    dialog(visit).get_by_label("Ends").select_option(label=ends)
    dialog(visit).get_by_role("button", name="Make a link").click()
    link = dialog(visit).get_by_label("Link")
    expect(link).to_be_focused()
    expect(dialog(visit).get_by_role("button", name=f"Revoke {HOSTILE}")).to_be_visible()  # the list is made anew
    return link.input_value()


def test_a_stranger_sees_the_same_numbers_until_it_is_revoked(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    link = shared(visit)
    [share] = listed(shop, SHARES)
    assert share["expires_at"]
    assert visit.fits
    stranger = open_page(link)
    assert stranger.page.context.cookies() == []
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    query = BY_SOURCE.removeprefix("range=all&")
    data = api(shop, "GET", f"{REPORT[1:]}?{query}").json()["data"]
    assert cells(stranger.page.locator("tbody tr, tfoot tr")) == [
        *([row["source"] or "(none)", *numbers(row)] for row in data["data"]),
        ["All matching calls", *numbers(data["totals"])],
    ]
    picture = stranger.page.get_by_role("img", name="Chart of")
    expect(picture).to_be_visible()
    stranger.page.wait_for_function("document.querySelector('picture img').naturalWidth > 0")
    assert stranger.page.locator("main img").count() == 1
    assert stranger.fits
    assert {urlsplit(url).path.split("/")[1] for url in stranger.asked} == {"shared", "assets"}
    with stranger.page.expect_download() as download:
        stranger.page.get_by_role("link", name="Table as CSV").click()
    assert download.value.path().read_bytes() == api(shop, "GET", f"{REPORT[1:]}.csv?{query}").content
    dialog(visit).get_by_role("button", name=f"Revoke {HOSTILE}").click()
    expect(dialog(visit).get_by_text("There are none.")).to_be_visible()
    stranger.page.reload()
    expect(stranger.page.get_by_role("heading", name="Not here any more")).to_be_visible()
    assert stranger.fits
    stranger.refused(404)


def numbers(row: dict[str, Any]) -> list[str]:
    seconds, cents = row["avg_duration"], row["total_value_cents"]
    clock = "–" if seconds is None else f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return [str(row["count"]), f"{row['qualified_pct']}%", clock, f"{cents / 100:,.2f}".removesuffix(".00")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chart_has_the_colours_and_the_width_of_the_page(open_page: OpenPage, shop: Site, scheme: str) -> None:
    path = api(shop, "POST", SHARES, {"request": BY_SOURCE}).json()["data"]["path"]
    visit = open_page("about:blank")
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visit.page.goto(f"{shop.server.address}/{path}")
    visit.page.wait_for_function("document.querySelector('picture img').naturalWidth > 0")
    width = {"desktop": "1040", "phone": "358"}[visit.size]
    pictures = [parse_qs(urlsplit(url).query) for url in visit.asked if "picture.svg" in url]
    assert pictures == [{"theme": [scheme], "width": [width]}]


def test_the_link_is_copied_and_not_shown_again(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    link = shared(visit, "Never")
    assert re.fullmatch(rf"{shop.server.address}/shared/[\w-]{{43}}", link)
    stopped(visit)
    dialog(visit).get_by_role("button", name="Copy").click()
    expect(dialog(visit).get_by_role("button", name="Copied")).to_be_visible()
    assert visit.page.evaluate("navigator.clipboard.readText()") == link
    visit.page.clock.run_for(2000)
    expect(dialog(visit).get_by_role("button", name="Copy", exact=True)).to_be_visible()
    expect(dialog(visit).locator(".shares li")).to_contain_text([f"{HOSTILE}Made"])
    expect(dialog(visit).locator(".shares li")).to_contain_text(["never ends"])
    visit.page.keyboard.press("Escape")
    expect(visit.page.locator(".saved").get_by_role("button", name="Share", exact=True)).to_be_focused()
    press(visit, "Share")
    expect(dialog(visit).locator(".shares li")).to_have_count(1)
    assert link.rpartition("/")[2] not in visit.page.content()
    assert dialog(visit).locator("img").count() == 0


def test_a_new_link_stays_while_others_are_revoked(open_page: OpenPage, shop: Site) -> None:
    share(shop, "Old")
    visit = reports(open_page, shop, BY_SOURCE)
    link = shared(visit)
    dialog(visit).get_by_role("button", name="Revoke Old").click()
    expect(dialog(visit).locator(".shares li")).to_have_count(1)
    expect(dialog(visit).get_by_label("Link")).to_have_value(link)
    dialog(visit).get_by_role("button", name=f"Revoke {HOSTILE}").click()
    expect(dialog(visit).get_by_text("There are none.")).to_be_visible()
    expect(dialog(visit).get_by_label("Link")).to_have_count(0)


def test_what_was_wrong_with_revoking_is_told_until_it_works(open_page: OpenPage, shop: Site) -> None:
    share(shop, "Old")
    visit = reports(open_page, shop, BY_SOURCE)
    press(visit, "Share")
    visit.page.route(f"**/{SHARES}/*", lambda route: route.fulfill(status=503, body="{}"))
    revoke = dialog(visit).get_by_role("button", name="Revoke Old")
    revoke.click()
    expect(dialog(visit).get_by_role("alert")).to_have_text(LOST)
    visit.refused(503)
    visit.page.unroute(f"**/{SHARES}/*")
    revoke.click()
    expect(dialog(visit).get_by_text("There are none.")).to_be_visible()
    expect(dialog(visit).get_by_text(LOST)).to_have_count(0)


def test_a_list_that_comes_late_does_not_take_the_place_of_a_later_one(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    late = held_first(visit, f"**/{SHARES}")
    press(visit, "Share")
    dialog(visit).get_by_text("Asking …").wait_for()
    share(shop, "New")
    dialog(visit).get_by_role("button", name="Make a link").click()
    expect(dialog(visit).locator(".shares li")).to_have_count(2)
    late({"shares": []})
    expect(dialog(visit).locator(".shares li")).to_have_count(2)
    visit.page.keyboard.press("Escape")
    late = held_first(visit, f"**/{REPORTS}")
    summary(visit).click()
    visit.page.locator(".saved").get_by_text("Asking …").wait_for()
    summary(visit).click()
    save(shop, "New")
    summary(visit).click()
    expect(visit.page.get_by_role("link", name="New")).to_be_visible()
    late({"reports": []})
    expect(visit.page.get_by_role("link", name="New")).to_be_visible()


def held_first(visit: Visit, address: str) -> Callable[[object], None]:
    """Keep the first question to an address waiting for the answer that is given later; then it has been heard."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held or route.request.method != "GET":
            route.fallback()
        else:
            held.append(route)

    def answer(data: object) -> None:
        held[0].fulfill(body=json.dumps({"data": data}))
        visit.page.wait_for_timeout(200)

    visit.page.route(address, hold)
    return answer


# --- Money ----------------------------------------------------------------------------------------------------------

CURRENCIES = ["USD", "EUR", "JPY", "KRW", "CLP", "VND", "HUF", "KWD", "BHD", "TND", "XYZ"]
DIGITS = """currencies => currencies.map(currency =>
    new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits)"""


def test_the_page_and_the_server_write_amounts_with_the_same_digits(open_page: OpenPage, shop: Site) -> None:
    visit = open_page(f"{shop.server.address}/sign-in")
    assert visit.page.evaluate(DIGITS, CURRENCIES) == [currency_digits(currency) for currency in CURRENCIES]


# --- Dates in words -------------------------------------------------------------------------------------------------

MOMENTS = (
    datetime(2026, 3, 9, 3, 59, tzinfo=UTC),
    datetime(2024, 2, 29, 14, 5, tzinfo=UTC),
    datetime(2025, 12, 31, 23, 30, tzinfo=UTC),
    datetime(2026, 1, 1, 4, 59, tzinfo=UTC),
    datetime(2026, 10, 31, 13, 0, tzinfo=UTC),
)
TIME_ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Kiritimati")
ASKED = """async ([module, zones]) => {
  const { RANGES, USUAL, daysOf } = await import(module);
  const ranges = Object.entries(RANGES);
  const days = zones.map((zone) => ranges.map(([name]) => daysOf(name, zone)));
  return { labels: ranges.map(([name, [label]]) => [name, label]), usual: USUAL, days };
}"""


def test_the_page_and_the_server_mean_the_same_days(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "range=all")
    script = visit.page.locator("script[src*='reports.js']").evaluate("(element) => element.src")
    for moment in MOMENTS:
        visit.page.clock.set_fixed_time(moment)
        told = visit.page.evaluate(ASKED, [script.replace("reports.js", "dates.js"), list(TIME_ZONES)])
        assert told["labels"] == [[row.name, row.label] for row in RANGES]
        assert told["usual"] == USUAL_RANGE
        for zone, days in zip(TIME_ZONES, told["days"], strict=True):
            today = moment.astimezone(ZoneInfo(zone)).date()
            assert days == [[day.isoformat() for day in row.days(today) or ()] for row in RANGES], (moment, zone)
