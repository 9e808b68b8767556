"""Where an axis has ticks, and what stands at them: round numbers, and turns of the calendar."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from calltally.catalog import Grain, Unit, currency_digits, grain_days
from calltally.charts.texts import tick_text
from calltally.localtime import day_number, day_of

__all__ = ["Ticks", "milliseconds", "number_ticks", "time_ticks"]

Number = int | float

DAY_MILLISECONDS = 86_400_000
MONDAY = 4  # 1970-01-05, as the number of a day
SECOND_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
DAY_STEPS = (1, 2, 7, 14)
MONTH_STEPS = (1, 3, 6, 12, 24, 60, 120, 240, 600, 1200)


@dataclass(frozen=True)
class Ticks:
    """The values at which an axis has ticks, from the first to the last, and the lines of text at each."""

    values: tuple[Number, ...]
    texts: tuple[tuple[str, ...], ...]

    def axis(self, value: str) -> dict[str, Any]:
        """What an axis says of them; `value` is the expression for a tick's value.

        The texts are given as a list to be looked up, since an axis takes no texts of its own.
        """
        shown = json.dumps([list(text) for text in self.texts])
        places = json.dumps(self.values)
        return {"values": list(self.values), "labelExpr": f"{shown}[indexof({places}, {value})]"}


def number_ticks(lowest: Number, highest: Number, most: int, unit: Unit, currency: str) -> Ticks:
    """At most about so many round numbers that reach from 0 or below to the highest."""
    low, high = min(lowest, 0), max(highest, 0)
    step = next(step for step in _number_steps(unit, currency) if (high - low) / step <= most)
    first, last = math.floor(low / step), max(math.ceil(high / step), 1 if high == low else 0)
    values = tuple(round(place * step, 6) for place in range(first, last + 1))
    return Ticks(values, tuple((tick_text(value, unit, currency),) for value in values))


def _number_steps(unit: Unit, currency: str) -> Iterator[Number]:
    """Steps that are round to people, ever larger."""
    if unit is Unit.SECONDS:
        yield from SECOND_STEPS
    elif unit is Unit.PERCENT:
        yield from (0.1, 0.2, 0.5)
    power = 3600 if unit is Unit.SECONDS else 1
    if unit is Unit.CENTS:
        power = 10 ** max(2 - currency_digits(currency), 0)  # the least amount that is written
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def milliseconds(grain: Grain, number: int) -> int:
    """When the first day of a day, week or month begins, in milliseconds since 1970 as if there were no time zones."""
    days = grain_days(grain, number)
    assert days  # noqa: S101 - hours and weekdays are no times
    return day_number(days[0]) * DAY_MILLISECONDS


def time_ticks(grain: Grain, first: int, last: int, most: int) -> Ticks:
    """At most so many turns of the calendar among days, weeks or months, the year below the first of each."""
    start, end = (milliseconds(grain, number) // DAY_MILLISECONDS for number in (first, last))
    days, write = _turns(grain, start, end, most)
    texts: list[tuple[str, ...]] = []
    year = None
    for day in days:
        found = day_of(day)
        texts.append((write(found), str(found.year) if found.year != year and write is not _year else ""))
        year = found.year
    return Ticks(tuple(day * DAY_MILLISECONDS for day in days), tuple(texts))


def _turns(grain: Grain, first: int, last: int, most: int) -> tuple[Sequence[int], Callable[[date], str]]:
    """The days, and how to write them."""
    steps = () if grain is Grain.MONTH else DAY_STEPS[2 if grain is Grain.WEEK else 0 :]
    for step in steps:
        days = range(first + (MONDAY - first) % step, last + 1, step)
        if len(days) <= most:
            return days, _day
    for months in MONTH_STEPS:
        firsts = list(_firsts(first, last, months))
        if len(firsts) <= most:
            return firsts, _month if months < 12 else _year
    return [first], _year


def _firsts(first: int, last: int, step: int) -> Iterator[int]:
    """The days among these on which each so-many-th month begins, counted so that years begin one."""
    start, end = day_of(first), day_of(last)
    for month in range((start.year * 12 + start.month - 1) // step * step, end.year * 12 + end.month, step):
        day = day_number(date(month // 12, month % 12 + 1, 1))
        if first <= day <= last:
            yield day


def _day(day: date) -> str:
    return f"{day:%b} {day.day}"


def _month(day: date) -> str:
    return f"{day:%b}"


def _year(day: date) -> str:
    return f"{day.year}"
