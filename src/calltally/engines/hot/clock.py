"""Local time by steps: the instants at which a day, an hour or another grain of a business's clock begins."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from calltally.catalog import Grain
from calltally.engines.hot.columns import Numbers
from calltally.localtime import DAY, HOUR, OffsetTable

__all__ = ["Steps", "merged", "steps_of"]

KEPT, MOST_DAYS = 16, 4000  # steps of so many days at most are kept, in some 2 MB where they are hours


@dataclass(frozen=True, eq=False)
class Steps:
    """From each of these instants on, until the next one, the grain has the number beside it."""

    instants: Numbers
    numbers: Numbers

    @cached_property
    def distinct(self) -> tuple[Numbers, Numbers]:
        """The different numbers in order, and for each step the place of its own among them."""
        numbers, places = np.unique(self.numbers, return_inverse=True)
        return numbers, places


def steps_of(grain: Grain, table: OffsetTable, first: int, last: int) -> Steps:
    """The steps for all instants from the first to the last, both included; there may be more at either end."""
    days = first // DAY, last // DAY
    return (_kept if days[1] - days[0] < MOST_DAYS else _steps)(grain, table, *days)


def _steps(grain: Grain, table: OffsetTable, first_day: int, last_day: int) -> Steps:
    """The steps of some days, which are those of UTC since 1970."""
    first, last = first_day * DAY, (last_day + 1) * DAY - 1
    unit = HOUR if grain is Grain.HOUR_OF_DAY else DAY
    instants, units = [], []
    for start, end, offset in table.between(first, last).segments():
        begin, until = max(start, first), min(end, last + 1)
        passed = np.arange((begin + offset) // unit, (until - 1 + offset) // unit + 1)
        instants.append(np.maximum(passed * unit - offset, begin))
        units.append(passed)
    return Steps(np.concatenate(instants), _numbers(grain, np.concatenate(units)))


_kept = lru_cache(KEPT)(_steps)  # most reports are about days that others are about


@lru_cache(KEPT)
def merged(all_steps: tuple[Steps, ...]) -> tuple[Steps, tuple[Numbers, ...]]:
    """Steps that begin wherever one of these does, and for each of them its place among those that go on then.

    None of the others begins before the first one.
    """
    instants = np.unique(np.concatenate([steps.instants for steps in all_steps]))
    places = tuple(np.maximum(np.searchsorted(steps.instants, instants, "right") - 1, 0) for steps in all_steps)
    return Steps(instants, np.arange(len(instants))), places


def _numbers(grain: Grain, units: Numbers) -> Numbers:
    """The numbers of a grain (see `catalog.grains`) for days since 1970, or hours for an hour."""
    match grain:
        case Grain.HOUR_OF_DAY:
            return units % 24
        case Grain.DATE:
            return units
        case Grain.WEEK:  # day 0 was a Thursday, so day -3 a Monday
            return (units + 3) // 7 * 7 - 3
        case Grain.DAY_OF_WEEK:
            return (units + 4) % 7
        case Grain.MONTH:
            return units.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
