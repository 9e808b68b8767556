"""A shop whose name and calls try to be HTML, and what tests do on its page of reports."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from playwright.sync_api import Locator, expect

from tests.api.conftest import REPORT, serving
from tests.browser.conftest import OpenPage, Site, Visit
from tests.cli.conftest import CommandLine

__all__ = [
    "BY_SOURCE",
    "CALLS",
    "HOSTILE",
    "api",
    "drawn",
    "open_shop",
    "parameters",
    "reports",
    "rows",
    "signed_in",
    "stopped",
]

HOSTILE = "<img src=x onerror=alert(1)>"
BY_SOURCE = "range=all&group_by=source&metrics=count,qualified_pct"
CALLS = [
    {"id": "a", "started_at": "2026-03-09T14:05:00Z", "source": "google", "qualified": True, "utm_campaign": HOSTILE},
    {"id": "b", "started_at": "2026-03-09T15:05:00Z", "source": "google", "qualified": False, "value_cents": 125_000},
    {"id": "c", "started_at": "2026-03-10T14:05:00Z", "source": HOSTILE, "duration_seconds": 3661},
    {"id": "d", "started_at": "2026-03-11T14:05:00Z", "caller_number": "+13055551234"},
]


@contextmanager
def open_shop(folder: Path, *scopes: str) -> Iterator[Site]:
    """Its server, and a key that has these scopes."""
    command = CommandLine(folder / "data")
    business = command.run("business", "create", HOSTILE, "--json").json()["id"]
    calls = folder / "calls.ndjson"
    calls.write_text("".join(f"{json.dumps(call)}\n" for call in CALLS))
    assert command.run("import", str(calls), "-b", business).code == 0
    key = command.run("key", "create", business, *(f"--scope={scope}" for scope in scopes), "--json").json()["key"]
    with serving(command.data) as server:
        yield Site(server, key)


def signed_in(open_page: OpenPage, site: Site) -> Visit:
    """A browser that has signed in with the key."""
    visit = open_page(f"{site.server.address}/sign-in")
    visit.page.locator("input[name=key]").fill(site.key)
    visit.page.locator("form button").first.click()
    expect(visit.page.locator("#reports")).to_be_attached()
    drawn(visit)
    return visit


def drawn(visit: Visit) -> None:
    """Wait until the page shows what its address says."""
    expect(visit.page.locator(".answer:not([aria-busy]) > :not(.skeleton)")).to_be_visible()
    expect(visit.page.locator(".answer")).to_have_css("opacity", "1")


def stopped(visit: Visit) -> None:
    """Stop the clock of the page: what it shows for a moment stays until a test turns the clock on."""
    visit.page.clock.install()
    visit.page.clock.pause_at(visit.page.evaluate("Date.now()") / 1000 + 1)


def reports(open_page: OpenPage, site: Site, query: str) -> Visit:
    """The page, signed in, with the report of a query drawn."""
    visit = signed_in(open_page, site)
    visit.page.goto(f"{site.server.address}/?{query}")
    drawn(visit)
    return visit


def api(site: Site, query: str, path: str = REPORT) -> Any:
    """What the API answers."""
    headers = {"Authorization": f"Bearer {site.key}"}
    return httpx2.get(f"{site.server.address}{path}?{query}", headers=headers).raise_for_status().json()["data"]


def rows(visit: Visit) -> Locator:
    return visit.page.locator(".answer .report tbody tr")


def parameters(visit: Visit) -> dict[str, list[str]]:
    """What the address of the page says."""
    return parse_qs(urlsplit(visit.page.url).query)
