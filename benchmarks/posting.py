"""A client in a process of its own that posts single calls: `python -m benchmarks.posting HOST PORT KEY ...`.

Requests are put together before the clock starts, so that it takes as little as it can from the server's machine.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count

__all__ = ["Posted", "post"]

STARTED_AT = "2025-11-20T12:00:00Z"


@dataclass(frozen=True)
class Posted:
    """What came of it: calls that were acknowledged, in how long, and how long the slowest of a hundred took."""

    acknowledged: int
    seconds: float
    p99_ms: float
    client_cpu_seconds: float


async def post(host: str, port: int, key: str, run: str, connections: int, calls: int, rate: float = 0) -> Posted:
    """Post so many calls over so many connections, as fast as they are acknowledged, or `rate` a second."""
    requests = [_request(host, key, f"{run}-{number}", number) for number in range(calls)]
    turns = iter(requests)
    took: list[float] = []
    cpu, began = time.process_time(), time.perf_counter()
    due = count()

    async def client() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for request in turns:
            if rate:
                await asyncio.sleep(max(0.0, began + next(due) / rate - time.perf_counter()))
            took.append(await _acknowledged(reader, writer, request))
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    seconds = time.perf_counter() - began
    slowest = sorted(took)[int(len(took) * 0.99)]
    return Posted(len(took), seconds, slowest * 1000, time.process_time() - cpu)


async def _acknowledged(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> float:
    """How many seconds it took until the call was acknowledged."""
    start = time.perf_counter()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode())
    length = next(int(line[16:]) for line in _lines(head) if line.startswith(b"content-length: "))
    await reader.readexactly(length)
    return time.perf_counter() - start


def _lines(head: bytes) -> Iterator[bytes]:
    yield from (line.lower() for line in head.split(b"\r\n"))


def _request(host: str, key: str, call_id: str, number: int) -> bytes:
    call = {
        "id": call_id,
        "started_at": STARTED_AT,
        "caller_number": f"+1305{number % 10_000_000:07}",
        "tracking_number": "+12125550100",
        "status": "completed",
        "source": "google",
        "utm_campaign": "spring",
        "duration_seconds": number % 600,
    }
    body = json.dumps(call).encode()
    head = (
        f"POST /api/v1/calls HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _main(host: str, port: str, key: str, run: str, connections: str, calls: str, rate: str) -> None:
    posted = asyncio.run(post(host, int(port), key, run, int(connections), int(calls), float(rate)))
    print(json.dumps(asdict(posted)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
