"""A real browser, headless, on a real server: what it asks for and complains about is written down and checked."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserType, ConsoleMessage, Page, Request, Response, expect, sync_playwright

from tests.api.conftest import Server, serving
from tests.cli.conftest import CommandLine

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
MISSING = f"This test needs a browser, one of {', '.join(BROWSERS)}; on Debian: apt-get install chromium-headless-shell"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
COMPLAINTS = {"error", "warning"}
LONGEST = 30  # seconds: a busy machine draws and answers slowly

expect.set_options(timeout=LONGEST * 1000)  # milliseconds


@dataclass(frozen=True)
class Site:
    """A server with the calls of one business, and a key of it."""

    server: Server
    key: str


@dataclass
class Visit:
    """A page that is open, at one size of window, with what it asked for and complained about so far."""

    page: Page
    size: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    under_way: set[Request] = field(default_factory=set)  # what scripts of the page ask for

    @property
    def elsewhere(self) -> set[str]:
        """The hosts, other than that of the page itself, that were asked for something."""
        hosts = {urlsplit(url).netloc for url in self.asked if urlsplit(url).scheme not in {"data", "blob"}}
        return hosts - {urlsplit(self.page.url).netloc}

    @property
    def fits(self) -> bool:
        """Whether nothing of the page is wider than the window, once its styles are there."""
        self.page.wait_for_load_state()
        wide: int = self.page.evaluate("document.documentElement.scrollWidth")
        return wide <= SIZES[self.size][0]

    def resized(self, width: int, height: int) -> None:
        """Give the window another size, and wait until the page has it."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_function("size => String([innerWidth, innerHeight]) === size", arg=f"{width},{height}")

    def refused(self, status: int) -> None:
        """Forget the complaints, all of which are about answers with this status."""
        self.complained(f"the server responded with a status of {status} ")

    def complained(self, said: str) -> None:
        """Forget the complaints, all of which say this, once nothing is under way that can bring more of them."""
        self.settled()
        assert self.complaints
        assert [complaint for complaint in self.complaints if said not in complaint] == []
        self.complaints.clear()

    def settled(self) -> None:
        """Wait until all that scripts asked for is answered: of some answers the page shows nothing."""
        latest = time.monotonic() + LONGEST
        while self.under_way:
            assert time.monotonic() < latest, [request.url for request in self.under_way]
            self.page.wait_for_timeout(10)


OpenPage = Callable[[str], Visit]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A browser for the tests of this folder. It has to end with them: until then no other event loop can run."""
    with sync_playwright() as playwright:
        opened = launched(playwright.chromium)
        yield opened
        opened.close()


def launched(kind: BrowserType, **options: Any) -> Browser:
    """The browser of this machine, started with these options."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.fail(MISSING)
    unboxed = ["--no-sandbox"] if os.geteuid() == 0 else []  # root cannot have Chromium's sandbox
    return kind.launch(executable_path=found, args=unboxed, **options)


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    """Each size of window in turn."""
    name: str = request.param
    return name


@pytest.fixture
def open_page(browser: Browser, size: str) -> Iterator[OpenPage]:
    """Opens addresses. At the end of the test, nothing came from another host and there are no complaints."""
    visits: list[Visit] = []

    def visit(address: str) -> Visit:
        width, height = SIZES[size]
        page = browser.new_page(viewport={"width": width, "height": height}, has_touch=size == "phone")
        visits.append(opened := Visit(page, size))
        _write_down(opened)
        page.goto(address)
        return opened

    yield visit
    for opened in visits:
        elsewhere = opened.elsewhere
        opened.page.close()
        assert (elsewhere, opened.complaints) == (set(), [])


def _write_down(visit: Visit) -> None:
    def asks(request: Request) -> None:
        visit.asked.append(request.url)
        if request.resource_type == "fetch":
            visit.under_way.add(request)

    def ends(request: Request) -> None:
        visit.under_way.discard(request)

    def goes(response: Response) -> None:
        if response.request.is_navigation_request():
            visit.under_way.clear()  # with another page nobody waits for it any more

    def complains(message: ConsoleMessage) -> None:
        if message.type in COMPLAINTS:
            visit.complaints.append(message.text)

    def fails(error: Exception) -> None:
        visit.complaints.append(str(error))

    visit.page.on("request", asks)
    visit.page.on("requestfinished", ends)
    visit.page.on("requestfailed", ends)
    visit.page.on("response", goes)
    visit.page.on("console", complains)
    visit.page.on("pageerror", fails)


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running server with a business that has four calls."""
    folder = tmp_path_factory.mktemp("site")
    command = CommandLine(folder / "data")
    business = command.run("business", "create", "Acme", "--json").json()["id"]
    calls = folder / "calls.ndjson"
    calls.write_text("".join(f"{json.dumps(call)}\n" for call in CALLS))
    assert command.run("import", str(calls), "-b", business).code == 0
    key = command.run("key", "create", business, "--json").json()["key"]
    with serving(command.data) as server:
        yield Site(server, key)


CALLS = [
    {"id": "a", "started_at": "2026-03-09T14:05:00Z", "source": "google", "qualified": True, "ai_score": 80},
    {"id": "b", "started_at": "2026-03-09T15:05:00Z", "source": "google", "qualified": False},
    {"id": "c", "started_at": "2026-03-10T14:05:00Z", "source": "münchen 🚀", "qualified": True},
    {"id": "d", "started_at": "2026-03-11T14:05:00Z"},
]
