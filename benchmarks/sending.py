"""How fast calls that programs send over HTTP are taken, and what that does to reports meanwhile.

Every figure is the best of the rounds. After each, the business has to have as many calls more as were acknowledged.
"""

import json
import random
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import duckdb

from benchmarks.client import CALLS, NDJSON, Client, connected
from benchmarks.clients import clients, posted
from benchmarks.commands import Server, run, serving
from benchmarks.data import Calls, make_calls, make_parquet
from benchmarks.figures import (
    BatchesFigure,
    BesideFigure,
    BesideReport,
    CorrectionsFigure,
    PostsFigure,
    StreamFigure,
    WritingFigures,
)
from benchmarks.imports import BUSINESS, import_into
from benchmarks.measure import WARM_UP, Best, median_ms
from benchmarks.memory import peak_memory
from benchmarks.poster import Posted, Posting
from benchmarks.reports import ASKED_ON
from calltally.demo import requests

__all__ = ["measure_writing"]

CONNECTIONS = 64  # that post single calls
BATCH, BATCH_CONNECTIONS = 1_000, 4
BATCHED = 5  # times as many calls as are posted one by one
CORRECTED = 500  # calls in one array
PACED_CONNECTIONS, PACED = 64, 1_000.0  # posts a second beside reports
SETTLE_SECONDS = 1.0  # from the first post on, until reports are asked
TEMPLATES = 5_000  # different calls that are posted
EMPTY = "Empty"
CORRECTIONS = "corrections"
REPORTS = requests(ASKED_ON, "UTC")


@dataclass(frozen=True)
class _Place:
    """A running server on a data folder, and the file whose calls are posted."""

    data: Path
    server: Server
    templates: Path
    rounds: Iterator[int]  # numbers that no ids and no businesses have yet

    def empty_business(self) -> str:
        """The name of a new business."""
        name = f"{EMPTY} {next(self.rounds)}"
        run(self.data, "business", "create", name)
        return name

    def posting(self, key: str, connections: int, posts: int = 0, batch: int = 0, a_second: float = 0) -> Posting:
        """Calls with ids that no other posting has."""
        tag = f"posted-{next(self.rounds)}-"
        address = self.server.host, self.server.port
        return Posting(*address, key, str(self.templates), tag, connections, posts, batch, a_second)


def measure_writing(
    written: int, corrected: int, posts: int, out: Path, scratch: Path, rounds: int, times: int
) -> WritingFigures:
    """Everything that is sent in, to a business of `written` calls, an empty one, and one of `corrected` calls."""
    calls = make_calls(written, out)
    data = scratch / "written"
    import_into(data, calls.parquet, calls.count)
    with _open(data, calls, scratch) as place:
        singles = (
            _posts(place, f"{calls.count:,} calls", lambda: BUSINESS, posts, rounds),
            _posts(place, "no calls", place.empty_business, posts, rounds),
        )
        batches = _batches(place, posts * BATCHED // BATCH, rounds)
        beside = _beside(place, calls.count, rounds, times)
    shutil.rmtree(data)
    stream = _streamed(calls, scratch, rounds)
    return WritingFigures(singles, batches, stream, _corrected(corrected, out, scratch, rounds, times), beside)


def _key(data: Path, business: str) -> str:
    """A new key that may read and write."""
    key: str = run(data, "key", "create", business, "--scope", "read", "--scope", "write").printed["key"]
    return key


@contextmanager
def _open(data: Path, calls: Calls, scratch: Path) -> Iterator[_Place]:
    templates = scratch / "templates.ndjson"
    templates.write_bytes(b"".join(_last_lines(calls.ndjson, min(TEMPLATES, calls.count))))
    with serving(data) as server:
        yield _Place(data, server, templates, count())


def _last_lines(path: Path, lines: int) -> list[bytes]:
    """The newest calls: what is sent in has only just happened."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1024 * lines))  # a line is shorter than that
        return file.readlines()[-lines:]


def _posts(place: _Place, title: str, business: Callable[[], str], posts: int, rounds: int) -> PostsFigure:
    """Single calls, as many at once as there are connections."""
    made = [_checked_post(place, business(), CONNECTIONS, posts) for _ in range(rounds)]
    best = max(made, key=_rate)
    return PostsFigure(title, CONNECTIONS, _rate(best), best.median_ms, best.p99_ms, best.client_share)


def _batches(place: _Place, batches: int, rounds: int) -> BatchesFigure:
    """Arrays, each round into a business of its own."""
    made = [_checked_post(place, place.empty_business(), BATCH_CONNECTIONS, batches, BATCH) for _ in range(rounds)]
    best = max(made, key=_rate)
    return BatchesFigure(BATCH, BATCH_CONNECTIONS, _rate(best), best.client_share)


def _rate(done: Posted) -> float:
    return done.calls / done.seconds


def _checked_post(place: _Place, business: str, connections: int, posts: int, batch: int = 0) -> Posted:
    """Post, and look whether the business has it all."""
    key = _key(place.data, business)
    with connected(place.server, key) as client:
        before = client.count()
        with clients(place.posting(key, connections, posts, batch)) as process:
            done = posted(process)
        _check(client, before + done.calls)
    return done


def _check(client: Client, expected: int) -> None:
    if client.count() != expected:
        raise RuntimeError(f"the business has {client.count():,} calls, not the {expected:,} that were acknowledged")


def _beside(place: _Place, calls: int, rounds: int, times: int) -> BesideFigure:
    """Reports, a call written before each so that none comes from memory: first so, then while posts arrive."""
    idle, busy, made = Best(), Best(), []
    key = _key(place.data, BUSINESS)
    with connected(place.server, key) as client:
        writes = _single_calls(place)

        def write() -> None:
            client.post(next(writes))

        for _ in range(rounds):
            _ask(client, idle, times, write)
            with clients(place.posting(key, PACED_CONNECTIONS, a_second=PACED)) as process:
                time.sleep(SETTLE_SECONDS)
                _ask(client, busy, times, write)
                made.append(posted(process, now=True))
    reports = tuple(BesideReport(title, idle[title], busy[title], busy[title] / idle[title]) for title, _ in REPORTS)
    least = min(made, key=_rate)
    return BesideFigure(calls, PACED_CONNECTIONS, _rate(least), least.client_share, reports)


def _ask(client: Client, best: Best, times: int, before: Callable[[], object]) -> None:
    for title, request in REPORTS:
        best.take(title, median_ms(partial(client.report, request), times, before))


def _single_calls(place: _Place) -> Iterator[bytes]:
    """One call after the other, as bodies."""
    call = json.loads(place.templates.read_bytes().splitlines()[-1])
    for number in count():
        yield json.dumps({**call, "id": f"single-{number}"}).encode()


def _streamed(calls: Calls, scratch: Path, rounds: int) -> StreamFigure:
    """The whole file as one body, each round to a server that was just started, into a business of its own."""
    data = scratch / "streamed"
    found, peaks = [], []
    for number in range(rounds):
        name = f"{EMPTY} {number}"
        run(data, "business", "create", name)
        key = _key(data, name)
        with serving(data) as server:
            found.append(_stream(server, key, calls.ndjson))
            peaks.append(peak_memory(server.pid))  # before it is asked for a report, which takes some of its own
            with connected(server, key) as client:
                _check(client, calls.count)
    seconds, share = min(found)
    return StreamFigure(calls.count, calls.count / seconds, max(peaks), share)


def _stream(server: Server, key: str, file: Path) -> tuple[float, float]:
    """How many seconds a file takes, and how much of a core the client; the kernel hands over the bytes."""
    head = (
        f"POST {CALLS} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {NDJSON}\r\nContent-Length: {file.stat().st_size}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((server.host, server.port)) as connection, file.open("rb") as body:
        begun, used = time.perf_counter(), time.process_time()
        connection.sendall(head.encode())
        connection.sendfile(body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
        seconds, used = time.perf_counter() - begun, time.process_time() - used
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"{file}: {answer.decode(errors='replace')}")
    return seconds, used / seconds


def _corrected(size: int, out: Path, scratch: Path, rounds: int, times: int) -> CorrectionsFigure:
    """Scores of calls that are there, at random, by one array."""
    parquet, data = make_parquet(size, out), scratch / "corrected"
    import_into(data, parquet, size)
    best, corrections = Best(), _corrections(parquet)
    with serving(data) as server, connected(server, _key(data, BUSINESS)) as client:
        for _ in range(rounds):
            bodies = [next(corrections) for _ in range(times + WARM_UP)]  # made before the clock runs
            best.take(CORRECTIONS, median_ms(_posted_one_by_one(client, bodies), times))
        _check(client, size)
    shutil.rmtree(data)
    return CorrectionsFigure(size, CORRECTED, best[CORRECTIONS])


def _posted_one_by_one(client: Client, bodies: Sequence[bytes]) -> Callable[[], bytes]:
    """What posts the next body each time that it is called."""
    left = iter(bodies)
    return lambda: client.post(next(left))


def _corrections(parquet: Path) -> Iterator[bytes]:
    """Endless arrays of ids and scores alone."""
    with duckdb.connect() as database:
        found = database.sql("SELECT id FROM read_parquet(?)", params=[str(parquet)]).to_arrow_table()["id"]
    chance = random.Random(CORRECTED)
    while True:
        ids = [found[chance.randrange(len(found))].as_py() for _ in range(min(CORRECTED, len(found)))]
        yield json.dumps([{"id": call_id, "ai_score": chance.randrange(101)} for call_id in ids]).encode()
