"""Many connections in one light process: each sends a request, waits for its whole answer, and sends the next one.

What a request costs the client is to write bytes that were put together before and to look for the end of an answer;
how much of a core that took is one of the figures.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import uvloop

__all__ = ["Exchanged", "exchange"]

OK = b"HTTP/1.1 200 "
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "


@dataclass(frozen=True)
class Exchanged:
    """How it went: seconds from when each request was due to its whole answer, to the last answer, of the processor."""

    times: list[float]
    seconds: float
    used: float


@dataclass
class _Run:
    """What all connections have in common."""

    requests: Iterator[bytes]
    times: list[float] = field(default_factory=list)
    last: float = (
        0.0  # when the last answer came; a connection may find out only at its next turn that there is no more
    )
    ended: bool = False


class _Connection(asyncio.Protocol):
    """Sends, waits for the answer, sends again; `every`: seconds from one request to the next at least."""

    def __init__(self, run: _Run, every: float) -> None:
        self._run = run
        self._every = every
        self._due = 0.0
        self._received = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # what uvloop's is by its methods alone

    def begin(self, due: float) -> None:
        """Send at a time of the clock, now at the earliest."""
        now = time.monotonic()  # not the loop's clock, which stands still while it goes round
        self._due = due if self._every else max(due, now)
        if self._due > now:
            asyncio.get_running_loop().call_later(self._due - now, self._send)
        else:
            self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not _is_whole(self._received):
            return
        if not self._received.startswith(OK):
            self._fail(self._received.decode(errors="replace"))
            return
        self._received = b""
        self._run.last = time.monotonic()
        self._run.times.append(self._run.last - self._due)
        self.begin(self._due + self._every)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server closed a connection: {exc}")

    def _send(self) -> None:
        request = None if self._run.ended else next(self._run.requests, None)
        if request is not None:
            self._transport.write(request)
        elif not self.done.done():
            self.done.set_result(None)

    def _fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(why))


def exchange(requests: Iterator[bytes], host: str, port: int, connections: int, a_second: float = 0) -> Exchanged:
    """Send all requests, or those until standard input is closed; all together so often `a_second` at most, if not 0.

    A line is printed when all is ready.
    """
    run = _Run(requests)
    threading.Thread(target=_end_with_input, args=(run,), daemon=True).start()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_exchanged(run, host, port, connections, a_second))


def _end_with_input(run: _Run) -> None:
    sys.stdin.read()
    run.ended = True


async def _exchanged(run: _Run, host: str, port: int, connections: int, a_second: float) -> Exchanged:
    loop = asyncio.get_running_loop()
    every = connections / a_second if a_second else 0.0
    made = [await loop.create_connection(lambda: _Connection(run, every), host, port) for _ in range(connections)]
    print("ready", flush=True)
    begun, used = time.monotonic(), time.process_time()
    for turn, (_, connection) in enumerate(made):
        connection.begin(begun + every * turn / connections)
    await asyncio.gather(*(connection.done for _, connection in made))
    seconds, used = run.last - begun, time.process_time() - used
    for transport, _ in made:
        transport.close()
    return Exchanged(run.times, seconds, used)


def _is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(HEAD_END)
    length = head.lower().partition(LENGTH)[2].partition(b"\r\n")[0]
    return bool(found) and len(body) >= int(length)
