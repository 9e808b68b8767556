"""Different values of a question, kept for the next time that it is asked: then only what has changed is looked at.

What is gone cannot be taken out of a set: another call may have the same value. But calls mostly go because they were
corrected, and are there again at once, with the same value and in the same group. So what has come since the sets were
made is looked at each time, and what has gone is looked for among it: where all of that is there again, the sets have
nothing that is not, and what came in addition is counted beside them. Otherwise they are made anew.
"""

from collections.abc import Sequence

import numpy as np

from calltally.catalog import CountDistinct
from calltally.engines.hot.blocks import BLOCK_ROWS, Stretch, stretch_of
from calltally.engines.hot.columns import Numbers, picked
from calltally.engines.hot.seen import NO_ROWS, Seen, SettledSets, gone_since
from calltally.engines.hot.sweeping import Sweep, Swept, group_rows, mark_rows
from calltally.engines.hot.tallies import SET_BYTES, each_once, sets_bytes

__all__ = ["different"]

# Rows that have come or gone since sets were made, or a share of all, but not fewer than some: to look at more takes as
# long as to make them.
FEW_SINCE, MOST_SINCE, SHARE_SINCE = 200, 2**14, 64
BYTES_A_ROW = 2  # of the sets of a question, see also `Preparing`


def different(sweep: Sweep, aggregate: CountDistinct, groups: int) -> Swept | None:
    """How many different values there are, of each group and of all; None: their sets are too large to be kept."""
    if sets_bytes(groups, sweep.columns.sizes[aggregate.field]) > min(BYTES_A_ROW * sweep.rows, SET_BYTES):
        return None
    sets = sweep.prepared.sets.get(aggregate)
    pairs = _since(sets, sweep, aggregate.field) if sets else None
    if sets is None or pairs is None:
        stay = sweep.stretches[: len(sweep.stretches) - sweep.columns.is_tail(sweep.stretches[-1].segment)]
        sets = SettledSets([Seen.of(each) for each in stay], mark_rows(sweep.over(stay), aggregate, groups))
        sweep.prepared.sets[aggregate] = sets
        pairs = _pairs(sweep, sweep.stretches[len(stay) :], aggregate.field)
    return _joined(sets, *np.divmod(pairs, sweep.columns.sizes[aggregate.field]))


def _joined(sets: SettledSets, group: Numbers, codes: Numbers) -> Swept:
    """What there is in sets, and in others of pairs of group and code, each there once."""
    fresh = group[~sets.marked.has(group, codes)]
    of_all = each_once(codes)
    found = sets.found + np.bincount(fresh, minlength=len(sets.found))
    return Swept(found, sets.total + int((~sets.anywhere.has(np.zeros_like(of_all), of_all)).sum()))


def _since(sets: SettledSets, sweep: Sweep, field: str) -> Numbers | None:
    """The pairs of group and code that have come since the sets were made; None: some have gone, or it is unclear."""
    gone = gone_since(sets.seen, sweep.stretches, sweep.team.kernels)
    if gone is None:
        return None
    later = sweep.stretches[len(sets.seen) :]
    rows = sum(map(len, later)) + sum(len(rows) for _, rows in gone)
    if rows > max(FEW_SINCE, min(MOST_SINCE, sweep.rows // SHARE_SINCE)):
        return None
    pairs = _pairs(sweep, later, field)
    lost = stretch_of(picked(gone), NO_ROWS, sweep.plan.periods) if gone else None
    if lost and not np.isin(_pairs(sweep, [lost], field), pairs, assume_unique=True).all():
        return None
    return pairs


def _pairs(sweep: Sweep, stretches: Sequence[Stretch], field: str) -> Numbers:
    """The pairs of group and code that there are in a few rows, each once, as one number."""
    scratch, pairs = np.empty(BLOCK_ROWS, np.int64), [np.empty(0, np.int64)]
    for block in sweep.over(stretches).blocks:
        group, codes = group_rows(sweep, block, scratch), block.codes(field)
        there = (group >= 0) & (codes != 0)
        pairs.append(group[there] * sweep.columns.sizes[field] + codes[there])
    return each_once(np.concatenate(pairs))
