"""Stretches of rows that are worked on at once, few enough for a core's own cache."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from calltally.engines.hot.columns import Columns, Numbers, Segment
from calltally.localtime import Period

__all__ = ["BLOCK_ROWS", "Block", "blocks_of"]

BLOCK_ROWS = 2**16
NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True)
class Block:
    """Rows of a segment, from `first` to before `end`; `gone` are those that are no calls any more, from `first` on."""

    segment: Segment
    first: int
    end: int
    gone: Numbers

    def __len__(self) -> int:
        return self.end - self.first

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


def blocks_of(columns: Columns, periods: Sequence[Period] | None) -> list[Block]:
    """The blocks of all rows that can start in one of these periods."""
    pairs = zip(columns.segments, columns.gone, strict=True)
    return [block for segment, gone in pairs for block in _blocks(segment, gone, *segment.rows(periods))]


def _blocks(segment: Segment, gone: Numbers, first: int, end: int) -> Iterator[Block]:
    edges = [*range(first, end, BLOCK_ROWS), end]
    places = np.searchsorted(gone, edges).tolist() if len(gone) else [0] * len(edges)
    for (at, until), (low, high) in zip(pairwise(edges), pairwise(places), strict=True):
        yield Block(segment, at, until, gone[low:high].astype(np.int64) - at if low < high else NOTHING)
