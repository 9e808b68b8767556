"""Columns from the calls of a store: all of them, those that have changed since, or put in order anew."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calltally.engines.duckdb import Change
from calltally.engines.hot.columns import (
    CODED,
    COUNTED,
    MOST_BYTES_A_CALL,
    NUMBERS,
    SEGMENT_ROWS,
    SMALL,
    Columns,
    Dictionary,
    Numbers,
    Segment,
    narrow_codes,
    narrow_numbers,
    widened,
)

__all__ = ["built", "in_order", "patched"]

MOST_BYTES_OF_TEXTS = 16  # a call: of a field with more different texts than that, most calls have one of their own
NO_NUMBER = -(2**63)
START_AND_HASH = 8 + 12  # bytes a call
TAIL_ROWS, TAIL_SHARE = 1000, 1000  # or a share of all rows: a tail that has as many is left alone, and a new one begun
MOST_THREADS = 4  # each takes the memory of a column
FEW_ROWS = 50  # read value by value, since each step over a whole column takes longer than that

Item = TypeVar("Item")
Made = TypeVar("Made")


class _Parts:
    """Rows being gathered, by column a list of parts; the dictionaries are those of so many rows already."""

    def __init__(
        self, dictionaries: Mapping[str, Dictionary], already: int = 0, threads: Executor | None = None
    ) -> None:
        self.dictionaries = dict(dictionaries)
        self._already, self._threads = already, threads
        self.count = 0
        self._starts: list[Numbers] = []
        self._hashes: list[Numbers] = []
        self._codes: dict[str, list[Numbers]] = {name: [] for name in (*COUNTED, *dictionaries)}
        self._numbers: dict[str, list[Numbers]] = {name: [] for name in NUMBERS}

    def add(self, rows: pa.RecordBatch) -> None:
        """Take rows of the database."""
        self.count += len(rows)
        self._starts.append(_array(rows["started_at"]))
        self._hashes.append(_array(rows["id_hash"]))
        # Numbers of few are as wide as can be, by which a column with all others would be taken to be: see `fit`.
        is_few = len(rows) <= FEW_ROWS and not self._threads
        counted, coded, numbers = FEW if is_few else MANY

        def read(name: str) -> None:
            if name in self._numbers:
                self._numbers[name].append(numbers(rows[name]))
            elif name in self.dictionaries:
                self._codes[name].append(coded(rows[name], self.dictionaries[name]))
            else:
                self._codes[name].append(counted(rows[name]))

        self._each(read, (*self._codes, *self._numbers))
        for name, dictionary in list(self.dictionaries.items()):
            if dictionary.nbytes > SMALL + (self._already + self.count) * MOST_BYTES_OF_TEXTS:
                del self.dictionaries[name], self._codes[name]

    def take(self, segment: Segment, gone: Numbers, *, first: bool = False) -> None:
        """Take the rows of a segment but those that are gone, before or after all that there are already."""
        chosen = np.delete(np.arange(len(segment)), gone) if len(gone) else slice(None)
        at = 0 if first else len(self._starts)
        self.count += len(segment) - len(gone)
        self._starts.insert(at, segment.starts[chosen])
        by_row = np.empty(len(segment), np.uint64)
        by_row[segment.places] = segment.hashes
        self._hashes.insert(at, by_row[chosen])
        for name, parts in self._codes.items():
            parts.insert(at, segment.codes[name][chosen])
        for name, parts in self._numbers.items():
            parts.insert(at, segment.numbers[name][chosen])

    def hashes(self) -> Numbers:
        """The hashes of the ids of all rows."""
        return np.concatenate([np.empty(0, np.uint64), *self._hashes])

    def fit(self) -> None:
        """Leave out the widest texts until all calls take no more than they may."""
        while self.dictionaries and self._bytes() > self.count * MOST_BYTES_A_CALL + SMALL:
            widest = max(self.dictionaries, key=self._bytes_of)
            del self.dictionaries[widest], self._codes[widest]

    def segment(self) -> Segment:
        """All rows as one segment, in the order in which they came."""
        if not self.count:
            return _empty(self.dictionaries)
        return Segment(
            np.concatenate(self._starts),
            {name: np.concatenate(parts) for name, parts in self._codes.items()},
            {name: narrow_numbers(widened(parts)) for name, parts in self._numbers.items()},
            *_by_hash(np.concatenate(self._hashes)),
        )

    def segments(self) -> list[Segment]:
        """All rows in the order of their starts, in segments; the parts are used up."""
        if not self.count:
            return []
        starts = np.concatenate(self._starts)
        order = None if np.all(starts[1:] >= starts[:-1]) else np.argsort(starts, kind="stable")
        self._starts.clear()
        cut_starts, cut_hashes = _cut(starts, order), _cut(np.concatenate(self._hashes), order)
        self._hashes.clear()

        def codes(parts: list[Numbers]) -> list[Numbers]:
            cuts = _cut(np.concatenate(parts), order)
            parts.clear()
            return [narrow_codes(cut) for cut in cuts]

        def numbers(parts: list[Numbers]) -> list[Numbers]:
            cuts = _cut(widened(parts), order)
            parts.clear()
            return [narrow_numbers(cut) for cut in cuts]

        cut_codes = dict(zip(self._codes, self._each(codes, self._codes.values()), strict=True))
        cut_numbers = dict(zip(self._numbers, self._each(numbers, self._numbers.values()), strict=True))
        return [
            Segment(
                begun,
                {name: cuts[place] for name, cuts in cut_codes.items()},
                {name: cuts[place] for name, cuts in cut_numbers.items()},
                *hashed,
            )
            for place, (begun, hashed) in enumerate(zip(cut_starts, self._each(_by_hash, cut_hashes), strict=True))
        ]

    def _each(self, make: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
        """What comes of each, several at a time if there are threads."""
        return list((self._threads.map if self._threads else map)(make, items))

    def _bytes_of(self, name: str) -> int:
        return self._width(self._codes[name]) * self.count + self.dictionaries[name].nbytes

    def _bytes(self) -> int:
        columns = [self._codes[name] for name in COUNTED] + list(self._numbers.values())
        of_all = START_AND_HASH + sum(map(self._width, columns))
        return of_all * self.count + sum(map(self._bytes_of, self.dictionaries))

    @staticmethod
    def _width(parts: Sequence[Numbers]) -> int:
        return max((part.itemsize for part in parts), default=0)


def built(version: str, batches: Iterable[pa.RecordBatch], threads: int) -> Columns:
    """The columns of a store's calls, made by so many threads."""
    count = min(threads, MOST_THREADS)
    with ThreadPoolExecutor(count, "building") as builders, ThreadPoolExecutor(1, "reading") as reader:
        parts = _Parts({name: Dictionary() for name in CODED}, threads=builders)
        for batch in _ahead(batches, reader):
            parts.add(batch)
        parts.fit()
        return _columns(version, parts)


def _ahead(batches: Iterable[pa.RecordBatch], reader: Executor) -> Iterator[pa.RecordBatch]:
    """The batches, of which the next is read while one is worked on."""
    remaining = iter(batches)
    coming = reader.submit(next, remaining, None)
    while (batch := coming.result()) is not None:
        coming = reader.submit(next, remaining, None)
        yield batch


def patched(columns: Columns, change: Change, batches: Iterable[pa.RecordBatch]) -> Columns | None:
    """The columns after a change, of which the batches are the calls to look at anew.

    None: calls cannot be told apart by the hashes of their ids, or are in the batches twice.
    """
    new = _Parts(columns.dictionaries, columns.rows)
    for batch in batches:
        new.add(batch)
    hashes = np.union1d(new.hashes(), np.fromiter(change.gone, np.uint64))
    base = columns.segments
    if len(base) > columns.ordered and len(base[-1]) < max(TAIL_ROWS, columns.rows // TAIL_SHARE):
        new.take(base[-1], base[-1].found(hashes), first=True)
        base = base[:-1]
    marks = [_marked(mark, segment.found(hashes)) for segment, mark in zip(base, columns.gone, strict=False)]
    tail = new.segment()
    none = np.empty(0, np.uint32)
    sizes = _sizes(new.dictionaries, (tail,), columns.sizes)
    found = Columns(change.version, (*base, tail), columns.ordered, (*marks, none), new.dictionaries, sizes)
    return found if found.calls == columns.calls + change.added else None


def _marked(gone: Numbers, found: Numbers) -> Numbers:
    return np.union1d(gone, found) if len(found) else gone


def in_order(columns: Columns) -> Columns:
    """The same calls with all rows in order; segments to which nothing has happened stay."""
    base, loose = columns.segments[: columns.ordered], columns.segments[columns.ordered :]
    first = min((segment.span[0] for segment in loose if len(segment)), default=None)
    full = base[:-1] if base and len(base[-1]) < SEGMENT_ROWS else base
    kept = 0
    for segment, gone in zip(full, columns.gone, strict=False):
        if len(gone) or (first is not None and segment.span[1] > first):
            break
        kept += 1
    parts = _Parts(columns.dictionaries)
    for segment, gone in zip(columns.segments[kept:], columns.gone[kept:], strict=True):
        parts.take(segment, gone)
    return _columns(columns.version, parts, base[:kept], columns.sizes)


def _columns(
    version: str, parts: _Parts, before: Sequence[Segment] = (), sizes: Mapping[str, int] | None = None
) -> Columns:
    fresh = parts.segments()
    segments = (*before, *fresh)
    none = np.empty(0, np.uint32)
    found = _sizes(parts.dictionaries, fresh, sizes or {})
    return Columns(version, segments, len(segments), (none,) * len(segments), parts.dictionaries, found)


def _sizes(
    dictionaries: Mapping[str, Dictionary], fresh: Sequence[Segment], before: Mapping[str, int]
) -> dict[str, int]:
    """How many codes there are, once these segments have joined those before them."""
    counted = {
        name: max([before.get(name, 0), *(int(each.codes[name].max(initial=0)) + 1 for each in fresh)])
        for name in COUNTED
    }
    return counted | {name: len(dictionary) for name, dictionary in dictionaries.items()}


def _empty(dictionaries: Mapping[str, Dictionary]) -> Segment:
    return Segment(
        np.empty(0, np.int64),
        {name: np.empty(0, np.uint8) for name in (*COUNTED, *dictionaries)},
        {name: np.empty(0, np.int8) for name in NUMBERS},
        np.empty(0, np.uint64),
        np.empty(0, np.uint32),
    )


def _cut(column: Numbers, order: Numbers | None) -> list[Numbers]:
    """A column in pieces of a segment's size, each an array of its own."""
    pieces = range(0, len(column), SEGMENT_ROWS)
    if order is None:
        return [column[at : at + SEGMENT_ROWS].copy() for at in pieces]
    return [column[order[at : at + SEGMENT_ROWS]] for at in pieces]


def _by_hash(hashes: Numbers) -> tuple[Numbers, Numbers]:
    """Hashes in their order, and the rows that have these."""
    places = np.argsort(hashes).astype(np.uint32)
    return hashes[places], places


def _array(column: pa.Array) -> Numbers:
    return np.array(column.to_numpy(zero_copy_only=False))


def _counted(column: pa.Array) -> Numbers:
    """The codes of values that the database has numbered from 0 on."""
    return narrow_codes(_array(pc.fill_null(column.cast(pa.int64()), -1)) + 1)


def _coded(column: pa.Array, dictionary: Dictionary) -> Numbers:
    """The codes of a column's values."""
    encoded = column.dictionary_encode()  # as some are already
    codes = np.append(dictionary.codes(encoded.dictionary.to_pylist()), np.uint32(0))
    places = _array(pc.fill_null(encoded.indices, pa.scalar(len(codes) - 1, pa.int32())))
    return narrow_codes(codes[places])


def _numbers(column: pa.Array) -> Numbers:
    """A column's numbers, those of no value too."""
    return narrow_numbers(_array(pc.fill_null(column.cast(pa.int64()), NO_NUMBER)))


def _counted_few(column: pa.Array) -> Numbers:
    return narrow_codes(np.array([0 if value is None else value + 1 for value in column.to_pylist()], np.uint32))


def _coded_few(column: pa.Array, dictionary: Dictionary) -> Numbers:
    return narrow_codes(dictionary.codes(column.to_pylist()))


def _numbers_few(column: pa.Array) -> Numbers:
    return np.array([NO_NUMBER if value is None else value for value in column.to_pylist()], np.int64)


MANY = (_counted, _coded, _numbers)
FEW = (_counted_few, _coded_few, _numbers_few)
