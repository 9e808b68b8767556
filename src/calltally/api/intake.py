"""The intake: deliveries of many requests, put into each business's calls together and acknowledged once durable."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, islice
from typing import Any, TypeVar, cast

from calltally.accounts import Business
from calltally.api.errors import STOPPING
from calltally.api.room import Room
from calltally.engines import Engine
from calltally.errors import Unavailable
from calltally.ingestion import Delivered, Delivery, ReadDeliveries, deliver_read, read_deliveries

__all__ = ["Intake", "IntakeLimits"]

MOST_TOGETHER = 20_000  # records that are committed at once; a post is never taken apart
CROWD = 8  # clients whose next posts are worth a wait
PAIR = 2  # arrays that are committed together in hardly more time than one
TOLD_AT_ONCE = 4  # of those whose calls are in
GATHERING_SECONDS = 0.025  # about what a commit takes, and all posts of a crowd take to come in

Deliveries = Sequence[Delivery] | ReadDeliveries
Result = TypeVar("Result")


@dataclass(frozen=True)
class IntakeLimits:
    """How many businesses are written to at once, and how much may wait for it, of all and of one business."""

    writing: int
    records: int
    records_of_business: int
    body_bytes: int
    body_bytes_of_business: int


@dataclass(eq=False)
class _Post:
    """Deliveries of one request."""

    business: Business
    deliveries: Deliveries
    answer: asyncio.Future[Any]


@dataclass(eq=False)
class _Errand:
    """Other work on the calls of a business."""

    work: Callable[[], Any]
    answer: asyncio.Future[Any]


@dataclass(eq=False)
class _Line:
    """What waits for the calls of one business, each kind in the order in which it came."""

    calls: str
    posts: deque[_Post] = field(default_factory=deque)
    errands: deque[_Errand] = field(default_factory=deque)
    posts_last: bool = False  # whether it was the posts' turn before
    expected: int = 0  # posts that are waited for
    gathering: asyncio.TimerHandle | None = None  # ends that wait

    @property
    def gathered(self) -> bool:
        """Whether there is nothing to wait for any more, of what was waited for."""
        return self.gathering is not None and (len(self.posts) >= self.expected or bool(self.errands))

    def together(self) -> list[_Post]:
        """The posts whose turn it is, removed from the line; none where it is that of an errand."""
        if not self.posts or (self.errands and self.posts_last):
            self.posts_last = False
            return []
        self.posts_last = True
        first, size = self.posts[0], 0
        taken: list[_Post] = []
        # Settings of the business that changed meanwhile hold for what came after.
        while self.posts and self.posts[0].business == first.business and size < MOST_TOGETHER:
            taken.append(self.posts.popleft())
            size += len(taken[-1].deliveries)
        return taken


class Intake:
    """Writes to as many businesses at once as there are threads, to one business by one of them at a time.

    While a group of posts is committed, those that come meanwhile gather; they are the next group. Where they are many,
    those who were just answered are waited for a moment: they tend to post again, and a commit costs hardly more for
    all of them than for half. So it does for two arrays: one waits for another that is being read. Otherwise a few
    never wait for others. Errands (a part of a stream, a deletion) take turns with the groups. Nothing that was taken
    is given up: whoever waited for it may leave.
    """

    def __init__(self, engine: Engine, limits: IntakeLimits) -> None:
        self.bodies = Room(limits.body_bytes, limits.body_bytes_of_business, "bytes")
        # Apart, so that streams, which may last, leave room for single calls.
        self.streams = Room(limits.body_bytes, limits.body_bytes_of_business, "bytes of streams")
        self._records = Room(limits.records, limits.records_of_business, "records")
        self._engine = engine
        self._threads = ThreadPoolExecutor(limits.writing, "intake")
        self._free = limits.writing
        self._lines: dict[str, _Line] = {}  # of businesses for which something waits or is written, by store
        self._ready: deque[_Line] = deque()  # those of them for which nothing is written
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self._coming: Counter[str] = Counter()  # posts that are being read, by store

    @contextmanager
    def coming(self, business: Business) -> Iterator[None]:
        """Say, for as long as the block takes, that there will soon be a long post."""
        self._coming[business.calls] += 1
        try:
            yield
        finally:
            self._coming[business.calls] -= 1
            if not self._coming[business.calls]:
                del self._coming[business.calls]

    async def put(self, business: Business, deliveries: Deliveries) -> list[Delivered]:
        """What became of each, in order, once it is durable.

        Raises:
            Unavailable: too much waits already, or the server stops.
            StorageFull: nothing was changed.
            NotFound: the calls of the business were cleared meanwhile.
        """
        with self._records.hold(business.id) as held:
            held.grow(len(deliveries))
            post = _Post(business, deliveries, asyncio.get_running_loop().create_future())
            line = self._line(business)
            line.posts.append(post)
            self._begin_gathered(line)
            found: list[Delivered] = await post.answer
            return found

    async def run(self, business: Business, work: Callable[[], Result]) -> Result:
        """What `work` gives back, done in a thread when it is its turn; while it is, nothing else is written.

        Raises:
            Unavailable: too much waits already, or the server stops.
        """
        with self._records.hold(business.id) as held:
            held.grow(1)
            errand = _Errand(work, asyncio.get_running_loop().create_future())
            line = self._line(business)
            line.errands.append(errand)
            self._begin_gathered(line)
            result: Result = await errand.answer
            return result

    async def close(self) -> None:
        """Take no more, and return when all that was taken is written."""
        self._closed = True
        for line in [line for line in self._lines.values() if line.gathering]:
            self._go_on(line)
        await self._idle.wait()
        self._threads.shutdown()

    def _line(self, business: Business) -> _Line:
        if self._closed:
            raise Unavailable(STOPPING, 5)
        line = self._lines.get(business.calls)
        if line is None:
            line = self._lines[business.calls] = _Line(business.calls)
            self._ready.append(line)
            self._idle.clear()
        return line

    def _begin_next(self) -> None:
        while self._free and self._ready:
            self._begin(self._ready.popleft())

    def _begin(self, line: _Line) -> None:
        loop = asyncio.get_running_loop()
        waiting, work = self._next_work(line)
        self._free -= 1
        thread = self._threads.submit(work)
        thread.add_done_callback(lambda thread: loop.call_soon_threadsafe(self._end, line, waiting, thread))

    def _next_work(self, line: _Line) -> tuple[list[asyncio.Future[Any]], Callable[[], list[Any]]]:
        """Who waits for the work whose turn it is, and the work, which gives an answer for each of them."""
        if posts := line.together():
            return [post.answer for post in posts], partial(_written, posts, self._engine)
        errand = line.errands.popleft()
        return [errand.answer], lambda: [errand.work()]

    def _end(self, line: _Line, waiting: list[asyncio.Future[Any]], thread: Future[list[Any]]) -> None:
        """Begin what is next, and pass on the answers."""
        self._free += 1
        line.expected = self._worth_a_wait(line, len(waiting))
        if len(line.posts) < line.expected:
            line.gathering = asyncio.get_running_loop().call_later(GATHERING_SECONDS, self._go_on, line)
            self._begin_next()
        else:
            self._go_on(line)
        _pass_on(waiting, thread)

    def _worth_a_wait(self, line: _Line, answered: int) -> int:
        """How many posts are to be committed next, once they have come: after a group of so many, or an errand."""
        if line.errands or self._closed or not line.posts_last:
            return 0
        crowd = answered + len(line.posts)
        return crowd if crowd >= CROWD else min(PAIR, self._coming[line.calls] + len(line.posts))

    def _begin_gathered(self, line: _Line) -> None:
        """Begin what may begin, now that there is more in a line."""
        if line.gathered:
            self._go_on(line)
        else:
            self._begin_next()

    def _go_on(self, line: _Line) -> None:
        """Wait for nothing more: what is in a line is next, and a line with nothing in it is forgotten."""
        if line.gathering:
            line.gathering.cancel()
            line.gathering = None
        if line.posts or line.errands:
            self._ready.append(line)
        else:
            del self._lines[line.calls]
            if not self._lines:
                self._idle.set()
        self._begin_next()


def _written(posts: Sequence[_Post], engine: Engine) -> list[list[Delivered]]:
    """What became of the deliveries of each post."""
    business = posts[0].business
    found: Iterator[Delivered] = iter(deliver_read(list(_read(posts, business)), business, engine))
    return [list(islice(found, len(post.deliveries))) for post in posts]


def _read(posts: Iterable[_Post], business: Business) -> Iterator[ReadDeliveries]:
    """Everything read, in order; small posts that follow one another together, which takes hardly more than one."""
    for is_read, some in groupby((post.deliveries for post in posts), lambda each: isinstance(each, ReadDeliveries)):
        if is_read:
            yield from cast("Iterator[ReadDeliveries]", some)
        else:
            yield read_deliveries([each for one in some for each in cast("Sequence[Delivery]", one)], business)


def _pass_on(waiting: Sequence[asyncio.Future[Any]], thread: Future[list[Any]]) -> None:
    """Answer those who still wait."""
    error = thread.exception()
    answers = [None] * len(waiting) if error else thread.result()
    _tell(deque(zip(waiting, answers, strict=True)), error)


def _tell(answers: deque[tuple[asyncio.Future[Any], Any]], error: BaseException | None) -> None:
    """Give a few their answers, and the others as soon as whoever came meanwhile has had a turn."""
    for _ in range(min(TOLD_AT_ONCE, len(answers))):
        future, answer = answers.popleft()
        if future.done():  # cancelled
            continue
        if error:
            future.set_exception(error)
        else:
            future.set_result(answer)
    if answers:
        asyncio.get_running_loop().call_soon(_tell, answers, error)
