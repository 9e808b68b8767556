"""All groups of a report put in order, cut and added up, for an engine that has found few."""

from collections import Counter
from collections.abc import Sequence
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
    has_null = any(None in group.values for group in groups)
    by_dimensions = sorted(groups, key=_by_dimensions if has_null else _VALUES)
    return Rows(in_order(plan, by_dimensions)[: plan.limit], tuple(totals or [0] * len(plan.aggregates)))


def in_order(plan: Plan, groups: Sequence[Group]) -> tuple[Group, ...]:
    """The groups as a plan sorts them; they come in the order of their dimensions, nulls last."""
    keys = _keys(plan, groups)
    known = [place for place, key in enumerate(keys) if key is not None]
    nulls = [place for place, key in enumerate(keys) if key is None] if len(known) < len(keys) else []
    known.sort(key=keys.__getitem__, reverse=plan.order.descending)
    return tuple([groups[place] for place in known + nulls])


def _by_dimensions(group: Group) -> list[tuple[bool, Value]]:
    """What a group sorts by among equals, nulls last."""
    return [(value is None, value) for value in group.values]


def _keys(plan: Plan, groups: Sequence[Group]) -> list[Any]:
    """What sorts as the exact values by which groups are sorted, None where there is none."""
    by = plan.order.by
    if isinstance(by, Dimension):
        dimension = plan.dimensions.index(by)
        return [group.values[dimension] for group in groups]
    if isinstance(by, Ratio):
        places = [plan.aggregates.index(part) for part in by.parts]
        return _ratio_keys([tuple(group.aggregates[place] for place in places) for group in groups])
    aggregate = plan.aggregates.index(by)
    return [group.aggregates[aggregate] for group in groups]


def _ratio_keys(ratios: Sequence[tuple[int, ...]]) -> list[Any]:
    """What sorts as these ratios do.

    Their nearest floats are in no other order; where those are equal, exact fractions tell, which take far longer.
    """
    floats = [above / below if below else None for above, below in ratios]
    times = Counter(floats)
    return [
        None if near is None else (near, Fraction(*ratio) if times[near] > 1 else 0)
        for near, ratio in zip(floats, ratios, strict=True)
    ]
