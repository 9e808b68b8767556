"""How fast calls come in over HTTP: one by one, many together, as a stream, as corrections, and beside reports."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from benchmarks.commands import Server, run, serving
from benchmarks.data import Calls
from benchmarks.figures import BesideFigure, WriteFigures
from benchmarks.imports import BUSINESS, import_into
from benchmarks.measure import median_ms
from benchmarks.memory import peak_memory
from benchmarks.posting import STARTED_AT, Posted
from benchmarks.reports import ALL_REPORTS

__all__ = ["measure_writes"]

CONNECTIONS = 64
SINGLES = 20_000
BATCH, BATCHES = 1000, 100
STREAMED = 500_000
CORRECTIONS, TIMES = 500, 15
BESIDE_A_SECOND, BESIDE_CONNECTIONS, BESIDE_SECONDS = 1000, 16, 20
JSON, NDJSON = "application/json", "application/x-ndjson"


def measure_writes(calls: Calls, scratch: Path, rounds: int, scale: float) -> WriteFigures:
    """All of it, into a business that has the calls already; `scale` makes everything smaller, to see that it runs."""
    data = scratch / "writes"
    import_into(data, calls.parquet, calls.count)
    key = run(data, "key", "create", BUSINESS, "--scope", "admin").printed["key"]
    with serving(data) as server, _connected(server, key) as send:
        singles = [_posted(server, key, f"s{turn}", CONNECTIONS, int(SINGLES * scale)) for turn in range(rounds)]
        batches = max(_batches(send, f"b{turn}", int(BATCHES * scale)) for turn in range(rounds))
        corrections = min(_corrections(send, _ids(calls), turn) for turn in range(rounds))
        beside = _beside(server, key, send, scale)
    best = max(singles, key=lambda found: found.acknowledged / found.seconds)
    streamed, peak = max(_stream(scratch / f"stream-{turn}", int(STREAMED * scale)) for turn in range(rounds))
    return WriteFigures(
        calls.count,
        best.acknowledged / best.seconds,
        min(found.p99_ms for found in singles),
        best.client_cpu_seconds / best.seconds,
        batches,
        streamed,
        peak,
        corrections,
        beside,
    )


class _Sender:
    """Sends bodies over one connection that is kept open."""

    def __init__(self, connection: HTTPConnection, key: str) -> None:
        self._connection = connection
        self._headers = {"Authorization": f"Bearer {key}"}

    def send(self, method: str, path: str, body: Any = None, kind: str = JSON) -> dict[str, Any]:
        """The answer's JSON."""
        self._connection.request(method, path, body, {**self._headers, "Content-Type": kind})
        response = self._connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {answer}")
        return answer


@contextmanager
def _connected(server: Server, key: str) -> Iterator[_Sender]:
    with closing(HTTPConnection(server.host, server.port)) as connection:
        yield _Sender(connection, key)


def _posting(server: Server, key: str, name: str, connections: int, calls: int, rate: float = 0) -> list[str]:
    arguments = (server.host, server.port, key, name, connections, calls, rate)
    return [sys.executable, "-m", "benchmarks.posting", *map(str, arguments)]


def _posted(server: Server, key: str, name: str, connections: int, calls: int) -> Posted:
    done = subprocess.run(_posting(server, key, name, connections, calls), check=True, capture_output=True)
    return Posted(**json.loads(done.stdout))


def _batches(sender: _Sender, name: str, count: int) -> float:
    """Calls a second, in arrays of a thousand."""
    bodies = [json.dumps(list(_made(f"{name}-{turn}", BATCH))).encode() for turn in range(count)]
    start = time.perf_counter()
    for body in bodies:
        answer = sender.send("POST", "/api/v1/calls", body)
        if answer["data"]["added"] != BATCH:
            raise RuntimeError(f"not all calls were added: {answer}")
    return count * BATCH / (time.perf_counter() - start)


def _made(name: str, count: int) -> Iterator[dict[str, object]]:
    for number in range(count):
        yield {
            "id": f"{name}-{number}",
            "started_at": STARTED_AT,
            "caller_number": f"+1305{number % 10_000_000:07}",
            "status": "completed",
            "source": "google",
            "utm_campaign": "spring",
            "duration_seconds": number % 600,
        }


def _stream(data: Path, count: int) -> tuple[float, float]:
    """Calls a second in one stream into a new business, and the most memory that the server held."""
    data.parent.mkdir(parents=True, exist_ok=True)
    run(data, "business", "create", BUSINESS)
    key = run(data, "key", "create", BUSINESS, "--scope", "write").printed["key"]
    lines = b"".join(json.dumps(call).encode() + b"\n" for call in _made("stream", count))
    with serving(data) as server, _connected(server, key) as sender:
        start = time.perf_counter()
        answer = sender.send("POST", "/api/v1/calls", lines, NDJSON)
        seconds = time.perf_counter() - start
        if answer["data"]["added"] != count:
            raise RuntimeError(f"not all calls were added: {answer}")
        return count / seconds, peak_memory(server.pid)


def _ids(calls: Calls) -> list[str]:
    """Ids of calls from all over the business."""
    sample = f"SELECT id FROM read_parquet(?) USING SAMPLE reservoir({50 * CORRECTIONS} ROWS) REPEATABLE (1)"
    return [row[0] for row in duckdb.execute(sample, [str(calls.parquet)]).fetchall()]


def _corrections(sender: _Sender, ids: list[str], turn: int) -> float:
    """Milliseconds for so many scores."""
    chance = random.Random(turn)

    def correct() -> None:
        corrected = chance.sample(ids, CORRECTIONS)
        body = json.dumps([{"id": call_id, "ai_score": chance.randrange(101)} for call_id in corrected])
        answer = sender.send("POST", "/api/v1/calls", body.encode())["data"]
        if answer["updated"] + answer["unchanged"] != CORRECTIONS:
            raise RuntimeError(f"these are no corrections: {answer}")

    return median_ms(correct, TIMES)


def _beside(server: Server, key: str, sender: _Sender, scale: float) -> BesideFigure:
    """The reports of the published document, idle and while calls come in."""
    seconds = max(2, int(BESIDE_SECONDS * scale))
    idle = _reports(sender, lambda turn: turn < TIMES)
    command = _posting(server, key, "beside", BESIDE_CONNECTIONS, BESIDE_A_SECOND * seconds, BESIDE_A_SECOND)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as posting:
        busy = _reports(sender, lambda _: posting.poll() is None)
        written, _ = posting.communicate()
    posted = Posted(**json.loads(written))
    return BesideFigure(posted.acknowledged / posted.seconds, posted.p99_ms, idle, busy, busy / idle)


def _reports(sender: _Sender, goes_on: Callable[[int], bool]) -> float:
    """The median of milliseconds over all reports, asked in turn, none of them answered from memory."""
    took = []
    turn = 0
    while goes_on(turn) or not turn:
        for _, request in ALL_REPORTS:
            path = f"/api/v1/analytics/calls?{request}&min_duration={turn}"
            took.append(_ms(partial(sender.send, "GET", path)))
        turn += 1
    return median(took)


def _ms(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000
