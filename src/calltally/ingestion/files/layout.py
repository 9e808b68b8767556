"""Layout: how a CSV file is written (delimiter, quote, header), found by trying."""

import csv
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import TYPE_CHECKING

from calltally.errors import UnreadableFile
from calltally.ingestion.files.content import Content
from calltally.ingestion.files.rows import LONGEST_LINE

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

__all__ = ["Layout", "Unnamed", "column_names", "csv_reader", "find_layout"]

# What the columns of a file with these first rows are called, None if the first of them is a header.
Unnamed = Callable[[Sequence[Sequence[str]]], tuple[str, ...] | None]

DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 100  # lines

# How many known names, which share of the rows fits, how many columns: greater is better, of equals the first tried.
Rank = tuple[int, float, int]
NEVER: Rank = (-1, 0.0, 0)
ONE_UNKNOWN: Rank = (0, 0.0, 1)

SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?[\r\n]*', re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """How to read the rows: they begin behind `lines` lines; no names, no rows."""

    delimiter: str
    quote: str
    names: tuple[str, ...]
    lines: int


def find_layout(content: Content, known: Collection[str], unnamed: Unnamed) -> Layout:
    """The layout under which the header has the most known names and the first rows fit it best.

    `unnamed` knows the columns of some files that have no header.
    """
    lines = _first_lines(content)
    skipped = _first_filled(lines, 0)
    delimiters: Iterable[str] = DELIMITERS
    if skipped < len(lines) and (stated := SEPARATOR_LINE.fullmatch(lines[skipped])):
        delimiters = stated.group(1)
        skipped = _first_filled(lines, skipped + 1)
    sample = lines[skipped : skipped + SAMPLE]
    if not sample:
        if not content.whole:
            raise UnreadableFile(f"{content.source.name}: the file begins with a megabyte of empty lines")
        return Layout(",", '"', (), len(lines))
    folded = {name.casefold() for name in known}
    tried = [_Trial(sample, *way, folded) for way in product(delimiters, _quotes(sample))]
    best = max(tried, key=lambda trial: trial.rank)
    if best.rank <= ONE_UNKNOWN and any(trial.unclosed for trial in tried):
        message = f"the header, line {skipped + 1}, opens a quote that is never closed"
        raise UnreadableFile(f"{content.source.name}: {message}")
    if (names := unnamed(best.rows)) is not None:
        return Layout(best.delimiter, best.quote, names, skipped)
    return Layout(best.delimiter, best.quote, column_names(best.header), skipped + best.lines)


def column_names(header: Iterable[str]) -> tuple[str, ...]:
    """The header's names, trimmed, each different: ('id', ' id', '') gives ('id', 'id (2)', 'column 3')."""
    names: dict[str, int] = {}  # and how often each has come
    for number, raw in enumerate(header, 1):
        plain = name = raw.strip() or f"column {number}"
        while name in names:
            names[plain] += 1
            name = f"{plain} ({names[plain]})"
        names[name] = 1
    return tuple(names)


def csv_reader(lines: Iterable[str], delimiter: str, quote: str, *, strict: bool) -> "CsvReader":
    """A reader of records; unless strict, it takes `"a" b` as a value.

    An empty line is put behind the others: a reader that has read it within a record found a quote left open.
    """
    csv.field_size_limit(2**31 - 1)  # for the whole process: the length of a record is limited elsewhere instead
    return csv.reader(chain(lines, ("",)), delimiter=delimiter, quotechar=quote, strict=strict)


def _first_filled(lines: list[str], start: int) -> int:
    """The index of the first line from `start` that is not empty, the count of lines if all are."""
    return next((at for at in range(start, len(lines)) if lines[at].strip("\r\n")), len(lines))


def _first_lines(content: Content) -> list[str]:
    lines = content.head.splitlines(keepends=True)
    if not content.whole or (content.source.broken is not None and not content.head.endswith((b"\n", b"\r"))):
        del lines[-1:]  # it may be cut
    if (not lines and not content.whole) or (lines and len(lines[0].rstrip(b"\r\n")) > LONGEST_LINE):
        raise UnreadableFile(f"{content.source.name}: the first line is longer than {LONGEST_LINE:,} bytes")
    return [line.decode(content.encoding, "replace") for line in lines]


def _quotes(sample: list[str]) -> tuple[str, ...]:
    """The quotes to try: the single one only if more values begin with it, as it is an apostrophe too."""
    single, double = (len(re.findall(rf"(?:^|[,;\t|\r\n]){quote}", "".join(sample))) for quote in "'\"")
    return ('"', "'") if single > double else ('"',)


class _Trial:
    """The sample read in one way, and how well that goes."""

    def __init__(self, sample: list[str], delimiter: str, quote: str, known: set[str]) -> None:
        self.delimiter = delimiter
        self.quote = quote
        reader = csv_reader(sample, delimiter, quote, strict=False)
        filled: Iterator[list[str]] = filter(None, reader)
        self.header = next(filled)
        self.lines = reader.line_num
        self.unclosed = self.lines > len(sample)
        self.rows = [self.header, *filled]
        self.rank = NEVER if self.unclosed else self._rank([len(row) for row in self.rows[1:]], known)

    def _rank(self, widths: list[int], known: set[str]) -> Rank:
        width = len(self.header)
        named = sum(name.strip().casefold() in known for name in self.header)
        fitting = widths.count(width) / len(widths) if widths else 1.0
        return named, fitting if width > 1 else 0.0, width  # that every row has one value is no sign of a delimiter
