"""The calendar rules: which whole number stands for a local day, week, month, hour or weekday, how to write it.

Engines find the number from local microseconds (see `Grain`s in each engine's file); it sorts as time does.
1970-01-01, day 0, was a Thursday.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache

from calltally.catalog.types import Grain
from calltally.localtime import day_number, day_of

__all__ = ["EXAMPLES", "GRAIN_BOUNDS", "grain_count", "grain_days", "read_day", "read_grain", "show_grain", "taken"]

LAST_DAY = day_number(date.max)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
SMALL = re.compile(r"0*([0-9]{1,2})")

# The numbers that there are, where they are few.
GRAIN_BOUNDS = {Grain.HOUR_OF_DAY: (0, 23), Grain.DAY_OF_WEEK: (0, 6)}
EXAMPLES = {
    Grain.DATE: "2026-03-09",
    Grain.WEEK: "2026-03-09",
    Grain.MONTH: "2026-03",
    Grain.HOUR_OF_DAY: "17",
    Grain.DAY_OF_WEEK: "0",
}
NOUNS = {Grain.DATE: "day", Grain.WEEK: "Monday", Grain.MONTH: "month"}


def _day(number: int) -> str:
    """Days since 1970-01-01 as `2026-03-09`; for a week, those of its Monday."""
    return day_of(number).isoformat()


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


def grain_count(grain: Grain | None) -> int | None:
    """How many values of a time dimension there are, where they are few: 24 hours of a day, 7 weekdays."""
    if grain not in GRAIN_BOUNDS:
        return None
    lowest, highest = GRAIN_BOUNDS[grain]
    return highest - lowest + 1


@lru_cache(maxsize=10_000)
def show_grain(grain: Grain, number: int) -> str | int:
    """The value of a time dimension as a row shows it."""
    return SHOWN[grain](number)


def read_day(text: str) -> date | None:
    """The day that is written `2026-03-09`, or None."""
    if not DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:  # no such day
        return None


def read_grain(grain: Grain, text: str) -> int | None:
    """The number of a time dimension's value as a row shows it, or None if it is none."""
    return READ[grain](text)


def _read_date(text: str) -> int | None:
    day = read_day(text)
    return day_number(day) if day else None


def _read_week(text: str) -> int | None:
    number = _read_date(text)
    return number if number is not None and (number + 3) % 7 == 0 else None


def _read_month(text: str) -> int | None:
    first = read_day(f"{text}-01") if MONTH.fullmatch(text) else None
    return (first.year - 1970) * 12 + first.month - 1 if first else None


def _read_hour(text: str) -> int | None:
    return _read_small(Grain.HOUR_OF_DAY, text)


def _read_weekday(text: str) -> int | None:
    return _read_small(Grain.DAY_OF_WEEK, text)


def _read_small(grain: Grain, text: str) -> int | None:
    found = SMALL.fullmatch(text)
    return int(found[1]) if found and int(found[1]) <= GRAIN_BOUNDS[grain][1] else None


READ: dict[Grain, Callable[[str], int | None]] = {
    Grain.DATE: _read_date,
    Grain.WEEK: _read_week,
    Grain.MONTH: _read_month,
    Grain.HOUR_OF_DAY: _read_hour,
    Grain.DAY_OF_WEEK: _read_weekday,
}


def taken(grain: Grain) -> str:
    """What a value of a time dimension is, in words."""
    if grain in GRAIN_BOUNDS:
        lowest, highest = GRAIN_BOUNDS[grain]
        return f"a whole number from {lowest} to {highest}"
    return f"a {NOUNS[grain]} such as {EXAMPLES[grain]}"


def grain_days(grain: Grain, number: int) -> tuple[date, date] | None:
    """The first and the last local day of a day, week or month; None of an hour or a weekday, which come again."""
    match grain:
        case Grain.DATE:
            return _days(number, number)
        case Grain.WEEK:
            return _days(number, number + 6)
        case Grain.MONTH:
            return _days(_first_of_month(number), _first_of_month(number + 1) - 1)
        case Grain.HOUR_OF_DAY | Grain.DAY_OF_WEEK:
            return None


def _days(first: int, last: int) -> tuple[date, date]:
    return day_of(first), day_of(min(last, LAST_DAY))


def _first_of_month(number: int) -> int:
    """The number of a month's first day; after the last month there is, that of the day after the last."""
    year, month = 1970 + number // 12, number % 12 + 1
    return day_number(date(year, month, 1)) if year <= date.max.year else LAST_DAY + 1
