"""Source: the bytes of a stream in chunks, unpacked where they are gzip, and where they break off."""

import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from calltally.errors import UnreadableFile

__all__ = ["CHUNK", "Break", "Source"]

CHUNK = 512 * 1024  # half of the longest line, so that a usual chunk need not be searched for too long ones

GZIP_MAGIC = b"\x1f\x8b"
GZIP_ONLY = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class Break:
    """Why the bytes end before their time, and at which byte of the stored file."""

    what: str
    at: int


class Source:
    """One stream, read once. When `chunks` has ended, `broken` says whether it ended as it should."""

    def __init__(self, stream: BinaryIO, name: str, size: int, chunk: int = CHUNK) -> None:
        self.name = name
        self.size = size
        self.chunk = chunk
        self.position = 0
        self.packed = False
        self.broken: Break | None = None
        self._stream = stream

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def chunks(self) -> Iterator[bytes]:
        """The bytes, unpacked, in pieces that are not empty and not much longer than `chunk`."""
        data = self._at_least_two(self._read())
        self.packed = data.startswith(GZIP_MAGIC)
        if self.packed:
            yield from self._unpack(data)
            return
        while data:
            yield data
            data = self._read()

    def check(self, done: str) -> None:
        """Raise what broke the bytes off, if anything did; `done` says how far the rows were read."""
        if self.broken is not None:
            raise UnreadableFile(f"{self.name}: {self.broken.what} {done} (byte {self.broken.at} of the file)")

    def _read(self) -> bytes:
        try:
            data = self._stream.read(self.chunk)
        except OSError as error:
            self.broken = Break(f"the file cannot be read further ({error.strerror})", self.position)
            return b""
        self.position += len(data)
        return data

    def _at_least_two(self, data: bytes) -> bytes:
        """`data` and, if that is a single byte, the next: the magic is two bytes long."""
        return data + self._read() if len(data) == 1 else data

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        """The content of every member of the archive, one after another."""
        while data:
            if not data.startswith(GZIP_MAGIC):
                self.broken = Break("the archive is followed by something else", self.position - len(data))
                return
            data = yield from self._unpack_member(data)
            if self.broken is None:
                data = self._at_least_two(self._after_padding(data))

    def _unpack_member(self, data: bytes) -> Generator[bytes, None, bytes]:
        """The content of one member; returns the bytes read beyond its end, none if it broke off."""
        member = zlib.decompressobj(GZIP_ONLY)
        while True:
            before = member.copy()
            try:
                content = member.decompress(data, self.chunk)
            except zlib.error:
                yield from self._salvage(before, data)
                return b""
            if content:
                yield content
            if member.eof:
                return member.unused_data
            data = member.unconsumed_tail
            # A full piece may have more behind it although all input is consumed.
            if not data and len(content) < self.chunk and not (data := self._read()):
                self.broken = self.broken or Break("the archive breaks off", self.position)
                return b""

    def _salvage(self, member: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
        """What `data` holds up to the byte that is damaged: zlib gives nothing back from a call that fails."""
        good = bytearray()
        for at, byte in enumerate(data):
            try:
                good += member.decompress(bytes((byte,)))
            except zlib.error:
                self.broken = Break("the archive is damaged", self.position - len(data) + at)
                break
        if good:
            yield bytes(good)

    def _after_padding(self, data: bytes) -> bytes:
        """What follows the zero bytes that tapes and block devices leave behind an archive."""
        rest = data.lstrip(b"\0")
        while not rest and (data := self._read()):
            rest = data.lstrip(b"\0")
        return rest
