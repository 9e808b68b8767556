"""`calltally open`: a link that signs a browser in, and the browser."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.api.conftest import Server, eventually, serving
from tests.cli.conftest import CALLTALLY, CommandLine

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def server(calltally: CommandLine, acme: str) -> Iterator[Server]:
    with serving(calltally.data) as running:
        yield running


@contextmanager
def signed_in(link: str) -> Iterator[httpx2.Client]:
    """A browser that has pressed the button on the page of a link."""
    with httpx2.Client(base_url=f"http://{urlsplit(link).netloc}") as client:
        assert client.get(link).status_code == 200
        answer = client.post(link, headers=OURS)
        assert (answer.status_code, answer.headers["location"]) == (303, "../"), answer.text
        yield client


def test_the_link_signs_a_browser_in_until_its_key_is_revoked(
    calltally: CommandLine, acme: str, server: Server
) -> None:
    printed = calltally.run("open", "--print")
    assert (printed.code, printed.err) == (0, "")
    said, link = printed.out.splitlines()
    assert said == "This link signs a browser in to the reports of 'Acme', once and within ten minutes:"
    assert link.startswith(f"{server.address}/open/")
    with signed_in(link) as client:
        told = client.get("/api/v1/session").json()["data"]
        assert (told["business"]["id"], told["scopes"]) == (acme, ["report", "read"])
        [key] = calltally.run("key", "list", acme, "--json").json()
        assert key["name"] == "calltally open"
        calltally.run("key", "revoke", key["id"])
        assert client.get("/api/v1/session").status_code == 401
    assert link.rpartition("/")[2] not in server.log.read_text()


def test_it_uses_one_key_again_and_again_or_the_one_that_is_given(
    calltally: CommandLine, acme: str, server: Server
) -> None:
    made = [calltally.run("open", acme, "--json").json() for _ in range(2)]
    assert made[0]["key_id"] == made[1]["key_id"]
    assert made[0]["link"] != made[1]["link"]
    mine = calltally.run("key", "create", acme, "--scope", "report", "--json").json()["id"]
    given = calltally.run("open", acme, "--key", mine, "--json").json()
    assert (given["business_id"], given["key_id"]) == (acme, mine)
    with signed_in(given["link"]) as client:
        assert client.get("/api/v1/session").json()["data"]["scopes"] == ["report"]
    assert len(calltally.run("key", "list", acme, "--json").json()) == 2


def test_the_session_outlives_the_server(calltally: CommandLine, acme: str) -> None:
    with serving(calltally.data) as first:
        with signed_in(calltally.run("open", "--json").json()["link"]) as client:
            cookies = dict(client.cookies)
        assert first.stop() == 0
    with serving(calltally.data) as second:
        told = httpx2.get(f"{second.address}/api/v1/session", cookies=cookies)
        assert told.json()["data"]["business"]["id"] == acme


def test_a_browser_is_opened_where_there_is_one(
    calltally: CommandLine, acme: str, server: Server, tmp_path: Path
) -> None:
    seen, browser = tmp_path / "seen", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}.new && mv {seen}.new {seen}\n')
    browser.chmod(0o700)
    environment = calltally.environment(BROWSER=f"{browser} %s")

    def opened(*arguments: str, **display: str) -> str:
        done = subprocess.run(
            [CALLTALLY, "open", *arguments], env=environment | display, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()[-1]

    opened()
    opened("--print", DISPLAY=":0")
    opened("--json", DISPLAY=":0")
    assert not seen.exists()
    link = opened(DISPLAY=":0")
    assert eventually(seen.exists)
    assert seen.read_text().strip() == link


def test_the_address_of_the_world(calltally: CommandLine, acme: str) -> None:
    link = calltally.run("open", "--public-url", "https://calls.example.com/", "--json").json()["link"]
    assert link.startswith("https://calls.example.com/open/")


def test_a_server_that_listens_everywhere(calltally: CommandLine, acme: str) -> None:
    with serving(calltally.data, CALLTALLY_HOST="0.0.0.0") as server:
        link = calltally.run("open", "--json").json()["link"]
        assert link.startswith(f"http://127.0.0.1:{server.port}/open/")
        with signed_in(link) as client:
            assert client.get("/").status_code == 200


def test_what_it_cannot_open(calltally: CommandLine) -> None:
    assert calltally.run("open").failed(1) == (
        "There is no business yet; make one with 'calltally business create NAME'"
    )
    for name in ("Acme", "Beta"):
        calltally.run("business", "create", name)
    assert calltally.run("open").failed(1) == "There are 2 businesses; say which: 'Acme', 'Beta'"
    assert calltally.run("open", "Gamma").failed(1).startswith("There is no business 'Gamma'")
    assert calltally.run("open", "Acme").failed(1) == (
        f"No server runs on the data folder {os.fspath(calltally.data)}; start one with 'calltally serve'"
    )
    wrong = calltally.run("open", "Acme", "--key", "0" * 16, "--public-url", "https://x.example").failed(1)
    assert wrong == f"'Acme' has no active key '{'0' * 16}'; 'calltally key list' shows the ids"
    assert calltally.run("key", "list", "Acme", "--json").json() == []
