"""Source: the bytes of a stream in chunks, unpacked where they are packed, and where they break off."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from calltally.errors import UnreadableFile
from calltally.ingestion.files.archives import LONGEST_MAGIC, archive_of
from calltally.ingestion.files.stored import Break, Stored

__all__ = ["CHUNK", "Source"]

CHUNK = 512 * 1024  # half of the longest line, so that a usual chunk need not be searched for too long ones


class Source:
    """One stream, read once; `size` is None where nobody knows beforehand how many bytes will come.

    When `chunks` has ended, `broken` says whether it ended as it should.
    """

    def __init__(self, stream: BinaryIO, name: str, size: int | None, chunk: int = CHUNK) -> None:
        self.name = name
        self.size = size
        self.chunk = chunk
        self.packed = False
        self._stream = stream
        self._stored = Stored(stream, chunk)

    @property
    def position(self) -> int:
        """How many of the stored bytes have been consumed."""
        return self._stored.position

    @property
    def broken(self) -> Break | None:
        """Why the bytes ended before their time, None if nothing says so."""
        return self._stored.broken

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def chunks(self) -> Iterator[bytes]:
        """The bytes, unpacked, in pieces that are not empty and not much longer than `chunk`."""
        archive = archive_of(self._stored.peek(LONGEST_MAGIC))
        self.packed = archive is not None
        if archive:
            yield from _filled(archive.unpack(self._stored), self.chunk)
            return
        while data := self._stored.read():
            yield data

    def check(self, done: str) -> None:
        """Raise what broke the bytes off, if anything did; `done` says how far the rows were read."""
        if self.broken is not None:
            raise UnreadableFile(f"{self.name}: {self.broken.what} {done} ({self.byte(self.broken.at)})")

    def byte(self, at: int) -> str:
        """A place among the stored bytes, in words."""
        return f"byte {at} of the {'input' if self.size is None else 'file'}"


def _filled(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The pieces, small ones put together: there may be one for each row."""
    waiting: list[bytes] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(waiting)
            waiting, length = [], 0
    if length:
        yield b"".join(waiting)
