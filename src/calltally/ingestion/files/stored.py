"""Stored: the bytes of a file as they are stored, taken in amounts that the taker names, and where they break off."""

from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["Break", "Stored"]


@dataclass(frozen=True)
class Break:
    """Why the bytes end before their time, and at which byte of the stored file."""

    what: str
    at: int


class Stored:
    """One stream, read once in chunks; `position` counts the bytes that were taken.

    `broken` is why they ended early, None as long as nothing says so.
    """

    def __init__(self, stream: BinaryIO, chunk: int) -> None:
        self.chunk = chunk
        self.position = 0
        self.broken: Break | None = None
        self._stream = stream
        self._held = b""
        self._at = 0  # what stands before it in `_held` is taken

    def peek(self, count: int) -> bytes:
        """The next bytes, which stay to be taken; fewer only at the end."""
        while len(self._held) - self._at < count and (more := self._more()):
            self._held, self._at = self._held[self._at :] + more, 0
        return self._held[self._at : self._at + count]

    def take(self, count: int) -> bytes:
        """The next bytes; fewer only at the end."""
        data = self.peek(count)
        self._at += len(data)
        self.position += len(data)
        return data

    def read(self) -> bytes:
        """The next bytes, as many as are at hand; none only at the end."""
        self.peek(1)
        return self.take(len(self._held) - self._at)

    def give_back(self, data: bytes) -> None:
        """Put back what was taken last."""
        self._held, self._at = data + self._held[self._at :], 0
        self.position -= len(data)

    def break_off(self, what: str, at: int | None = None) -> None:
        """Note that the bytes end before their time, here unless `at` says where; what is noted first stands."""
        self.broken = self.broken or Break(what, self.position if at is None else at)

    def _more(self) -> bytes:
        try:
            return self._stream.read(self.chunk)
        except OSError as error:
            end = self.position + len(self._held) - self._at
            self.break_off(f"the file cannot be read further ({error.strerror})", end)
            return b""
