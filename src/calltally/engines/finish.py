"""All groups of a report put in order, cut and added up, for an engine that has found few."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from operator import attrgetter
from typing import Any

from calltally.catalog import Dimension, Ratio
from calltally.engines.base import Group, Plan, Rows, Value

__all__ = ["finished", "in_order"]

_VALUES = attrgetter("values")


def finished(plan: Plan, groups: Sequence[Group]) -> Rows:
    """The rows of a plan whose aggregates are all counts and sums, from every group that there is."""
    totals = [sum(found) for found in zip(*(group.aggregates for group in groups), strict=True)]
    return Rows(in_order(plan, groups)[: plan.limit], tuple(totals or [0] * len(plan.aggregates)))


def in_order(plan: Plan, groups: Sequence[Group]) -> tuple[Group, ...]:
    """The groups as a plan sorts them."""
    by_dimensions = sorted(groups, key=_by_dimensions if any(None in group.values for group in groups) else _VALUES)
    sorted_by = _sorted_by(plan)
    known = [group for group in by_dimensions if sorted_by(group) is not None]
    nulls = [group for group in by_dimensions if sorted_by(group) is None] if len(known) < len(by_dimensions) else []
    known.sort(key=sorted_by, reverse=plan.order.descending)
    return (*known, *nulls)


def _by_dimensions(group: Group) -> list[tuple[bool, Value]]:
    """What a group sorts by among equals, nulls last."""
    return [(value is None, value) for value in group.values]


def _sorted_by(plan: Plan) -> Callable[[Group], Any]:
    """What gives the exact value by which a group is sorted, None where it has none."""
    by = plan.order.by
    if isinstance(by, Dimension):
        dimension = plan.dimensions.index(by)
        return lambda group: group.values[dimension]
    if isinstance(by, Ratio):
        numerator, denominator = (plan.aggregates.index(part) for part in by.parts)
        return lambda group: _ratio(group.aggregates[numerator], group.aggregates[denominator])
    aggregate = plan.aggregates.index(by)
    return lambda group: group.aggregates[aggregate]


def _ratio(numerator: int, denominator: int) -> Fraction | None:
    return Fraction(numerator, denominator) if denominator else None
