"""Stretches of rows that are asked about, and blocks of them, few enough for a core's own cache."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from calltally.engines.hot.columns import Columns, Numbers, Segment
from calltally.localtime import Period

__all__ = ["BLOCK_ROWS", "Block", "Stretch", "stretch_of", "stretches_of"]

BLOCK_ROWS = 2**16
NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True)
class _Rows:
    """Rows of a segment, from `first` to before `end`; `gone` are those that are no calls any more."""

    segment: Segment
    first: int
    end: int
    gone: Numbers

    def __len__(self) -> int:
        return self.end - self.first


class Block(_Rows):
    """Rows that are worked on at once; `gone` are counted from the first of them."""

    @property
    def starts(self) -> Numbers:
        """When its calls start."""
        return self.segment.starts[self.first : self.end]

    def codes(self, field: str) -> Numbers:
        """A field's codes."""
        return self.segment.codes[field][self.first : self.end]

    def numbers(self, field: str) -> Numbers:
        """A field's numbers."""
        return self.segment.numbers[field][self.first : self.end]


class Stretch(_Rows):
    """The rows of a segment that are asked about, at least one; `gone` are all of the segment's."""

    def span(self) -> tuple[int, int]:
        """The first and the last start, microseconds UTC."""
        starts = self.segment.starts
        if self.segment.is_sorted:
            return int(starts[self.first]), int(starts[self.end - 1])
        return self.segment.span  # of which all rows are asked about

    def blocks(self) -> Iterator[Block]:
        """All its rows, in their order."""
        edges = [*range(self.first, self.end, BLOCK_ROWS), self.end]
        places = np.searchsorted(self.gone, edges).tolist() if len(self.gone) else [0] * len(edges)
        for (at, until), (low, high) in zip(pairwise(edges), pairwise(places), strict=True):
            gone = self.gone[low:high].astype(np.int64) - at if low < high else NOTHING
            yield Block(self.segment, at, until, gone)


def stretches_of(columns: Columns, periods: Sequence[Period] | None) -> list[Stretch]:
    """All rows that can start in one of these periods, at most one stretch of each segment."""
    found = [stretch_of(segment, gone, periods) for segment, gone in zip(columns.segments, columns.gone, strict=True)]
    return [stretch for stretch in found if stretch]


def stretch_of(segment: Segment, gone: Numbers, periods: Sequence[Period] | None) -> Stretch | None:
    """The rows of a segment that can start in one of these periods; None: there are none."""
    first, end = segment.rows(periods)
    return Stretch(segment, first, end, gone) if first < end else None
