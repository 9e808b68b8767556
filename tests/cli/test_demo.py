"""`calltally demo`: one command from nothing to answers."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from tests.cli.conftest import CALLTALLY, CommandLine

ROOT = Path(__file__).resolve().parents[2]
REQUESTS = 5


class Demo:
    """A demo that is being started, is up, or has ended."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []

    def wait_for(self, start: str) -> str:
        """The first line from here that starts like this."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.removesuffix("\n"))
            if line.startswith(start):
                return line.removesuffix("\n")
        pytest.fail(f"no line starts with {start!r}: {self.lines}, {self.end()}")

    def up(self) -> "Demo":
        """It, once it has printed its requests."""
        while len(self.requests) < REQUESTS:
            self.wait_for("curl ")
        return self

    def end(self) -> tuple[int, str]:
        """Exit code and standard error, once it has ended."""
        out, err = self.process.communicate(timeout=30)
        self.lines += out.splitlines()
        return self.process.returncode, err

    def stop(self) -> tuple[int, str]:
        """Exit code and standard error after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.end()

    @property
    def requests(self) -> list[str]:
        return [line for line in self.lines if line.startswith("curl ")]

    @property
    def address(self) -> str:
        (address,) = {found for line in self.lines if (found := line.partition(" on ")[2].partition(" ")[0])}
        return address

    @property
    def key(self) -> str:
        (key,) = {match[0] for line in self.requests if (match := re.search("cs_key_[0-9a-f]{40}", line))}
        return key


@contextmanager
def demo(
    command: CommandLine, *arguments: str, start: Sequence[str] = (CALLTALLY, "demo"), **variables: str
) -> Iterator[Demo]:
    with subprocess.Popen(
        [*start, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=command.environment(COLUMNS="80", FORCE_COLOR="1", **variables),
        cwd=ROOT,
        start_new_session=True,
    ) as process:
        try:
            yield Demo(process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def pasted(request: str) -> Any:
    """What a line comes to that somebody pastes into a shell; the inner `data`."""
    done = subprocess.run(
        ["bash", "-c", f"{request} --silent --write-out '\\n%{{http_code}}'"],
        capture_output=True,
        text=True,
        check=True,
    )
    body, _, status = done.stdout.rpartition("\n")
    assert status == "200", body
    return json.loads(body)["data"]


def last_month(now: datetime) -> tuple[str, str]:
    last = now.astimezone(ZoneInfo("America/New_York")).replace(day=1) - timedelta(days=1)
    return f"{last:%Y-%m}-01", f"{last:%Y-%m-%d}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[CommandLine, Demo, list[Any]]:
    """A data folder in which a demo has been made, how that went, and what its requests were answered."""
    command = CommandLine(tmp_path_factory.mktemp("demo") / "data")
    with demo(command, "--port", "0") as first:
        answers = [pasted(request) for request in first.up().requests]
        assert first.stop() == (0, "")
    return command, first, answers


@pytest.fixture
def calltally(made: tuple[CommandLine, Demo, list[Any]], tmp_path: Path) -> CommandLine:
    """The command line on a copy of that folder."""
    command = CommandLine(tmp_path / "data")
    shutil.copytree(made[0].data, command.data)
    return command


def test_the_first_start(made: tuple[CommandLine, Demo, list[Any]]) -> None:
    command, first, _ = made
    assert first.lines[:3] == [
        "Making a year of sample calls ...",
        f"Calltally is listening on {first.address} (Ctrl-C stops it)",
        f"To read and try the API, open {first.address}/docs",
    ]
    assert first.lines[-1] == "Stopped"
    assert "\x1b" not in "".join(first.lines)
    assert len(first.requests) == REQUESTS
    for request in first.requests:
        bearer = f'curl -H "Authorization: Bearer {first.key}"'
        assert re.fullmatch(rf'{re.escape(bearer)} "{re.escape(first.address)}/api/v1/analytics/calls\?\S+"', request)
    start, end = last_month(datetime.now(UTC))
    dated = [request for request in first.requests if "start_date" in request]
    assert len(dated) == 2
    assert all(f"start_date={start}&end_date={end}" in request for request in dated)
    file = command.data / "demo-key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_it_prints_a_link_that_signs_a_browser_in(calltally: CommandLine) -> None:
    with demo(calltally, "--port", "0") as running:
        [link] = [line for line in running.up().lines if line.startswith(f"{running.address}/open/")]
        answer = httpx2.post(link, headers={"Sec-Fetch-Site": "same-origin"})
        told = httpx2.get(f"{running.address}/api/v1/session", cookies=answer.cookies).json()["data"]
        assert (told["business"]["name"], told["scopes"]) == ("Demo", ["report", "read"])
        assert running.stop() == (0, "")


def test_what_the_requests_answer(made: tuple[CommandLine, Demo, list[Any]]) -> None:
    sources, campaigns, days, hours, worth = made[2]
    assert sources["totals"]["count"] >= 50_000
    assert sources["count"] > 3
    assert len(worth["data"]) == sources["count"]
    assert {row["utm_campaign"] is None for row in campaigns["data"]} == {True, False}
    start, end = last_month(datetime.now(UTC))
    assert (days["data"][0]["date"], days["data"][-1]["date"], days["count"]) == (start, end, int(end[-2:]))
    assert hours["count"] == 10
    assert all(row["avg_duration"] > 0 for row in hours["data"])


def test_a_second_start(made: tuple[CommandLine, Demo, list[Any]], calltally: CommandLine) -> None:
    _, first, answers = made
    with demo(calltally, "--port", "0") as second:
        second.up()
        assert second.lines[0].startswith("Calltally is listening")  # nothing is made again
        assert second.key == first.key
        assert [pasted(request) for request in second.requests] == answers
        with demo(calltally, "--port", "0") as third:
            assert third.end() == (0, "")
        assert third.lines[0] == f"Calltally is running already, on {second.address}"
        assert third.requests == second.requests
        assert second.stop() == (0, "")


def test_a_key_that_is_revoked_is_replaced(made: tuple[CommandLine, Demo, list[Any]], calltally: CommandLine) -> None:
    (listed,) = calltally.run("key", "list", "Demo", "--json").json()
    calltally.run("key", "revoke", listed["id"])
    with demo(calltally, "--port", "0") as again:
        again.up()
        assert again.key != made[1].key
        assert pasted(again.requests[0]) == made[2][0]
        assert again.stop() == (0, "")
    assert stat.S_IMODE((calltally.data / "demo-key").stat().st_mode) == 0o600


def test_a_port_that_is_taken(calltally: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demo(calltally, "--port", str(port)) as moved:
            moved.up()
            said = re.fullmatch(r"Port (\d+) is taken; using (\d+)", moved.lines[0])
            assert said
            assert int(said[1]) == port < int(said[2])
            assert moved.address == f"http://127.0.0.1:{said[2]}"
            assert pasted(moved.requests[0])["count"]
            assert moved.stop() == (0, "")


def test_a_key_file_that_is_damaged(calltally: CommandLine) -> None:
    for text in ("[]", '{"business": "x", "key": "y", "made_at": "z"}'):
        (calltally.data / "demo-key").write_text(text)
        sentence = calltally.process("demo", "--port", "0").failed(1)
        assert sentence == f"{calltally.data / 'demo-key'} is damaged; remove it to get a new demo"


def test_beside_a_server_without_a_demo(tmp_path: Path) -> None:
    command = CommandLine(tmp_path / "data")
    with demo(command, "--port", "0", start=(CALLTALLY, "serve")) as server:
        server.wait_for("Calltally is listening")
        assert command.process("demo").failed(1) == (
            f"Calltally is running already, on {server.address}, with a folder that has no demo; "
            "stop it and start the demo again, or use another folder with --data"
        )
        assert server.stop()[0] == 0


NEVER_MADE = """
import itertools, sys, time
from calltally.demo import business
from calltally.__main__ import main

made = business.generate_calls

def half(*arguments, **more):
    yield from itertools.islice(made(*arguments, **more), 40_000)
    print("Half of it", flush=True)
    time.sleep(600)

business.generate_calls = half
sys.exit(main())
"""


def test_interrupted_while_it_is_made(tmp_path: Path) -> None:
    command = CommandLine(tmp_path / "data")
    own = json.loads(command.run("business", "create", "Demo", "--json").out)
    calls = tmp_path / "calls.csv"
    calls.write_text("id,started_at\na,2026-03-09T14:05:00Z\n")
    command.run("import", str(calls), "-b", own["id"])
    for number, expected in ((signal.SIGKILL, (-9, "")), (signal.SIGINT, (130, ""))):
        with demo(command, "demo", "--port", "0", start=(sys.executable, "-c", NEVER_MADE)) as interrupted:
            interrupted.wait_for("Half of it")
            assert any(command.data.joinpath("staging").iterdir())
            interrupted.process.send_signal(number)
            assert interrupted.end() == expected
    with demo(command, "--port", "0") as whole:
        whole.up()
        assert pasted(whole.requests[0])["totals"]["count"] >= 50_000
        mine = command.run("key", "create", own["id"], "--json").json()["key"]
        assert pasted(whole.requests[0].replace(whole.key, mine))["totals"]["count"] == 1
        assert whole.stop() == (0, "")
    businesses = command.run("business", "list", "--json").json()
    assert [business["name"] for business in businesses] == ["Demo", "Demo"]
    assert own in businesses


def test_make_demo(calltally: CommandLine, made: tuple[CommandLine, Demo, list[Any]]) -> None:
    # What `make` would install is taken for installed: these tests run from it.
    make = ("make", "--silent", "--assume-old=.venv/.runtime", "demo")
    with demo(calltally, start=make, CALLTALLY_PORT="0") as running:
        running.up()
        assert pasted(running.requests[0]) == made[2][0]
        os.killpg(running.process.pid, signal.SIGINT)
        assert running.end() == (-signal.SIGINT, "")  # so does make end, whatever it was making
    assert running.lines[-1] == "Stopped"
