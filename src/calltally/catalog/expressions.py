"""The engine-free language that metrics are written in: exact sums and counts over the calls of a group.

An aggregate is a whole number for every group, also for an empty one (0), on every engine. A ratio divides two of
them, exactly, and is rounded half away from zero only when it is shown; a divisor of 0 gives no value (null).
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "Aggregate",
    "Count",
    "CountDistinct",
    "IsSet",
    "MetricExpression",
    "Predicate",
    "Ratio",
    "Sum",
    "ValueIs",
    "values_of",
]


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
    """`scale` × `numerator` / `denominator`, shown with `decimals` places. The denominator is never negative."""

    numerator: Aggregate
    denominator: Aggregate
    scale: int = 1
    decimals: int = 0

    @property
    def parts(self) -> tuple[Aggregate, Aggregate]:
        """The aggregates that an engine has to find."""
        return (self.numerator, self.denominator)


MetricExpression = Aggregate | Ratio


def values_of(expression: MetricExpression, found: Sequence[Sequence[int]]) -> list[int | float | None]:
    """The value to show for each group, from what an engine found for each part of the expression, in their order.

    Example: 74 of 99 calls as a percentage with one decimal is 74.7; a whole result is an int (75, not 75.0).
    """
    if not isinstance(expression, Ratio):
        return list(found[0])
    numerators, denominators = found
    units: int = 10**expression.decimals
    twice = 2 * expression.scale * units
    return [
        _shown((twice * abs(above) + below) // (2 * below) * (1 if above >= 0 else -1), units) if below else None
        for above, below in zip(numerators, denominators, strict=True)
    ]


def _shown(steps: int, units: int) -> int | float:
    """So many of the smallest steps that are shown; whole numbers until here, so that all engines give these digits."""
    return steps / units if steps % units else steps // units
