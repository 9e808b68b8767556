"""How soon the page of reports has painted what it shows, by the browser's own clock.

The page tells the browser when it has painted a report (`painted`, counted from the navigation or from the change that
asked for it). Before each time a call is written to the business, so that no answer can come from memory.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, BrowserContext, Page, StorageState, ViewportSize, sync_playwright

from benchmarks.client import connected
from benchmarks.commands import run, serving
from benchmarks.data import make_parquet
from benchmarks.figures import PageFigure, PagesFigures
from benchmarks.imports import BUSINESS, import_into
from benchmarks.measure import Best
from benchmarks.writing import writer

__all__ = ["measure_pages"]

# As people have it, if it is there: tests, which look at no clock, rather take the shell.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
SIZE: ViewportSize = {"width": 1280, "height": 800}
VEGA = "vega"
DAYS = {"start_date": "2025-11-01", "end_date": "2025-11-30"}
FILTER = {"where[source]": "google"}
# How long it took each time until all was painted, once it was so often.
PAINTED = """count => new Promise(resolve => {
    const look = () => {
        const found = performance.getEntriesByName('painted');
        if (found.length >= count) resolve(found.map(entry => entry.duration));
    };
    new PerformanceObserver(look).observe({type: 'measure', buffered: true});
})"""
# Going to another address of the page as the back button does, whatever the page offers to click.
CHANGE = "address => { history.pushState(null, '', address); dispatchEvent(new PopStateEvent('popstate')); }"
ASSETS = """performance.getEntriesByType('resource').filter(found => found.name.includes('/assets/'))
    .map(found => ({name: found.name, sent: found.transferSize, size: found.encodedBodySize}))"""

Plain = dict[str, Any]


@dataclass(frozen=True)
class _View:
    """Something that the page shows."""

    title: str
    parameters: dict[str, str]

    @property
    def address(self) -> str:
        """Its address, below that of the server."""
        return f"/?{urlencode(self.parameters)}"

    @property
    def filtered(self) -> str:
        """The address of the same with one more filter."""
        return f"/?{urlencode({**self.parameters, **FILTER})}"


VIEWS = (
    _View("Opening page, a month", DAYS),
    _View("Opening page, all calls", {"range": "all"}),
    _View("Campaigns of a month", {**DAYS, "group_by": "utm_campaign", "metrics": "count,qualified_pct"}),
    _View("Days of all calls", {"range": "all", "group_by": "date", "metrics": "count", "limit": "1000"}),
    _View(
        "Hours of the week, all calls",
        {"range": "all", "group_by": "day_of_week,hour_of_day", "metrics": "count", "limit": "168"},
    ),
)


def measure_pages(count: int, out: Path, scratch: Path, rounds: int, times: int) -> PagesFigures:
    """Each view of a business of so many calls: visited first, visited again, and with another filter.

    Raises:
        RuntimeError: a second visit asked for a script or a style again.
    """
    data = scratch / "pages"
    import_into(data, make_parquet(count, out), count)
    key = run(data, "key", "create", BUSINESS, "--scope", "read").printed["key"]
    best = Best()
    writing_key = run(data, "key", "create", BUSINESS, "--scope", "write").printed["key"]
    with serving(data) as server, _browser() as browser, connected(server, writing_key) as client:
        write = writer(client)
        address = f"http://{server.host}:{server.port}"
        signed_in = _signed_in(browser, address, key)
        for _ in range(rounds):
            for view in VIEWS:
                _visit(browser, signed_in, address, view, write, best, times)
        assets = _assets(browser, signed_in, address)
    own = sum(asset["size"] for asset in assets if VEGA not in asset["name"])
    vega = sum(asset["size"] for asset in assets if VEGA in asset["name"])
    return PagesFigures(count, tuple(_figure(view, best) for view in VIEWS), own / 1000, vega / 1000)


@contextmanager
def _browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise RuntimeError(f"pages are measured in a browser, one of {', '.join(BROWSERS)}; none is installed")
    unboxed = ["--no-sandbox"] if os.geteuid() == 0 else []  # root cannot have Chromium's sandbox
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found, args=unboxed)


def _signed_in(browser: Browser, address: str, key: str) -> StorageState:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/sign-in")
        page.locator("input[name=key]").fill(key)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/")
        _painted(page, 1)
        return context.storage_state()


def _visit(
    browser: Browser,
    signed_in: StorageState,
    address: str,
    view: _View,
    write: Callable[[], None],
    best: Best,
    times: int,
) -> None:
    first, again, filtered = [], [], []
    for _ in range(times):
        with browser.new_context(storage_state=signed_in, viewport=SIZE) as context:
            first.append(_opened(context, address + view.address, write))
            page = context.new_page()
            again.append(_gone_to(page, address + view.address, write))
            _check_kept(page)
            filtered.append(_changed(page, view.filtered, write))
    for what, found in (("first", first), ("again", again), ("filtered", filtered)):
        best.take(f"{view.title}: {what}", median(found))


def _opened(context: BrowserContext, address: str, write: Callable[[], None]) -> float:
    with context.new_page() as page:
        return _gone_to(page, address, write)


def _gone_to(page: Page, address: str, write: Callable[[], None]) -> float:
    """Milliseconds from the navigation until all is painted."""
    write()
    page.goto(address)
    return _painted(page, 1)


def _changed(page: Page, address: str, write: Callable[[], None]) -> float:
    """Milliseconds from the change until all is painted."""
    write()
    before = page.evaluate(PAINTED, 1)
    page.evaluate(CHANGE, address)
    return _painted(page, len(before) + 1)


def _painted(page: Page, count: int) -> float:
    milliseconds: list[float] = page.evaluate(PAINTED, count)
    return milliseconds[count - 1]


def _check_kept(page: Page) -> None:
    again = [asset["name"] for asset in page.evaluate(ASSETS) if asset["sent"]]
    if again:
        raise RuntimeError(f"a second visit asked again for {again}")


def _assets(browser: Browser, signed_in: StorageState, address: str) -> list[Plain]:
    """The scripts and styles of all views, each with its compressed size in bytes."""
    found: dict[str, Plain] = {}
    with browser.new_context(storage_state=signed_in) as context:
        for view in VIEWS:
            page = context.new_page()
            page.goto(address + view.address)
            _painted(page, 1)
            found |= {asset["name"]: asset for asset in page.evaluate(ASSETS)}
    return list(found.values())


def _figure(view: _View, best: Best) -> PageFigure:
    return PageFigure(
        view.title, view.address, *(best[f"{view.title}: {what}"] for what in ("first", "again", "filtered"))
    )
