"""A stream of records of any length: taken batch by batch, in memory that does not grow with it."""

import asyncio
import errno
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from calltally.accounts import Business
from calltally.api.lines import BATCH_BYTES, RecordLines
from calltally.api.memory import give_back
from calltally.api.packing import unpacked
from calltally.api.receiving import BodyForm, body_pieces
from calltally.api.results import Batch, Tally
from calltally.api.services import Services
from calltally.api.workers import ClientGone
from calltally.engines import Engine, Outcome
from calltally.errors import CalltallyError, StorageFull
from calltally.ingestion import ReadDeliveries, ReadTogether, put_read, read_together

__all__ = ["COMMITTED", "take_stream"]

COMMITTED = 10_000  # records at once, so that a commit costs little for each, and others wait for a moment only
MOST_AHEAD = 2  # groups that are written or wait for it, so that a long commit holds up nobody but the next
HELD_BYTES = 6 * BATCH_BYTES  # of those that are being written, those that wait, and those that are read
FED_BYTES = 256 * 1024
IN_MEMORY_BYTES = 256 * 1024  # of results, the rest is in a file
SENT_BYTES = 64 * 1024
LISTED = frozenset({Outcome.HELD, Outcome.REJECTED})


async def take_stream(request: Request, form: BodyForm, business: Business, services: Services) -> Response:
    """What became of the records of a body of NDJSON, told when all are in.

    Raises:
        Unavailable: too much waits already; so nothing was taken.
        CalltallyError: it cannot go on; batches that were written by then stay.
        ClientGone: the client left before the end; likewise.
    """
    with services.intake.streams.hold(business.id) as held:
        held.grow(HELD_BYTES)
        lines, taken = RecordLines(unpacked(form.coding)), _Taken(business, services)
        try:
            read = partial(Batch.read, arrivals=services.arrivals, business=business)
            async with _Ahead() as writing, aclosing(_together(_batches(request, lines), read)) as coming:
                async for together in coming:
                    await writing.room()
                    group = await run_in_threadpool(together.taken)
                    writing.begin(services.intake.run(business, partial(taken.write, group)))
                    del group  # which else stays in memory until there is the next, although it is written
        except BaseException:
            taken.close()
            raise
        return taken.response()


async def _together(
    batches: AsyncGenerator[Batch], read: Callable[[Batch], ReadDeliveries]
) -> AsyncGenerator["_Together"]:
    """Records that are worth a commit, to be taken; those that came before something went wrong are given first."""
    coming, failure = _Together(), None
    try:
        async with aclosing(batches):
            async for batch in batches:
                coming.add(batch, await run_in_threadpool(read, batch))
                if coming.size >= COMMITTED:
                    yield coming
    except (CalltallyError, ClientGone) as error:
        failure = error
    if coming.size:
        yield coming
    if failure:
        raise failure


async def _batches(request: Request, lines: RecordLines) -> AsyncGenerator[Batch]:
    """Records as they come in; read in a thread, since a piece may hold thousands."""
    async with aclosing(_joined(request)) as pieces:
        async for piece in pieces:
            lines.feed(piece)
            while batch := await run_in_threadpool(lines.batch):
                yield batch
    while batch := await run_in_threadpool(lines.rest):
        yield batch


async def _joined(request: Request) -> AsyncGenerator[bytes]:
    """The body in pieces that are worth a thread's while."""
    kept: list[bytes] = []
    size = 0
    async with aclosing(body_pieces(request)) as pieces:
        async for piece in pieces:
            kept.append(piece)
            size += len(piece)
            if size >= FED_BYTES:
                yield b"".join(kept)
                kept, size = [], 0
    yield b"".join(kept)


@dataclass(frozen=True)
class _Group:
    """Records that are put into the calls at once: more than are read at once, since they take less memory by then."""

    batches: Sequence[Batch]
    read: ReadTogether


class _Together:
    """The records of the next group, as far as they are in."""

    def __init__(self) -> None:
        self.size = 0
        self._batches: list[Batch] = []
        self._reads: list[ReadDeliveries] = []

    def add(self, batch: Batch, read: ReadDeliveries) -> None:
        """Take the next records."""
        self._batches.append(batch)
        self._reads.append(read)
        self.size += len(batch)

    def taken(self) -> _Group:
        """All of them, which are not held here any longer."""
        group = _Group(self._batches, read_together(self._reads))
        is_long = self.size >= COMMITTED
        self._batches, self._reads, self.size = [], [], 0
        if is_long:  # after a few there is little to give back
            give_back()
        return group


class _Ahead:
    """Work that goes on, piece after piece, while the next is made ready; at the end of the block all of it is done."""

    def __init__(self) -> None:
        self._tasks: deque[asyncio.Task[Any]] = deque()  # in the order in which they are done

    async def __aenter__(self) -> "_Ahead":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)
        # Each is looked at, so that nobody is warned of others: what is raised first says enough.
        failures = [task.exception() for task in self._tasks if not task.cancelled()]
        if error is None:
            for failure in filter(None, failures):
                raise failure

    async def room(self) -> None:
        """Wait until there is little before what is begun next; raises what went wrong with that."""
        while len(self._tasks) >= MOST_AHEAD:
            await asyncio.wait({self._tasks[0]})  # which goes on even where nobody waits for it any more
            self._tasks.popleft().result()

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Begin work."""
        self._tasks.append(asyncio.create_task(work))


class _Taken:
    """What became of the records of one stream; results that are listed wait in a file without a name."""

    def __init__(self, business: Business, services: Services) -> None:
        self._business = business
        self._engine: Engine = services.engine
        self._tally = Tally()
        self._has_failed = False
        self._file = _results_file(services.staging)

    def write(self, group: _Group) -> None:
        """Put the next records into the calls of the business; nothing once that has failed for some before them."""
        if self._has_failed:
            return
        self._has_failed = True
        outcomes = put_read(group.read, self._business, self._engine)
        try:
            for batch, read, ends in zip(group.batches, group.read.parts, outcomes, strict=True):
                self._take_note(batch, read, ends)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            message = "There is no room left on the disk for the answer; the records so far were taken"
            raise StorageFull(message) from error
        self._has_failed = False

    def _take_note(self, batch: Batch, read: ReadDeliveries, outcomes: Sequence[Outcome]) -> None:
        if read.is_plain and len(read) == len(batch) and LISTED.isdisjoint(outcomes):
            self._tally.note(outcomes)
            return
        for result in self._tally.add(batch, read.delivered(outcomes), LISTED):
            self._file.write((b"," if self._file.tell() else b"") + orjson.dumps(result))

    def response(self) -> Response:
        """The answer, sent piece by piece."""
        head = orjson.dumps({"data": self._tally.summary()}).removesuffix(b"}}") + b',"results":['
        tail = b"]}}"
        length = len(head) + self._file.tell() + len(tail)
        return StreamingResponse(
            self._pieces(head, tail), media_type="application/json", headers={"Content-Length": str(length)}
        )

    def _pieces(self, head: bytes, tail: bytes) -> Iterator[bytes]:
        try:
            yield head
            self._file.seek(0)
            while piece := self._file.read(SENT_BYTES):
                yield piece
            yield tail
        finally:
            self.close()

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


def _results_file(staging: Path) -> "SpooledTemporaryFile[bytes]":
    return SpooledTemporaryFile(IN_MEMORY_BYTES, "w+b", dir=str(staging))
