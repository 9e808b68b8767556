"""Between which instants all calls of a business start, so that what is asked of them can be spelled shorter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from calltally.localtime import DAY, FIRST_INSTANT, Period

__all__ = ["Extent"]


@dataclass(frozen=True)
class Extent:
    """The start of the first and the last call there may be, microseconds UTC; None: no calls."""

    first: int | None = None
    last: int | None = None

    @property
    def days(self) -> int:
        """How many days there are between the first and the last call."""
        return 0 if self.first is None or self.last is None else (self.last - self.first) // DAY

    def span(self, periods: Sequence[Period] | None) -> tuple[int, int]:
        """The first and the last instant at which a call of these periods can start."""
        first, last = self.first or FIRST_INSTANT, self.last or FIRST_INSTANT
        if periods:
            first, last = max(first, periods[0].start), min(last, periods[-1].end - 1)
        return first, max(first, last)

    def widened(self, first: int | None, last: int | None) -> Self:
        """The extent that has room also for calls between these starts."""
        firsts = [start for start in (self.first, first) if start is not None]
        lasts = [start for start in (self.last, last) if start is not None]
        return replace(self, first=min(firsts, default=None), last=max(lasts, default=None))
