"""Local time of a business: one table of offset changes per time zone, and the sums done with it.

Instants are whole microseconds since 1970-01-01 UTC, local times whole microseconds since 1970-01-01 00:00 on the
business's clock. The table comes from Python's `zoneinfo` with the pinned `tzdata` package and is carried to every
engine, so that no engine's own zone data, nor the machine's, ever decides on which day a call was.
"""

import zoneinfo
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from itertools import pairwise

from calltally.errors import Problem, shown

__all__ = [
    "DAY",
    "FIRST_INSTANT",
    "HOUR",
    "LAST_INSTANT",
    "LocalTimeKind",
    "OffsetTable",
    "Period",
    "can_be_written",
    "day_number",
    "day_of",
    "microseconds",
    "moment",
    "offset_table",
    "shared_periods",
    "time_zone_problem",
    "united_periods",
]

zoneinfo.reset_tzpath(())  # never the machine's zone data: only the pinned package's

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
PROBED = 5 * DAY  # how far apart offsets are looked at: no clock was ever changed twice within so many days
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1).toordinal()
FIRST_INSTANT = 0
LAST_INSTANT = (datetime(2101, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)  # not included
# The instants that Python and RFC 3339 can write in UTC, with a year of four digits; the last not included.
FIRST_WRITTEN = (datetime.min.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
LAST_WRITTEN = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1) + 1


class LocalTimeKind(Enum):
    """How often a local time occurs on the business's clock."""

    ONCE = "once"
    TWICE = "twice"
    NEVER = "never"


@dataclass(frozen=True)
class Period:
    """Instants from `start` (included) to `end` (not included), in microseconds UTC."""

    start: int
    end: int


@dataclass(frozen=True)
class OffsetTable:
    """A time zone's offsets from UTC between 1970 and 2101: `offsets[i]` holds from instant `starts[i]` on."""

    starts: tuple[int, ...]
    offsets: tuple[int, ...]

    def local(self, instant: int) -> int:
        """The local time at an instant."""
        return instant + self.offsets[self._segment(instant)]

    def day(self, instant: int) -> date:
        """The local day of an instant."""
        return day_of(self.local(instant) // DAY)

    def instant(self, local: int) -> tuple[int, LocalTimeKind]:
        """The instant that a local time means, and how often that time occurs.

        Of a time that occurs twice the first is meant; one that does not occur moves forward by the gap.
        """
        near = self._segment(local)
        nearby = range(max(near - 2, 0), min(near + 3, len(self.starts)))
        found = [local - self.offsets[i] for i in nearby if self._segment(local - self.offsets[i]) == i]
        if found:
            return min(found), LocalTimeKind.TWICE if len(found) > 1 else LocalTimeKind.ONCE
        # Inside a gap the offset before the change is the one that moves the time forward.
        before = max(i for i in nearby if local - self.offsets[i] >= self.starts[i])
        return local - self.offsets[before], LocalTimeKind.NEVER

    def periods(self, first: date | None, last: date | None) -> tuple[Period, ...]:
        """The instants whose local day is from `first` to `last`, both included; mostly one period, sorted.

        More than one where clocks went back across midnight (St. John's, until 2011), none where no instant that
        a call can have falls on those days.
        """
        low = FIRST_INSTANT - DAY if first is None else day_number(first) * DAY
        high = LAST_INSTANT + DAY if last is None else (day_number(last) + 1) * DAY
        pieces: list[Period] = []
        for start, end, offset in self.segments():
            piece = Period(max(start, low - offset, FIRST_INSTANT), min(end, high - offset))
            if piece.start >= piece.end:
                continue
            if pieces and pieces[-1].end == piece.start:
                piece = Period(pieces.pop().start, piece.end)
            pieces.append(piece)
        return tuple(pieces)

    def segments(self) -> Iterator[tuple[int, int, int]]:
        """From which instant (included) to which (not included) which offset holds."""
        return zip(self.starts, (*self.starts[1:], LAST_INSTANT), self.offsets, strict=True)

    def between(self, first: int, last: int) -> "OffsetTable":
        """The part of the table that matters to instants from `first` to `last`, both included."""
        low, high = self._segment(first), self._segment(last) + 1
        return OffsetTable(self.starts[low:high], self.offsets[low:high])

    def _segment(self, instant: int) -> int:
        return max(bisect_right(self.starts, instant) - 1, 0)


def united_periods(periods: Iterable[Period]) -> tuple[Period, ...]:
    """The stretches of time that are in any of the periods, sorted, none beside another."""
    found: list[Period] = []
    for period in sorted(periods, key=lambda each: each.start):
        if found and period.start <= found[-1].end:
            last = found.pop()
            period = Period(last.start, max(last.end, period.end))  # noqa: PLW2901
        found.append(period)
    return tuple(found)


def shared_periods(some: Sequence[Period], others: Sequence[Period]) -> tuple[Period, ...]:
    """The stretches of time that are in one of some and in one of others, both of them sorted."""
    both = [Period(max(a.start, b.start), min(a.end, b.end)) for a in some for b in others]
    return tuple(period for period in both if period.start < period.end)


def microseconds(aware: datetime) -> int:
    """The instant of an aware datetime, in microseconds UTC."""
    return (aware - EPOCH) // timedelta(microseconds=1)


def moment(instant: int) -> datetime:
    """The datetime of an instant, in UTC.

    Raises:
        OverflowError: it is before year 1 or after year 9999.
    """
    return EPOCH + timedelta(microseconds=instant)


def can_be_written(instant: int) -> bool:
    """Whether an instant, microseconds UTC, is of the years 1 to 9999, so that `rfc3339` can write it."""
    return FIRST_WRITTEN <= instant < LAST_WRITTEN


def day_number(day: date) -> int:
    """How many days it is after 1970-01-01, day 0."""
    return day.toordinal() - EPOCH_DAY


def day_of(number: int) -> date:
    """The day that is so many after 1970-01-01."""
    return date.fromordinal(EPOCH_DAY + number)


def time_zone_problem(name: str) -> Problem | None:
    """What is wrong with a time zone's name, or None."""
    if name in zoneinfo.available_timezones():
        return None
    return Problem("timezone", f"timezone: {shown(name)} is not an IANA time zone such as 'America/New_York'")


@lru_cache(maxsize=256)
def offset_table(time_zone: str) -> OffsetTable:
    """The table of a time zone that is known to exist."""
    zone = zoneinfo.ZoneInfo(time_zone)
    probes = (*range(FIRST_INSTANT - DAY, LAST_INSTANT + DAY, PROBED), LAST_INSTANT + DAY)
    changes = [(probes[0], _offset(zone, probes[0]))]
    for earlier, later in pairwise(probes):
        before, after = changes[-1][1], _offset(zone, later)
        if before != after:
            changes.append((_change(zone, earlier, later, before), after))
    return OffsetTable(tuple(start for start, _ in changes), tuple(offset for _, offset in changes))


def _offset(zone: zoneinfo.ZoneInfo, instant: int) -> int:
    offset = datetime.fromtimestamp(instant // SECOND, zone).utcoffset()
    assert offset is not None  # noqa: S101 - ZoneInfo always knows
    return offset // timedelta(microseconds=1)


def _change(zone: zoneinfo.ZoneInfo, low: int, high: int, before: int) -> int:
    """The first second in (low, high] at which the offset is no longer `before` (changes are whole seconds)."""
    while high - low > SECOND:
        middle = (low + high) // (2 * SECOND) * SECOND
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high
