"""The calendar rules: which whole number stands for a local day, week, month, hour or weekday, and how it is shown.

Engines find the number from local microseconds (see `Grain`s in each engine's file); it sorts as time does.
1970-01-01, day 0, was a Thursday.
"""

from collections.abc import Callable
from datetime import date
from functools import lru_cache

from calltally.catalog.types import Grain

__all__ = ["SHOWN", "show_grain"]

EPOCH_DAY = date(1970, 1, 1).toordinal()


def _day(number: int) -> str:
    """Days since 1970-01-01 as `2026-03-09`; for a week, those of its Monday."""
    return date.fromordinal(EPOCH_DAY + number).isoformat()


def _month(number: int) -> str:
    """Months since 1970-01 as `2026-03`."""
    return f"{1970 + number // 12:04d}-{number % 12 + 1:02d}"


def _same(number: int) -> int:
    return number


SHOWN: dict[Grain, Callable[[int], str | int]] = {
    Grain.DATE: _day,
    Grain.WEEK: _day,
    Grain.MONTH: _month,
    Grain.HOUR_OF_DAY: _same,
    Grain.DAY_OF_WEEK: _same,
}


@lru_cache(maxsize=10_000)
def show_grain(grain: Grain, number: int) -> str | int:
    """The value of a time dimension as a row shows it."""
    return SHOWN[grain](number)
