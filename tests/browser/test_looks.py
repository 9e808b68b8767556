"""How pages look and can be used: no fault that axe finds, in both themes, by keyboard alone, on paper; and pictures.

A picture of each page is left in `pictures/`, for people to look at.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FloatRect, Locator, expect

from tests.browser.conftest import OpenPage, Site, Visit
from tests.browser.shop import BY_SOURCE, HOSTILE, drawn, open_shop, parameters, reports, rows
from tests.strategies import METRIC_NAMES

PICTURES = Path(__file__).parents[2] / "pictures"
PAGES = {
    "overview": "?range=all",
    "bars": f"?{BY_SOURCE}",
    "lines": "?range=all&group_by=date,source&metrics=count,total_value_cents,avg_duration&sort_by=date",
    "heat-map": "?range=all&group_by=day_of_week,hour_of_day",
    "calls": "?range=all&view=calls",
    "nothing": f"?{BY_SOURCE}&where[source]=bing",
}
SERIOUS = {"serious", "critical"}
MOST_STEPS = 120
MOVING = """[...document.querySelectorAll('*')].map(found => getComputedStyle(found)).filter(style =>
    parseFloat(style.transitionDuration) > 0 || style.animationName !== 'none').length"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The shop, and a key that may read."""
    with open_shop(tmp_path_factory.mktemp("looks"), "read") as site:
        yield site


def faults(visit: Visit) -> list[str]:
    """What axe finds that keeps people out."""
    found = Axe().run(visit.page).response["violations"]
    serious = [fault for fault in found if fault["impact"] in SERIOUS]
    return [f"{fault['id']}: {node['html'][:200]}" for fault in serious for node in fault["nodes"]]


def picture(visit: Visit, name: str, theme: str) -> None:
    """Leave a picture of the whole page."""
    PICTURES.mkdir(exist_ok=True)
    visit.page.screenshot(path=PICTURES / f"{name}-{visit.size}-{theme}.png", full_page=True)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_serious_fault_and_fits_in_both_themes(open_page: OpenPage, shop: Site, name: str) -> None:
    visit = reports(open_page, shop, PAGES[name][1:])
    for theme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=theme)
        visit.page.reload()
        drawn(visit)
        picture(visit, name, theme)
        assert faults(visit) == []
        assert visit.fits


def test_menus_and_dialogs_have_no_serious_fault(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    for menu in ("dates", "metrics", "copy", "download"):
        visit.page.locator(f"#{menu}-name").click()
        assert faults(visit) == []
        picture(visit, f"menu-{menu}", "light")
        visit.page.keyboard.press("Escape")
        expect(visit.page.locator(f"#{menu}-name")).to_be_focused()
    visit.page.locator("#add-filter-name").click()
    assert faults(visit) == []
    visit.page.locator("#add-filter").get_by_role("button", name="Source", exact=True).click()
    expect(visit.page.get_by_role("list", name="Values of Source").get_by_role("button").first).to_be_visible()
    assert faults(visit) == []
    picture(visit, "menu-values", "light")
    visit.page.goto(f"{shop.server.address}/{PAGES['calls']}")
    visit.page.locator("table.calls tbody button").first.click()
    expect(visit.page.get_by_role("dialog")).to_be_visible()
    assert faults(visit) == []
    picture(visit, "call", "light")


def test_the_sign_in_page_has_no_serious_fault(open_page: OpenPage, shop: Site) -> None:
    visit = open_page(f"{shop.server.address}/sign-in")
    for theme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=theme)
        picture(visit, "sign-in", theme)
        assert faults(visit) == []


def test_a_shared_report_has_no_serious_fault(open_page: OpenPage, shop: Site) -> None:
    headers = {"Authorization": f"Bearer {shop.key}"}
    asked = {"request": BY_SOURCE, "name": "Sources"}
    answer = httpx2.post(f"{shop.server.address}/api/v1/shares", json=asked, headers=headers)
    visit = open_page(f"{shop.server.address}/{answer.json()['data']['path']}")
    for theme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=theme)
        visit.page.reload()
        picture(visit, "shared", theme)
        assert faults(visit) == []
        assert visit.fits


ON_ONE_COLUMN = """() => {
  const parts = ["figure", "svg", "section", "tbody tr:last-child", "tfoot tr"];
  const found = parts.map((part) => document.querySelector(`.report ${part}`)?.getBoundingClientRect());
  if (found.includes(undefined)) return false;
  const [figure, drawing, numbers, last, totals] = found;
  return drawing.width >= 0.9 * figure.width && figure.width === numbers.width && figure.width >= 0.9 * 794
    && numbers.y >= figure.bottom && totals.y >= last.bottom;
}"""


def box(found: Locator) -> FloatRect:
    """Where something stands."""
    standing = found.bounding_box()
    assert standing
    return standing


def reached(visit: Visit, wanted: Locator) -> Locator:
    """Something, once the Tab key has led to it."""
    for _ in range(MOST_STEPS):
        if wanted.evaluate("found => found === document.activeElement"):
            return wanted
        visit.page.keyboard.press("Tab")
    pytest.fail(f"the Tab key does not lead to {wanted}")


def test_by_keyboard_alone_a_report_is_built_and_narrowed(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "range=all")
    page, press = visit.page, visit.page.keyboard.press
    press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    reached(visit, page.get_by_role("link", name="Report", exact=True))
    press("Enter")
    expect(rows(visit)).to_have_count(3)
    reached(visit, page.get_by_label("then by"))
    page.keyboard.type("Status")
    expect(page.get_by_role("columnheader", name="Status")).to_be_visible()
    reached(visit, page.locator("#metrics-name"))
    press("Enter")
    reached(visit, page.get_by_label("Qualified calls"))
    press("Space")
    expect(page.get_by_role("columnheader", name="Qualified calls")).to_be_visible()
    press("Escape")
    reached(visit, page.locator("#sort-qualified_count"))
    press("Enter")
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Qualified calls")
    reached(visit, rows(visit).get_by_role("button", name="google"))
    press("Enter")
    expect(rows(visit)).to_have_count(1)
    shown = parameters(visit)
    assert (shown["group_by"], shown["metrics"], shown["sort_by"]) == (
        ["source,status"],
        ["count,qualified_count"],
        ["qualified_count"],
    )


def test_on_paper_there_are_numbers_and_no_controls(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.emulate_media(media="print")
    for control in ("#dates", "#copy", "#add-filter", ".views", ".controls", ".bar"):
        expect(visit.page.locator(control)).to_be_hidden()
    expect(rows(visit).first).to_be_visible()
    expect(visit.page.locator(".chart svg")).to_be_visible()
    picture(visit, "print", "light")


def test_on_paper_a_report_has_its_title_and_one_column_and_its_totals_last(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, f"{BY_SOURCE}&where[status]=completed&where_null=status")
    visit.page.emulate_media(media="print")
    visit.resized(794, 1123)  # A4; the chart was drawn for another width
    expect(visit.page.get_by_role("heading", name=f"Reports of {HOSTILE}")).to_have_css("position", "static")
    expect(visit.page.locator(".on-paper p")).to_have_text(["Calls, Qualified by Source", "All days"])
    expect(visit.page.locator(".chip").first).to_be_visible()
    visit.page.wait_for_function(ON_ONE_COLUMN)  # in time: the chart is drawn anew for the width
    for part in ("thead th", "tfoot td"):
        expect(visit.page.locator(f".report {part}").first).to_have_css("position", "static")
    expect(visit.page.locator(".report tfoot")).to_have_css("display", "table-row-group")  # not one on each page


@pytest.mark.parametrize("query", ["group_by=status", "group_by=source,utm_campaign,status", "view=calls"])
def test_on_paper_no_column_is_lost(open_page: OpenPage, shop: Site, query: str) -> None:
    metrics = "" if "view" in query else f"&metrics={','.join(METRIC_NAMES)}"
    visit = reports(open_page, shop, f"range=all&{query}{metrics}")
    visit.page.emulate_media(media="print")
    for width in (718, 794):  # A4 within the margins that browsers leave, and all of it
        visit.resized(width, 1123)
        hidden = visit.page.locator(".wide").evaluate("box => box.scrollWidth - box.clientWidth")
        assert hidden == 0, width
    picture(visit, f"print-{query.replace('=', '-').replace(',', '-')}", "light")


def test_nothing_moves_for_those_who_want_that(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, BY_SOURCE)
    visit.page.emulate_media(reduced_motion="reduce")
    assert visit.page.evaluate(MOVING) == 0
