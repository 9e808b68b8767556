"""Bodies that were packed for the way: unpacked piece by piece, and no further than they may go."""

import zlib
from typing import Protocol

from calltally.errors import InvalidBody, Problem, TooLarge
from calltally.ingestion.files import ZstdError, zstd_decompressor

__all__ = ["CODINGS", "MEMBERS", "Unpacking", "unpacked"]

GZIP_ONLY = 16 + zlib.MAX_WBITS
MOST_WINDOW = 23  # as a power of two: 8 MB, which is all that zstd may ask for as a content coding (RFC 9659)
WINDOW_TOO_LARGE = ", as its window is over 8 MB; pack it with a level of at most 19, without --long"
MOST_INFLATION = 200  # times; calls become 20 to 40 times as large
FREE_BYTES = 4_000_000  # what is unpacked before that is looked at
PIECE_BYTES = 256 * 1024
FREE_MEMBERS, MEMBER_BYTES = 1000, 100  # how many may be smaller than that: to begin one takes longer than to read it
FIRST_BYTES = 1024  # that a member is given at first, since what it leaves is copied: there may be very many small ones


class Unpacking(Protocol):
    """Unpacks what it is fed."""

    def feed(self, packed: bytes) -> None:
        """Take the next packed bytes."""

    def read(self) -> bytes:
        """The next piece; nothing where more has to be fed first.

        Raises:
            InvalidBody: it is damaged.
            TooLarge: it becomes too large for what it was.
        """

    def finish(self) -> None:
        """Raise InvalidBody if what was fed breaks off."""


class _Plain:
    """Not packed at all."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, packed: bytes) -> None:
        self._data += packed

    def read(self) -> bytes:
        data, self._data = self._data, b""
        return data

    def finish(self) -> None:
        """There is nothing that it could break off in."""


class _Member(Protocol):
    """One of the archives that follow one another."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _GzipMember:
    """A member that keeps what it has not unpacked yet, as those of zstd do."""

    def __init__(self) -> None:
        self._inside = zlib.decompressobj(GZIP_ONLY)

    @property
    def eof(self) -> bool:
        return self._inside.eof

    @property
    def needs_input(self) -> bool:
        return not self._inside.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inside.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inside.decompress(self._inside.unconsumed_tail + data, max_length)


def _zstd_member() -> _Member:
    return zstd_decompressor(MOST_WINDOW)


MEMBERS = {"gzip": _GzipMember, "x-gzip": _GzipMember, "zstd": _zstd_member}


class _Packed:
    """One or several members, one behind the other."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._member: _Member | None = None
        self._data = b""
        self._at = 0  # how much of that the members have had
        self._step = FIRST_BYTES
        self._members = self._taken = self._given = 0

    def feed(self, packed: bytes) -> None:
        self._data, self._at = self._data[self._at :] + packed, 0
        self._taken += len(packed)

    def read(self) -> bytes:
        while self._at < len(self._data) or self._member:
            if piece := self._from_member():
                return piece
            if self._at == len(self._data):
                break
        return b""

    def finish(self) -> None:
        if self._member or self._at < len(self._data):
            raise _damaged(f"breaks off in what is packed with {self._coding}")

    def _from_member(self) -> bytes:
        member = self._member = self._member or self._begun()
        packed = self._data[self._at : self._at + self._step] if member.needs_input else b""
        try:
            piece = member.decompress(packed, PIECE_BYTES)
        except (zlib.error, ZstdError) as error:
            why = WINDOW_TOO_LARGE if "too much memory" in str(error) else ""
            raise _damaged(f"cannot be unpacked with {self._coding}{why}") from error
        self._at += len(packed)
        self._step = min(2 * self._step, PIECE_BYTES)
        if member.eof:
            self._at -= len(member.unused_data)
            self._member, self._step = None, FIRST_BYTES
        self._given += len(piece)
        if self._given > max(FREE_BYTES, MOST_INFLATION * self._taken):
            raise TooLarge(f"The body becomes more than {MOST_INFLATION} times as large when it is unpacked")
        return piece

    def _begun(self) -> _Member:
        self._members += 1
        if self._members > max(FREE_MEMBERS, self._taken // MEMBER_BYTES):
            raise _damaged(
                f"is packed with {self._coding} in parts of less than {MEMBER_BYTES} bytes; pack larger ones"
            )
        return MEMBERS[self._coding]()


CODINGS = ("gzip", "zstd")


def unpacked(coding: str) -> Unpacking:
    """What unpacks a body of a content coding; empty: none."""
    return _Packed(coding) if coding else _Plain()


def _damaged(what: str) -> InvalidBody:
    return InvalidBody((Problem("body", f"body: it {what}"),))
