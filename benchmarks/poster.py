"""Many clients in one light process of its own: they post calls over connections that are kept open.

`python -m benchmarks.poster POSTING` takes a `Posting` as JSON, prints a line when all is ready, begins, ends when all
is posted or standard input is closed, and prints `Posted` as JSON. What a post costs the client is to write bytes that
were put together before and to look for the end of an answer; how much of a core that took is one of the figures.
"""

import asyncio
import json
import math
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import count, cycle, islice
from pathlib import Path
from statistics import median
from typing import cast

import uvloop

__all__ = ["Posted", "Posting", "main"]

ID = b'{"id":"'  # how every line of the file begins
OK = b"HTTP/1.1 200 "
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "


@dataclass(frozen=True)
class Posting:
    """What to post, and to whom.

    The calls are those of a file of NDJSON, again and again, with new ids that begin with `tag`. `posts` 0: until
    standard input is closed. `batch` 0: one call a post, as an object. `a_second` 0: each connection posts again as
    soon as it is answered; otherwise all of them together post so often at most.
    """

    host: str
    port: int
    key: str
    calls: str
    tag: str
    connections: int
    posts: int = 0
    batch: int = 0
    a_second: float = 0


@dataclass(frozen=True)
class Posted:
    """How it went; times from when a post was due to the whole answer. `client_share` is of one core."""

    posts: int
    calls: int
    seconds: float
    median_ms: float
    p99_ms: float
    client_share: float


@dataclass
class _Run:
    """What all connections have in common."""

    requests: Iterator[bytes]
    times: list[float] = field(default_factory=list)
    ended: bool = False


class _Connection(asyncio.Protocol):
    """Posts, waits for the answer, posts again; `every`: seconds from one post to the next at least."""

    def __init__(self, run: _Run, every: float) -> None:
        self._run = run
        self._every = every
        self._due = 0.0
        self._received = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # what uvloop's is by its methods alone

    def begin(self, due: float) -> None:
        """Post at a time of the clock, now at the earliest."""
        now = time.monotonic()  # not the loop's clock, which stands still while it goes round
        self._due = due if self._every else max(due, now)
        if self._due > now:
            asyncio.get_running_loop().call_later(self._due - now, self._post)
        else:
            self._post()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not _is_whole(self._received):
            return
        if not self._received.startswith(OK):
            self._fail(self._received.decode(errors="replace"))
            return
        self._received = b""
        self._run.times.append(time.monotonic() - self._due)
        self.begin(self._due + self._every)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server closed a connection: {exc}")

    def _post(self) -> None:
        request = None if self._run.ended else next(self._run.requests, None)
        if request is not None:
            self._transport.write(request)
        elif not self.done.done():
            self.done.set_result(None)

    def _fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(why))


def main(posting: Posting) -> Posted:
    """Post everything."""
    made = _requests(posting)
    # Those whose number is known are made before the clock runs.
    run = _Run(iter(list(islice(made, posting.posts))) if posting.posts else made)
    threading.Thread(target=_end_with_input, args=(run,), daemon=True).start()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_posted(posting, run))


def _end_with_input(run: _Run) -> None:
    sys.stdin.read()
    run.ended = True


async def _posted(posting: Posting, run: _Run) -> Posted:
    loop = asyncio.get_running_loop()
    every = posting.connections / posting.a_second if posting.a_second else 0.0
    made = [
        await loop.create_connection(lambda: _Connection(run, every), posting.host, posting.port)
        for _ in range(posting.connections)
    ]
    print("ready", flush=True)
    begun, used = time.monotonic(), time.process_time()
    for turn, (_, connection) in enumerate(made):
        connection.begin(begun + every * turn / posting.connections)
    await asyncio.gather(*(connection.done for _, connection in made))
    seconds, used = time.monotonic() - begun, time.process_time() - used
    for transport, _ in made:
        transport.close()
    return _summary(run.times, posting.batch or 1, seconds, used)


def _summary(times: list[float], calls: int, seconds: float, used: float) -> Posted:
    ordered = sorted(times)
    last = ordered[math.ceil(0.99 * len(ordered)) - 1]
    return Posted(
        len(times), len(times) * calls, seconds, 1000 * median(ordered), 1000 * last, client_share=used / seconds
    )


def _is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(HEAD_END)
    length = head.lower().partition(LENGTH)[2].partition(b"\r\n")[0]
    return bool(found) and len(body) >= int(length)


def _requests(posting: Posting) -> Iterator[bytes]:
    """Endless requests, each with calls of its own."""
    calls = _calls(posting)
    while True:
        yield _request(posting, b"[%s]" % b",".join(islice(calls, posting.batch)) if posting.batch else next(calls))


def _request(posting: Posting, body: bytes) -> bytes:
    head = (
        f"POST /api/v1/calls HTTP/1.1\r\nHost: {posting.host}:{posting.port}\r\nAuthorization: Bearer {posting.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _calls(posting: Posting) -> Iterator[bytes]:
    """The calls of the file, each time with other ids."""
    rests = [line.removeprefix(ID).partition(b'"')[2] for line in Path(posting.calls).read_bytes().splitlines()]
    for number, rest in zip(count(), cycle(rests), strict=False):
        yield b'%s%s%012d"%s' % (ID, posting.tag.encode(), number, rest)


if __name__ == "__main__":
    print(json.dumps(asdict(main(Posting(**json.loads(sys.argv[1]))))))
