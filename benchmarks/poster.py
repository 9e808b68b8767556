"""Many clients in one light process of its own: they post calls over connections that are kept open.

`python -m benchmarks.poster POSTING` takes a `Posting` as JSON, prints a line when all is ready, begins, ends when all
is posted or standard input is closed, and prints `Posted` as JSON.
"""

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count, cycle, islice
from pathlib import Path
from statistics import median

from benchmarks.connections import exchange

__all__ = ["Posted", "Posting", "main"]

ID = b'{"id":"'  # how every line of the file begins


@dataclass(frozen=True)
class Posting:
    """What to post, and to whom.

    The calls are those of a file of NDJSON, again and again, with new ids that begin with `tag`; as they are without
    one. `posts` 0: until standard input is closed. `batch` 0: one call a post, as an object. `a_second` 0: each
    connection posts again as soon as it is answered; otherwise all of them together post so often at most.
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


def main(posting: Posting) -> Posted:
    """Post everything."""
    made = _requests(posting)
    # Those whose number is known are made before the clock runs.
    requests = iter(list(islice(made, posting.posts))) if posting.posts else made
    done = exchange(requests, posting.host, posting.port, posting.connections, posting.a_second)
    return _summary(done.times, posting.batch or 1, done.seconds, done.used)


def _summary(times: list[float], calls: int, seconds: float, used: float) -> Posted:
    ordered = sorted(times)
    last = ordered[math.ceil(0.99 * len(ordered)) - 1]
    return Posted(
        len(times), len(times) * calls, seconds, 1000 * median(ordered), 1000 * last, client_share=used / seconds
    )


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
    """The calls of the file, each time with other ids if these are to be new."""
    lines = Path(posting.calls).read_bytes().splitlines()
    if not posting.tag:
        yield from cycle(lines)
    rests = [line.removeprefix(ID).partition(b'"')[2] for line in lines]
    for number, rest in zip(count(), cycle(rests), strict=False):
        yield b'%s%s%012d"%s' % (ID, posting.tag.encode(), number, rest)


if __name__ == "__main__":
    print(json.dumps(asdict(main(Posting(**json.loads(sys.argv[1]))))))
