"""`/docs` in a browser: it shows the API, and a report can be run from it, with a key and without the internet."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
from playwright.sync_api import Locator, expect

from calltally.api import openapi
from tests.api.conftest import REPORT
from tests.browser.conftest import OpenPage, Site, Visit

SUMMARIES = [
    operation["summary"]
    for item in openapi()["paths"].values()
    for method, operation in item.items()
    if method != "parameters"
]
PREFIX = "/tools/calls"


def docs(open_page: OpenPage, address: str) -> Visit:
    """The page, drawn."""
    visit = open_page(f"{address}/docs")
    expect(visit.page.get_by_role("heading", name="Run a report")).to_be_visible()
    return visit


def authorise(visit: Visit, key: str) -> None:
    visit.page.get_by_placeholder("Token").fill(key)


def run_a_report(visit: Visit) -> Locator:
    """The place where the answer is shown."""
    visit.page.get_by_role("button", name=f"Test Request (get {REPORT})").click()
    window = visit.page.get_by_role("dialog")
    window.get_by_role("button", name="Send get request to").click()
    return window.locator("[data-language=json]")


def answer(shown: Locator) -> Any:
    """The answer as it stands on the page."""
    expect(shown).to_contain_text("}")
    shown.scroll_into_view_if_needed()
    expect(shown).to_be_in_viewport()
    return json.loads(shown.inner_text())


def test_it_lists_every_operation_and_fits(open_page: OpenPage, site: Site) -> None:
    visit = docs(open_page, site.server.address)
    if visit.size == "phone":
        visit.page.get_by_role("button", name="Open Menu").click()
    for summary in SUMMARIES:
        expect(visit.page.get_by_role("link", name=summary).first).to_be_visible()
    assert visit.fits


def test_a_report_is_run_with_a_key(open_page: OpenPage, site: Site) -> None:
    visit = docs(open_page, site.server.address)
    authorise(visit, site.key)
    shown = answer(run_a_report(visit))
    headers = {"Authorization": f"Bearer {site.key}"}
    query = "group_by=source&metrics=count,qualified_pct"
    assert shown == httpx2.get(f"{site.server.address}{REPORT}?{query}", headers=headers).json()
    assert shown["data"]["count"] == 3
    assert visit.fits


def test_without_a_key_it_shows_the_refusal(open_page: OpenPage, site: Site) -> None:
    visit = docs(open_page, site.server.address)
    assert answer(run_a_report(visit))["error"]["message"] == "Invalid API key"
    visit.refused(401)


def test_the_key_is_forgotten(open_page: OpenPage, site: Site) -> None:
    visit = docs(open_page, site.server.address)
    authorise(visit, site.key)
    answer(run_a_report(visit))
    kept = visit.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert site.key not in kept
    visit.page.reload()
    expect(visit.page.get_by_placeholder("Token")).to_have_value("")


def test_behind_a_proxy_that_adds_a_prefix(open_page: OpenPage, site: Site) -> None:
    with proxy(site.server.address, refused="") as address:
        visit = docs(open_page, address)
        authorise(visit, site.key)
        assert answer(run_a_report(visit))["data"]["count"] == 3
        assert all(url.startswith(address) for url in visit.asked)


def test_a_server_that_cannot_answer(open_page: OpenPage, site: Site) -> None:
    with proxy(site.server.address, refused="/openapi.json") as address:
        visit = open_page(f"{address}/docs")
        expect(visit.page.get_by_text("The server does not answer at the moment")).to_be_visible()
        visit.refused(503)
        visit.page.close()  # before the proxy ends, which breaks off what the page still loads


@contextmanager
def proxy(to: str, *, refused: str) -> Iterator[str]:
    """The address below which a proxy gives what a server has, but for one path, which it refuses."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix(PREFIX)
            if path == self.path or path == refused:
                self.send_error(503)
                return
            passed = {name: value for name, value in self.headers.items() if name.lower() == "authorization"}
            found = httpx2.get(f"{to}{path}", headers={**passed, "Accept-Encoding": "identity"})
            self.send_response(found.status_code)
            for name, value in found.headers.items():
                if name not in {"date", "server", "connection"}:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
        finally:
            server.shutdown()
            thread.join()
