"""Signing in, switching and signing out in a browser, by mouse and by keyboard alone."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.api.conftest import Server, serving
from tests.browser.conftest import OpenPage, Visit
from tests.browser.shop import drawn, stopped
from tests.cli.conftest import CommandLine

NAMES = ("Acme Plumbing", "Müller & Söhne Heizung Sanitär Klima Elektro und Notdienst", "<img src=x onerror=alert(1)>")

Link = Callable[[str], str]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command line on a folder with businesses of these names."""
    made = CommandLine(tmp_path_factory.mktemp("signing") / "data")
    for name in NAMES:
        assert made.run("business", "create", name).code == 0
    return made


@pytest.fixture(scope="module")
def server(command: CommandLine) -> Iterator[Server]:
    with serving(command.data) as running:
        yield running


@pytest.fixture
def link(command: CommandLine, server: Server) -> Link:
    """Makes a one-time link to a business."""

    def make(name: str) -> str:
        made: str = command.run("open", name, "--json").json()["link"]
        return made

    return make


def key_of(command: CommandLine, name: str) -> tuple[str, str]:
    """Id and secret of a new key of a business."""
    made = command.run("key", "create", name, "--json").json()
    return made["id"], made["key"]


def by_link(open_page: OpenPage, link: Link, name: str) -> Visit:
    """A page that is signed in to a business."""
    visit = open_page(link(name))
    expect(visit.page.get_by_role("heading", name=name)).to_be_visible()
    visit.page.get_by_role("button", name="Open the reports").click()
    expect(visit.page.locator(".bar summary")).to_have_text(name)
    drawn(visit)  # what it still asked would be refused once it is signed out
    visit.page.wait_for_load_state()  # until then nothing listens to keys
    return visit


def open_menu(visit: Visit, name: str) -> None:
    visit.page.locator(".bar summary").filter(has_text=name).click()


def test_with_a_key_and_back_to_where_one_wanted_to_go(
    open_page: OpenPage, command: CommandLine, server: Server
) -> None:
    key_id, key = key_of(command, NAMES[0])
    visit = open_page(f"{server.address}/?group_by=source")
    expect(visit.page).to_have_title("Sign in · Calltally")
    assert visit.fits
    field = visit.page.get_by_label("Key")
    expect(field).to_be_focused()
    field.fill("cs_key_wrong")
    field.press("Enter")
    expect(visit.page.get_by_role("alert")).to_contain_text("There is no such key, or it was revoked")
    expect(field).to_have_accessible_description(re.compile("There is no such key"))
    assert visit.fits
    visit.refused(401)
    field.fill(key)
    field.press("Enter")
    expect(visit.page).to_have_url(f"{server.address}/?group_by=source")
    assert all(key not in url for url in visit.asked)
    assert visit.page.evaluate("document.cookie") == ""
    visit.page.reload()
    expect(visit.page).to_have_url(f"{server.address}/?group_by=source")
    visit.page.goto("about:blank")  # what the page still asks would be refused with the key
    command.run("key", "revoke", key_id)
    visit.page.goto(server.address)
    expect(visit.page).to_have_title("Sign in · Calltally")


def test_a_link_works_once_and_says_so_kindly(open_page: OpenPage, link: Link) -> None:
    address = link(NAMES[0])
    visit = open_page(address)
    visit.page.reload()
    assert visit.fits
    visit.page.get_by_role("button", name="Open the reports").press("Enter")
    expect(visit.page.locator(".bar summary")).to_have_text(NAMES[0])
    visit.page.goto(address)
    expect(visit.page.get_by_role("heading", name="Not here any more")).to_be_visible()
    expect(visit.page.get_by_text("This link was used already")).to_be_visible()
    assert visit.fits
    visit.refused(404)
    visit.page.get_by_role("link", name="Go to the reports").click()
    expect(visit.page.locator(".bar summary")).to_have_text(NAMES[0])


def test_businesses_are_switched_between_by_menu(open_page: OpenPage, command: CommandLine, link: Link) -> None:
    visit = by_link(open_page, link, NAMES[0])
    for name in NAMES[1:]:
        visit.page.goto(visit.page.url)
        visit.page.locator(".bar summary").click()
        visit.page.get_by_role("link", name="Add a business").click()
        expect(visit.page.get_by_text("You are signed in to")).to_contain_text(NAMES[0])
        visit.page.get_by_label("Key").fill(key_of(command, name)[1])
        visit.page.get_by_role("button", name="Add this business").click()
        expect(visit.page.locator(".bar summary")).to_have_text(name)
        assert visit.fits
    open_menu(visit, NAMES[2])
    assert visit.fits
    visit.page.get_by_role("button", name=NAMES[1]).click()
    expect(visit.page.locator(".bar summary")).to_have_text(NAMES[1])
    told = visit.page.evaluate("fetch('api/v1/session').then((answer) => answer.json())")
    assert told["data"]["business"]["name"] == NAMES[1]
    assert [other["name"] for other in told["data"]["other_businesses"]] == [NAMES[2], NAMES[0]]


def another_window(visit: Visit, path: str) -> Page:
    """Another window of the same browser."""
    with visit.page.expect_popup() as opened:
        visit.page.evaluate("path => { open(path); }", path)
    return opened.value


def add_in_another_window(visit: Visit, key: str) -> Page:
    """Another window of the same browser, in which the business of this key was added."""
    other = another_window(visit, "/sign-in")
    other.get_by_label("Key").fill(key)
    other.get_by_role("button", name="Add this business").click()
    expect(other.locator("#reports")).to_be_attached()
    other.wait_for_load_state()  # until then forms have the token that they were made with
    return other


def imported(command: CommandLine, folder: Path, name: str, number: int, source: str) -> None:
    """Give a business so many calls of a source."""
    calls = folder / f"{source}.csv"
    lines = [f"{source}-{n},2026-03-09T14:05:00Z,{source}\n" for n in range(number)]
    calls.write_text("id,started_at,source\n" + "".join(lines))
    assert command.run("import", str(calls), "--business", name).code == 0


def test_a_window_keeps_its_business_while_another_one_shows_another(
    open_page: OpenPage, command: CommandLine, server: Server, link: Link, tmp_path: Path
) -> None:
    imported(command, tmp_path, NAMES[0], 1, "plumbing")
    imported(command, tmp_path, NAMES[1], 2, "heating")
    visit = by_link(open_page, link, NAMES[0])
    page, size = visit.page, visit.size
    page.goto(f"{server.address}/?range=all&group_by=source")
    drawn(visit)
    other = add_in_another_window(visit, key_of(command, NAMES[1])[1])
    page.get_by_role("link", name="Overview").click()
    expect(page.locator(".tile strong").first).to_have_text("1")
    page.get_by_role("link", name="Calls", exact=True).click()
    expect(page.locator("table.calls")).to_contain_text("plumbing")
    with page.expect_download() as download:
        page.get_by_role("link", name="The calls behind it as CSV").click()
    assert b"plumbing" in download.value.path().read_bytes()
    page.get_by_role("link", name="Report", exact=True).click()
    page.locator("#group-0").select_option("source")
    expect(page.locator(".report tbody tr")).to_have_text(re.compile("plumbing"))
    page.locator("#download-name").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Table as CSV").click()
    assert download.value.path().read_bytes().splitlines() == [b"source,count", b"plumbing,1"]
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("dialog").get_by_label("Name").fill(f"On a {size}")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Saved as On a {size}")).to_be_visible()
    visit.refused(403)  # the token of the session is another one now, which the page asks for
    expect(page.locator(".bar summary")).to_have_text(NAMES[0])
    other.goto(f"{server.address}/?range=all")
    expect(other.locator(".tile strong").first).to_have_text("2")
    other.get_by_text("Saved reports").click()
    expect(other.get_by_text("No report is saved yet.")).to_be_visible()


@pytest.mark.parametrize("pressed", ["Sign out", NAMES[0]])
def test_the_menu_of_an_older_window_works_after_a_business_was_added(
    open_page: OpenPage, command: CommandLine, link: Link, pressed: str
) -> None:
    visit = by_link(open_page, link, NAMES[0])
    page = add_in_another_window(visit, key_of(command, NAMES[2])[1])
    add_in_another_window(visit, key_of(command, NAMES[1])[1])
    page.locator(".bar summary").click()
    page.get_by_role("button", name=pressed).click()
    if pressed == "Sign out":
        expect(page).to_have_title("Sign in · Calltally")
    else:
        expect(page.locator(".bar summary")).to_have_text(NAMES[0])


def test_a_link_that_is_clicked_twice_is_used_once(open_page: OpenPage, link: Link) -> None:
    visit = open_page(link(NAMES[0]))
    sent: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route)
        else:
            route.fallback()

    stopped(visit)  # so that the second click is soon after the first one, however slow the machine is
    visit.page.route("**", hold)
    visit.page.get_by_role("button", name="Open the reports").hover()
    for click in (1, 2):
        visit.page.mouse.down(click_count=click)
        visit.page.mouse.up(click_count=click)
        visit.page.wait_for_timeout(100)
    [first] = sent
    first.continue_()
    expect(visit.page.locator(".bar summary")).to_have_text(NAMES[0])
    assert len(sent) == 1


def test_a_window_whose_business_is_signed_out_shows_one_that_is_not(
    open_page: OpenPage, command: CommandLine, link: Link
) -> None:
    visit = by_link(open_page, link, NAMES[0])
    other = another_window(visit, "/")
    other.locator(".bar summary").click()
    other.get_by_role("button", name="Sign out").click()
    other.get_by_label("Key").fill(key_of(command, NAMES[1])[1])
    other.keyboard.press("Enter")
    expect(other.locator("#reports")).to_be_attached()
    visit.page.locator("#view-report").click()
    expect(visit.page.locator(".bar summary")).to_have_text(NAMES[1])
    visit.refused(401)


def test_the_menu_by_keyboard_alone_and_signing_out(open_page: OpenPage, server: Server, link: Link) -> None:
    visit = by_link(open_page, link, NAMES[0])
    keyboard, summary = visit.page.keyboard, visit.page.locator(".bar summary")
    keyboard.press("Tab")
    skip = visit.page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    keyboard.press("Tab")
    keyboard.press("Tab")
    expect(summary).to_be_focused()
    keyboard.press("Enter")
    out = visit.page.get_by_role("button", name="Sign out")
    expect(out).to_be_visible()
    keyboard.press("Tab")
    keyboard.press("Escape")
    expect(out).to_be_hidden()
    expect(summary).to_be_focused()
    keyboard.press("Enter")
    visit.page.mouse.click(5, 400)
    expect(out).to_be_hidden()
    summary.click()
    out.click()
    expect(visit.page).to_have_title("Sign in · Calltally")
    visit.page.goto(f"{server.address}/")
    expect(visit.page).to_have_url(f"{server.address}/sign-in")
