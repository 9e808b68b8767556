"""Files that are sent while they are made: a few at once, each ended when its client has gone."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from calltally.api.errors import STOPPING
from calltally.api.workers import ASK_AGAIN_SECONDS, ClientGone
from calltally.engines import Stop
from calltally.errors import Unavailable

__all__ = ["StreamedFile", "Streams"]

STALL_SECONDS = 60  # after which a client that takes nothing has gone

Pieces = Generator[bytes, None, None]


@dataclass(eq=False)
class _Stream:
    """A file on its way: its pieces, what stops making them, and the one that is being made."""

    business: str
    pieces: Pieces
    stop: Stop
    making: asyncio.Future[bytes | None] | None = None


@dataclass
class Streams:
    """At most so many files at once, and of one business. Pieces are made in threads, when the one before was taken."""

    most: int
    most_of_business: int
    _running: dict[str, int] = field(default_factory=Counter)  # by business
    _ending: set[asyncio.Task[None]] = field(default_factory=set)
    _closed: bool = False

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.most, "stream")

    def begin(self, make: Callable[[Stop], Pieces], business: str) -> _Stream:
        """A file of the pieces that `make` gives, which has a place until `end`.

        Raises:
            Unavailable: too many are being sent.
        """
        if self._closed:
            raise Unavailable(STOPPING, 5)
        if self._running[business] >= self.most_of_business:
            raise Unavailable(f"{self.most_of_business} files of this business are being sent; try again soon", 5)
        if sum(self._running.values()) >= self.most:
            raise Unavailable(f"{self.most} files are being sent; try again soon", 5)
        self._running[business] += 1
        stop = Stop()
        return _Stream(business, make(stop), stop)

    async def piece(self, stream: _Stream) -> bytes | None:
        """The next piece; None: the file is whole."""
        if self._closed:
            raise Unavailable(STOPPING, 5)
        loop = asyncio.get_running_loop()
        stream.making = loop.run_in_executor(self._threads, next, stream.pieces, None)
        return await asyncio.shield(stream.making)

    def end(self, stream: _Stream) -> None:
        """Stop what is being made, and free the place once that has ended."""
        ending = asyncio.create_task(self._end(stream))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _end(self, stream: _Stream) -> None:
        try:
            while stream.making and not stream.making.done():
                stream.stop.ask()  # again and again: an interrupt before the statement has begun is lost
                await asyncio.wait({stream.making}, timeout=ASK_AGAIN_SECONDS)
            await asyncio.get_running_loop().run_in_executor(self._threads, stream.pieces.close)
        finally:
            self._running[stream.business] -= 1
            if not self._running[stream.business]:
                del self._running[stream.business]

    async def close(self) -> None:
        """Begin no more, wait until all have ended, and end the threads."""
        self._closed = True
        await asyncio.gather(*self._ending)
        self._threads.shutdown()


@dataclass
class StreamedFile:
    """A response whose body is made while it is sent.

    What goes wrong before the first piece is answered like any other error. What goes wrong later breaks the
    connection, so that nobody takes a part for the whole.
    """

    streams: Streams
    stream: _Stream
    headers: Mapping[str, str]
    _started: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, as long as there is somebody to take it.

        Raises:
            ClientGone: they had left before it began.
        """
        sending = asyncio.ensure_future(self._send(send, whole=scope["method"] != "HEAD"))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
            elif not self._started:
                raise ClientGone
        finally:
            leaving.cancel()
            sending.cancel()
            self.streams.end(self.stream)

    async def _send(self, send: Send, *, whole: bool) -> None:
        """Send the pieces, each when the one before was taken.

        Raises:
            Unavailable: it was to stop.
            ClientGone: nothing was taken for a long time.
        """
        piece = await self.streams.piece(self.stream)
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        self._started = True
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while whole and piece is not None:
            await self._taken(asyncio.ensure_future(_body(send, piece)))
            piece = await self.streams.piece(self.stream)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _taken(self, sending: asyncio.Future[None]) -> None:
        """Return once a piece was taken; a client that takes none keeps nobody waiting who wants the file to end."""
        stalled_at = time.monotonic() + STALL_SECONDS
        try:
            while not (await asyncio.wait({sending}, timeout=ASK_AGAIN_SECONDS))[0]:
                self.stream.stop.check()
                if time.monotonic() > stalled_at:
                    raise ClientGone
            sending.result()
        finally:
            sending.cancel()


async def _body(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _left(receive: Receive) -> None:
    """Return when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
