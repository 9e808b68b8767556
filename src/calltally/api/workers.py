"""A bounded pool of threads for work that blocks: with a queue, a time limit, and an end when the client goes away."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from calltally.api.errors import STOPPING
from calltally.engines import Stop
from calltally.errors import Unavailable

__all__ = ["ClientGone", "Workers"]

Result = TypeVar("Result")

ASK_AGAIN_SECONDS = 0.05


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class Workers:
    """`size` threads, at most `waiting` pieces of work before them, `seconds` for each, waiting included."""

    def __init__(self, size: int, waiting: int, seconds: float) -> None:
        self._threads = ThreadPoolExecutor(size, "report")
        self._most = size + waiting
        self._seconds = seconds
        self._pending: dict[Stop, Future[Any]] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self._closed = False

    async def run(self, work: Callable[[Stop], Result], gone: Awaitable[None]) -> Result:
        """What `work` gives back, worked out in a thread.

        Raises:
            Unavailable: too much waits already, or time ran out; the work is stopped.
            ClientGone: `gone` came first; the work is stopped.
        """
        leaving = asyncio.ensure_future(gone)
        try:
            if self._closed:
                raise Unavailable(STOPPING, 5)
            if len(self._pending) >= self._most:
                raise Unavailable(f"{self._most} reports are waiting already; try again soon")
            return await self._answer(work, leaving)
        finally:
            leaving.cancel()

    async def _answer(self, work: Callable[[Stop], Result], leaving: asyncio.Future[None]) -> Result:
        stop = Stop()
        future = self._threads.submit(work, stop)
        self._pending[stop] = future
        answer = asyncio.wrap_future(future)
        both: set[asyncio.Future[Any]] = {answer, leaving}
        try:
            await asyncio.wait(both, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            if leaving.done():
                raise ClientGone
            raise Unavailable(f"The report was not done within {self._seconds:g} s; narrow its dates or filters", 5)
        except asyncio.CancelledError as cancelled:  # by a server that stops; whoever waits is told so
            raise Unavailable(STOPPING, 5) from cancelled
        finally:
            self._end(stop, future, answer)

    def _end(self, stop: Stop, future: Future[Result], answer: asyncio.Future[Result]) -> None:
        """Free the place of work that is done; stop work that is not, and free its place when it has ended."""
        if answer.done():
            self._pending.pop(stop, None)
            return
        answer.cancel()  # how the work ends is of no interest to anyone now
        ending = asyncio.create_task(self._stop(stop, future))
        self._stopping.add(ending)
        ending.add_done_callback(self._stopping.discard)

    async def _stop(self, stop: Stop, future: Future[Any]) -> None:
        future.cancel()
        while not future.done():
            stop.ask()  # again and again: an interrupt before the statement has begun is lost
            await asyncio.sleep(ASK_AGAIN_SECONDS)
        self._pending.pop(stop, None)

    async def close(self) -> None:
        """Stop all work, take no more, and end the threads."""
        self._closed = True
        pending = [self._stop(stop, future) for stop, future in self._pending.items()]
        await asyncio.gather(*pending, *self._stopping)
        self._threads.shutdown()
