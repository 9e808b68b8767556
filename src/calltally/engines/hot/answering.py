"""A plan answered from columns: groups by number, what they sort by, the first of them, then the rest about these."""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from calltally.catalog import Aggregate, Count, CountDistinct, Dimension, Grain, aggregates_of
from calltally.engines.base import Contains, Group, Plan, Rows, Stop
from calltally.engines.finish import in_order
from calltally.engines.hot.blocks import BLOCK_ROWS, Stretch, stretches_of
from calltally.engines.hot.choosing import first_groups
from calltally.engines.hot.columns import Columns, Numbers
from calltally.engines.hot.groups import DENSE_KEYS, Grouping, NumberedKeys
from calltally.engines.hot.preparing import Preparing
from calltally.engines.hot.settling import settled_rows
from calltally.engines.hot.sweeping import Renumber, Sweep, Team, group_rows, sweep_rows
from calltally.engines.hot.tallies import can_tally, pairs_fit
from calltally.localtime import DAY

__all__ = ["answered", "is_quick"]

FEW_GROUPS = 4096  # all of whose aggregates are found at once, as what is counted stays in a core's own cache
QUICK_ROWS, QUICK_GROUPS = 2**17, 2000  # that take a millisecond or two


def answered(plan: Plan, columns: Columns, preparing: Preparing, team: Team, stop: Stop) -> Rows | None:
    """The rows of a plan; None: the columns cannot answer it, or the database does it better."""
    if not all(can_tally(aggregate, columns) for aggregate in plan.aggregates):
        return None
    stretches = stretches_of(columns, plan.periods)
    prepared = preparing.prepared(plan, columns, _span(stretches))
    if prepared is None:
        return None
    if not stretches or prepared.never:
        return Rows((), (0,) * len(plan.aggregates))
    sweep = Sweep(plan, columns, stretches, prepared, team, stop)
    rows = _answer(sweep)
    if prepared.sets:
        preparing.shrink(columns.rows)
    return rows


def _answer(sweep: Sweep) -> Rows | None:
    if sweep.prepared.grouping.keys <= DENSE_KEYS:
        return _rows(sweep, None)
    numbered = _numbered(sweep)
    return None if numbered is None else _rows(sweep, numbered)


def is_quick(plan: Plan, columns: Columns, preparing: Preparing) -> bool:
    """Whether few rows have to be counted, and few groups can come of them."""
    stretches = stretches_of(columns, plan.periods)
    settles = not any(isinstance(aggregate, CountDistinct) for aggregate in plan.aggregates)
    rows = preparing.uncounted(plan, stretches) if settles else sum(map(len, stretches))
    if rows > QUICK_ROWS or any(isinstance(condition, Contains) for condition in plan.conditions):
        return False
    return prod(_most_groups(dimension, plan, columns) for dimension in plan.dimensions) <= QUICK_GROUPS


def _most_groups(dimension: Dimension, plan: Plan, columns: Columns) -> int:
    """How many values of a dimension there can be."""
    match dimension.grain:
        case None:
            return columns.sizes.get(dimension.field, 1)
        case Grain.HOUR_OF_DAY:
            return 24
        case Grain.DAY_OF_WEEK:
            return 7
        case _:
            reach = columns.span or (0, 0)
            first, end = (plan.periods[0].start, plan.periods[-1].end) if plan.periods else reach
            return max(1, (min(end, reach[1]) - max(first, reach[0])) // DAY + 2)


def _span(stretches: Sequence[Stretch]) -> tuple[int, int]:
    """The first and the last start of the stretches."""
    spans = [stretch.span() for stretch in stretches]
    return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else (0, 0)


def _rows(sweep: Sweep, numbered: NumberedKeys | None) -> Rows | None:
    """The answer, the groups numbered by their keys or by a table of them."""
    plan, grouping = sweep.plan, sweep.prepared.grouping
    size = grouping.keys if numbered is None else len(numbered)
    by_key = None if numbered is None else numbered.find
    first = plan.aggregates if size <= FEW_GROUPS else _sorted_by(plan)
    rest = tuple(aggregate for aggregate in plan.aggregates if aggregate not in first)
    fits = pairs_fit(first, sweep.columns, size, sweep.rows)
    if not fits or not pairs_fit(rest, sweep.columns, plan.limit + 1, sweep.rows):
        return None
    swept = settled_rows(sweep, (Count(), *first), size, by_key)
    there = np.flatnonzero(swept[Count()].found)
    keys = there if numbered is None else numbered.keys()[there]
    found = {aggregate: swept[aggregate].found for aggregate in first}
    shown = _shown(plan, grouping, keys, there, found)
    there, keys = there[shown], keys[shown]
    found = {aggregate: each[there] for aggregate, each in found.items()}
    if rest:
        swept |= sweep_rows(sweep, rest, len(there) + 1, _renumbering(sweep, there, size, by_key))
        found |= {aggregate: swept[aggregate].found[:-1] for aggregate in rest}
    columns = [found[aggregate].tolist() for aggregate in plan.aggregates]
    groups = list(map(Group, grouping.values(keys), zip(*columns, strict=True)))
    return Rows(in_order(plan, groups), tuple([swept[aggregate].total for aggregate in plan.aggregates]))


def _shown(
    plan: Plan, grouping: Grouping, keys: Numbers, there: Numbers, found: Mapping[Aggregate, Numbers]
) -> Numbers:
    """The places of the groups that a report shows, in the order of their dimensions; `there` are all, of `found`."""
    if len(keys) <= plan.limit:
        return np.argsort(grouping.ranks(keys))
    chosen = first_groups(plan, grouping, keys, {aggregate: each[there] for aggregate, each in found.items()})
    order: Numbers = chosen[np.argsort(grouping.ranks(keys[chosen]))]
    return order


def _sorted_by(plan: Plan) -> tuple[Aggregate, ...]:
    by = plan.order.by
    return () if isinstance(by, Dimension) else aggregates_of(by)


def _renumbering(sweep: Sweep, chosen: Numbers, size: int, by_key: Renumber | None) -> Renumber:
    """What puts the place among the chosen ones in the place of a group, and of all others the next number."""
    numbers = np.full(size, len(chosen), np.int32)
    numbers[chosen] = np.arange(len(chosen), dtype=np.int32)

    def renumber(group: Numbers) -> None:
        if by_key:
            by_key(group)
        sweep.team.kernels.renumber(numbers, group)

    return renumber


def _numbered(sweep: Sweep) -> NumberedKeys | None:
    """All keys that occur; None: too many."""
    numbered, scratch = NumberedKeys(sweep.team.kernels), np.empty(BLOCK_ROWS, np.int64)
    for block in sweep.blocks:
        sweep.stop.check()
        if not numbered.take(group_rows(sweep, block, scratch), sweep.stop):
            return None
    return numbered
