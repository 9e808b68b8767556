"""Medians of what is done again and again."""

import time
from collections.abc import Callable
from statistics import median

__all__ = ["SLOW_MS", "WARM_UP", "Best", "median_ms"]

WARM_UP = 3
SLOW_MS = 2000.0  # what takes longer is done twice in all, and the second time counts


def median_ms(act: Callable[[], object], times: int, before: Callable[[], object] = lambda: None) -> float:
    """The median time of an act, in milliseconds; it is done a few times before, so that all is warm.

    What is to be done `before` it each time is not timed.
    """
    for _ in range(WARM_UP):
        if _ms(act, before) > SLOW_MS:
            return _ms(act, before)
    return median(_ms(act, before) for _ in range(times))


class Best(dict[str, float]):
    """The least of each thing's medians over the rounds."""

    def take(self, name: str, milliseconds: float) -> None:
        """Take one round's median."""
        self[name] = min(self.get(name, milliseconds), milliseconds)


def _ms(act: Callable[[], object], before: Callable[[], object]) -> float:
    before()
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000
