"""When calls come: hours of the week, seasons and holidays, all on the business's clock."""

from dataclasses import dataclass
from datetime import date, timedelta

__all__ = ["EVENINGS", "NEWSLETTER", "OFFICE", "ROUND_THE_CLOCK", "Week", "holiday", "season"]

Hours = tuple[int, ...]

# Whole numbers, for their sums are exact.                6                  12                      18
OFFICE_DAY: Hours = (2, 1, 1, 1, 2, 6, 22, 64, 104, 118, 112, 98, 62, 84, 98, 92, 80, 62, 40, 28, 20, 13, 7, 4)
SATURDAY: Hours = (2, 1, 1, 1, 1, 3, 8, 24, 50, 66, 64, 54, 38, 34, 30, 24, 18, 14, 11, 9, 7, 5, 3, 2)
SUNDAY: Hours = (1, 1, 1, 1, 1, 2, 3, 6, 9, 12, 14, 13, 10, 10, 11, 12, 12, 11, 10, 9, 7, 5, 3, 1)
URGENT_DAY: Hours = (14, 10, 8, 8, 12, 26, 46, 60, 62, 56, 50, 46, 42, 42, 44, 48, 56, 66, 70, 64, 54, 42, 30, 20)
EVENING_DAY: Hours = (4, 2, 1, 1, 2, 4, 10, 14, 16, 16, 15, 14, 14, 14, 15, 18, 28, 52, 92, 104, 96, 70, 34, 12)


@dataclass(frozen=True)
class Week:
    """The hours of a week, Monday's first, by how many calls come in them."""

    days: tuple[Hours, ...]

    @property
    def total(self) -> int:
        """The sum of all hours."""
        return sum(map(sum, self.days))


def _times(hours: Hours, factor: int) -> Hours:
    return tuple(hour * factor for hour in hours)


OFFICE = Week((*(_times(OFFICE_DAY, share) for share in (11, 10, 10, 10, 9)), _times(SATURDAY, 10), _times(SUNDAY, 10)))
ROUND_THE_CLOCK = Week((URGENT_DAY,) * 7)
EVENINGS = Week((EVENING_DAY,) * 7)
# It is sent on Tuesday mornings.
NEWSLETTER = Week((*(_times(OFFICE_DAY, share) for share in (2, 26, 9, 4, 2)), SATURDAY, SUNDAY))

# At the first of each month, and January once more: heating breaks in winter, cooling in summer.
SEASONS = (1.06, 1.0, 0.92, 0.88, 0.94, 1.1, 1.22, 1.2, 1.04, 0.9, 0.9, 0.98, 1.06)


def season(day: date) -> float:
    """How busy the time of the year is, 1 in the middle."""
    low, high = SEASONS[day.month - 1], SEASONS[day.month]
    return low + (high - low) * ((day.day - 1) / 31)


FIXED_HOLIDAYS = ((1, 1), (7, 4), (12, 25))
QUIET_DAYS = ((12, 24), (12, 31))


def holiday(day: date) -> float:
    """How much of a usual day's calls come: 1 but on holidays of the United States."""
    if (day.month, day.day) in FIXED_HOLIDAYS or _is_monday_off(day) or _is_thanksgiving(day):
        return 0.22
    if (day.month, day.day) in QUIET_DAYS or _is_thanksgiving(day - timedelta(days=1)):
        return 0.6
    return 1.0


def _is_monday_off(day: date) -> bool:
    memorial_day = day.month == 5 and day.day > 24
    labor_day = day.month == 9 and day.day <= 7
    return day.weekday() == 0 and (memorial_day or labor_day)


def _is_thanksgiving(day: date) -> bool:
    return day.month == 11 and day.weekday() == 3 and 22 <= day.day <= 28
