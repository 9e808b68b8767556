"""Aggregates found by few loops over the rows: how many there are of each group with each of a column's values.

Where the columns that a report is about have few different values, one loop counts the rows of each combination of
them, a cell, and what is asked for follows from these counts. A column that has many is added up by a loop of its own.
Nothing is kept for each row on the way, and rows in the order of time need no look at the clock: those of one hour
follow one another. What does not suit is left to `tallies`.

The number of a cell is that of its group times the cells of a group, plus a digit for each column.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from weakref import ref as weakref

import numpy as np

from calltally.catalog import Aggregate, Count, IsSet, Sum, ValueIs
from calltally.engines.hot.blocks import BLOCK_ROWS, Block
from calltally.engines.hot.clock import Steps, merged
from calltally.engines.hot.columns import NUMBERS, Columns, Numbers, Segment, null_of
from calltally.engines.hot.compiling import Kernels
from calltally.engines.hot.kernels import LEFT_OUT, MOST_NARROW
from calltally.engines.hot.parts import ByCode, ByTime, Part

__all__ = ["MOST_ROWS", "Joint", "JointCounts", "field_of", "joint_of"]

MOST_CELLS = 2**15  # of 4 bytes each, so that they stay in a core's own cache
MOST_ROWS = 2**31 - 1  # that 4 bytes can count
MOST_KNOWN = 1000  # blocks whose steps are kept
SMALLEST = -128  # of a number in one byte, where it is no value
NARROW, WIDE = np.dtype(np.uint8), np.dtype(np.uint16)
SMALL_NUMBER, SUMMED = np.dtype(np.int8), np.dtype(np.int32)
NO_PLACES = np.empty(0, np.int64)
NO_CODES, NO_TABLE = np.zeros(BLOCK_ROWS, NARROW), np.zeros(1, np.uint32)  # of a column that adds nothing


@dataclass(frozen=True)
class _Counted:
    """A column whose values are counted: the digit of each of its codes, or of its small numbers taken as codes."""

    field: str
    digits: Numbers
    size: int

    def column(self, step: int) -> "_Column":
        """What it adds to a cell's number, each digit a step."""
        return _Column(self.field, (self.digits * step).astype(np.uint32))


@dataclass(frozen=True)
class _Column:
    """What a column adds to the number of a row's cell, by the row's code in it."""

    field: str
    table: Numbers

    def codes(self, block: Block) -> Numbers:
        """The codes of the rows of a block."""
        return block.numbers(self.field).view(NARROW) if self.field in NUMBERS else block.codes(self.field)

    def is_narrow(self, segment: Segment) -> bool | None:
        """Whether the codes are of the narrow type or the wide one; None: neither."""
        if self.field in NUMBERS:
            return True if segment.numbers[self.field].dtype == SMALL_NUMBER else None
        return {NARROW: True, WIDE: False}.get(segment.codes[self.field].dtype)


@dataclass(frozen=True)
class _Loop:
    """A loop over the rows, which counts them by cells, or counts and adds up a number for each group."""

    columns: tuple[_Column, ...]
    bases: Numbers  # the cell of each step of time, or LEFT_OUT, which is the last one
    cells: int
    counted: tuple[_Counted, ...] = ()
    summed: str | None = None

    def suits(self, segment: Segment) -> bool:
        """Whether there is a kernel for what a segment holds."""
        if self.summed is not None and segment.numbers[self.summed].dtype != SUMMED:
            return False
        narrow = [column.is_narrow(segment) for column in self.columns]
        return None not in narrow and narrow.count(True) <= MOST_NARROW and narrow.count(False) <= 1

    def run(self, kernels: Kernels, block: Block, bounds: Numbers, steps: Numbers, found: "_Found") -> None:
        """Take the rows of a block, in stretches between bounds, each of one step of time."""
        bases = self.bases[steps]
        values = None if self.summed is None else block.numbers(self.summed)
        if not self.columns:
            if values is None:
                kernels.count_stretches(bounds, bases, found.counts)
            else:
                kernels.sum_stretches(bounds, bases, values, null_of(values), found.sums, found.counts)
            return
        columns = [(column.codes(block), column.table) for column in self.columns]
        narrow = [each for each in columns if each[0].dtype == NARROW] or [(NO_CODES, NO_TABLE)]
        wide = next((each for each in columns if each[0].dtype == WIDE), (None, None))
        codes, tables = zip(*narrow, strict=True)
        if values is None:
            kernels.count_cells(bounds, bases, codes, tables, *wide, found.counts)
        else:
            kernels.sum_cells(bounds, bases, codes, tables, *wide, values, null_of(values), found.sums, found.counts)


@dataclass(frozen=True)
class _Found:
    """What a loop has found over some rows: the rows of each cell, and the sum of each where there is one."""

    counts: Numbers
    sums: Numbers


@dataclass(frozen=True)
class _Source:
    """Where an aggregate is found: in a loop's sums, or its rows of each group, all alike or weighed by a digit."""

    loop: int
    is_sum: bool = False
    shape: tuple[int, ...] = ()  # the cells of a group, by the digits before the one that is weighed, it, those after
    weights: Numbers | None = None

    def of(self, found: Sequence[_Found], groups: int) -> Numbers:
        """The aggregate of each group."""
        if self.is_sum:
            return found[self.loop].sums
        counts = found[self.loop].counts
        if self.weights is None:
            rows: Numbers = counts.reshape(groups, -1).sum(axis=1, dtype=np.int64)
            return rows
        by_digit = counts.reshape(groups, *self.shape).sum(axis=(1, 3), dtype=np.int64)
        weighed: Numbers = by_digit @ self.weights
        return weighed


@dataclass(frozen=True)
class Joint:
    """How the aggregates of a plan are found by loops, over however many rows."""

    groups: int
    steps: Steps | None
    loops: tuple[_Loop, ...]
    sources: Mapping[Aggregate, _Source]
    _known: dict[tuple[int, int], tuple["weakref[Segment]", Numbers, Numbers]] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """The memory of its tables, and of the stretches that are kept."""
        tables = [table for loop in self.loops for table in (loop.bases, *(column.table for column in loop.columns))]
        kept = [each for _, *stretches in [*self._known.values()] for each in stretches]
        return sum(each.nbytes for each in (*tables, *kept))

    @cached_property
    def cells(self) -> int:
        """How many numbers come of it, which have to be added up: of fewer rows there are better ways."""
        return sum(loop.cells for loop in self.loops)

    def suits(self, segment: Segment) -> bool:
        """Whether it can be done for the rows of a segment."""
        return segment.is_sorted and all(loop.suits(segment) for loop in self.loops)

    def stretches(self, kernels: Kernels, block: Block) -> tuple[Numbers, Numbers]:
        """The bounds of stretches of rows of one step of time, and the steps; -1 for what is no call any more."""
        if self.steps is None:
            bounds, places = np.array([0, len(block)]), np.zeros(1, np.int64)
        else:
            bounds, places = self._steps_of(kernels, block, self.steps.instants)
        return _without_gone(kernels, bounds, places, block.gone) if len(block.gone) else (bounds, places)

    def _steps_of(self, kernels: Kernels, block: Block, instants: Numbers) -> tuple[Numbers, Numbers]:
        """The same of all rows, which are the same ones the next time, as long as the segment is there."""
        name = id(block.segment), block.first
        segment, bounds, places = self._known.get(name, (None, NO_PLACES, NO_PLACES))
        if segment is None or segment() is not block.segment or bounds[-1] != len(block):
            starts = block.starts
            first, end = (int(each) for each in np.searchsorted(instants, (starts[0], starts[-1]), "right"))
            bounds, places = np.empty(end - first + 2, np.int64), np.arange(first - 1, end)
            bounds[0], bounds[-1] = 0, len(block)
            kernels.find_bounds(starts, instants[first:end], bounds[1:-1])
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[name] = weakref(block.segment), bounds, places
        return bounds, places


class JointCounts:
    """What was found over some rows."""

    def __init__(self, joint: Joint) -> None:
        self._joint = joint
        self._found = [
            _Found(np.zeros(loop.cells, np.int32), np.zeros(0 if loop.summed is None else loop.cells, np.int64))
            for loop in joint.loops
        ]

    def take(self, kernels: Kernels, block: Block) -> bool:
        """Take the rows of a block; False: they do not suit."""
        if not self._joint.suits(block.segment):
            return False
        bounds, steps = self._joint.stretches(kernels, block)
        for loop, found in zip(self._joint.loops, self._found, strict=True):
            loop.run(kernels, block, bounds, steps, found)
        return True

    def join(self, other: "JointCounts") -> None:
        """Take what was found over other rows."""
        for own, theirs in zip(self._found, other._found, strict=True):
            np.add(own.counts, theirs.counts, out=own.counts)
            np.add(own.sums, theirs.sums, out=own.sums)

    def found(self, aggregate: Aggregate) -> Numbers:
        """One of the aggregates of each group."""
        return self._joint.sources[aggregate].of(self._found, self._joint.groups)


def joint_of(aggregates: Sequence[Aggregate], columns: Columns, groups: int, parts: Sequence[Part]) -> Joint | None:
    """How aggregates are found jointly, of groups whose numbers the parts come to; None: not all of them can be.

    It is for at most MOST_ROWS rows.
    """
    codes = [part for part in parts if isinstance(part, ByCode)]
    times = [part for part in parts if isinstance(part, ByTime)]
    room = MOST_NARROW - len(codes)
    if room < 0 or groups > MOST_CELLS:
        return None
    steps, places = merged(tuple(part.steps for part in times)) if times else (None, ())
    added = sum((part.table[at] for part, at in zip(times, places, strict=True)), np.zeros(1, np.int64))
    counted, summed = _columns_of(aggregates, columns, MOST_CELLS // groups if room else 0)

    def loop(some: Sequence[_Counted], value: str | None = None) -> _Loop:
        sizes = [each.size for each in some]
        cells = prod(sizes)
        named = [_Column(part.field, _cells(part.table, cells)) for part in codes]
        own = [each.column(prod(sizes[place + 1 :])) for place, each in enumerate(some)]
        bases = np.append(_cells(added, cells), np.uint32(LEFT_OUT))
        return _Loop((*named, *own), bases, groups * cells, tuple(some), value)

    loops = (*map(loop, _together(counted, MOST_CELLS // groups, room)), *(loop((), field) for field in summed))
    found = [_source(aggregate, loops, columns) for aggregate in aggregates]
    sources = {aggregate: source for aggregate, source in zip(aggregates, found, strict=True) if source}
    return Joint(groups, steps, loops, sources) if len(sources) == len(found) else None


def _source(aggregate: Aggregate, loops: Sequence[_Loop], columns: Columns) -> _Source | None:
    """Where an aggregate is found; None: nowhere."""
    field = field_of(aggregate)
    for place, loop in enumerate(loops):
        if aggregate == Count() and loop.summed is None:
            return _Source(place)
        if field is not None and field == loop.summed:
            return _Source(place, is_sum=isinstance(aggregate, Sum))
        for digit, counted in enumerate(loop.counted):
            if field == counted.field:
                before = prod(each.size for each in loop.counted[:digit])
                after = prod(each.size for each in loop.counted[digit + 1 :])
                return _Source(place, False, (before, counted.size, after), _weights(aggregate, counted, columns))
    return None


def _weights(aggregate: Aggregate, counted: _Counted, columns: Columns) -> Numbers:
    """What a row of each digit of a column adds to an aggregate."""
    weights = np.ones(counted.size, np.int64)
    match aggregate:
        case Sum(field):
            weights = np.arange(counted.size) + columns.range(field)[0] - 1
        case Count(ValueIs(field, value)):
            code = columns.dictionaries[field].code(value)
            weights = (np.arange(counted.size) == (-1 if code is None else code)).astype(np.int64)
    weights[0] = 0
    return weights


def field_of(aggregate: Aggregate) -> str | None:
    """The field whose values are counted or added up, if that is what an aggregate is."""
    match aggregate:
        case Count(IsSet(field) | ValueIs(field, _)) | Sum(field):
            return field
    return None


def _columns_of(
    aggregates: Sequence[Aggregate], columns: Columns, most: int
) -> tuple[tuple[_Counted, ...], tuple[str, ...]]:
    """Of the columns that the aggregates are about those to count, of so many values at most, and those to add up."""
    counted: list[_Counted] = []
    summed: list[str] = []
    for name in dict.fromkeys(name for name in map(field_of, aggregates) if name):
        if name not in NUMBERS:
            digits, size = np.arange(columns.sizes[name]), columns.sizes[name]
        else:
            lowest, highest = columns.range(name)
            if not SMALLEST < lowest <= highest < -SMALLEST:
                summed.append(name)
                continue
            digits, size = np.zeros(256, np.int64), highest - lowest + 2
            values = np.arange(lowest, highest + 1)
            digits[values & 255] = values - lowest + 1
        if size <= most:
            counted.append(_Counted(name, digits, size))
    return tuple(counted), tuple(summed)


def _together(counted: Sequence[_Counted], most: int, room: int) -> Iterator[Sequence[_Counted]]:
    """The columns to count in each loop, which are as few as can be: so many at most, of so many cells a group."""
    some: list[_Counted] = []
    for each in sorted(counted, key=lambda each: each.size):
        if some and (len(some) == room or prod(one.size for one in (*some, each)) > most):
            yield some
            some = []
        some.append(each)
    yield some


def _cells(table: Numbers, cells: int) -> Numbers:
    """What is added to a cell's number where a table has this for that of a group."""
    found: Numbers = np.where(table < 0, LEFT_OUT, table * cells).astype(np.uint32)
    return found


def _without_gone(kernels: Kernels, bounds: Numbers, places: Numbers, gone: Numbers) -> tuple[Numbers, Numbers]:
    """The same stretches without the rows that are no calls any more, which have the place -1."""
    count = len(places) + 2 * len(gone)
    cut, cut_places = np.empty(count + 1, np.int64), np.empty(count, np.int64)
    kernels.cut_stretches(bounds, places, gone, cut, cut_places)
    return cut, cut_places
