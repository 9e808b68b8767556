"""All groups of a report put in order, cut and added up, for an engine that has found few."""

from collections.abc import Sequence
from fractions import Fraction

from calltally.catalog import Dimension, Ratio
from calltally.engines.base import Group, Plan, Rows, Value

__all__ = ["finished"]


def finished(plan: Plan, groups: Sequence[Group]) -> Rows:
    """The rows of a plan whose aggregates are all counts and sums, from every group that there is."""
    in_order = sorted(groups, key=lambda group: [(value is None, value) for value in group.values])
    if plan.order.descending:
        in_order.sort(key=lambda group: _nulls_last(_sorted_by(plan, group), descending=True), reverse=True)
    else:
        in_order.sort(key=lambda group: _nulls_last(_sorted_by(plan, group), descending=False))
    totals = [sum(found) for found in zip(*(group.aggregates for group in groups), strict=True)]
    return Rows(tuple(in_order[: plan.limit]), tuple(totals or [0] * len(plan.aggregates)))


def _nulls_last(value: Value | Fraction, *, descending: bool) -> tuple[bool, Value | Fraction]:
    return (value is None) != descending, value


def _sorted_by(plan: Plan, group: Group) -> Value | Fraction:
    """The exact value by which a group is sorted; None where it has none."""
    by = plan.order.by
    if isinstance(by, Dimension):
        return group.values[plan.dimensions.index(by)]
    if isinstance(by, Ratio):
        numerator, denominator = (group.aggregates[plan.aggregates.index(part)] for part in by.parts)
        return Fraction(numerator, denominator) if denominator else None
    return group.aggregates[plan.aggregates.index(by)]
