"""Pages in a browser whose scrollbars take room, as those of most desktops do."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import OpenPage, Site, launched
from tests.browser.shop import BY_SOURCE, drawn, open_shop, signed_in

ROOM = "innerWidth - document.documentElement.clientWidth"
QUIET_MILLISECONDS = 1000  # after which a page would have been drawn anew for another width


@pytest.fixture(scope="module")
def browser(browser: Browser) -> Iterator[Browser]:
    """A browser that shows scrollbars, as tests are not shown them otherwise."""
    opened = launched(browser.browser_type, ignore_default_args=["--hide-scrollbars"])
    yield opened
    opened.close()


@pytest.fixture
def size() -> str:
    """Scrollbars take room on desktops alone."""
    return "desktop"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The shop, and a key that may read."""
    with open_shop(tmp_path_factory.mktemp("scrollbars"), "read") as site:
        yield site


@pytest.mark.parametrize(("query", "charts"), [(BY_SOURCE, 1), ("range=all", 2)])
def test_a_page_that_gets_a_scrollbar_is_not_drawn_anew(
    open_page: OpenPage, shop: Site, query: str, charts: int
) -> None:
    visit = signed_in(open_page, shop)
    visit.page.set_viewport_size({"width": 1280, "height": 3000})
    visit.asked.clear()
    visit.page.goto(f"{shop.server.address}/?{query}")
    drawn(visit)
    for height in (3000, 400):
        visit.page.set_viewport_size({"width": 1280, "height": height})
        visit.page.wait_for_timeout(QUIET_MILLISECONDS)
        assert len([url for url in visit.asked if ".chart.json" in url]) == charts
    assert visit.page.evaluate(ROOM) > 0
    with visit.page.expect_request(lambda request: ".chart.json" in request.url):
        visit.page.set_viewport_size({"width": 900, "height": 400})
    visit.page.wait_for_timeout(QUIET_MILLISECONDS)
    assert len([url for url in visit.asked if ".chart.json" in url]) == 2 * charts


def test_a_list_of_calls_is_asked_for_once_in_any_width(open_page: OpenPage, shop: Site) -> None:
    visit = signed_in(open_page, shop)
    visit.page.goto(f"{shop.server.address}/?range=all&view=calls")
    drawn(visit)
    visit.asked.clear()
    visit.page.set_viewport_size({"width": 900, "height": 400})
    visit.page.wait_for_timeout(QUIET_MILLISECONDS)
    assert visit.asked == []
