"""A server that is killed while it takes a stream: each batch is in whole or not at all, and none before its turn."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import httpx2

from calltally.api.lines import BATCH_LINES
from calltally.folder import DataFolder
from tests.api.conftest import Record, Server, serving
from tests.cli.conftest import CommandLine
from tests.faults.killing import KILLS, SEED, TOLD, go_on, kill, no_leftovers, sources, stored_calls

STREAMS = max(1, KILLS // 5)
BATCHES = 3
CALLS = BATCHES * BATCH_LINES
LINES_A_PIECE = 1000
START = "2026-03-09T12:00:00Z"


@dataclass
class Stream:
    """The same calls as in every other stream, with a source that tells this one."""

    source: str
    key: str
    done: threading.Event = field(default_factory=threading.Event)  # answered, or the server is gone
    acknowledged: bool = False

    def send(self, server: Server) -> None:
        """Send all of it, unless the server goes before the answer."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/x-ndjson"}
        with suppress(httpx2.TransportError):
            answer = httpx2.post(f"{server.address}/api/v1/calls", content=self._pieces(), headers=headers, timeout=60)
            assert answer.status_code == 200, answer.text
            counts = answer.json()["data"]
            self.acknowledged = counts["added"] + counts["updated"] == CALLS
        self.done.set()

    def _pieces(self) -> Iterator[bytes]:
        for first in range(0, CALLS, LINES_A_PIECE):
            records = ({"id": f"s{n}", "started_at": START, "source": self.source} for n in numbers(first))
            yield b"".join(json.dumps(record).encode() + b"\n" for record in records)


def numbers(first: int) -> range:
    return range(first, first + LINES_A_PIECE)


def kill_amid_stream(server: Server, stream: Stream, chance: random.Random) -> int:
    """End it once a report has told of some batches; of how many calls reports had told by then."""
    enough = chance.randrange(BATCHES) * BATCH_LINES
    told = 0
    while told < enough and not stream.done.is_set():
        told = sources(server, stream.key).get(stream.source, 0)
    stream.done.wait(chance.uniform(0, 0.1))
    kill(server)
    return told


def taken(stored: dict[str, Record], before: dict[str, Record], source: str) -> int:
    """How many calls a stream has left its source in: its first ones; the others are as before."""
    count = sum(call["source"] == source for call in stored.values())
    assert stored == {**before, **as_sent(source, count)}, TOLD
    return count


def as_sent(source: str, count: int) -> dict[str, Record]:
    """The first calls of a stream by id."""
    return {f"s{n}": {"id": f"s{n}", "source": source} for n in range(count)}


def test_a_stream_that_is_killed_is_in_batch_by_batch(calltally: CommandLine, acme: str, key: str) -> None:
    chance = random.Random(SEED)
    stored: dict[str, Record] = {}
    hits: list[bool] = []
    while go_on(hits, STREAMS):
        stream = Stream(f"stream {len(hits)}", key)
        with serving(calltally.data) as server:
            sending = threading.Thread(target=stream.send, args=(server,))
            sending.start()
            told = kill_amid_stream(server, stream, chance)
            sending.join()
        before, stored = stored, stored_calls(calltally, acme, ("id", "source"))
        count = taken(stored, before, stream.source)
        assert count >= (CALLS if stream.acknowledged else told), TOLD
        assert count % BATCH_LINES == 0, TOLD
        assert no_leftovers(DataFolder(calltally.data)), TOLD
        hits.append(0 < count < CALLS)
    assert any(hits), TOLD
    _send_again(calltally, key)
    assert stored_calls(calltally, acme, ("id", "source")) == as_sent("again", CALLS), TOLD


def _send_again(calltally: CommandLine, key: str) -> None:
    """A stream that nothing keeps from its end takes in what others have left."""
    stream = Stream("again", key)
    with serving(calltally.data) as server:
        stream.send(server)
        assert stream.acknowledged, TOLD
        assert sources(server, key) == {"again": CALLS}, TOLD
