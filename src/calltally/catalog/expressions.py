"""The engine-free language that metrics are written in: exact sums and counts over the calls of a group.

An aggregate is a whole number for every group, also for an empty one (0), on every engine. A ratio divides two of
them, exactly, and is rounded half away from zero only when it is shown; a divisor of 0 gives no value (null).
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Aggregate", "Count", "CountDistinct", "IsSet", "Predicate", "Ratio", "Sum", "ValueIs", "value_of"]


@dataclass(frozen=True)
class IsSet:
    """Calls that have a value in `field`."""

    field: str


@dataclass(frozen=True)
class ValueIs:
    """Calls whose `field` is `value`."""

    field: str
    value: str | bool


Predicate = IsSet | ValueIs


@dataclass(frozen=True)
class Count:
    """How many calls there are, or how many that `where` holds for."""

    where: Predicate | None = None


@dataclass(frozen=True)
class Sum:
    """The sum of `field` over the calls that have it."""

    field: str


@dataclass(frozen=True)
class CountDistinct:
    """How many different values of `field` the calls have; null is none."""

    field: str


Aggregate = Count | Sum | CountDistinct


@dataclass(frozen=True)
class Ratio:
    """`scale` × `numerator` / `denominator`, shown with `decimals` places. Neither part is ever negative."""

    numerator: Aggregate
    denominator: Aggregate
    scale: int = 1
    decimals: int = 0

    @property
    def parts(self) -> tuple[Aggregate, Aggregate]:
        """The aggregates that an engine has to find."""
        return (self.numerator, self.denominator)


def value_of(expression: Aggregate | Ratio, found: Sequence[int]) -> int | float | None:
    """The value to show, from the exact aggregates that an engine found for the expression, in the order of its parts.

    Example: 74 of 99 calls as a percentage with one decimal is 74.7; a whole result is an int (75, not 75.0).
    """
    if not isinstance(expression, Ratio):
        return found[0]
    numerator, denominator = found
    return _rounded(expression.scale * numerator, denominator, expression.decimals) if denominator else None


def _rounded(dividend: int, divisor: int, decimals: int) -> int | float:
    """Half away from zero, in whole numbers until the last step, so that every engine gives the same digits."""
    units: int = 10**decimals
    steps = (2 * abs(dividend) * units + divisor) // (2 * divisor) * (1 if dividend >= 0 else -1)
    return steps // units if steps % units == 0 else steps / units
