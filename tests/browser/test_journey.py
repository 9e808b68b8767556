"""Somebody new finds, by clicks, the best campaign of last month and its hours, and sends them to a colleague."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from playwright.sync_api import expect

from tests.api.conftest import REPORT, serving
from tests.browser.conftest import OpenPage, Site, Visit
from tests.browser.shop import drawn, parameters, signed_in
from tests.cli.conftest import CommandLine

# Campaign -> the hours of its qualified calls, and how many others it has.
CAMPAIGNS = {"spring": ((9, 9, 9, 17), 0), "autumn": ((10, 11), 9), "brand": ((8,), 20)}


def calls() -> Iterator[dict[str, object]]:
    """The calls of last month, and one of long ago that would change every answer."""
    last_month = (datetime.now(UTC).replace(day=1) - timedelta(days=1)).replace(day=9, hour=0, minute=0, second=0)
    for campaign, (hours, others) in CAMPAIGNS.items():
        for number, hour in enumerate([*hours, *([12] * others)]):
            yield {
                "id": f"{campaign}-{number}",
                "started_at": last_month.replace(hour=hour).isoformat(),
                "utm_campaign": campaign,
                "qualified": number < len(hours),
            }
    for number in range(50):
        yield {"id": f"old-{number}", "started_at": "2020-01-01T00:00:00Z", "utm_campaign": "brand", "qualified": True}


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with these calls."""
    folder = tmp_path_factory.mktemp("journey")
    command = CommandLine(folder / "data")
    business = command.run("business", "create", "Agency", "--json").json()["id"]
    file = folder / "calls.ndjson"
    file.write_text("".join(f"{json.dumps(call)}\n" for call in calls()))
    assert command.run("import", str(file), "-b", business).code == 0
    key = command.run("key", "create", business, "--json").json()["key"]
    with serving(command.data) as server:
        yield Site(server, key)


def cells(visit: Visit, table: str) -> list[list[str]]:
    """What the rows of a table say, without the ways to the calls."""
    return [
        [cell for cell in row.split("\t") if cell not in {"→", ""}]
        for row in visit.page.locator(table).all_inner_texts()
    ]


def test_the_best_campaign_and_its_hours_reach_a_colleague(open_page: OpenPage, agency: Site) -> None:
    visit = signed_in(open_page, agency)
    page = visit.page
    page.locator("#dates-name").click()
    page.get_by_role("link", name="Last month").click()
    drawn(visit)  # until then its links are those of the days before
    page.get_by_role("link", name="Campaigns").click()
    page.locator("#metrics-name").click()
    page.get_by_label("Qualified calls").check()
    page.get_by_role("columnheader", name="Qualified calls").get_by_role("button").click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Qualified calls")
    drawn(visit)
    assert parameters(visit)["range"] == ["last-month"]
    assert cells(visit, ".report tbody tr")[0][:2] == ["spring", "4"]
    page.locator(".report tbody").get_by_role("button", name="spring").click()
    page.get_by_label("Group by").select_option(label="Hour of day")
    expect(page.get_by_role("columnheader", name="Hour of day")).to_be_visible()
    drawn(visit)
    assert [row[:2] for row in cells(visit, ".report tbody tr")] == [["09:00", "3"], ["17:00", "1"]]
    page.locator(".saved").get_by_role("button", name="Share").click()
    page.get_by_role("dialog").get_by_role("button", name="Make a link").click()
    link = page.get_by_role("dialog").get_by_label("Link")
    expect(link).to_be_focused()

    address = link.input_value()
    colleague = open_page(address)
    page.keyboard.press("Escape")
    assert cells(colleague, "tbody tr, tfoot tr") == cells(visit, ".report tbody tr, .report tfoot tr")
    expect(colleague.page.get_by_role("img", name="Chart of")).to_be_visible()
    assert colleague.page.get_by_text("autumn").count() == 0
    token = address.rpartition("/")[2]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx2.get(f"{agency.server.address}{REPORT}?group_by=source", headers=headers).status_code == 401
