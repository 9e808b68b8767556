"""`calltally sync`: alone, beside a server, again and again, and killed in the middle."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from calltally.cli import syncing
from calltally.folder import DataFolder
from tests.api.conftest import serving
from tests.cli.conftest import CALLTALLY, CommandLine, Finished
from tests.cli.test_together import Business, until
from tests.vendor.callscaler import KEY, CallScaler, Fault, held, records, refusal, running


@pytest.fixture
def vendor() -> Iterator[CallScaler]:
    """A vendor with a hundred calls, twenty a page."""
    with running(CallScaler("UTC", page_size=20)) as vendor:
        vendor.put(records(100))
        yield vendor


@pytest.fixture
def one(calltally: CommandLine) -> Business:
    return Business(calltally, "One")


def words(vendor: CallScaler, *more: str) -> tuple[str, ...]:
    return ("sync", "callscaler", "--business", "One", "--url", vendor.server_address, *more)


def sync(calltally: CommandLine, vendor: CallScaler, *more: str) -> Finished:
    return calltally.process(*words(vendor, *more), CALLSCALER_KEY=KEY)


def started(calltally: CommandLine, vendor: CallScaler, *more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [CALLTALLY, *words(vendor, *more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=calltally.environment(CALLSCALER_KEY=KEY),
        cwd=calltally.data.parent,
    )


def test_calls_are_pulled_and_compared(calltally: CommandLine, one: Business, vendor: CallScaler) -> None:
    first = sync(calltally, vendor)
    assert (first.code, first.err) == (0, "")
    lines = first.out.splitlines()
    assert lines[0] == "Pulled into 'One' the calls of all time:"
    assert lines[1:7] == [
        "Read       100",
        "Added      100",
        "Updated      0",
        "Unchanged    0",
        "Held         0",
        "Rejected     0",
    ]
    assert lines[7].startswith("Fields that are not kept, and how many calls had them: ")
    assert "'recording_url' (100)" in lines[7]
    assert lines[8:] == ["Compared with CallScaler, 2026-03-06 to 2026-03-10: all totals agree"]

    vendor.change("call-00007", value_cents=5)
    again = sync(calltally, vendor, "--json").json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", again.pop("since"))
    assert again.pop("dropped_fields")["recording_url"] == 100
    assert again == {
        "business": one.id,
        "resumed": False,
        "pages": 5,
        "read": 100,
        "added": 0,
        "updated": 1,
        "unchanged": 99,
        "held": 0,
        "rejected": 0,
        "rejects_file": None,
        "compared": {"first_day": "2026-03-06", "last_day": "2026-03-10", "differences": [], "hints": []},
    }


def test_the_same_beside_a_server(calltally: CommandLine, one: Business, vendor: CallScaler) -> None:
    with serving(calltally.data) as server:
        found = sync(calltally, vendor)
        assert (found.code, found.err) == (0, "")
        assert found.out.endswith("2026-03-06 to 2026-03-10: all totals agree\n")
        assert one.count(server) == 100
        vendor.put(records(5, 100))
        assert sync(calltally, vendor, "--json").json()["added"] == 5
        assert one.count(server) == 105
        assert server.stop() == 0


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a server"])
def test_killed_in_the_middle_it_goes_on_there(
    calltally: CommandLine, one: Business, vendor: CallScaler, beside: bool
) -> None:
    def kill_and_run_again() -> None:
        reached, released = threading.Event(), threading.Event()
        vendor.faults.extend([None, None, None, held(reached, released)])
        with started(calltally, vendor) as process:
            assert reached.wait(60)
            process.kill()
        released.set()
        vendor.requests.clear()
        found = sync(calltally, vendor, "--json").json()
        assert (found["resumed"], found["read"], found["added"]) == (True, 40, 40)
        assert "cursor" in vendor.asked()[0]
        assert found["compared"]["differences"] == []
        assert sync(calltally, vendor, "--full", "--json").json()["unchanged"] == 100

    if not beside:
        kill_and_run_again()
        return
    with serving(calltally.data) as server:
        kill_and_run_again()
        assert one.count(server) == 100
        assert server.stop() == 0


def test_ctrl_c_in_the_middle(calltally: CommandLine, one: Business, vendor: CallScaler) -> None:
    reached, released = threading.Event(), threading.Event()
    vendor.faults.extend([None, held(reached, released)])
    with started(calltally, vendor) as process:
        assert reached.wait(60)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        released.set()
        assert process.communicate() == (
            "",
            "calltally: Stopped before the end; run it again and it goes on where it was\n",
        )
    assert sync(calltally, vendor, "--json").json()["read"] == 80


def test_a_server_that_was_busy_is_asked_again(calltally: CommandLine, one: Business, vendor: CallScaler) -> None:
    vendor.faults.extend([refusal(429, Retry_After="1"), refusal(500)])
    found = sync(calltally, vendor)
    assert found.code == 0
    first, second = found.err.splitlines()
    assert first == "CallScaler: 429: 'Not now'; asking again in 1 s (try 2 of 8)"
    assert re.fullmatch(r"CallScaler: 500: 'Not now'; asking again in \d s \(try 3 of 8\)", second)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (refusal(403, "No"), "CallScaler refuses to answer (403: 'No')"),
        (refusal(503, Retry_After="9999"), "CallScaler wants to be asked again in 9,999 seconds (503: 'Not now')"),
    ],
)
def test_what_came_before_a_failure_is_said(
    calltally: CommandLine, one: Business, vendor: CallScaler, fault: Fault, sentence: str
) -> None:
    vendor.faults.append(fault)
    assert sync(calltally, vendor).failed(1) == sentence
    vendor.faults.extend([None, fault])
    came = "; 20 calls came before, and the next run goes on there"
    assert sync(calltally, vendor).failed(1) == sentence + came
    vendor.report_faults.append(fault)
    found = sync(calltally, vendor)
    assert found.code == 1
    assert "going on where it was stopped" in found.out
    assert found.err == f"calltally: The calls are in, but could not be compared: {sentence}\n"


def test_rejected_calls_and_differences_are_shown(
    calltally: CommandLine, one: Business, vendor: CallScaler, tmp_path: Path
) -> None:
    vendor.put([records(1, 100)[0] | {"ai_score": 101}])
    vendor.lies = {("2026-03-07", "total_cost_cents"): 1234}
    found = sync(calltally, vendor)
    assert (found.code, found.err) == (0, "")
    path = f"callscaler-{one.id}.rejected.ndjson"
    shown = found.out[found.out.index("Rejected calls") :].splitlines()
    assert shown[:2] == [
        f"Rejected calls, with reasons: {path}",
        "  Such as call 101: ai_score: '101' is not from 0 to 100",
    ]
    assert shown[2] == "Compared with CallScaler, 2026-03-06 to 2026-03-10:"
    assert re.split(" +", shown[3]) == ["Day", "Metric", "Here", "CallScaler"]
    assert ["2026-03-07", "total_cost_cents", "140", "1,234"] in [re.split(" +", line) for line in shown]
    assert json.loads((tmp_path / path).read_text())["record"]["id"] == "call-00100"
    plain = sync(calltally, vendor, "--json").json()
    assert (plain["rejected"], plain["rejects_file"]) == (1, path)
    assert {"day": "2026-03-07", "metric": "total_cost_cents", "ours": 140, "theirs": 1234} in (
        plain["compared"]["differences"]
    )
    nothing = sync(calltally, vendor, "--json", "--reconcile-days", "0").json()
    assert nothing["compared"] is None
    last = sync(calltally, vendor, "--json", "--reconcile-days", "2").json()["compared"]
    assert (last["first_day"], last["last_day"]) == ("2026-03-09", "2026-03-10")


def test_again_and_again(calltally: CommandLine, one: Business, vendor: CallScaler) -> None:
    """A round that fails is said, a server can take the folder in between, and Ctrl-C is the end."""
    vendor.faults.extend([*[None] * 5, refusal(403, "No")])  # the first round has five pages
    with started(calltally, vendor, "--every", "1s", "--json") as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())["added"] == 100
        assert process.stderr.readline() == "calltally: CallScaler refuses to answer (403: 'No')\n"
        vendor.put(records(1, 100))
        until(lambda: json.loads(process.stdout.readline() if process.stdout else "")["added"] == 1)
        with serving(calltally.data) as server:
            vendor.put(records(1, 101))
            until(lambda: one.count(server) == 102)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            assert process.stderr.read().endswith("Stopped\n")
            assert server.stop() == 0


def test_the_next_round_waits_as_long_as_the_vendor_says(
    calltally: CommandLine, one: Business, vendor: CallScaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            vendor.faults.append(refusal(503, Retry_After="9" * 9))
        elif len(pauses) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", pause)
    monkeypatch.setattr(syncing, "_key", lambda: KEY)
    vendor.faults.append(refusal(503, Retry_After="3600"))
    vendor.report_faults.append(refusal(503, Retry_After="1800"))
    calltally.run(*words(vendor, "--every", "1s"))
    assert pauses == [3600, 1800, 1, 86400]


# --- The key --------------------------------------------------------------------------------------------------------


def test_without_a_key(calltally: CommandLine, one: Business, vendor: CallScaler) -> None:
    sentence = calltally.process(*words(vendor)).failed(1)
    assert sentence == "The key is missing: set the variable CALLSCALER_KEY, as nobody can be asked here"
    wrong = calltally.process(*words(vendor), CALLSCALER_KEY="cs_key_wrong").failed(1)
    assert wrong == "CallScaler does not take the key (401: 'Invalid API key')"
    broken = calltally.process(*words(vendor), CALLSCALER_KEY="cs key").failed(2)
    assert broken == "key: it has blanks or characters that no key has, or is empty"


def test_the_key_is_asked_for_on_a_terminal(calltally: CommandLine, one: Business, vendor: CallScaler) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [CALLTALLY, *words(vendor)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=calltally.environment(TERM="xterm-256color", COLUMNS="100"),
        start_new_session=True,
    )
    os.close(theirs)
    seen = read_until(ours, lambda text: text.endswith("CallScaler key: "))
    os.write(ours, f"{KEY}\n".encode())
    seen += read_until(ours, lambda text: "all totals agree" in text)
    assert process.wait(60) == 0
    os.close(ours)
    assert "calls/s" in seen
    assert KEY not in seen


def read_until(terminal: int, holds: Callable[[str], bool]) -> str:
    seen, deadline = "", time.monotonic() + 60
    while not holds(seen):
        assert time.monotonic() < deadline
        seen += os.read(terminal, 65536).decode(errors="replace")
    return seen


def test_the_key_stays_nowhere(calltally: CommandLine, one: Business, vendor: CallScaler, tmp_path: Path) -> None:
    vendor.put([records(1, 100)[0] | {"ai_score": 101}])
    vendor.faults.append(refusal(500, f"do not use {KEY}"))
    found = sync(calltally, vendor)
    assert found.code == 0
    assert KEY not in found.out + found.err
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert DataFolder(calltally.data).control in kept
    assert [path for path in kept if KEY.encode() in path.read_bytes()] == []


# --- Usage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--every", "5x"), "--every: '5x' is not a length of time such as 30s, 5m, 1h or 1d"),
        (("--every", "0s"), "--every: '0s' is not a length of time such as 30s, 5m, 1h or 1d"),
        (
            ("--url", "http://example.com/api"),
            (
                "--url: 'http://example.com/api' is not an address such as https://example.com/api/v1 "
                "(over http others could read the key)"
            ),
        ),
    ],
)
def test_wrong_usage(
    calltally: CommandLine, one: Business, arguments: tuple[str, ...], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = calltally.process("sync", "callscaler", "-b", "One", *arguments, CALLSCALER_KEY=KEY)
    assert done.failed(2) == sentence


def test_a_business_that_is_damaged_is_named(calltally: CommandLine, one: Business, vendor: CallScaler) -> None:
    vendor.put(records(3))
    assert sync(calltally, vendor).code == 0
    file = calltally.data / "calls" / f"{one.id}.1.duckdb"
    file.write_bytes(b"\xff" * file.stat().st_size)
    done = sync(calltally, vendor)
    assert (done.code, done.out) == (1, "")
    sentence = done.err.splitlines()[-1]  # after what the log has
    assert sentence.startswith(f"calltally: 'One' ({one.id}): {file} cannot be opened: ")
    assert sentence.endswith(f"; restore it from a backup: calltally restore BACKUP --business {one.id}")


def test_no_such_business(calltally: CommandLine, vendor: CallScaler) -> None:
    assert sync(calltally, vendor).failed(1).startswith("There is no business 'One'")
    assert vendor.requests == []


def test_other_commands_start_without_an_http_client() -> None:
    program = "import sys, calltally.cli.app; sys.exit(bool({'httpx2', 'tenacity'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
