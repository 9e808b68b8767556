"""Lines: chunks of bytes cut at line ends, none of them longer than is allowed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from calltally.ingestion.files.content import Content
from calltally.ingestion.files.rows import LONGEST_KEPT_ROW, LONGEST_LINE

__all__ = ["TOO_LONG", "Lines", "LongLine", "read_lines"]

TOO_LONG = f"is longer than {LONGEST_LINE:,} bytes"
LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class Lines:
    """Lines that follow one another, with their line ends, from the line numbered `first`; `data` is all of them."""

    first: int
    lines: list[bytes]
    data: bytes


@dataclass(frozen=True)
class LongLine:
    """A line that is too long, of which only the start was kept."""

    place: int
    start: bytes


def read_lines(content: Content) -> Iterator[Lines | LongLine]:
    """Every line of the content. A last line without an end counts, unless the bytes broke off in it."""
    cutter = _Cutter()
    for chunk in content.chunks:
        yield from cutter.cut(chunk)
    if content.source.broken is None:
        yield from cutter.finish()


class _Cutter:
    """Where the cutting stands: the number of the next line, and the start of it that has been seen."""

    def __init__(self) -> None:
        self.number = 1
        self.rest = b""
        self.long: bytes | None = None  # the start of a line being passed over

    def cut(self, chunk: bytes) -> Iterator[Lines | LongLine]:
        data = self.rest + chunk
        if self.long is not None:
            end = _first_end(data)
            if end == 0:
                self.rest = data[-1:] if data.endswith(b"\r") else b""
                return
            yield self._passed()
            data = data[end:]
        end = _last_end(data)
        yield from self._whole(data[:end])
        self.rest = data[end:]
        if len(self.rest) > LONGEST_LINE + 1:  # one more may be a \r whose \n has not come yet
            self.long = self.rest[:LONGEST_KEPT_ROW]
            self.rest = self.rest[-1:] if self.rest.endswith(b"\r") else b""

    def finish(self) -> Iterator[Lines | LongLine]:
        if self.long is not None:
            yield self._passed()
        elif self.rest:
            yield from self._whole(self.rest)

    def _passed(self) -> LongLine:
        line = LongLine(self.number, self.long or b"")
        self.number += 1
        self.long = None
        return line

    def _whole(self, data: bytes) -> Iterator[Lines | LongLine]:
        lines = data.splitlines(keepends=True)
        if len(data) > LONGEST_LINE and any(_too_long(line) for line in lines):
            yield from self._one_by_one(lines)
            return
        if lines:
            yield Lines(self.number, lines, data)
            self.number += len(lines)

    def _one_by_one(self, lines: list[bytes]) -> Iterator[Lines | LongLine]:
        for line in lines:
            yield (
                LongLine(self.number, line[:LONGEST_KEPT_ROW]) if _too_long(line) else Lines(self.number, [line], line)
            )
            self.number += 1


def _too_long(line: bytes) -> bool:
    return len(line) > LONGEST_LINE and len(line.rstrip(b"\r\n")) > LONGEST_LINE


def _first_end(data: bytes) -> int:
    """Where the first line ends, 0 if that cannot be said yet: a carriage return may be half of an end."""
    found = LINE_END.search(data)
    if found is None or (found.group() == b"\r" and found.end() == len(data)):
        return 0
    return found.end()


def _last_end(data: bytes) -> int:
    """Where the last line that is certainly whole ends, 0 if there is none."""
    return max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
