"""The hashes of texts that a column has, in memory: what is new is told without reading the column."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Hashes"]

logger = logging.getLogger(__name__)

MOST_ADDED = 20_000  # in a dictionary, which takes ten times the memory of a sorted run
MANY = 2_000  # that are added at once, and are a run of their own
LESS = 8  # times as many as the next has
# Hashes that are put in order beside what goes on, in a sixth of a second for each million; until then it takes ten
# milliseconds for each million to look for some. Fewer are waited for, and so are more: DuckDB orders those sooner.
LEAST_BESIDE, MOST_BESIDE = 100_000, 2_000_000
PIECE = 16_384  # of a run, joined with its like of another


@dataclass(frozen=True)
class _Run:
    """Hashes in their order, with their rows; of one hash the last row is last."""

    hashes: pa.Array
    places: pa.Array

    def __len__(self) -> int:
        return len(self.hashes)

    def among(self, wanted: pa.Array) -> dict[int, int]:
        """Those of some hashes that are here, with their last rows."""
        if not len(self):
            return {}
        # Most are not here, which is found out in as few steps as there can be: at each, another thread may take over.
        first = pc.search_sorted(self.hashes, wanted)
        found = self.hashes.take(pc.min_element_wise(first, pa.scalar(len(self) - 1, pa.uint64())))
        here = pc.equal(found, wanted)
        if not pc.any(here).as_py():
            return {}
        known = wanted.filter(here)
        after = pc.search_sorted(self.hashes, known, side="right")
        places = self.places.take(pc.subtract(after, pa.scalar(1, pa.uint64())))
        return dict(zip(known.to_pylist(), places.to_pylist(), strict=True))

    def joined(self, later: "_Run") -> "_Run":
        """All of both, in order; in pieces, since what it takes to put all in order at once is far more than they are.

        The rows of `later` come after those of the same hashes here.
        """
        count = len(self) + len(later)
        hashes, places = _Filling(pa.uint64(), count), _Filling(pa.uint32(), count)
        cuts = self.hashes.take(pa.arange(PIECE, max(len(self), PIECE), PIECE))
        for mine, others in zip(self._pieces(cuts), later._pieces(cuts), strict=True):
            run = _ordered(
                pa.concat_arrays([mine.hashes, others.hashes]), pa.concat_arrays([mine.places, others.places])
            )
            hashes.add(run.hashes)
            places.add(run.places)
        return _Run(hashes.array(), places.array())

    def _pieces(self, cuts: pa.Array) -> Iterator["_Run"]:
        """What is below the first of some hashes, what is below the next, and so on, and the rest."""
        ends = [*pc.search_sorted(self.hashes, cuts, side="left").to_pylist(), len(self)]
        for start, end in zip([0, *ends], ends, strict=False):
            yield _Run(self.hashes[start:end], self.places[start:end])


@dataclass(frozen=True)
class _Unordered:
    """Hashes as they were read, with their rows: to look for some takes ten milliseconds for each million."""

    hashes: pa.ChunkedArray
    places: pa.ChunkedArray

    def __len__(self) -> int:
        return len(self.hashes)

    def among(self, wanted: pa.Array) -> dict[int, int]:
        """Those of some hashes that are here, with their last rows."""
        here = pc.is_in(self.hashes, wanted)
        return dict(zip(self.hashes.filter(here).to_pylist(), self.places.filter(here).to_pylist(), strict=True))

    def as_run(self) -> _Run:
        """The same, where they are in order."""
        return _Run(self.hashes.combine_chunks(), self.places.combine_chunks())

    def in_order(self) -> _Run:
        """The same in order."""
        run = self.as_run()
        return _ordered(run.hashes, run.places)


def _ordered(hashes: pa.Array, places: pa.Array) -> _Run:
    """Hashes with their rows, in order; those of one hash stay in the order in which they are."""
    order = pc.array_sort_indices(hashes)
    return _Run(hashes.take(order), places.take(order))


class _Filling:
    """An array of numbers that is filled piece by piece."""

    def __init__(self, kind: pa.DataType, count: int) -> None:
        self._kind = kind
        self._count = count
        self._width = kind.bit_width // 8
        self._buffer = pa.allocate_buffer(count * self._width)
        self._filled = 0  # bytes

    def add(self, numbers: pa.Array) -> None:
        """Put in the next numbers, none of which is null."""
        size = len(numbers) * self._width
        first = numbers.offset * self._width
        memoryview(self._buffer)[self._filled : self._filled + size] = numbers.buffers()[1][first : first + size]
        self._filled += size

    def array(self) -> pa.Array:
        """All of them."""
        return pa.Array.from_buffers(self._kind, self._count, [None, self._buffer])


class Hashes:
    """The hashes of a column that holds each of them once or more, and the row where each was last seen.

    The hashes are complete, 8 bytes each. The rows, 4 bytes each, are where to look first: what is added is taken to
    come after all rows, in its order, which need not be so after an error, and DuckDB may move rows when it writes its
    log into the file. For one thread at a time.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, table: str, column: str, place: str = "rowid") -> None:
        count = cursor.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
        beside = LEAST_BESIDE < count <= MOST_BESIDE
        query = f"SELECT {column}, {place}::UINTEGER AS place FROM {table} WHERE {column} IS NOT NULL"
        found = cursor.sql(query if beside else f"{query} ORDER BY ALL").to_arrow_table()
        first = _Unordered(found[column], found["place"])
        self._first: _Unordered | _Run = first if beside else first.as_run()
        self._runs: list[_Run] = []  # each less than an eighth of the one before it, so that there are few
        self._added: dict[int, int] = {}
        last = pc.max(first.places).as_py()
        self._next = 0 if last is None else last + 1
        self.moved = False  # a row was not where it should have been: the places are worth nothing any more
        if beside:
            threading.Thread(target=self._put_in_order, args=(first,), name="hashes", daemon=True).start()

    def among(self, wanted: pa.Array) -> dict[int, int]:
        """Those of some hashes that the column has, with their rows."""
        found = self._first.among(wanted)
        for run in self._runs:
            found |= run.among(wanted)
        if self._added:
            found |= {each: self._added[each] for each in wanted.to_pylist() if each in self._added}
        return found

    def add(self, hashes: pa.Array | pa.ChunkedArray, first: int | None = None) -> None:
        """Take note of hashes of rows that are added now, in their order; from `first` on, if that is not the next."""
        first = self._next if first is None else first
        self._next = first + len(hashes)
        if len(hashes) < MANY:
            self._added |= zip(hashes.to_pylist(), range(first, self._next), strict=True)
            if len(self._added) > MOST_ADDED:
                self._keep_added()
            return
        self._keep_added()
        together = hashes.combine_chunks() if isinstance(hashes, pa.ChunkedArray) else hashes
        self._keep(together, pa.arange(first, self._next).cast(pa.uint32()))

    def _keep_added(self) -> None:
        added, self._added = self._added, {}
        if added:
            self._keep(pa.array(added.keys(), pa.uint64()), pa.array(added.values(), pa.uint32()))

    def _keep(self, hashes: pa.Array, places: pa.Array) -> None:
        """Keep hashes with their rows, which come after all that are kept, as a run."""
        run = _ordered(hashes, places)
        while self._runs and len(self._runs[-1]) < LESS * len(run):
            run = self._runs.pop().joined(run)
        self._runs.append(run)

    def _put_in_order(self, first: _Unordered) -> None:
        try:
            self._first = first.in_order()
        except MemoryError:
            logger.warning(
                "there is not enough memory to put %d hashes in order; looking for ids stays slow", len(first)
            )
