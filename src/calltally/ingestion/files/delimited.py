"""CSV: lines read as rows under a layout, with rows that do not fit it set apart."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise, repeat

from calltally.ingestion.files.blocks import BlockReader
from calltally.ingestion.files.content import Content
from calltally.ingestion.files.gathering import ROWS_AT_ONCE, Gathering, Spread
from calltally.ingestion.files.layout import Layout, csv_reader
from calltally.ingestion.files.lines import TOO_LONG, Lines, LongLine, read_lines
from calltally.ingestion.files.rows import LONGEST_LINE, RowBatch

__all__ = ["read_delimited"]

UNCLOSED = "a quote opened here is never closed"

# Bytes that do not decode stand as these characters until the row they are in is known, which is then bad.
UNDECODED = re.compile("[\udc80-\udcff]")

PATIENCE = 8  # times that the same lines are searched for records of several lines


def read_delimited(content: Content, layout: Layout) -> Iterator[RowBatch]:
    """The rows behind the header; raises `UnreadableFile` after the last whole one if the bytes break off."""
    rows = _Rows(content.encoding, layout)
    for piece in read_lines(content):
        if isinstance(piece, LongLine):
            rows.take_long(piece)
        else:
            rows.take(piece)
        yield from rows.gathered.ready()
    if content.source.broken is None:
        rows.finish()
    yield from rows.gathered.rest()
    content.source.check(f"after line {rows.next_line - 1}")


@dataclass
class _Records:
    """What the csv module made of some lines: records, the count of lines up to the end of each, and how it stopped.

    `fault` says what is wrong with the record behind the last one, None if there is none. `reach` is the count of
    lines that it took to find that out, `open` whether they ran out while a quote was open.
    """

    rows: list[list[str]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    fault: str | None = None
    reach: int = 0
    open: bool = False

    @property
    def lines(self) -> int:
        return self.ends[-1] if self.ends else 0


class _Rows:
    """Where the reading stands: the rows so far, and the lines of a record whose quote is still open."""

    def __init__(self, encoding: str, layout: Layout) -> None:
        self.encoding = encoding
        self.layout = layout
        self.width = len(layout.names)
        self.blocks = BlockReader(encoding, layout)
        self.gathered: Gathering[list[str]] = Gathering(self._columns, layout.names)
        self.lines: list[str] = []  # of the record that is open, and what came behind it since
        self.next_line = 1  # the number of the first of them, or of the next to come
        self.enough = 0  # lines with which to try again: not at each that comes, or long records would take for ever
        self.suspect = False  # whether the lines in hand hold bytes that did not decode
        self.failures = 0  # how often a record of several lines was given up before the line `horizon`
        self.horizon = 0

    def take(self, piece: Lines) -> None:
        """Take the next lines."""
        self.gathered.bytes += len(piece.data)
        if not self._take_block(piece):
            raw = piece.lines[max(0, self.layout.lines + 1 - piece.first) :]
            self.next_line += len(piece.lines) - len(raw)
            for at in range(0, len(raw), ROWS_AT_ONCE):
                self._take_lines(raw[at : at + ROWS_AT_ONCE])

    def _take_block(self, piece: Lines) -> bool:
        """Whether the lines could be taken as they are: whole rows, none of the header and none of an open record."""
        if self.lines or piece.first <= self.layout.lines:
            return False
        columns = self.blocks.read(piece)
        if columns is None:
            return False
        named = dict(zip(self.layout.names, columns, strict=True))
        self.gathered.add_columns(named, range(piece.first, piece.first + len(piece.lines)))
        self.next_line += len(piece.lines)
        return True

    def _columns(self, rows: list[list[str]]) -> Spread:
        return self.layout.names, zip(*rows, strict=True)

    def _take_lines(self, raw: list[bytes]) -> None:
        self.lines += self._decoded(raw)
        if len(self.lines) >= self.enough:
            self._parse_lines(final=False)

    def take_long(self, line: LongLine) -> None:
        """Take a line that was too long to be held; a record that was open grew too long with it."""
        self.finish()
        self.gathered.refuse(line.place, TOO_LONG, line.start.decode(self.encoding, "replace"))
        self.next_line = line.place + 1

    def finish(self) -> None:
        """No more lines come, so a quote that is open now is never closed."""
        self._parse_lines(final=True)

    def _parse_lines(self, *, final: bool) -> None:
        done = self._parse(self.lines, self.next_line, final=final)
        del self.lines[:done]
        self.next_line += done
        self.enough = 2 * len(self.lines)

    def _decoded(self, raw: list[bytes]) -> list[str]:
        self.suspect = self.suspect and bool(self.lines)
        decode = _decode_utf8 if self.encoding == "utf-8" else _decode_1252
        try:
            return decode(raw, "strict")
        except UnicodeDecodeError:
            self.suspect = True
            return decode(raw, "surrogateescape")

    def _parse(self, lines: list[str], first: int, *, final: bool) -> int:
        """Gather the records of `lines` and say how many lines they are; unless final, the last may stay open."""
        at = 0
        while at < len(lines):
            if first + at <= self.horizon and self.failures > PATIENCE:
                self._gather_alone(lines[at], first + at, UNCLOSED)
                at += 1
                continue
            fed = lines[at:] if at else lines
            found = self._records(fed)
            self._gather(found, fed, first + at)
            at += found.lines
            if found.fault is None:
                return len(lines)
            if found.open and not final and sum(map(len, lines[at:])) <= LONGEST_LINE:
                return at
            self._count_failure(first + at, reach=first + at - found.lines + found.reach)
            self._gather_alone(lines[at], first + at, found.fault)
            at += 1
        return at

    def _records(self, lines: list[str]) -> _Records:
        """The records of `lines` up to the first of several lines that is malformed or does not fit the header.

        Of one line, a record that does not fit is told apart later: it has swallowed nothing.
        """
        found = _Records()
        reader = csv_reader(lines, self.layout.delimiter, self.layout.quote, strict=True)
        rows, ends, end = found.rows, found.ends, 0
        try:
            for row in reader:
                if len(row) != self.width and reader.line_num > end + 1:
                    found.fault = f"a quote opened here leaves {_misfit(row, self.width)}"
                    break
                end = reader.line_num
                rows.append(row)
                ends.append(end)
        except csv.Error:
            found.fault = UNCLOSED
        found.reach = reader.line_num
        if found.fault is None:
            del rows[-1], ends[-1]  # the empty line that the reader puts behind the others
        else:
            found.open = found.reach > len(lines)
        return found

    def _gather(self, found: _Records, lines: list[str], first: int) -> None:
        starts = [0, *found.ends[:-1]]
        if not self.suspect and set(map(len, found.rows)) <= {self.width}:
            self.gathered.add(found.rows, [first + start for start in starts[: len(found.rows)]])
            return
        for row, start, end in zip(found.rows, starts, found.ends, strict=False):
            if row:  # an empty line is no row
                self._gather_one(row, lines[start:end], first + start)

    def _gather_one(self, row: list[str], lines: list[str], place: int) -> None:
        if self.suspect and UNDECODED.search("".join(row)):
            encoding = "UTF-8" if self.encoding == "utf-8" else "Windows-1252"
            self.gathered.refuse(place, f"is not {encoding} text", "".join(lines))
        elif len(row) != self.width:
            self.gathered.refuse(place, f"has {_misfit(row, self.width)}", "".join(lines))
        else:
            self.gathered.add_one(row, place)

    def _gather_alone(self, line: str, place: int, fault: str) -> None:
        """Gather a line whose record is malformed: leniently if its quotes close on it, else it is a bad row."""
        reader = csv_reader([line], self.layout.delimiter, self.layout.quote, strict=False)
        row = next(reader)
        if reader.line_num > 1:
            self.gathered.refuse(place, fault, line)
        elif row:
            self._gather_one(row, [line], place)

    def _count_failure(self, place: int, reach: int) -> None:
        """Keep the work in proportion: lines that each open a quote could be searched to the limit from each."""
        self.failures = self.failures + 1 if place <= self.horizon else 1
        self.horizon = max(self.horizon, reach)


def _decode_utf8(raw: list[bytes], errors: str) -> list[str]:
    return list(map(bytes.decode, raw, repeat("utf-8"), repeat(errors)))


def _decode_1252(raw: list[bytes], errors: str) -> list[str]:
    """Each byte is a character, so the lines can be decoded together, which is faster, and cut again."""
    text = b"".join(raw).decode("cp1252", errors)
    return [text[start:end] for start, end in pairwise(accumulate(map(len, raw), initial=0))]


def _misfit(row: list[str], width: int) -> str:
    return f"{len(row)} {'value' if len(row) == 1 else 'values'} where the header has {width}"
