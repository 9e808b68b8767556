"""Commands, servers and imports on one data folder at the same time."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import httpx2
import pytest

from calltally.folder import DataFolder
from tests.api.conftest import Server, serving
from tests.cli.conftest import CALLTALLY, CommandLine
from tests.cli.terminal import on_terminal

QUERY = "/api/v1/analytics/calls?group_by=source"
MANY = 60_000  # calls: more than are read before an import begins
FEW = 2_000


def rows_of(number: int, start: int = 0) -> str:
    rows = (f"c{n},2026-03-{1 + n % 28:02}T10:{n % 60:02}:00Z,s{n % 7}" for n in range(start, start + number))
    return "\n".join(["id,started_at,source", *rows]) + "\n"


def calls_file(path: Path, number: int, start: int = 0) -> Path:
    path.write_text(rows_of(number, start))
    return path


def counts(summary: dict[str, Any]) -> tuple[int, int, int]:
    return summary["added"], summary["updated"], summary["unchanged"]


class Business:
    """A business that can be asked how many calls it has."""

    def __init__(self, calltally: CommandLine, name: str) -> None:
        self.id: str = calltally.run("business", "create", name, "--json").json()["id"]
        self._key: str = calltally.run("key", "create", self.id, "--json").json()["key"]

    def count(self, server: Server) -> int:
        answer = httpx2.get(f"{server.address}{QUERY}", headers={"Authorization": f"Bearer {self._key}"}, timeout=60)
        assert answer.status_code == 200, answer.text
        totals: dict[str, int] = answer.json()["data"]["totals"]
        return totals["count"]


@pytest.fixture
def one(calltally: CommandLine) -> Business:
    return Business(calltally, "One")


class Held:
    """An import that has begun to gather rows, and waits for the end of its file."""

    def __init__(self, process: "subprocess.Popen[str]", pipe: BinaryIO) -> None:
        self.process = process
        self._pipe = pipe

    def release(self) -> None:
        """Let it come to the end."""
        with suppress(BrokenPipeError):  # it has ended already
            self._pipe.close()


@contextmanager
def held(calltally: CommandLine, business: Business, path: Path) -> Iterator[Held]:
    """An import of MANY calls that are never all there until it is released."""
    os.mkfifo(path)
    with started(calltally, "import", str(path), "-b", business.id, "--json") as process, path.open("wb") as pipe:
        pipe.write(rows_of(MANY).encode())
        pipe.flush()
        held = Held(process, pipe)
        until(lambda: bool(staged(calltally)))
        yield held
        held.release()


@contextmanager
def started(calltally: CommandLine, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [CALLTALLY, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=calltally.environment(),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, list[str]]:
    """Exit code, standard output, and the lines of standard error that tell of no progress."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, [line for line in err.splitlines() if not re.search(r"calls/s, ", line)]


def interrupted(process: "subprocess.Popen[str]") -> tuple[int, str, list[str]]:
    """How a command ends by Ctrl-C, pressed again where the first fell between two reads of a pipe."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    return ended(process)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def staged(calltally: CommandLine) -> set[str]:
    """The loads under way, each by the name of its files."""
    return {path.name.partition(".")[0] for path in DataFolder(calltally.data).staging.iterdir()}


# --- Beside a server ------------------------------------------------------------------------------------------------


def test_an_import_is_the_same_beside_a_server(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("id,started_at,source\na,2026-03-09T14:05:00Z,x\nb,yesterday,y\nlost,,z\n")
    dry = calltally.process("import", str(path), "-b", one.id, "--dry-run")
    alone = calltally.process("import", str(path), "-b", one.id, "--json")
    rejects = Path(f"{path}.rejected.ndjson").read_text()
    calltally.process("business", "clear", one.id, "--yes", "--json").json()
    with serving(calltally.data) as server:
        same = calltally.process("import", str(path), "-b", one.id, "--dry-run")
        assert (same.code, same.out) == (dry.code, dry.out)
        assert one.count(server) == 0
        beside = calltally.process("import", str(path), "-b", one.id, "--json")
        assert one.count(server) == 1
        assert (beside.code, beside.out) == (alone.code, alone.out)
        assert re.fullmatch(r"calls\.csv: 3 rows, [\d,]+ calls/s, all read, merging\n", beside.err)
        assert Path(f"{path}.rejected.ndjson").read_text() == rejects
        code, seen = on_terminal(calltally, "import", str(path), "-b", one.id)
        assert (code, "━" in seen) == (0, True)
        calltally.process("business", "clear", one.id, "--yes", "--json").json()
        assert one.count(server) == 0
        assert server.stop() == 0


def test_a_business_is_deleted_beside_a_server(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    path = calls_file(tmp_path / "calls.csv", FEW)
    with serving(calltally.data) as server:
        calltally.process("import", str(path), "-b", one.id)
        assert one.count(server) == FEW
        calltally.process("business", "delete", one.id, "--yes", "--json").json()
        assert list(DataFolder(calltally.data).calls.iterdir()) == []
        assert server.stop() == 0


def test_calls_are_kept_and_brought_back_beside_a_server_and_an_import(
    calltally: CommandLine, one: Business, tmp_path: Path
) -> None:
    """Backup, check, export and restore, while a server and an import into another business have the folder."""
    two, backup = Business(calltally, "Two"), tmp_path / "backup"
    with serving(calltally.data) as server, held(calltally, two, tmp_path / "slow.csv") as slow:
        calltally.process("import", str(calls_file(tmp_path / "calls.csv", FEW)), "-b", one.id)
        calltally.process("backup", str(backup), "--json").json()
        for where in ((), ("--data", str(backup))):
            checked = calltally.process("check", "--json", *where).json()
            assert checked["well"]
            assert {found["name"]: found["calls"] for found in checked["businesses"]} == {"One": FEW, "Two": 0}
        exported = calltally.process("export", "-b", one.id)
        assert exported.out.count("\n") == FEW + 1
        calltally.process("import", str(calls_file(tmp_path / "more.csv", FEW, FEW)), "-b", one.id)
        assert one.count(server) == 2 * FEW
        restored = calltally.process("restore", str(backup), "-b", "One", "--yes", "--json")
        assert restored.code == 0, restored.err
        assert one.count(server) == FEW
        assert calltally.process("export", "-b", one.id).out == exported.out
        slow.release()
        assert [counts(summary) for summary in summaries_of([slow.process])] == [(MANY, 0, 0)]
        assert two.count(server) == MANY
        assert server.stop() == 0


def test_many_at_once_beside_a_server(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    """Three imports, two of them into one business, a business that is cleared, and reports all the while."""
    two, cleared = Business(calltally, "Two"), Business(calltally, "Cleared")
    lower = calls_file(tmp_path / "lower.csv", 60_000)
    upper = calls_file(tmp_path / "upper.csv", 60_000, 30_000)
    calltally.run("import", str(calls_file(tmp_path / "few.csv", FEW)), "-b", cleared.id)
    seen: dict[str, list[int]] = {"one": [], "two": [], "cleared": []}
    done = threading.Event()
    with serving(calltally.data) as server, ExitStack() as stack:

        def watch() -> None:
            while not done.is_set():
                for name, business in (("one", one), ("two", two), ("cleared", cleared)):
                    seen[name].append(business.count(server))

        watcher = threading.Thread(target=watch)
        watcher.start()
        imports = [
            stack.enter_context(started(calltally, "import", str(path), "-b", business.id, "--json"))
            for path, business in ((lower, one), (upper, one), (upper, two))
        ]
        calltally.process("business", "clear", cleared.id, "--yes", "--json").json()
        assert cleared.count(server) == 0
        summaries = []
        for process in imports:
            code, out, complaints = ended(process)
            assert (code, complaints) == (0, [])
            summaries.append(json.loads(out))
        assert (one.count(server), two.count(server)) == (90_000, 60_000)
        done.set()
        watcher.join()
        assert server.stop() == 0
    assert sorted(counts(summary) for summary in summaries[:2]) == [(30_000, 0, 30_000), (60_000, 0, 0)]
    assert counts(summaries[2]) == (60_000, 0, 0)
    assert set(seen["one"]) <= {0, 60_000, 90_000}
    assert set(seen["two"]) <= {0, 60_000}
    assert set(seen["cleared"]) <= {0, FEW}
    assert all(found == sorted(found) for found in (seen["one"], seen["two"]))
    assert staged(calltally) == set()
    again = calltally.process("import", str(lower), "-b", one.id, "--json")
    assert counts(json.loads(again.out)) == (0, 0, 60_000)


def test_a_slow_import_keeps_nobody_out(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    few = calls_file(tmp_path / "few.csv", FEW)
    with serving(calltally.data) as server, held(calltally, one, tmp_path / "slow.csv") as slow:
        assert calltally.process("import", str(few), "-b", one.id).code == 0
        assert one.count(server) == FEW
        calltally.process("business", "clear", one.id, "--yes", "--json").json()
        assert one.count(server) == 0
        slow.release()
        code, _, complaints = ended(slow.process)
        # On a slow machine it has told how far it was before.
        assert (code, complaints[-1:]) == (
            1,
            ["calltally: The calls of this business were cleared or deleted meanwhile"],
        )
        assert one.count(server) == 0
        assert staged(calltally) == set()
        assert server.stop() == 0


def test_ctrl_c_changes_nothing(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    with serving(calltally.data) as server:
        with held(calltally, one, tmp_path / "calls.csv") as slow:
            stopped = "calltally: Stopped before the end; run it again to import what is missing"
            assert interrupted(slow.process) == (130, "", [stopped])
        until(lambda: not staged(calltally))
        assert one.count(server) == 0
        assert calltally.process("import", str(calls_file(tmp_path / "few.csv", FEW)), "-b", one.id).code == 0
        assert one.count(server) == FEW
        assert server.stop() == 0


# --- Ends of a server -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (signal.SIGKILL, r"held the data folder \(process \d+\) ended before the calls were in; nothing was changed"),
        (signal.SIGTERM, r"held the data folder was stopped before this was done; run it again"),
    ],
)
def test_a_server_that_ends_in_the_middle(
    calltally: CommandLine, one: Business, tmp_path: Path, number: signal.Signals, sentence: str
) -> None:
    with serving(calltally.data) as server, held(calltally, one, tmp_path / "slow.csv") as slow:
        began = time.monotonic()
        server.stop(number)
        assert time.monotonic() - began < 10
        slow.release()
        code, out, (complaint,) = ended(slow.process)
    assert code == 1
    assert counts(json.loads(out)) == (0, 0, 0)
    assert re.search(sentence, complaint)
    again = calltally.process("import", str(calls_file(tmp_path / "calls.csv", MANY)), "-b", one.id, "--json")
    assert counts(json.loads(again.out)) == (MANY, 0, 0)
    assert staged(calltally) == set()


def test_a_server_that_stops_lets_a_merge_end(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    path = calls_file(tmp_path / "calls.csv", 50_000)
    with serving(calltally.data) as server, started(calltally, "import", str(path), "-b", one.id, "--json") as process:
        assert process.stderr
        assert any(line.endswith("all read, merging\n") for line in process.stderr)  # after how far it was, maybe
        time.sleep(0.05)
        assert server.stop(signal.SIGTERM) == 0
        code, out, complaints = ended(process)
    if code:  # it was faster than the merge could begin
        assert "was stopped before" in complaints[0]
    else:
        assert counts(json.loads(out)) == (50_000, 0, 0)
    again = calltally.process("import", str(path), "-b", one.id, "--json")
    assert counts(json.loads(again.out)) == ((50_000, 0, 0) if code else (0, 0, 50_000))


def test_one_of_two_servers_wins(calltally: CommandLine, one: Business) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(started(calltally, "serve", "--port", "0")) for _ in range(4)]
        until(lambda: sum(server.poll() is not None for server in servers) == 3)
        (winner,) = [server for server in servers if server.poll() is None]
        losers = [ended(server) for server in servers if server is not winner]
        assert all((code, out) == (1, "") for code, out, _ in losers)
        assert all("is in use by" in complaint for _, _, (complaint,) in losers)
        assert winner.stdout
        assert winner.stdout.readline().startswith("Calltally is listening")
        winner.send_signal(signal.SIGINT)
        assert winner.wait(30) == 0


def test_a_server_waits_for_an_import(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    with held(calltally, one, tmp_path / "slow.csv") as slow, started(calltally, "serve", "--port", "0") as server:
        assert server.stderr
        assert server.stderr.readline() == (
            f"Waiting for 'calltally import' (process {slow.process.pid}), which uses the data folder ...\n"
        )
        slow.release()
        assert ended(slow.process)[0] == 0
        assert server.stdout
        address = re.search(r"http://\S+", server.stdout.readline())
        assert address
        assert one.count(Server(server, address[0], tmp_path)) == MANY
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0


# --- Without a server -----------------------------------------------------------------------------------------------


def summaries_of(processes: Sequence["subprocess.Popen[str]"]) -> list[dict[str, Any]]:
    finished = [ended(process) for process in processes]
    assert [code for code, _, _ in finished] == [0] * len(processes), finished
    return [json.loads(out) for _, out, _ in finished]


def test_imports_at_once(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    two = Business(calltally, "Two")
    path, few = calls_file(tmp_path / "calls.csv", 40_000), calls_file(tmp_path / "few.csv", FEW)
    with ExitStack() as stack:
        processes = [
            stack.enter_context(started(calltally, "import", str(file), "-b", business, "--json"))
            for file, business in ((path, one.id), (path, one.id), (few, two.id), (few, one.id))
        ]
        summaries = summaries_of(processes)
    assert sum(summary["added"] for summary in (summaries[0], summaries[1], summaries[3])) == 40_000
    assert [summary["read"] for summary in summaries] == [40_000, 40_000, FEW, FEW]
    assert summaries[2]["added"] == FEW
    assert not DataFolder(calltally.data).socket.exists()
    with serving(calltally.data) as server:
        assert (one.count(server), two.count(server)) == (40_000, FEW)


@contextmanager
def two_held(calltally: CommandLine, business: Business, folder: Path) -> Iterator[tuple[Held, Held]]:
    """An import that owns the data folder, and one that has joined it."""
    with (
        held(calltally, business, folder / "first.csv") as owner,
        held(calltally, business, folder / "second.csv") as joined,
    ):
        until(lambda: len(staged(calltally)) > 1)
        yield owner, joined


def said(process: "subprocess.Popen[str]") -> str:
    """The next line on standard error that tells of no progress."""
    assert process.stderr
    return next(line for line in process.stderr if "calls/s, " not in line)


def test_an_owner_waits_for_who_has_joined(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    few = calls_file(tmp_path / "few.csv", FEW)
    with two_held(calltally, one, tmp_path) as (owner, joined):
        owner.release()
        assert said(owner.process).startswith("Waiting for another command that uses the data folder through this one")
        with started(calltally, "import", str(few), "-b", one.id, "--json") as newcomer:
            assert said(newcomer) == "Waiting for another command that uses the data folder ...\n"
            joined.release()
            summaries = summaries_of([owner.process, joined.process, newcomer])
    assert [counts(summary) for summary in summaries] == [(MANY, 0, 0), (0, 0, MANY), (0, 0, FEW)]


def test_ctrl_c_ends_the_waiting_of_an_owner(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    with two_held(calltally, one, tmp_path) as (owner, joined):
        owner.release()
        assert said(owner.process).startswith("Waiting for another command")
        owner.process.send_signal(signal.SIGINT)
        (summary,) = summaries_of([owner.process])
        joined.release()
        code, _, (complaint,) = ended(joined.process)
    assert counts(summary) == (MANY, 0, 0)
    assert code == 1
    assert "was stopped before this was done; run it again" in complaint


def test_a_killed_owner_is_said_to_who_has_joined(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    with two_held(calltally, one, tmp_path) as (owner, joined):
        owner.process.kill()
        owner.process.wait()
        joined.release()
        code, _, (complaint,) = ended(joined.process)
    assert code == 1
    assert complaint == (
        f"calltally: The process that held the data folder (process {owner.process.pid}) "
        "ended before the calls were in; nothing was changed, run it again"
    )
    again = calltally.process("import", str(calls_file(tmp_path / "calls.csv", MANY)), "-b", one.id, "--json")
    assert counts(json.loads(again.out)) == (MANY, 0, 0)


def test_a_clear_ends_an_import(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    with held(calltally, one, tmp_path / "slow.csv") as slow:
        calltally.process("business", "clear", one.id, "--yes", "--json").json()
        slow.release()
        code, _, (*_, complaint) = ended(slow.process)
    assert (code, complaint) == (1, "calltally: The calls of this business were cleared or deleted meanwhile")
    assert list(DataFolder(calltally.data).calls.iterdir()) == []


def test_a_folder_without_sockets(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    DataFolder(calltally.data).socket.mkdir()
    done = calltally.process("import", str(calls_file(tmp_path / "few.csv", FEW)), "-b", one.id)
    assert done.code == 0
    said = f"Other commands have to wait until this one ends: {DataFolder(calltally.data).socket} cannot be made ("
    assert done.err.startswith(said)


def test_an_owner_that_does_not_answer(calltally: CommandLine, one: Business, tmp_path: Path) -> None:
    with held(calltally, one, tmp_path / "slow.csv") as paused:
        paused.process.send_signal(signal.SIGSTOP)
        done = calltally.process("business", "clear", one.id, "--yes")
        paused.process.send_signal(signal.SIGCONT)
        waiting, sentence = done.err.splitlines()
        assert (done.code, waiting) == (1, "Waiting for another command that uses the data folder ...")
        assert f"is in use by an import (process {paused.process.pid}); wait until it has finished" in sentence
        paused.release()
        assert [counts(summary) for summary in summaries_of([paused.process])] == [(MANY, 0, 0)]


def test_a_long_path(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120) / ("y" * 120)
    folder.mkdir(parents=True)
    calltally = CommandLine(folder / "data")
    business = Business(calltally, "One")
    path = calls_file(tmp_path / "calls.csv", FEW)
    with serving(calltally.data) as server:
        assert calltally.process("import", str(path), "-b", business.id).code == 0
        assert business.count(server) == FEW
        link = tmp_path / "link"
        link.symlink_to(calltally.data)
        again = CommandLine(link).process("import", str(path), "-b", business.id, "--json")
        assert counts(json.loads(again.out)) == (0, 0, FEW)
        assert server.stop() == 0
