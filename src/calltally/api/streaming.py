"""A stream of records of any length: taken batch by batch, in memory that does not grow with it."""

import asyncio
import errno
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing
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
from calltally.ingestion import ReadDeliveries, put_read

__all__ = ["take_stream"]

COMMITTED = 10_000  # records at once, so that a commit costs little for each, and others wait for a moment only
HELD_BYTES = 4 * BATCH_BYTES  # of those that are being written, the next, and those that are read
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
            async with _OneAhead() as writing, aclosing(_together(_batches(request, lines), read)) as groups:
                async for group in groups:
                    await writing.begin(services.intake.run(business, partial(taken.write, group)))
        except BaseException:
            taken.close()
            raise
        return taken.response()


async def _together(
    batches: AsyncGenerator[Batch], read: Callable[[Batch], ReadDeliveries]
) -> AsyncGenerator["_Together"]:
    """Records in groups that are worth a commit; those that came before something went wrong are given first."""
    group, failure = _Together(), None
    try:
        async with aclosing(batches):
            async for batch in batches:
                group.add(batch, await run_in_threadpool(read, batch))
                if group.size >= COMMITTED:
                    yield group
                    group = _Together()
    except (CalltallyError, ClientGone) as error:
        failure = error
    if group.size:
        yield group
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


class _Together:
    """Records that are put into the calls at once: more than are read at once, since they take less memory by then."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.reads: list[ReadDeliveries] = []
        self.size = 0

    def add(self, batch: Batch, read: ReadDeliveries) -> None:
        """Take the next records."""
        self.batches.append(batch)
        self.reads.append(read)
        self.size += len(batch)


class _OneAhead:
    """Work that goes on while the next is made ready; at the end of the block all of it is done."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> "_OneAhead":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self._done()
        elif self._task:
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.exception()  # looked at, so that nobody is warned: what is raised already says enough

    async def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Begin work once that before it is done; raises what went wrong with that."""
        try:
            await self._done()
        except BaseException:
            work.close()
            raise
        self._task = asyncio.create_task(work)

    async def _done(self) -> None:
        task, self._task = self._task, None
        if task:
            await task


class _Taken:
    """What became of the records of one stream; results that are listed wait in a file without a name."""

    def __init__(self, business: Business, services: Services) -> None:
        self._business = business
        self._engine: Engine = services.engine
        self._tally = Tally()
        self._file = _results_file(services.staging)

    def write(self, group: _Together) -> None:
        """Put the next records into the calls of the business."""
        outcomes = put_read(group.reads, self._business, self._engine)
        try:
            for batch, read, ends in zip(group.batches, group.reads, outcomes, strict=True):
                self._take_note(batch, read, ends)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            message = "There is no room left on the disk for the answer; the records so far were taken"
            raise StorageFull(message) from error
        if group.size >= COMMITTED:  # of a few records there is little to give back
            give_back()

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
