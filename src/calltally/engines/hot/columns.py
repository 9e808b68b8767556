"""What is held of a business's calls: rows in the order of their starts, every value as a small number.

At most 64 bytes a call and a megabyte (MOST_BYTES_A_CALL, SMALL): 8 for the start, 12 for finding it by the hash of
its id, 4 for its caller, 1, 2 or 4 for each text, as it has different ones, and for each number as its values need. A
text that does not fit in that is left to the database, and with it the reports that name it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from calltally.catalog import CATALOG, FieldKind
from calltally.engines.duckdb import CODE_COLUMNS
from calltally.localtime import Period

__all__ = [
    "CODED",
    "COUNTED",
    "MOST_BYTES_A_CALL",
    "NUMBERS",
    "SEGMENT_ROWS",
    "SMALL",
    "Columns",
    "Dictionary",
    "Numbers",
    "Segment",
    "narrow_codes",
    "narrow_numbers",
    "null_of",
    "picked",
    "widened",
]

Numbers = npt.NDArray[Any]
CodedValue = str | bool | None

MOST_BYTES_A_CALL = 64
SMALL = 1_000_000  # bytes for the texts of few calls, which are as different as those of many
SEGMENT_ROWS = 2**20
MOST_REACHES = 100  # of which a segment keeps where their rows are
BYTES_A_TEXT = 160  # besides its characters: Python's object, its places in a list and in a dict

# How fields are held: those whose different values the database has numbered, those that get codes here, whole numbers.
COUNTED = tuple(field.name for field in CATALOG.reported_fields if field.name in CODE_COLUMNS)
NUMBERS = tuple(field.name for field in CATALOG.reported_fields if field.kind is FieldKind.WHOLE)
TIMES = tuple(field.name for field in CATALOG.reported_fields if field.kind is FieldKind.TIME)
CODED = tuple(field.name for field in CATALOG.reported_fields if field.name not in {*COUNTED, *NUMBERS, *TIMES})

CODE_TYPES = (np.uint8, np.uint16, np.uint32)
NUMBER_TYPES = (np.int8, np.int32, np.int64)
LOWEST = {np.dtype(each): int(np.iinfo(each).min) for each in NUMBER_TYPES}
HIGHEST = {np.dtype(each): int(np.iinfo(each).max) for each in (*CODE_TYPES, *NUMBER_TYPES)}


def null_of(values: Numbers) -> int:
    """What stands for no value among numbers of this type: the lowest there is."""
    return LOWEST[values.dtype]


def narrow_codes(codes: Numbers) -> Numbers:
    """The same codes in the narrowest type."""
    most = int(codes.max(initial=0))
    return codes.astype(next(each for each in CODE_TYPES if most <= HIGHEST[np.dtype(each)]))


def narrow_numbers(values: Numbers) -> Numbers:
    """The same numbers in the narrowest type, where no value is the lowest."""
    null = null_of(values)
    if values.dtype == NUMBER_TYPES[0]:
        return values
    there = values[values != null]
    low, high = int(there.min(initial=0)), int(there.max(initial=0))
    kind = next(each for each in map(np.dtype, NUMBER_TYPES) if LOWEST[each] < low and high <= HIGHEST[each])
    return _retyped(values, kind)


def widened(parts: Sequence[Numbers]) -> Numbers:
    """Parts of a column of numbers as one, of the widest of their types."""
    widest = max((part.dtype for part in parts), key=lambda each: each.itemsize)
    return np.concatenate([part if part.dtype == widest else _retyped(part, widest) for part in parts])


def _retyped(values: Numbers, kind: np.dtype[Any]) -> Numbers:
    retyped = values.astype(kind)
    retyped[values == null_of(values)] = LOWEST[kind]
    return retyped


class Dictionary:
    """The different values of a field, each with a code from 1 on; 0 is no value.

    It only grows, and those who read it know how many codes there were for them. One thread adds to it at a time.
    """

    def __init__(self) -> None:
        self.values: list[CodedValue] = [None]
        self.nbytes = 0
        self._codes: dict[CodedValue, int] = {None: 0}
        self._ranks: Numbers = np.zeros(1, np.int64)

    def __len__(self) -> int:
        return len(self.values)

    def code(self, value: CodedValue) -> int | None:
        """The code of a value; None: there is none."""
        return self._codes.get(value)

    def codes(self, values: Sequence[CodedValue]) -> Numbers:
        """The codes of values, new ones where they have none yet."""
        for value in values:
            if value not in self._codes:
                self._codes[value] = len(self.values)
                self.values.append(value)
                self.nbytes += BYTES_A_TEXT + len(str(value).encode())
        return np.fromiter((self._codes[value] for value in values), np.uint32, len(values))

    def ranks(self, size: int) -> Numbers:
        """For each of the first codes its place in the order of their values, that of no value the last."""
        ranks = self._ranks
        if len(ranks) != size:
            ranks = np.zeros(size, np.int64)
            ranks[sorted(range(1, size), key=self.values.__getitem__)] = np.arange(size - 1)  # type: ignore[arg-type]
            ranks[0] = size - 1
            self._ranks = ranks
        return ranks


@dataclass(frozen=True)
class Segment:
    """Rows, each column an array; in the order of their starts, if `is_sorted`. Nothing in it ever changes."""

    starts: Numbers
    codes: Mapping[str, Numbers]  # of counted and coded fields
    numbers: Mapping[str, Numbers]
    hashes: Numbers  # of the ids, sorted
    places: Numbers  # the rows that have these
    _ranges: dict[str, tuple[int, int]] = dataclass_field(default_factory=dict, repr=False)
    _rows: dict[tuple[int, int], tuple[int, int]] = dataclass_field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def is_sorted(self) -> bool:
        """Whether the rows are in the order of their starts."""
        return bool(np.all(self.starts[1:] >= self.starts[:-1]))

    @cached_property
    def nbytes(self) -> int:
        """The memory of its columns."""
        columns = (self.starts, self.hashes, self.places, *self.codes.values(), *self.numbers.values())
        return sum(column.nbytes for column in columns)

    def range(self, field: str) -> tuple[int, int]:
        """Between which values a column of numbers is; 0 is always among them."""
        if field not in self._ranges:
            values = self.numbers[field]
            there = values[values != null_of(values)]
            self._ranges[field] = int(there.min(initial=0)), int(there.max(initial=0))
        return self._ranges[field]

    @cached_property
    def span(self) -> tuple[int, int]:
        """The first and the last start, microseconds UTC; there are rows."""
        return int(self.starts.min()), int(self.starts.max())

    def rows(self, periods: Sequence[Period] | None) -> tuple[int, int]:
        """The first row and the end of those that can start in one of these periods."""
        if periods is None or not len(self):
            return 0, len(self)
        if not periods:
            return 0, 0
        if not self.is_sorted:
            return 0, len(self)
        reach = periods[0].start, periods[-1].end
        found = self._rows.get(reach)  # kept, since to search millions of rows is to wait for memory again and again
        if found is None:
            first, end = np.searchsorted(self.starts, reach)
            if len(self._rows) >= MOST_REACHES:
                self._rows.clear()
            found = self._rows[reach] = int(first), int(end)
        return found

    def found(self, hashes: Numbers) -> Numbers:
        """The rows whose ids have one of these hashes, sorted."""
        first, end = (np.searchsorted(self.hashes, hashes, side) for side in ("left", "right"))
        there = [self.places[low:high] for low, high in zip(first, end, strict=True) if low < high]
        return np.sort(np.concatenate(there)) if there else np.empty(0, np.uint32)


class _Made(dict[str, Numbers]):
    """Columns of which each is made when it is first asked for."""

    def __init__(self, make: Callable[[str], Numbers]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, field: str) -> Numbers:
        return self.setdefault(field, self._make(field))


def picked(rows: Sequence[tuple[Segment, Numbers]]) -> Segment:
    """Some rows of segments, at least one, as a segment of their own, in which none is to be found by its id."""
    codes = _Made(lambda field: np.concatenate([segment.codes[field][some] for segment, some in rows]))
    numbers = _Made(lambda field: widened([segment.numbers[field][some] for segment, some in rows]))
    starts = np.concatenate([segment.starts[some] for segment, some in rows])
    return Segment(starts, codes, numbers, np.empty(0, np.uint64), np.empty(0, np.uint32))


@dataclass(frozen=True)
class Columns:
    """The calls of a store as they were at a version: segments, and the rows in them that are no calls any more.

    The first segments are in order, one after the other. The others hold what came since; the last of them is the tail,
    which has room for more.
    """

    version: str
    segments: tuple[Segment, ...]
    ordered: int  # how many segments are in order
    gone: tuple[Numbers, ...]  # for each segment, sorted
    dictionaries: Mapping[str, Dictionary]  # of the coded fields that are held
    sizes: Mapping[str, int]  # codes of the counted and the coded fields that are held
    _ranges: dict[str, tuple[int, int]] = dataclass_field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def rows(self) -> int:
        """How many rows there are, with those that are no calls any more."""
        return sum(map(len, self.segments))

    @cached_property
    def calls(self) -> int:
        """How many calls there are."""
        return self.rows - sum(map(len, self.gone))

    @cached_property
    def loose(self) -> int:
        """How many rows make it slower than it was when all were put in order."""
        return sum(map(len, self.segments[self.ordered :])) + sum(map(len, self.gone))

    @cached_property
    def nbytes(self) -> int:
        """The memory that it takes."""
        texts = sum(dictionary.nbytes for dictionary in self.dictionaries.values())
        return texts + sum(each.nbytes for each in self.segments) + sum(each.nbytes for each in self.gone)

    def is_tail(self, segment: Segment) -> bool:
        """Whether a segment is the one that takes what comes in."""
        return len(self.segments) > self.ordered and segment is self.segments[-1]

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """The first and the last start of its rows; None: it has none."""
        spans = [segment.span for segment in self.segments if len(segment)]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    def range(self, field: str) -> tuple[int, int]:
        """Between which values a column of numbers is; 0 is always among them."""
        if field not in self._ranges:
            ranges = [segment.range(field) for segment in self.segments]
            self._ranges[field] = (
                min((low for low, _ in ranges), default=0),
                max((high for _, high in ranges), default=0),
            )
        return self._ranges[field]
