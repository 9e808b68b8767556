"""Draws that come out the same on every machine and Python: only `Random.random` and exact arithmetic.

Powers and logarithms may differ in their last digit from one C library to the next, and so may `sum` of fractions
from one Python to the next; so distributions are tables of numbers, never formulas.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

__all__ = ["GAP", "Curve", "Weighted", "between", "happens", "noise"]

T = TypeVar("T")


@dataclass(frozen=True)
class Curve:
    """A distribution by its quantiles at even steps, the least and the greatest value included."""

    quantiles: tuple[float, ...]

    def draw(self, random: Random) -> float:
        """A value between two neighbouring quantiles."""
        position = random.random() * (len(self.quantiles) - 1)
        step = int(position)
        low = self.quantiles[step]
        return low + (self.quantiles[step + 1] - low) * (position - step)


class Weighted(Generic[T]):
    """Values that are drawn as often as their weights say."""

    def __init__(self, values: Sequence[T], weights: Sequence[float]) -> None:
        self.values = tuple(values)
        self._upto = tuple(accumulate(weights))
        self.total = self._upto[-1]

    def draw(self, random: Random) -> T:
        """One of the values."""
        # The last bound is left out, so that rounding can never lead beyond the last value.
        return self.values[bisect_right(self._upto, random.random() * self.total, 0, len(self._upto) - 1)]


# Time between two calls where one comes per unit of time: the exponential distribution, cut off at 5.
GAP = Curve(
    (
        *(0.0, 0.0513, 0.1054, 0.1625, 0.2231, 0.2877, 0.3567, 0.4308, 0.5108, 0.5978),
        *(0.6931, 0.7985, 0.9163, 1.0498, 1.204, 1.3863, 1.6094, 1.8971, 2.3026, 2.9957, 5.0),
    )
)


def happens(random: Random, chance: float) -> bool:
    """Whether something of this probability occurs."""
    return random.random() < chance


def between(random: Random, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + int(random.random() * (high - low + 1))


def noise(random: Random) -> float:
    """A bell-shaped deviation from -1.5 to 1.5, half as wide as the standard one."""
    return random.random() + random.random() + random.random() - 1.5
