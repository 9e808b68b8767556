"""A server that is killed at any moment: what it acknowledged is there, once and whole, and nothing else is left."""

import random
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from calltally.folder import DataFolder
from tests.api.conftest import REPORT, Record, Server, serving
from tests.cli.conftest import CALLTALLY, CommandLine
from tests.faults.killing import (
    KILLS,
    SEED,
    TOLD,
    go_on,
    kill_amid_checkpoint,
    kill_sometime,
    no_leftovers,
    stored_calls,
)
from tests.faults.writers import holds_report, settle, some_writers, writing

CHECKPOINTS = max(3, KILLS // 2)
FULL_LOGS = max(1, KILLS // 20)
LONG = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
RESENT = 5000  # calls at once
IMPORTED = 20_000
START = "2026-03-09T12:00:00Z"


@dataclass
class Resender:
    """Sends the same calls again and again, each time with other values, long enough that the log is soon full."""

    key: str
    chance: random.Random
    acknowledged: int = 0  # the last round that was
    sent: int = 0

    def send(self, server: Server) -> None:
        """Send until the server is gone."""
        headers = {"Authorization": f"Bearer {self.key}"}
        with (
            suppress(httpx2.TransportError),
            httpx2.Client(base_url=server.address, headers=headers, timeout=60) as client,
        ):
            while True:
                self._send(client)

    def _send(self, client: httpx2.Client) -> None:
        self.sent += 1
        texts = {name: self.chance.randbytes(250).hex() for name in LONG}
        records = [{**call, "started_at": START, **texts} for call in resent(self.sent).values()]
        answer = client.post("/api/v1/calls", json=records)
        assert answer.status_code == 200, answer.text
        self.acknowledged = self.sent


def resent(number: int) -> dict[str, Record]:
    """The calls by id as they are after so many rounds."""
    calls = ({"id": f"r{n}", "source": f"round {number}"} for n in range(RESENT if number else 0))
    return {call["id"]: {**call} for call in calls}


def sources(server: Server, key: str) -> dict[str, int]:
    """How many calls a report counts of each source."""
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx2.get(f"{server.address}{REPORT}?group_by=source", headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return {row["source"]: row["count"] for row in answer.json()["data"]["data"]}


def test_nothing_acknowledged_is_lost_when_it_is_killed_while_a_full_log_is_written_into_the_file(
    calltally: CommandLine, acme: str, key: str
) -> None:
    chance = random.Random(SEED)
    sender = Resender(key, chance)
    hits: list[bool] = []
    while go_on(hits, FULL_LOGS):
        with serving(calltally.data) as server:
            sending = threading.Thread(target=sender.send, args=(server,))
            sending.start()
            hits += [kill_amid_checkpoint(server, DataFolder(calltally.data), chance.uniform(0, 0.003))]
            sending.join()
        stored = stored_calls(calltally, acme, ("id", "source"))
        assert stored in [resent(number) for number in (sender.acknowledged, sender.sent)], TOLD
        with serving(calltally.data) as server:
            assert sources(server, key) == {call["source"]: RESENT for call in stored.values()}, TOLD
    assert any(hits), TOLD


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(calltally: CommandLine, acme: str, key: str) -> None:
    chance = random.Random(SEED)
    writers = some_writers(chance)
    for _ in range(KILLS):
        with serving(calltally.data) as server:
            holds_report(server, key, writers)
            with writing(server, key, writers):
                kill_sometime(server, chance)
        settle(writers, calltally, acme)
    assert no_leftovers(DataFolder(calltally.data))
    assert sum(writer.acknowledged for writer in writers) > KILLS


def test_nothing_acknowledged_is_lost_when_it_is_killed_amid_a_checkpoint(
    calltally: CommandLine, acme: str, key: str
) -> None:
    chance = random.Random(SEED)
    writers = some_writers(chance)
    hits: list[bool] = []
    while go_on(hits, CHECKPOINTS):
        # A file that nobody uses at the moment is let go of at once, which is a checkpoint each time.
        with serving(calltally.data, CALLTALLY_OPEN_BUSINESSES="0") as server:
            holds_report(server, key, writers)
            with writing(server, key, writers):
                time.sleep(chance.uniform(0.1, 0.6))
                hits += [kill_amid_checkpoint(server, DataFolder(calltally.data), chance.uniform(0, 0.0005))]
        settle(writers, calltally, acme)
    with serving(calltally.data) as server:
        holds_report(server, key, writers)
    assert no_leftovers(DataFolder(calltally.data))
    assert any(hits), TOLD


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a server"])
def test_an_import_that_is_killed_is_in_whole_or_not_at_all(
    calltally: CommandLine, acme: str, tmp_path: Path, *, beside: bool
) -> None:
    chance = random.Random(SEED)
    path = tmp_path / "import.csv"
    rows = (f"i{n},2026-03-{1 + n % 28:02}T10:00:00Z,s{n % 7}\n" for n in range(IMPORTED))
    path.write_text("id,started_at,source\n" + "".join(rows))
    seen = 0
    for _ in range(max(2, KILLS // 10)):
        if beside:
            with serving(calltally.data) as server, _importing(calltally, acme, path) as command:
                time.sleep(chance.uniform(0.2, 1.5))
                server.process.kill()
                command.wait(timeout=60)
        else:
            with _importing(calltally, acme, path) as victim:
                time.sleep(chance.uniform(0.2, 1.5))
                victim.kill()
        found = len(stored_calls(calltally, acme, ("id",)))
        assert found in {seen, IMPORTED}, TOLD
        seen = found
    assert calltally.run("import", str(path), "-b", acme).code == 0
    assert len(stored_calls(calltally, acme, ("id",))) == IMPORTED
    with suppress(FileNotFoundError):
        assert not list(DataFolder(calltally.data).staging.iterdir())


def _importing(calltally: CommandLine, business: str, path: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [CALLTALLY, "import", str(path), "-b", business, "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=calltally.environment(),
    )
