"""A server that is killed at any moment: what it acknowledged is there, once and whole, and nothing else is left.

`CALLTALLY_KILLS` says how many times (`make faults`: 100), `CALLTALLY_SEED` with which chance; failures tell the seed.
"""

import copy
import http.client
import json
import os
import random
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from calltally.folder import DataFolder
from tests import reference
from tests.api.conftest import REPORT, Server, serving
from tests.cli.conftest import CALLTALLY, CommandLine

KILLS = int(os.environ.get("CALLTALLY_KILLS", "4"))
SEED = int(os.environ.get("CALLTALLY_SEED") or random.SystemRandom().randrange(10**6))
WRITERS = 4
IMPORTED = 20_000
FIELDS = ("id", "source", "status", "ai_score", "caller_number", "duration_seconds")
PARAMS = [("group_by", "source,status"), ("metrics", ",".join(reference.METRICS)), ("limit", "1000")]
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
Record = dict[str, object]


@dataclass
class Writer:
    """Sends what concerns ids and callers of its own, one request after the other, and keeps account of the answers."""

    name: int
    chance: random.Random
    known: reference.Business = field(default_factory=lambda: reference.Business("UTC", "US"))
    unsure: reference.Business | None = None  # what it would be, had the request without an answer been taken
    generation: int = 0  # of ids and callers
    made: int = 0  # ids of this generation
    acknowledged: int = 0
    wrong: list[str] = field(default_factory=list)

    def write(self, server: Server, key: str) -> None:
        """Send until the server is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        headers = {"Authorization": f"Bearer {key}"}
        while self._send(connection, headers):
            pass
        connection.close()

    def _send(self, connection: http.client.HTTPConnection, headers: dict[str, str]) -> bool:
        method, path, body, kind, after = self._next()
        self.unsure = after
        try:
            connection.request(method, path, body, {**headers, "Content-Type": kind})
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        if answer.status == 503:  # it is stopping
            return False
        if answer.status not in (200, 204):
            self.wrong.append(f"{method} {path}: {answer.status} {said.decode()}")
            return False
        self.known, self.unsure = after, None
        self.acknowledged += 1
        return True

    def _next(self) -> tuple[str, str, bytes, str, reference.Business]:
        """A request, and what there is once it is taken."""
        after = copy.deepcopy(self.known)
        there = [str(call["id"]) for call in after.calls() if str(call["id"]).startswith(self._ids)]
        kind = self.chance.choices(("post", "lines", "patch", "delete", "erase"), (6, 2, 3, 1, 0.2))[0]
        now = time.time_ns() // 1000
        if kind == "erase":
            number = self._caller()
            after.erase(number)
            return "DELETE", f"/api/v1/calls?caller_number=%2B{number[1:]}", b"", "application/json", after
        if kind == "delete" and there:
            gone = self.chance.choice(there)
            after.delete(gone)
            return "DELETE", f"/api/v1/calls/{gone}", b"", "application/json", after
        if kind == "patch" and there:
            changed = self.chance.choice(there)
            changes: Record = {"status": self.chance.choice(("voicemail", "busy")), "ai_score": None}
            after.deliver({"id": changed, **changes}, now, null_clears=True)
            return "PATCH", f"/api/v1/calls/{changed}", json.dumps(changes).encode(), "application/json", after
        records = [self._record() for _ in range(self.chance.choice((1, 1, 5, 60)))]
        for place, record in enumerate(records):
            after.deliver(record, now + place, null_clears=True)  # each arrives after the one before it
        if kind == "lines":
            return "POST", "/api/v1/calls", b"\n".join(map(_json, records)), "application/x-ndjson", after
        return "POST", "/api/v1/calls", _json(records), "application/json", after

    def _record(self) -> Record:
        """A new call, a correction, or an update that may come before its call."""
        if self.made and self.chance.random() < 0.3:
            number = self.chance.randrange(self.made + 3)
            record: Record = {"id": f"{self._ids}{number}", "ai_score": self.chance.randrange(101)}
        else:
            number = self.made
            self.made += 1
            record = {
                "id": f"{self._ids}{number}",
                "started_at": (FIRST + timedelta(minutes=number)).isoformat(),
                "source": f"source {number % 7}",
                "status": "completed",
                "caller_number": self._caller(),
                "duration_seconds": number % 600,
            }
        if self.chance.random() < 0.3:
            record["updated_at"] = (FIRST + timedelta(seconds=self.chance.randrange(10**6))).isoformat()
        return record

    def _caller(self) -> str:
        return f"+1305555{self.name}{self.generation % 100:02}{self.chance.randrange(10)}"

    @property
    def _ids(self) -> str:
        return f"w{self.name}-{self.generation}-"

    def settle(self, stored: dict[str, Record]) -> None:
        """What there is holds all that was acknowledged, and of the last request all or nothing."""
        assert not self.wrong, (SEED, self.wrong)
        mine = {name: call for name, call in stored.items() if name.startswith(f"w{self.name}-")}
        if self.unsure and mine == _shown(self.unsure) != _shown(self.known):
            self.known = self.unsure
        elif self.unsure and _shown(self.unsure) == _shown(self.known):
            self.generation, self.made = self.generation + 1, 0  # versions and what is held do not show: leave them be
        self.unsure = None
        assert mine == _shown(self.known), f"CALLTALLY_SEED={SEED}"


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _shown(business: reference.Business) -> dict[str, Record]:
    return {call["id"]: {name: call[name] for name in FIELDS} for call in business.calls()}


def _stored(calltally: CommandLine, business: str, path: Path) -> dict[str, Record]:
    """The calls of a business by id, each there once; the folder is in order."""
    assert calltally.run("check").code == 0, f"CALLTALLY_SEED={SEED}"
    path.unlink(missing_ok=True)
    done = calltally.run("export", "-b", business, "--output", str(path))
    assert done.code == 0, done.err
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    found = {row["id"]: {name: row.get(name) for name in FIELDS} for row in rows}
    assert len(found) == len(rows)
    return found


def _kill(server: Server, chance: random.Random) -> None:
    """End it, at once or while it stops."""
    time.sleep(chance.uniform(0.05, 1.5))
    if chance.random() < 0.4:
        server.process.send_signal(signal.SIGTERM)
        time.sleep(chance.uniform(0, 0.4))
    server.process.kill()
    server.process.wait()


def _holds_report(server: Server, key: str, writers: list[Writer]) -> None:
    calls = [call for writer in writers for call in writer.known.calls()]
    params = "&".join(f"{name}={value}" for name, value in PARAMS)
    found = httpx2.get(f"{server.address}{REPORT}?{params}", headers={"Authorization": f"Bearer {key}"}, timeout=30)
    assert found.content == reference.encode(reference.report(calls, "UTC", PARAMS)), f"CALLTALLY_SEED={SEED}"


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    calltally: CommandLine, acme: str, tmp_path: Path
) -> None:
    key = calltally.run("key", "create", acme, "--scope", "admin", "--json").json()["key"]
    chance = random.Random(SEED)
    writers = [Writer(number, random.Random(chance.random())) for number in range(WRITERS)]
    for _ in range(KILLS):
        with serving(calltally.data) as server:
            _holds_report(server, key, writers)
            threads = [threading.Thread(target=writer.write, args=(server, key)) for writer in writers]
            for thread in threads:
                thread.start()
            _kill(server, chance)
            for thread in threads:
                thread.join()
        stored = _stored(calltally, acme, tmp_path / "calls.ndjson")
        for writer in writers:
            writer.settle(stored)
    folder = DataFolder(calltally.data)
    assert not list(folder.calls.glob("*.rewriting*"))
    assert not list(folder.staging.iterdir())
    assert sum(writer.acknowledged for writer in writers) > KILLS


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
        found = len(_stored(calltally, acme, tmp_path / "calls.ndjson"))
        assert found in {seen, IMPORTED}, f"CALLTALLY_SEED={SEED}"
        seen = found
    assert calltally.run("import", str(path), "-b", acme).code == 0
    assert len(_stored(calltally, acme, tmp_path / "calls.ndjson")) == IMPORTED
    with suppress(FileNotFoundError):
        assert not list(DataFolder(calltally.data).staging.iterdir())


def _importing(calltally: CommandLine, business: str, path: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [CALLTALLY, "import", str(path), "-b", business, "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=calltally.environment(),
    )
