"""Which stretches of rows were counted for a question, and what they came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from weakref import ref as weakref

import numpy as np

from calltally.engines.hot.blocks import Stretch
from calltally.engines.hot.columns import Numbers, Segment
from calltally.engines.hot.compiling import Kernels

__all__ = ["NO_ROWS", "Seen", "Settled"]

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
