"""The page of reports in a browser: what it shows is what the API answers, and its address says all of it."""

import json
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Route, expect

from tests.api.conftest import serving
from tests.browser.conftest import OpenPage, Site, Visit
from tests.browser.shop import (
    BY_SOURCE,
    CALLS,
    HOSTILE,
    api,
    drawn,
    open_shop,
    parameters,
    reports,
    rows,
    signed_in,
    stopped,
)
from tests.cli.conftest import CommandLine
from tests.strategies import METRIC_NAMES


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The shop, and a key that may do everything."""
    with open_shop(tmp_path_factory.mktemp("reports"), "admin") as site:
        yield site


REFUSING = """() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException("Not allowed", "NotAllowedError"));
    document.execCommand = () => false;
}"""


# --- Overview -------------------------------------------------------------------------------------------------------


def test_the_overview_has_the_totals_that_the_api_has(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "range=all")
    expect(visit.page.locator(".tile strong")).to_have_text(["4", "0", "0", "25%", "$1,250", "1"])
    expect(visit.page.locator(".chart svg")).to_have_count(2)
    expect(visit.page.get_by_role("region", name="Latest calls").locator("tbody tr")).to_have_count(len(CALLS))
    assert visit.fits
    visit.page.get_by_role("link", name="Sources").click()
    expect(visit.page.get_by_role("columnheader", name="Source")).to_be_visible()
    assert parameters(visit)["group_by"] == ["source"]
    visit.page.get_by_role("link", name="Overview").click()
    expect(visit.page.locator(".tile")).to_have_count(6)


def test_a_large_number_opens_its_report(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "range=all")
    visit.page.get_by_role("link", name="Total value").click()
    expect(visit.page.get_by_role("columnheader", name="Total value")).to_be_visible()
    assert parameters(visit)["metrics"] == ["total_value_cents"]


def test_a_chart_of_the_overview_has_its_table_and_a_bar_of_it_filters(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "range=all")
    visit.page.get_by_text("As a table").first.click()
    table = visit.page.get_by_role("region", name="Calls by day")
    expect(table.locator("tbody tr").first).to_contain_text("2026-03-11")
    expect(visit.page.locator(".mark-rect path[aria-label='Mon, 14: 1']")).to_have_count(1)
    visit.page.locator(".mark-rect path[aria-label='Mon, 14: 1']").click()
    expect(visit.page.locator(".tile strong").first).to_have_text("1")
    shown = parameters(visit)
    assert (shown["where[day_of_week]"], shown["where[hour_of_day]"]) == (["1"], ["14"])


@contextmanager
def site_with(folder: Path, days: Iterable[date]) -> Iterator[Site]:
    """A server with a business that has a call on each of these days, and a key that may read."""
    command = CommandLine(folder / "data")
    business = command.run("business", "create", "Long", "--json").json()["id"]
    calls = folder / "calls.csv"
    calls.write_text("id,started_at\n" + "".join(f"{day},{day}T18:00:00Z\n" for day in days))
    assert command.run("import", str(calls), "-b", business).code == 0
    key = command.run("key", "create", business, "--json").json()["key"]
    with serving(command.data) as server:
        yield Site(server, key)


def test_all_of_a_long_time_is_drawn_by_week(open_page: OpenPage, tmp_path: Path) -> None:
    first = date(2020, 1, 6)  # a Monday
    with site_with(tmp_path, (first + timedelta(days=n) for n in range(1300))) as site:
        visit = reports(open_page, site, "range=all")
        expect(visit.page.locator(".tile strong").first).to_have_text("1,300")
        expect(visit.page.get_by_role("link", name="Calls by day")).to_have_count(0)
        assert len(points(visit, "Calls")) == 186
        visit.page.get_by_text("As a table").first.click()
        lines = visit.page.get_by_role("region", name="Calls by week").locator("tbody tr")
        expect(lines).to_have_count(186)
        expect(lines.last).to_contain_text("2020-01-06")
        assert visit.fits
        visit.page.get_by_role("link", name="Calls by week").click()
        expect(visit.page.get_by_role("columnheader", name="Week")).to_be_visible()
        visit.page.goto(f"{site.server.address}/?start_date=2020-01-06&end_date=2022-09-30")
        expect(visit.page.get_by_role("link", name="Calls by day")).to_be_visible()
        assert len(points(visit, "Calls")) == 999
        visit.page.close()


def test_a_course_is_as_wide_as_its_time(open_page: OpenPage, tmp_path: Path) -> None:
    days = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 12), date(2026, 3, 14), date(2026, 3, 31)]
    with site_with(tmp_path, days) as site:
        visit = reports(open_page, site, "range=all")
        width, zero, one = 120, 31, 1
        known = {1: one, 2: one, 3: zero, 11: zero, 12: one, 13: zero, 14: one, 15: zero, 30: zero, 31: one}
        assert points(visit, "Calls") == [(round((day - 1) * width / 30, 1), y) for day, y in known.items()]
        visit.page.goto(f"{site.server.address}/?range=all&where[day_of_week]=0&where[day_of_week]=4")
        drawn(visit)
        assert {y for _, y in points(visit, "Calls")} == {one}
        visit.page.close()


def points(visit: Visit, tile: str) -> list[tuple[float, float]]:
    """The points of the course of a large number."""
    line = visit.page.locator(".tile").filter(has_text=tile).first.locator("polyline")
    pairs = [point.split(",") for point in (line.get_attribute("points") or "").split()]
    return [(float(x), float(y)) for x, y in pairs]


# --- Reports --------------------------------------------------------------------------------------------------------


def test_a_report_is_what_the_api_answers_and_text_stays_text(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    answer = api(shop, BY_SOURCE.removeprefix("range=all&"))
    expect(rows(visit)).to_have_count(answer["count"])
    shown = [row.split("\t")[:3] for row in rows(visit).all_inner_texts()]
    assert shown == [
        [row["source"] or "(none)", str(row["count"]), f"{row['qualified_pct']}%"] for row in answer["data"]
    ]
    assert HOSTILE in visit.page.locator(".answer table").inner_text()
    assert HOSTILE in visit.page.locator(".chart svg").inner_html().replace("&lt;", "<").replace("&gt;", ">")
    assert HOSTILE in visit.page.locator(".menu").first.inner_text()
    assert visit.page.locator(".answer img, svg image, svg script").count() == 0
    assert visit.fits


TURNING, HEBREW = "evil\u202egnp.exe", "\u05e2\u05d1\u05e8\u05d9\u05ea 123"


def test_a_value_turns_nothing_around_that_stands_beside_it(open_page: OpenPage, shop: Site, size: str) -> None:
    headers = {"Authorization": f"Bearer {shop.key}"}
    path = f"{shop.server.address}/api/v1/calls"
    call = {
        "id": f"turning on a {size}",
        "started_at": "2026-03-12T14:05:00Z",
        "source": TURNING,
        "utm_campaign": HEBREW,
    }
    httpx2.post(path, json=call, headers=headers).raise_for_status()
    for query in ("group_by=source", "group_by=utm_campaign", "view=calls", "group_by=\u202e"):
        visit = reports(open_page, shop, f"range=all&where[source]={TURNING}&where[utm_campaign]={HEBREW}&{query}")
        chips = visit.page.locator(".chip bdi")
        expect(chips).to_have_text(["evil\ufffdgnp.exe", HEBREW])
        expect(chips.first).to_have_css("unicode-bidi", "isolate")
        assert "\u202e" not in visit.page.locator("#reports").evaluate("page => page.innerText")
    visit.refused(400)
    asked = {"request": f"range=all&group_by=source&where[source]={TURNING}"}
    share = httpx2.post(f"{shop.server.address}/api/v1/shares", json=asked, headers=headers).json()["data"]
    shared = open_page(f"{shop.server.address}/{share['path']}")
    expect(shared.page.locator(".kept bdi")).to_have_text("evil\ufffdgnp.exe")
    expect(shared.page.locator("tbody th")).to_have_text("evil\ufffdgnp.exe")
    httpx2.delete(f"{shop.server.address}/api/v1/shares/{share['id']}", headers=headers).raise_for_status()
    httpx2.delete(f"{path}/{call['id']}", headers=headers).raise_for_status()


def test_a_value_filters_and_back_reload_and_paste_find_the_state_again(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.get_by_role("button", name="google", exact=True).click()
    expect(rows(visit)).to_have_count(1)
    filtered = visit.page.url
    assert parameters(visit)["where[source]"] == ["google"]
    visit.page.reload()
    expect(rows(visit)).to_have_count(1)
    visit.page.go_back()
    expect(rows(visit)).to_have_count(3)
    visit.page.goto(filtered)
    visit.page.get_by_role("button", name="Remove the filter Source: google").click()
    expect(rows(visit)).to_have_count(3)
    visit.page.get_by_role("button", name="(none)").click()
    expect(rows(visit)).to_have_count(1)
    assert parameters(visit)["where_null"] == ["source"]


def test_a_bar_filters_by_its_value_and_a_row_by_all_of_its_values(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.locator(".mark-rect path[aria-label^='<img']").click()
    expect(rows(visit)).to_have_count(1)
    assert parameters(visit)["where[source]"] == [HOSTILE]
    visit.page.goto(f"{shop.server.address}/?range=all&group_by=source,date")
    rows(visit).filter(has_text="google").locator("td.number").click()
    expect(rows(visit)).to_have_count(1)
    shown = parameters(visit)
    assert (shown["where[source]"], shown["where[date]"]) == (["google"], ["2026-03-09"])


def test_the_calls_behind_a_row_are_listed_and_each_can_be_opened(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.get_by_role("link", name="The calls of google").click()
    expect(visit.page.locator("table.calls tbody tr")).to_have_count(2)
    expect(visit.page.locator(".more")).to_have_text("2 of 2 calls shown")
    visit.page.locator("table.calls tbody button").last.click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog).to_contain_text("UTM campaign")
    expect(dialog).to_contain_text(HOSTILE)
    visit.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(visit.page.locator("table.calls tbody button").last).to_be_focused()
    visit.page.get_by_role("link", name="Calls", exact=True).click()
    drawn(visit)
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="The calls behind it as CSV").click()
    calls = download.value.path().read_text().splitlines()[1:]
    assert sorted(call.split(",")[0].strip('"') for call in calls) == ["a", "b"]


def test_an_open_call_is_a_step_of_the_history(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "range=all&view=calls")
    listed = visit.page.locator("table.calls tbody button")
    dialog = visit.page.get_by_role("dialog")
    listed.nth(1).click()
    expect(dialog).to_contain_text(HOSTILE)
    assert parameters(visit)["call"] == ["c"]
    opened = visit.page.url
    visit.page.go_back()
    expect(dialog).to_have_count(0)
    expect(listed.nth(1)).to_be_focused()
    assert parameters(visit) == {"range": ["all"], "view": ["calls"]}
    visit.page.go_forward()
    expect(dialog).to_contain_text(HOSTILE)
    visit.page.reload()
    expect(dialog).to_contain_text(HOSTILE)
    visit.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    visit.page.wait_for_url(lambda url: "call=" not in url)
    listed.first.press("Enter")
    dialog.get_by_role("button", name="Close").press("Enter")
    expect(dialog).to_have_count(0)
    expect(listed.first).to_be_focused()
    visit.page.wait_for_url(lambda url: "call=" not in url)
    visit.page.goto(opened)
    expect(dialog).to_contain_text(HOSTILE)
    dialog.get_by_role("button", name="Close").click()
    expect(listed).to_have_count(len(CALLS))
    visit.page.wait_for_url(lambda url: "call=" not in url)
    visit.page.goto(opened.replace("call=c", "call=none"))
    expect(dialog.get_by_role("alert")).to_contain_text("none")
    visit.refused(404)


BACK_AND_FORTH = """() => new Promise((done) => {
  addEventListener("popstate", () => {
    addEventListener("popstate", () => setTimeout(() => done(), 500), { once: true });
    history.forward();
  }, { once: true });
  history.back();
})"""


def test_an_open_call_stays_when_back_and_forward_come_in_one_go(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "range=all&view=calls")
    visit.page.locator("table.calls tbody button").nth(1).click()
    dialog = visit.page.get_by_role("dialog")
    for _ in range(10):
        visit.page.evaluate(BACK_AND_FORTH)
        expect(dialog).to_contain_text(HOSTILE)
        expect(dialog).to_have_count(1)
        assert parameters(visit)["call"] == ["c"]


@pytest.mark.parametrize("pressed", ["#view-overview", "table.calls tbody tr:nth-child(3) button"])
def test_a_step_that_is_taken_while_a_call_closes_is_not_lost(open_page: OpenPage, shop: Site, pressed: str) -> None:
    visit = reports(open_page, shop, "range=all&view=calls")
    visit.page.locator("table.calls tbody button").nth(1).click()
    visit.page.locator("dialog.call").evaluate(PRESSED_AS_IT_CLOSES, pressed)
    visit.page.wait_for_timeout(500)
    if pressed == "#view-overview":
        expect(visit.page.locator(".tile")).to_have_count(6)
        assert parameters(visit) == {"range": ["all"]}
    else:
        expect(visit.page.get_by_role("dialog")).to_contain_text("google")
        assert parameters(visit)["call"] == ["b"]
    visit.page.go_back()
    expect(visit.page.get_by_role("dialog")).to_have_count(0)
    assert parameters(visit) == {"range": ["all"], "view": ["calls"]}


PRESSED_AS_IT_CLOSES = """(dialog, pressed) => {
  dialog.addEventListener("close", () => document.querySelector(pressed).click());
  dialog.querySelector("form button").click();
}"""


def test_to_press_twice_is_one_step(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.locator("#view-calls").dblclick()
    drawn(visit)
    expect(visit.page.locator("table.calls tbody tr")).to_have_count(len(CALLS))
    visit.page.go_back()
    expect(rows(visit)).to_have_count(3)


def test_calls_are_searched_by_number(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "range=all&view=calls")
    expect(visit.page.locator("table.calls tbody tr")).to_have_count(len(CALLS))
    visit.page.get_by_role("searchbox").fill("(305) 555")
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_text("No call has this")).to_be_visible()
    visit.page.get_by_role("searchbox").fill("305555")
    visit.page.get_by_role("search").get_by_role("button", name="Search").click()
    expect(visit.page.locator("table.calls tbody tr")).to_have_count(1)
    assert parameters(visit)["search"] == ["305555"]
    assert visit.fits
    heights = visit.page.locator("[role=search] > *").evaluate_all("all => all.map(found => found.offsetHeight)")
    assert heights == heights[:1] * 2
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="The calls behind it as CSV").click()
    assert [call.split(",")[0] for call in download.value.path().read_text().splitlines()] == ['"id"', '"d"']


def test_rows_are_said_to_be_the_first_only_where_there_can_be_others(
    open_page: OpenPage, shop: Site, size: str
) -> None:
    headers = {"Authorization": f"Bearer {shop.key}"}
    days = [f"2026-02-0{day}" for day in range(1, 8)]
    week = [{"id": f"{day} on a {size}", "started_at": f"{day}T12:00:00Z", "source": "week"} for day in days]
    path = f"{shop.server.address}/api/v1/calls"
    httpx2.post(path, json=week, headers=headers).raise_for_status()
    said = {}
    for query in ("group_by=day_of_week&limit=7", "group_by=date&limit=7", "group_by=day_of_week&limit=6"):
        visit = reports(open_page, shop, f"range=all&where[source]=week&{query}")
        said[query] = visit.page.locator(".report section > .hint").inner_text()
    for call in week:
        httpx2.delete(f"{path}/{call['id']}", headers=headers).raise_for_status()
    note = "; choose more above, or filter. The totals are of all calls."
    assert list(said.values()) == ["7 rows", f"The first 7 rows{note}", f"The first 6 rows{note}"]


def test_one_row_and_one_call_are_said_to_be_one(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, f"{BY_SOURCE}&where_null=source")
    expect(visit.page.locator(".report section > .hint")).to_have_text("1 row")
    expect(visit.page.locator("#reports > [role=status]")).to_have_text("1 row")
    visit.page.goto(f"{shop.server.address}/?{BY_SOURCE}&limit=1")
    expect(visit.page.locator(".report section > .hint")).to_contain_text("The first 1 row; choose")
    visit.page.goto(f"{shop.server.address}/?range=all&where_null=source&view=calls")
    expect(visit.page.locator(".more")).to_have_text("1 of 1 call shown")
    visit.page.goto(f"{shop.server.address}/?range=all&where_null=source")
    expect(visit.page.locator("#reports > [role=status]")).to_have_text("1 call")


# --- Choosing -------------------------------------------------------------------------------------------------------


def test_by_keyboard_a_dimension_is_added_and_a_column_sorted(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    second = visit.page.get_by_label("then by")
    second.focus()
    second.select_option("date")
    expect(visit.page.get_by_role("columnheader", name="Date")).to_be_visible()
    expect(visit.page.locator("#group-1")).to_be_focused()
    heading = visit.page.get_by_role("columnheader", name="Date").get_by_role("button")
    heading.focus()
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("th[aria-sort=descending]")).to_have_text("Date")
    expect(rows(visit).first).to_contain_text("2026-03-11")
    expect(heading).to_be_focused()


def test_metrics_are_ticked_without_the_menu_closing(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.locator("#metrics-name").click()
    visit.page.get_by_label("Total duration").check()
    expect(visit.page.get_by_role("columnheader", name="Total duration")).to_be_visible()
    visit.page.get_by_label("Qualified", exact=True).uncheck()
    expect(visit.page.get_by_role("columnheader", name="Qualified")).to_have_count(0)
    assert parameters(visit)["metrics"] == ["count,total_duration"]
    expect(rows(visit).filter(has_text=HOSTILE)).to_contain_text("1:01:01")


def test_a_report_is_sorted_by_something_that_it_shows(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, f"{BY_SOURCE}&sort_by=qualified_pct&sort_order=asc")
    sorted_by = visit.page.locator("th[aria-sort]")
    expect(sorted_by).to_have_text("Qualified")
    visit.page.locator("#metrics-name").click()
    visit.page.get_by_label("Qualified", exact=True).uncheck()
    expect(sorted_by).to_have_text("Calls")
    assert not {"sort_by", "sort_order"} & parameters(visit).keys()
    visit.page.get_by_label("Total duration").check()
    visit.page.get_by_label("Calls", exact=True).uncheck()
    expect(sorted_by).to_have_text("Total duration")


def test_the_order_by_a_dimension_stays_while_it_is_shown(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, f"{BY_SOURCE}&sort_by=source&sort_order=asc")
    sorted_by = visit.page.locator("th[aria-sort]")
    for second in ("date", "status", ""):
        visit.page.get_by_label("then by").first.select_option(second)
        expect(visit.page.locator("thead th")).to_have_count(4 if second else 3)
        expect(sorted_by).to_have_text("Source")
        expect(sorted_by).to_have_attribute("aria-sort", "ascending")
    visit.page.get_by_label("Group by").select_option("date")
    expect(sorted_by).to_have_text("Calls")
    assert "sort_order" not in parameters(visit)


def test_a_filter_is_found_by_typing_with_its_number_of_calls(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.locator("#add-filter-name").click()
    visit.page.locator("#add-filter").get_by_role("button", name="Source", exact=True).click()
    values = visit.page.get_by_role("list", name="Values of Source").get_by_role("button")
    expect(values).to_have_text(["google2", f"{HOSTILE}1", "(none)1"])
    visit.page.get_by_role("searchbox", name="Search Source").fill("ONERROR")
    expect(values).to_have_text([f"{HOSTILE}1"])
    values.first.click()
    expect(rows(visit)).to_have_count(1)
    assert parameters(visit)["where[source]"] == [HOSTILE]


def test_several_values_are_chosen_where_one_is_by_keyboard(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    adder, focused = visit.page.locator("#add-filter"), visit.page.locator(":focus")
    visit.page.locator("#add-filter-name").press("Enter")
    adder.get_by_role("button", name="Source", exact=True).press("Enter")
    adder.get_by_role("button", name="(none)").press("Enter")
    expect(rows(visit)).to_have_count(1)
    expect(focused).to_have_text("(none)1")
    expect(focused).to_have_attribute("aria-pressed", "true")
    search = visit.page.get_by_role("searchbox", name="Search Source")
    search.fill("goo")
    values = visit.page.get_by_role("list", name="Values of Source").get_by_role("button")
    expect(values).to_have_text(["google2"])
    values.first.press("Enter")
    expect(rows(visit)).to_have_count(2)
    expect(search).to_have_value("goo")
    expect(values).to_have_text(["google2"])
    expect(focused).to_have_text("google2")
    focused.press("Enter")
    expect(rows(visit)).to_have_count(1)
    expect(focused).to_have_attribute("aria-pressed", "false")
    search.fill("")
    expect(values).to_have_text(["google2", f"{HOSTILE}1", "(none)1"])
    search.press("Escape")
    expect(adder.locator("button")).to_have_count(0)
    visit.page.locator("#add-filter-name").press("Enter")
    expect(adder.get_by_role("button", name="Source", exact=True)).to_be_visible()


def test_what_is_typed_when_a_value_is_chosen_is_looked_for(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.locator("#add-filter-name").click()
    visit.page.locator("#add-filter").get_by_role("button", name="Source", exact=True).click()
    values = visit.page.get_by_role("list", name="Values of Source").get_by_role("button")
    expect(values).to_have_count(3)
    visit.page.evaluate(
        """() => {
          const search = document.getElementById("search-values");
          search.value = "onerror";
          search.dispatchEvent(new Event("input"));
          document.querySelector("#values button").click();
        }"""
    )
    expect(values).to_have_text([f"{HOSTILE}1"])
    visit.page.wait_for_timeout(500)  # longer than typing is waited for
    expect(values).to_have_text([f"{HOSTILE}1"])
    expect(visit.page.locator("#values")).not_to_have_attribute("aria-busy", "true")
    assert parameters(visit)["where[source]"] == ["google"]


def test_a_filter_that_is_a_number_is_asked_for(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.locator("#add-filter-name").click()
    visit.page.get_by_role("button", name="Shortest duration").click()
    visit.page.get_by_label("Calls that lasted at least").fill("60")
    visit.page.keyboard.press("Enter")
    expect(rows(visit)).to_have_count(1)
    expect(visit.page.get_by_role("button", name="Remove the filter Shortest duration: 0:01:00")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "typed", "sent"),
    [
        ("Shortest duration", "1e3", "1000"),
        ("Shortest duration", "60.0", "60"),
        ("Lowest AI score", "1e1", "10"),
        ("Lowest AI score", ".5", "0.5"),
        ("Lowest AI score", "1e-7", "0.0000001"),
    ],
)
def test_a_number_is_asked_for_in_digits_however_it_is_written(
    open_page: OpenPage, shop: Site, name: str, typed: str, sent: str
) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.locator("#add-filter-name").click()
    visit.page.get_by_role("button", name=name).click()
    field = visit.page.get_by_role("spinbutton")
    for refused in ("1e99", "-1", "1e", *(["1.5"] if name == "Shortest duration" else [])):
        field.press("ControlOrMeta+a")
        visit.page.keyboard.type(refused)
        visit.page.keyboard.press("Enter")
        assert field.evaluate("field => field.validationMessage") != ""
        assert not {"min_duration", "min_ai_score"} & parameters(visit).keys()
    field.press("ControlOrMeta+a")
    visit.page.keyboard.type(typed)
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url(f"**={sent}")
    drawn(visit)
    expect(visit.page.get_by_role("alert")).to_have_count(0)


def test_days_the_wrong_way_round_are_told_in_the_menu(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.locator("#dates-name").click()
    first, last = visit.page.get_by_label("From"), visit.page.get_by_label("To", exact=True)
    first.fill("2026-03-10")
    last.fill("2026-03-09")
    visit.page.get_by_role("button", name="Show these days").click()
    expect(last).to_be_focused()
    expect(last).to_have_js_property("validationMessage", "This is before the day in From.")
    expect(last).to_have_attribute("min", "2026-03-10")
    assert "start_date" not in parameters(visit)
    first.fill("2026-03-09")
    visit.page.keyboard.press("Enter")
    expect(rows(visit)).to_have_count(1)
    assert parameters(visit)["end_date"] == ["2026-03-09"]


def test_dates_are_chosen_in_words_and_as_days(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.locator("#dates-name").click()
    visit.page.get_by_label("From").fill("2026-03-10")
    visit.page.get_by_label("To", exact=True).fill("2026-03-10")
    visit.page.get_by_role("button", name="Show these days").click()
    expect(rows(visit)).to_have_count(1)
    expect(visit.page.locator("#dates-name")).to_contain_text("Mar 10, 2026")
    visit.page.locator("#dates-name").click()
    visit.page.get_by_role("link", name="Today").click()
    expect(visit.page.get_by_role("heading", name="No calls match")).to_be_visible()
    assert "start_date" not in parameters(visit)
    visit.page.get_by_role("link", name="Show all time").click()
    expect(rows(visit)).to_have_count(3)


def test_durations_and_filters_read_alike_on_the_page_and_where_it_is_shared(
    open_page: OpenPage, shop: Site, size: str
) -> None:
    headers = {"Authorization": f"Bearer {shop.key}"}
    address = f"{shop.server.address}/api/v1"
    call = {"id": f"endless-{size}", "started_at": "2026-03-09T14:05:00Z", "source": "endless"}
    httpx2.post(f"{address}/calls", json={**call, "duration_seconds": 10_000_000}, headers=headers).raise_for_status()
    query = "group_by=source&metrics=avg_duration&source=endless&min_duration=60"
    visit = reports(open_page, shop, f"range=all&{query}")
    expect(rows(visit)).to_contain_text("2,777:46:40")
    chips = visit.page.locator(".chips .chip > span:first-child").all_inner_texts()
    made = httpx2.post(f"{address}/shares", json={"request": f"range=all&{query}"}, headers=headers).json()["data"]
    visit.page.goto(f"{shop.server.address}/{made['path']}")
    expect(visit.page.locator("tbody tr")).to_contain_text("2,777:46:40")
    assert chips == ["Source: endless", "Shortest duration: 0:01:00"]
    for text in chips:
        expect(visit.page.get_by_text(text)).to_be_visible()
    httpx2.delete(f"{address}/calls/endless-{size}", headers=headers).raise_for_status()


def test_a_sum_larger_than_the_numbers_of_javascript_is_shown_to_its_last_digit(
    open_page: OpenPage, tmp_path: Path
) -> None:
    command = CommandLine(tmp_path / "data")
    business = command.run("business", "create", "Large", "--json").json()["id"]
    calls = tmp_path / "calls.csv"
    lines = (f"{n},2026-03-0{n % 2 + 1}T18:00:00Z,large,999999999999\n" for n in range(20_001))
    calls.write_text("id,started_at,source,value_cents\n" + "".join(lines))
    assert command.run("import", str(calls), "-b", business).code == 0
    key = command.run("key", "create", business, "--json").json()["key"]
    with serving(command.data) as server:
        site = Site(server, key)
        visit = reports(open_page, site, "range=all")
        expect(visit.page.locator(".tile strong").nth(4)).to_have_text("$200,009,999,999,799.99")
        assert len(points(visit, "Total value")) == 2
        for query in ("group_by=source", "group_by=date", "group_by=date,hour_of_day"):
            visit.page.goto(f"{server.address}/?range=all&metrics=total_value_cents&{query}")
            drawn(visit)
            expect(visit.page.locator("tfoot")).to_contain_text("$200,009,999,999,799.99")
            expect(visit.page.locator(".chart svg")).to_be_visible()
        expect(rows(visit)).to_contain_text(["$100,009,999,999,899.99", "$99,999,999,999,900"])
        visit.page.close()


# --- Taking away ----------------------------------------------------------------------------------------------------


def test_the_request_and_the_files_are_those_of_the_report(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, f"{BY_SOURCE}&where[source]=google")
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    stopped(visit)
    visit.page.locator("#copy-name").click()
    visit.page.get_by_role("button", name="As curl").click()
    expect(visit.page.get_by_role("button", name="Copied")).to_be_visible()
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    address = copied.split("'")[1]
    headers = {"Authorization": f"Bearer {shop.key}"}
    assert httpx2.get(address, headers=headers).json()["data"]["totals"] == {"count": 2, "qualified_pct": 50}
    assert shop.key not in copied
    visit.page.clock.run_for(1500)
    expect(visit.page.get_by_role("button", name="As curl")).to_be_visible()
    visit.page.get_by_role("button", name="As Python").click()
    expect(visit.page.get_by_role("button", name="Copied")).to_be_visible()
    compile(visit.page.evaluate("navigator.clipboard.readText()"), "copied", "exec")
    visit.page.clock.resume()
    visit.page.locator("#download-name").click()
    found = {}
    for name in ("Table as CSV", "Picture as PNG", "Picture as SVG"):
        with visit.page.expect_download() as download:
            visit.page.get_by_role("link", name=name).click()
        found[download.value.suggested_filename] = download.value.path().read_bytes()
        visit.page.locator("#download[open]").wait_for()
    assert found["calls-by-source.csv"].splitlines() == [b"source,count,qualified_pct", b"google,2,50"]
    assert found["calls-by-source.png"].startswith(b"\x89PNG")
    assert found["calls-by-source.svg"].startswith(b"<svg")


def test_what_a_spreadsheet_may_run_is_said_at_the_file_of_calls(open_page: OpenPage, shop: Site) -> None:
    for query in (BY_SOURCE, "range=all&view=calls"):
        visit = reports(open_page, shop, query)
        if query == BY_SOURCE:
            visit.page.locator("#download-name").click()
        file = visit.page.get_by_role("link", name="The calls behind it as CSV")
        expect(file).to_have_accessible_description(
            "Texts are as they came: a spreadsheet may run those that begin with =, +, - or @."
        )
        expect(visit.page.locator("#calls-file-hint")).to_be_visible()
        assert visit.fits


def test_what_a_browser_does_not_copy_is_shown(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.evaluate(REFUSING)
    visit.page.locator("#copy-name").click()
    visit.page.get_by_role("button", name="As curl").click()
    shown = visit.page.get_by_role("dialog", name="As curl")
    assert shown.get_by_role("textbox").input_value().startswith("curl -H ")
    shown.get_by_role("button", name="Close").click()
    visit.page.keyboard.press("Escape")
    visit.page.get_by_role("button", name="Share").click()
    sharing = visit.page.get_by_role("dialog", name="Share this report")
    sharing.get_by_label("Name").fill("Not copied")
    sharing.get_by_role("button", name="Make a link").click()
    sharing.get_by_role("button", name="Copy").click()
    expect(sharing.locator(".made")).to_contain_text("It is selected: copy it by keyboard.")
    expect(sharing.get_by_label("Link")).to_be_focused()
    sharing.get_by_role("button", name="Revoke Not copied").click()
    expect(sharing.locator(".made")).to_be_empty()


# --- States ---------------------------------------------------------------------------------------------------------


def test_without_calls_and_with_a_wrong_report(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, f"{BY_SOURCE}&where[source]=bing")
    expect(visit.page.get_by_role("heading", name="No calls match")).to_be_visible()
    visit.page.get_by_role("link", name="Remove the filters").click()
    expect(rows(visit)).to_have_count(3)
    visit.page.goto(f"{shop.server.address}/?group_by=source&limit=0")
    expect(visit.page.get_by_role("alert")).to_contain_text("limit: '0' is not a whole number")
    visit.refused(400)


@pytest.mark.parametrize("view", ["group_by=source", "view=calls", ""])
def test_a_range_that_is_none_is_told_as_other_errors_are(open_page: OpenPage, shop: Site, view: str) -> None:
    for wrong in ("foo", "toString"):
        visit = reports(open_page, shop, f"range={wrong}&{view}")
        expect(visit.page.get_by_role("alert")).to_contain_text(f"range: '{wrong}' is not allowed; it is 'today' or ")
        expect(visit.page.locator("#dates-name")).to_have_text("Choose dates")
        expect(visit.page.locator("#dates [aria-current]")).to_have_count(0)
    asked = {"name": "Foo", "request": f"group_by=source&range={wrong}"}
    headers = {"Authorization": f"Bearer {shop.key}"}
    answer = httpx2.post(f"{shop.server.address}/api/v1/reports", json=asked, headers=headers)
    message = answer.json()["error"]["message"].removeprefix("request: ")
    assert message in visit.page.get_by_role("alert").inner_text()
    visit.page.locator("#dates-name").click()
    visit.page.get_by_role("link", name="All time").click()
    expect(visit.page.get_by_role("alert")).to_have_count(0)
    expect(visit.page.locator(".answer table").first).to_be_attached()


@pytest.mark.parametrize(("status", "again"), [(400, 0), (403, 0), (429, 1), (500, 1), (503, 1)])
def test_to_try_again_is_offered_where_it_can_help(open_page: OpenPage, shop: Site, status: int, again: int) -> None:
    visit = signed_in(open_page, shop)
    body = json.dumps({"error": {"code": "told", "message": "It is told"}})
    visit.page.route("**/calls.chart.json*", lambda route: route.fulfill(status=status, body=body))
    visit.page.goto(f"{shop.server.address}/?{BY_SOURCE}")
    expect(visit.page.locator(".answer .empty h2")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Try again")).to_have_count(again)
    visit.refused(status)


def test_a_business_without_calls_is_told_how_they_come_in(open_page: OpenPage, tmp_path: Path) -> None:
    command = CommandLine(tmp_path / "data")
    name = f'O\'Brien "& Söhne" $HOME \\ `id` {"long " * 12}x'
    business = command.run("business", "create", name, "--json").json()["id"]
    key = command.run("key", "create", business, "--json").json()["key"]
    with serving(command.data) as server:
        visit = signed_in(open_page, Site(server, key))
        expect(visit.page.get_by_role("heading", name="No calls yet")).to_be_visible()
        assert visit.fits
        shown = visit.page.locator(".answer code").inner_text()
        visit.page.close()
    program, *words = shlex.split(shown)
    assert (program, words) == ("calltally", ["import", "calls.csv", "--business", name])
    calls = tmp_path / "calls.csv"
    calls.write_text("id,started_at\na,2026-03-09T14:05:00Z\n")
    assert command.run(*(str(calls) if word == calls.name else word for word in words)).code == 0


@contextmanager
def calls_of(shop: Site, source: str, number: int) -> Iterator[Callable[[], None]]:
    """The shop has so many more calls of a source, each with a term of its own, and gets one more with each request."""
    path, headers = f"{shop.server.address}/api/v1/calls", {"Authorization": f"Bearer {shop.key}"}
    facts = {"started_at": "2026-03-12T14:05:00Z", "source": source}
    ids = [f"{source} {n:02}" for n in range(number)]

    def send(new: list[str]) -> None:
        calls = [{"id": id_, "utm_term": id_, **facts} for id_ in new]
        httpx2.post(path, json=calls, headers=headers).raise_for_status()

    def one_more() -> None:
        ids.append(f"{source} {len(ids):02}")
        send(ids[-1:])

    send(ids)
    try:
        yield one_more
    finally:
        for id_ in ids:
            httpx2.delete(f"{path}/{id_}", headers=headers).raise_for_status()


def clocked(visit: Visit) -> None:
    """Open the page again with a clock that tests turn on; it has heard by now how the calls are."""
    visit.page.clock.install()
    visit.page.reload()
    expect(visit.page.locator(".answer tbody tr").first).to_be_visible()
    visit.settled()


def test_new_calls_are_shown_without_a_jump(open_page: OpenPage, shop: Site, size: str) -> None:
    with calls_of(shop, f"new on a {size}", 40) as one_more:
        visit = reports(open_page, shop, f"range=all&group_by=utm_term,source&where[source]=new on a {size}&limit=1000")
        clocked(visit)
        expect(rows(visit)).to_have_count(40)
        table, arrow = visit.page.locator(".report .wide"), rows(visit).last.get_by_role("link")
        arrow.focus()
        held = arrow.get_attribute("aria-label")
        place = "table => [table.closest('.report').offsetTop, table.scrollTop, table.scrollLeft]"
        before = table.evaluate(place)
        assert before[1] > 0
        one_more()
        visit.page.clock.run_for(16_000)
        expect(rows(visit)).to_have_count(41)
        assert table.evaluate(place) == before
        expect(visit.page.locator(":focus")).to_have_attribute("aria-label", str(held))


def test_a_list_that_is_being_opened_further_is_not_drawn_anew(open_page: OpenPage, shop: Site, size: str) -> None:
    with calls_of(shop, f"growing on a {size}", 60) as one_more:
        visit = reports(open_page, shop, f"range=all&view=calls&where[source]=growing on a {size}")
        clocked(visit)
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        visit.page.route("**/api/v1/calls?*cursor=*", hold)
        visit.page.get_by_role("button", name="Show more").click()
        one_more()
        visit.page.clock.run_for(16_000)
        expect(visit.page.locator(".news")).to_be_visible()
        held[0].continue_()
        expect(visit.page.locator("table.calls tbody tr")).to_have_count(60)


def test_a_list_that_was_opened_further_stays_and_tells_of_new_calls(
    open_page: OpenPage, shop: Site, size: str
) -> None:
    with calls_of(shop, f"listed on a {size}", 60) as one_more:
        visit = reports(open_page, shop, f"range=all&view=calls&where[source]=listed on a {size}")
        clocked(visit)
        listed, news = visit.page.locator("table.calls tbody tr"), visit.page.locator(".news")
        visit.page.get_by_role("button", name="Show more").press("Enter")
        expect(listed).to_have_count(60)
        expect(visit.page.locator(".wide")).to_be_focused()
        one_more()
        visit.page.clock.run_for(16_000)
        expect(news).to_have_text("There are new or changed calls.Show them")
        expect(visit.page.locator("#reports > [role=status]")).to_have_text("There are new or changed calls.")
        expect(listed).to_have_count(60)
        assert visit.fits
        news.get_by_role("button").press("Enter")
        expect(visit.page.locator(".more")).to_contain_text("50 of 61 calls shown")
        expect(news).to_be_hidden()
        expect(visit.page.locator("#answer")).to_be_focused()
        visit.settled()
        one_more()
        visit.page.clock.run_for(16_000)
        expect(visit.page.locator(".more")).to_contain_text("50 of 62 calls shown")


def test_what_is_being_typed_stays_when_new_calls_are_shown(open_page: OpenPage, shop: Site, size: str) -> None:
    with calls_of(shop, f"typing on a {size}", 2) as one_more:
        visit = reports(open_page, shop, f"range=all&view=calls&where[source]=typing on a {size}")
        clocked(visit)
        listed, search = visit.page.locator("table.calls tbody tr"), visit.page.locator("#search-calls")
        search.press_sequentially("305")
        one_more()
        visit.page.clock.run_for(16_000)
        expect(listed).to_have_count(3)
        expect(search).to_be_focused()
        search.press_sequentially("555")
        expect(search).to_have_value("305555")
        search.press("Enter")
        expect(listed).to_have_count(0)
        visit.page.go_back()
        expect(listed).to_have_count(3)
        expect(search).to_have_value("")


def test_by_keyboard_the_focus_stays_where_something_was_chosen(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    page, focused = visit.page, visit.page.locator(":focus")
    page.get_by_role("button", name="google", exact=True).press("Enter")
    expect(rows(visit)).to_have_count(1)
    expect(focused).to_have_text("google")
    page.get_by_role("button", name="Remove the filter Source: google").press("Enter")
    expect(rows(visit)).to_have_count(3)
    expect(page.locator("#add-filter-name")).to_be_focused()
    page.locator("#dates-name").press("Enter")
    page.get_by_role("link", name="This year").press("Enter")
    page.wait_for_url("**range=year*")
    drawn(visit)
    expect(page.locator("#dates-name")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("From").fill("2026-03-09")
    page.get_by_label("To", exact=True).fill("2026-03-09")
    page.get_by_label("To", exact=True).press("Enter")
    expect(rows(visit)).to_have_count(1)
    expect(page.locator("#dates-name")).to_be_focused()
    page.get_by_role("link", name="The calls of google").press("Enter")
    expect(page.locator("table.calls tbody tr")).to_have_count(2)
    expect(page.locator("#answer")).to_be_focused()
    page.go_back()
    expect(rows(visit)).to_have_count(1)
    expect(page.locator("#answer")).to_be_focused()


def test_a_wide_table_stays_at_the_column_that_it_is_sorted_by(open_page: OpenPage, shop: Site) -> None:
    visit = signed_in(open_page, shop)
    visit.page.set_viewport_size({"width": 390, "height": 844})  # a page that is open is drawn anew a moment later
    visit.page.goto(f"{shop.server.address}/?range=all&group_by=source&metrics={','.join(METRIC_NAMES)}")
    drawn(visit)
    last = visit.page.locator("thead button").last
    for key in ("Enter", "Space"):
        last.scroll_into_view_if_needed()
        last.press(key)
        expect(visit.page.locator("th[aria-sort]").last).to_have_text(last.inner_text())
        drawn(visit)
        expect(last).to_be_focused()
        expect(last).to_be_in_viewport()


def test_when_a_day_begins_the_dates_and_the_files_are_those_of_the_numbers(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.clock.install(time="2026-03-09T23:59:30Z")
    visit.page.goto(f"{shop.server.address}/?group_by=source&range=today")
    dates, file = visit.page.locator("#dates-name"), visit.page.locator("#download a").first
    expect(rows(visit)).to_contain_text("google")
    expect(dates).to_have_text("TodayMar 9, 2026")
    dates.click()
    visit.page.clock.run_for(60_000)
    expect(dates).to_have_text("TodayMar 9, 2026")
    visit.page.keyboard.press("Escape")
    visit.page.clock.run_for(16_000)
    expect(rows(visit)).to_contain_text(HOSTILE)
    expect(dates).to_have_text("TodayMar 10, 2026")
    expect(dates).to_be_focused()
    assert "start_date=2026-03-10" in str(file.get_attribute("href"))
