"""What stands in windows of usual widths: nothing of a menu is outside of them, and nothing makes the page wider."""

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenPage, Site, Visit
from tests.browser.shop import drawn, open_shop, reports

WIDTHS = (320, 390, 768)  # pixels: a small phone, a usual one, a tablet
EVERYWHERE = (".bar > .menu", ".saved > .menu", "#dates", "#add-filter")
MENUS = {
    "": EVERYWHERE,
    "group_by=source,status": (*EVERYWHERE, "#copy", "#download", "#metrics"),
    "view=calls": EVERYWHERE,
}
SETTLED = "() => new Promise(done => setTimeout(() => requestAnimationFrame(() => setTimeout(done)), 50))"
OUTSIDE = """tiles => tiles.filter(tile => {
    const number = document.createRange();
    number.selectNodeContents(tile.querySelector("strong"));
    return number.getBoundingClientRect().right > tile.getBoundingClientRect().right - 8;
}).map(tile => tile.textContent)"""
CUT_OFF = """pictures => pictures.flatMap(picture => {
    const room = picture.getBoundingClientRect();
    return [...picture.querySelectorAll("text")].filter(text => {
        const { left, right, top, bottom, height } = text.getBoundingClientRect();
        return left < room.left || right > room.right || top < room.top - height / 5 || bottom > room.bottom;
    }).map(text => text.textContent);
})"""
LONG = "a" * 300
CHARTS = {
    "columns": "group_by=hour_of_day&metrics=avg_duration,count&sort_by=avg_duration",
    "heat map": "group_by=day_of_week,hour_of_day",
    "number": f"group_by=source&where[source]={LONG}",
    "overview": "",
}
EDGES = """found => {
    const { left, right } = found.getBoundingClientRect();
    return [left, right, innerWidth, document.documentElement.scrollWidth];
}"""


@pytest.fixture
def size() -> str:
    """One size to begin with: each test goes through the widths itself."""
    return "phone"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The shop, and a key that may do everything."""
    with open_shop(tmp_path_factory.mktemp("windows"), "admin") as site:
        yield site


def widened(visit: Visit, width: int) -> None:
    """Open the same page in a window of this width."""
    visit.resized(width, 844)
    visit.page.reload()
    drawn(visit)


def inside(visit: Visit, found: Locator, width: int) -> None:
    """Something is shown within the window from left to right, and the page is no wider than the window."""
    expect(found).to_be_visible()
    expect(found).not_to_contain_text("Asking …")
    visit.page.evaluate(SETTLED)
    left, right, window, page = found.evaluate(EDGES)
    assert window == width
    assert (left >= 0, right <= width, page <= width) == (True, True, True), (left, right, page)


@pytest.mark.parametrize("query", MENUS)
def test_every_menu_opens_within_the_window(open_page: OpenPage, shop: Site, query: str) -> None:
    visit = reports(open_page, shop, f"{query}&range=all")
    for width in WIDTHS:
        widened(visit, width)
        assert visit.page.locator("details.menu").count() == len(MENUS[query])
        for name in MENUS[query]:
            menu = visit.page.locator(name)
            menu.locator("> summary").click()
            inside(visit, menu.locator("> div"), width)
            if name == "#add-filter":  # what opens gets wider when it lists values
                menu.get_by_role("button", name="Source", exact=True).click()
                expect(menu.get_by_role("list", name="Values of Source").get_by_role("button").first).to_be_visible()
                inside(visit, menu.locator("> div"), width)
            visit.page.keyboard.press("Escape")
            expect(menu).not_to_have_attribute("open", "")


def test_an_open_menu_stays_within_a_window_that_gets_narrower(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "group_by=source,status&range=all")
    for name in ("dates", "metrics"):
        widened(visit, 768)
        visit.page.locator(f"#{name}-name").click()
        inside(visit, visit.page.locator(f"#{name} > div"), 768)
        visit.resized(320, 844)
        inside(visit, visit.page.locator(f"#{name} > div"), 320)
        visit.page.keyboard.press("Escape")


def test_all_that_the_menu_of_the_business_lists_begins_at_one_edge(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "range=all")
    visit.page.locator(".bar > .menu > summary").click()
    expect(visit.page.get_by_role("button", name="Sign out")).to_be_visible()
    edges = visit.page.locator(".bar > .menu > div :is(a, button)").evaluate_all(
        "all => all.map(found => found.getBoundingClientRect()).map(({ left, right }) => [left, right])"
    )
    assert len(edges) == 3
    assert edges == edges[:1] * 3


def test_a_large_number_stays_within_its_tile(open_page: OpenPage, shop: Site) -> None:
    headers = {"Authorization": f"Bearer {shop.key}"}
    large = [{"id": f"large-{n}", "started_at": "2026-03-09T14:05:00Z", "value_cents": 10**12} for n in range(102)]
    httpx2.post(f"{shop.server.address}/api/v1/calls", json=large, headers=headers).raise_for_status()
    visit = reports(open_page, shop, "range=all")
    for width in (*WIDTHS, 1440):
        widened(visit, width)
        expect(visit.page.locator(".tile strong").nth(4)).to_have_text("$1,020,000,001,250")
        assert visit.page.locator(".tile").evaluate_all(OUTSIDE) == [], width


def test_all_days_of_the_week_are_drawn_on_a_phone(open_page: OpenPage, shop: Site) -> None:
    visit = reports(open_page, shop, "range=all")
    for width in (320, 390):
        widened(visit, width)
        week = visit.page.locator(".panel", has=visit.page.get_by_role("heading", name="Hours of the week"))
        for day in ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"):
            expect(week.locator(f".chart .mark-rect path[aria-label^='{day}, ']")).to_have_count(24)
            expect(week.locator(".chart svg").get_by_text(day, exact=True)).to_be_visible()


def test_a_long_text_of_a_call_is_broken_so_that_all_of_it_can_be_read(open_page: OpenPage, shop: Site) -> None:
    headers = {"Authorization": f"Bearer {shop.key}"}
    long = {"id": "broken", "started_at": "2026-03-09T14:05:00Z", "source": LONG, "utm_campaign": "word " * 60}
    httpx2.post(f"{shop.server.address}/api/v1/calls", json=long, headers=headers).raise_for_status()
    visit = reports(open_page, shop, f"view=calls&range=all&where[source]={LONG}")
    for width in (*WIDTHS, 1280):
        widened(visit, width)
        text = visit.page.locator("table.calls td", has_text=LONG).first
        left, right, window, page = text.evaluate(EDGES)
        assert right - left <= min(width, 400), width
        assert page <= window
        assert text.evaluate("cell => cell.scrollWidth <= cell.clientWidth")
        date = visit.page.locator("table.calls tbody th button").first
        assert date.evaluate("found => found.getClientRects().length") == 1


@pytest.mark.parametrize("query", CHARTS.values(), ids=CHARTS)
def test_no_text_of_a_chart_is_cut_off(open_page: OpenPage, shop: Site, query: str) -> None:
    headers = {"Authorization": f"Bearer {shop.key}"}
    long = {"id": "long", "started_at": "2026-03-09T14:05:00Z", "source": LONG}
    httpx2.post(f"{shop.server.address}/api/v1/calls", json=long, headers=headers).raise_for_status()
    visit = reports(open_page, shop, f"{query}&range=all")
    for width in (*WIDTHS, 1280):
        widened(visit, width)
        assert visit.page.locator(".chart svg").evaluate_all(CUT_OFF) == [], width
