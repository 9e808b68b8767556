"""Which stretches of rows were counted for a question, and what they came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self
from weakref import ref as weakref

import numpy as np

from calltally.engines.hot.blocks import Stretch
from calltally.engines.hot.columns import Numbers, Segment
from calltally.engines.hot.compiling import Kernels
from calltally.engines.hot.tallies import Sets

__all__ = ["NO_ROWS", "Seen", "Settled", "SettledSets", "gone_since"]

NO_ROWS = np.empty(0, np.uint32)


@dataclass(frozen=True)
class Seen:
    """A stretch that was counted."""

    segment: "weakref[Segment]"  # which is not kept in memory by this
    first: int
    end: int
    gone: Numbers

    @classmethod
    def of(cls, stretch: Stretch) -> Self:
        """The stretch as it is now."""
        return cls(weakref(stretch.segment), stretch.first, stretch.end, stretch.gone)

    def is_of(self, now: Stretch) -> bool:
        """Whether it was this stretch, some of whose rows may have been calls that are none now."""
        return self.segment() is now.segment and (self.first, self.end) == (now.first, now.end)

    def gone_since(self, now: Stretch, kernels: Kernels) -> Numbers | None:
        """The rows that were calls then and are none now; None: it cannot be told from this stretch."""
        if not self.is_of(now):
            return None
        if self.gone is now.gone:
            return NO_ROWS
        gone = np.empty_like(now.gone)
        gone = gone[: kernels.find_new(now.gone, self.gone, gone)]
        if len(gone) != len(now.gone) - len(self.gone):  # it was counted for newer columns than these
            return None
        return gone[(gone >= now.first) & (gone < now.end)]


@dataclass(frozen=True)
class Settled:
    """What the rows of some stretches come to: a row for each aggregate, a place in it for each group."""

    seen: Sequence[Seen]
    found: Numbers


@dataclass(frozen=True)
class SettledSets:
    """The different codes in the rows of some stretches: a set of those marked for each group."""

    seen: Sequence[Seen]
    marked: Sets

    @cached_property
    def found(self) -> Numbers:
        """How many there are in each group."""
        return self.marked.found()

    @cached_property
    def anywhere(self) -> Sets:
        """Those that are in any group, as one set."""
        return self.marked.together()

    @cached_property
    def total(self) -> int:
        """How many there are in any group."""
        return int(self.anywhere.found()[0])

    @property
    def nbytes(self) -> int:
        """The memory of the sets."""
        return self.marked.nbytes + self.anywhere.nbytes


def gone_since(
    seen: Sequence[Seen], stretches: Sequence[Stretch], kernels: Kernels
) -> list[tuple[Segment, Numbers]] | None:
    """The rows that were counted and are no calls any more; None: what was counted are not the first stretches."""
    if len(seen) > len(stretches):
        return None
    gone = []
    for before, now in zip(seen, stretches, strict=False):
        rows = before.gone_since(now, kernels)
        if rows is None:
            return None
        if len(rows):
            gone.append((now.segment, rows))
    return gone
