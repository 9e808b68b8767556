"""RANGES: dates in words, each with the days that it means on a day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

__all__ = ["RANGES", "USUAL_RANGE", "Days", "Range"]

Days = tuple[date, date] | None  # the first and the last day, both included; None: all there are


@dataclass(frozen=True)
class Range:
    """Dates in words; `days` are those that it means, given what day it is."""

    name: str
    label: str
    days: Callable[[date], Days]


def _last(days: int) -> Callable[[date], Days]:
    return lambda today: (today - timedelta(days=days - 1), today)


def _this_month(today: date) -> Days:
    return today.replace(day=1), today


def _last_month(today: date) -> Days:
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _this_year(today: date) -> Days:
    return today.replace(month=1, day=1), today


def _all_time(_: date) -> Days:
    return None


RANGES = (
    Range("today", "Today", _last(1)),
    Range("7-days", "Last 7 days", _last(7)),
    Range("30-days", "Last 30 days", _last(30)),
    Range("90-days", "Last 90 days", _last(90)),
    Range("month", "This month", _this_month),
    Range("last-month", "Last month", _last_month),
    Range("year", "This year", _this_year),
    Range("all", "All time", _all_time),
)
USUAL_RANGE = "30-days"  # where a page says no dates
