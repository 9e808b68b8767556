"""Threads for work that blocks: taken in turns, with a time limit, and an end when nobody waits for it any more."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from calltally.api.errors import STOPPING
from calltally.api.turns import Limits, Turn, Turns
from calltally.engines import Stop
from calltally.errors import Unavailable

__all__ = ["ASK_AGAIN_SECONDS", "ClientGone", "Workers"]

Result = TypeVar("Result")

ASK_AGAIN_SECONDS = 0.05
IDLE_SECONDS = 0.001  # without work, after which a request is taken to be alone


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


@dataclass(eq=False)
class _Job(Turn):
    """Work that waits for its turn or runs, and how many wait for its answer."""

    name: str | None
    work: Callable[[Stop], Any]
    answer: asyncio.Future[Any]
    wanted: int = 0
    stop: Stop = field(default_factory=Stop)
    thread: Future[Any] | None = None  # None: it has not begun


class Workers:
    """As many threads as may run at once; `seconds` for each piece of work, waiting included."""

    def __init__(self, limits: Limits, seconds: float) -> None:
        self._threads = ThreadPoolExecutor(limits.running, "report")
        self._turns: Turns[_Job] = Turns(limits, self._begin)
        self._seconds = seconds
        self._jobs: set[_Job] = set()  # those that wait or run
        self._named: dict[str, _Job] = {}  # those that others may wait for too, until nobody does
        self._stopping: set[asyncio.Task[None]] = set()
        self._closed = False
        self._ended_at = 0.0  # when the last work ended

    @property
    def are_idle(self) -> bool:
        """Whether nothing waits or runs, nor did a moment ago: of a crowd of requests each finds the one before."""
        return not self._jobs and time.monotonic() > self._ended_at + IDLE_SECONDS

    def at_once(self, work: Callable[[], Result]) -> Result:
        """What `work` gives back, which takes no longer than to have a thread do it, while they are idle.

        It is not shared, and holds up everybody, so that a crowd is better served by `run`.
        """
        try:
            return work()
        finally:
            self._ended_at = time.monotonic()

    async def run(
        self, work: Callable[[Stop], Result], gone: Awaitable[None], *, business: str, key: str, name: str | None = None
    ) -> Result:
        """What `work` gives back, worked out in a thread when it is the turn of the business and the key.

        Where work of the same `name` waits or runs already, its answer is this one's too.

        Raises:
            Unavailable: too much waits already, or time ran out; the work is stopped unless others want it.
            ClientGone: `gone` came first; the work is stopped unless others want it.
        """
        leaving = asyncio.ensure_future(gone)
        try:
            if self._closed:
                raise Unavailable(STOPPING, 5)
            job = self._named.get(name or "") or self._taken_on(business, key, name, work)
            result: Result = await self._answer(job, leaving)
            return result
        finally:
            leaving.cancel()

    def _taken_on(self, business: str, key: str, name: str | None, work: Callable[[Stop], Any]) -> _Job:
        job = _Job(business, key, name, work, asyncio.get_running_loop().create_future())
        self._turns.take(job)
        self._jobs.add(job)
        if name:
            self._named[name] = job
        return job

    async def _answer(self, job: _Job, leaving: asyncio.Future[None]) -> Any:
        job.wanted += 1
        both: set[asyncio.Future[Any]] = {job.answer, leaving}
        try:
            await asyncio.wait(both, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            if job.answer.done():
                return job.answer.result()
            if leaving.done():
                raise ClientGone
            raise Unavailable(f"The report was not done within {self._seconds:g} s; narrow its dates or filters", 5)
        except asyncio.CancelledError as cancelled:  # by a server that stops; whoever waits is told so
            raise Unavailable(STOPPING, 5) from cancelled
        finally:
            job.wanted -= 1
            if not job.wanted:
                self._drop(job)

    def _begin(self, job: _Job) -> None:
        loop = asyncio.get_running_loop()
        job.thread = self._threads.submit(job.work, job.stop)
        job.thread.add_done_callback(lambda thread: loop.call_soon_threadsafe(self._end, job, thread))

    def _end(self, job: _Job, thread: Future[Any]) -> None:
        """Free the place, and pass on the answer.

        The work keeps its name until those who waited have gone on: whoever asks in between gets this answer.
        """
        self._jobs.discard(job)
        self._turns.end(job)
        self._ended_at = time.monotonic()
        if not job.answer.done():
            error = thread.exception()
            if error:
                job.answer.set_exception(error)
            else:
                job.answer.set_result(thread.result())

    def _drop(self, job: _Job) -> None:
        """Let nobody else wait for the work, and stop it if it is not done; its place is free once it has ended."""
        if job.name and self._named.get(job.name) is job:
            del self._named[job.name]
        if not job.answer.cancel():
            return
        if job.thread is None:
            self._turns.withdraw(job)
            self._jobs.discard(job)
            return
        stopping = asyncio.create_task(self._stop(job))
        self._stopping.add(stopping)
        stopping.add_done_callback(self._stopping.discard)

    async def _stop(self, job: _Job) -> None:
        while job in self._jobs:
            job.stop.ask()  # again and again: an interrupt before the statement has begun is lost
            await asyncio.sleep(ASK_AGAIN_SECONDS)

    async def close(self) -> None:
        """Stop all work, take no more, and end the threads."""
        self._closed = True
        for job in tuple(self._jobs):
            self._drop(job)
        await asyncio.gather(*self._stopping)
        self._threads.shutdown()
