"""Who sends all manner of requests to a server that may be killed at any moment, and keeps account of the answers."""

import copy
import http.client
import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2

from tests import reference
from tests.api.conftest import REPORT, Record, Server
from tests.cli.conftest import CommandLine
from tests.faults.killing import TOLD, stored_calls

__all__ = ["KINDS", "Writer", "holds_report", "settle", "some_writers", "writing"]

WRITERS = 4
FIELDS = ("id", "source", "status", "ai_score", "caller_number", "duration_seconds")
PARAMS = [("group_by", "source,status"), ("metrics", ",".join(reference.METRICS)), ("limit", "1000")]
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
KINDS = {"post": 6.0, "lines": 2.0, "patch": 3.0, "delete": 1.0, "erase": 0.2}  # of requests, and how often


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
    kinds: dict[str, float] = field(default_factory=lambda: KINDS)
    refused: int | None = None  # for want of room on the disk; None: there always is
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
        if answer.status == 507 and self.refused is not None:
            self.refused, self.unsure = self.refused + 1, None
            return True
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
        kind = self.chance.choices(list(self.kinds), list(self.kinds.values()))[0]
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
        assert not self.wrong, (TOLD, self.wrong)
        mine = {name: call for name, call in stored.items() if name.startswith(f"w{self.name}-")}
        if self.unsure and mine == _shown(self.unsure) != _shown(self.known):
            self.known = self.unsure
        elif self.unsure and _shown(self.unsure) == _shown(self.known):
            self.generation, self.made = self.generation + 1, 0  # versions and what is held do not show: leave them be
        self.unsure = None
        assert mine == _shown(self.known), TOLD


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _shown(business: reference.Business) -> dict[str, Record]:
    return {call["id"]: {name: call[name] for name in FIELDS} for call in business.calls()}


def some_writers(chance: random.Random) -> list[Writer]:
    """Writers of different chances."""
    return [Writer(number, random.Random(chance.random())) for number in range(WRITERS)]


@contextmanager
def writing(server: Server, key: str, writers: Sequence[Writer]) -> Iterator[None]:
    """The writers send while the block runs, at the end of which the server is gone."""
    threads = [threading.Thread(target=writer.write, args=(server, key)) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        server.process.kill()
        for thread in threads:
            thread.join()


def settle(writers: Sequence[Writer], calltally: CommandLine, business: str) -> None:
    """The folder is in order, and has what the writers were told."""
    stored = stored_calls(calltally, business, FIELDS)
    for writer in writers:
        writer.settle(stored)


def holds_report(server: Server, key: str, writers: Sequence[Writer]) -> None:
    """A report tells of what the writers were told."""
    calls = [call for writer in writers for call in writer.known.calls()]
    params = "&".join(f"{name}={value}" for name, value in PARAMS)
    found = httpx2.get(f"{server.address}{REPORT}?{params}", headers={"Authorization": f"Bearer {key}"}, timeout=30)
    assert found.content == reference.encode(reference.report(calls, "UTC", PARAMS)), TOLD
