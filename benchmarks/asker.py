"""Many clients in one light process of its own: they ask for the same report over connections that are kept open.

`python -m benchmarks.asker ASKING` takes an `Asking` as JSON, prints a line when all is ready, begins, ends when
standard input is closed, and prints `Answered` as JSON.
"""

import json
import sys
from dataclasses import asdict, dataclass
from itertools import repeat

from benchmarks.connections import exchange

__all__ = ["Answered", "Asking", "main"]


@dataclass(frozen=True)
class Asking:
    """What to ask for, and whom."""

    host: str
    port: int
    key: str
    path: str
    connections: int


@dataclass(frozen=True)
class Answered:
    """How it went; `client_share` is of one core."""

    answers: int
    seconds: float
    client_share: float


def main(asking: Asking) -> Answered:
    """Ask until it is to end."""
    request = (
        f"GET {asking.path} HTTP/1.1\r\nHost: {asking.host}:{asking.port}\r\nAuthorization: Bearer {asking.key}\r\n\r\n"
    )
    done = exchange(repeat(request.encode()), asking.host, asking.port, asking.connections)
    return Answered(len(done.times), done.seconds, done.used / done.seconds)


if __name__ == "__main__":
    print(json.dumps(asdict(main(Asking(**json.loads(sys.argv[1]))))))
