"""Gathering: rows and bad rows on their way into batches of columns, numbered as they come."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from calltally.ingestion.files.columns import ABSENT, Column, column_of, joined
from calltally.ingestion.files.rows import LONGEST_KEPT_ROW, BadRow, RowBatch

__all__ = ["FULL_BYTES", "ROWS_AT_ONCE", "Gathering", "Spread", "shown_row"]

FULL_ROWS = 20_000
FULL_BYTES = 16_000_000
MOST_CELLS = 4_000_000  # rows times columns of one batch: a file may name a new column in every row

# So few rows are still in the processor's cache when they are turned into columns, which makes it twice as fast.
ROWS_AT_ONCE = 500

Row = TypeVar("Row")
Spread = tuple[Sequence[str], Iterable[Sequence[object]]]  # names of columns, and their values as they are asked for
SURROGATES = re.compile("[\ud800-\udfff]")


class Gathering(Generic[Row]):
    """What has been read and not yet handed on.

    `spread` gives the columns that some rows have; `fixed` are columns that every batch has.
    """

    def __init__(self, spread: Callable[[list[Row]], Spread], fixed: Sequence[str] = ()) -> None:
        self.count = 0  # data rows so far, bad ones included
        self.bytes = 0  # of text in this batch; readers add to it what they read
        self._as_columns = spread
        self._fixed = fixed
        self._ready: list[RowBatch] = []
        self._rows: list[Row] = []
        self._begin()

    def add(self, rows: Sequence[Row], places: Iterable[int]) -> None:
        """Take rows that follow one another."""
        self._number(len(rows), places)
        self._rows.extend(rows)
        if len(self._rows) >= ROWS_AT_ONCE or self.bytes >= FULL_BYTES:
            self._spread()

    def add_columns(self, columns: Mapping[str, Column], places: range) -> None:
        """Take rows that are in columns already, among them all of `fixed`."""
        self._spread()
        self._make_room(columns.keys(), len(places))
        self._number(len(places), places)
        self._append(columns, len(places))
        self._close_if_full()

    def add_one(self, row: Row, place: int) -> None:
        """Take a single row."""
        self.count += 1
        self._numbers.append(self.count)
        self._rows.append(row)
        self._places.append(place)
        if len(self._rows) >= ROWS_AT_ONCE or self.bytes >= FULL_BYTES:
            self._spread()

    def refuse(self, place: int, reason: str, text: str) -> None:
        """Take a row that could not be read."""
        self.count += 1
        shown = shown_row(text)
        self.bytes += len(shown)
        self._bad.append(BadRow(place, reason, shown))
        if len(self._bad) >= FULL_ROWS or self.bytes >= FULL_BYTES:
            self._spread()

    def ready(self) -> list[RowBatch]:
        """The batches that are full."""
        ready, self._ready = self._ready, []
        return ready

    def rest(self) -> list[RowBatch]:
        """The last batches, full or not."""
        self._spread()
        if self._filled or self._bad:
            self._close()
        return self.ready()

    def _begin(self) -> None:
        self.bytes = 0
        self._pieces: dict[str, list[Column]] = {name: [] for name in self._fixed}
        self._filled = 0  # rows that are in the columns
        self._places: list[int] = []
        self._numbers: list[int] = []
        self._bad: list[BadRow] = []

    def _spread(self) -> None:
        """Turn the rows in hand into columns, closing batches that get full."""
        rows, self._rows = self._rows, []
        if rows:
            self._spread_some(rows)
        self._close_if_full()

    def _spread_some(self, rows: list[Row]) -> None:
        names, columns = self._as_columns(rows)
        if len(rows) > 1 and len(names) * len(rows) > MOST_CELLS:
            half = len(rows) // 2
            self._spread_some(rows[:half])
            self._spread_some(rows[half:])
            return
        self._make_room(names, len(rows))
        self._append(dict(zip(names, map(column_of, columns), strict=True)), len(rows))

    def _make_room(self, names: Iterable[str], rows: int) -> None:
        """Close the batch where it would get too many columns."""
        if self._filled and len(self._pieces.keys() | names) * (self._filled + rows) > MOST_CELLS:
            self._close()

    def _append(self, columns: Mapping[str, Column], size: int) -> None:
        for name, column in columns.items():
            if name not in self._pieces:
                self._pieces[name] = [[ABSENT] * self._filled]
            self._pieces[name].append(column)
        for name in self._pieces.keys() - columns.keys():
            self._pieces[name].append([ABSENT] * size)
        self._filled += size

    def _number(self, size: int, places: Iterable[int]) -> None:
        self._numbers.extend(range(self.count + 1, self.count + 1 + size))
        self._places.extend(places)
        self.count += size

    def _close_if_full(self) -> None:
        if self._filled + len(self._bad) >= FULL_ROWS or self.bytes >= FULL_BYTES:
            self._close()

    def _close(self) -> None:
        filled, places, numbers = self._filled, self._places, self._numbers
        columns = {name: joined(pieces) for name, pieces in self._pieces.items()}
        self._ready.append(RowBatch(columns, places[:filled], numbers[:filled], self._bad))
        self._begin()
        self._places, self._numbers = places[filled:], numbers[filled:]


def shown_row(text: str) -> str:
    """The text of a bad row without its line end, as far as it is kept, with a mark for each byte that is not text."""
    text = SURROGATES.sub("\ufffd", text[:LONGEST_KEPT_ROW]).rstrip("\r\n")
    return text.encode()[:LONGEST_KEPT_ROW].decode(errors="ignore")
