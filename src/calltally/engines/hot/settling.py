"""What is counted of a question is kept for the next time that it is asked: then only what has changed is counted.

A dashboard asks the same again after each few calls. All segments but the tail stay as they are until they are put in
order, save that some of their rows become no calls any more, where calls are corrected: these are counted once more, by
themselves, and taken off. The tail is counted each time. Different values cannot be taken off, see `different`.
"""

from collections.abc import Sequence

import numpy as np

from calltally.catalog import Aggregate, CountDistinct
from calltally.engines.hot.blocks import stretch_of
from calltally.engines.hot.columns import Numbers, picked
from calltally.engines.hot.different import different
from calltally.engines.hot.seen import NO_ROWS, Seen, Settled, gone_since
from calltally.engines.hot.sweeping import Renumber, Sweep, Swept, add_up_rows, sweep_rows

__all__ = ["settled_rows"]

MOST_NUMBERS = 2**15  # that are kept of a question, 8 bytes each


def settled_rows(
    sweep: Sweep, aggregates: Sequence[Aggregate], groups: int, renumber: Renumber | None
) -> dict[Aggregate, Swept]:
    """See `sweep_rows`; all groups are told apart."""
    added = tuple(dict.fromkeys(each for each in aggregates if not isinstance(each, CountDistinct)))
    if not sweep.prepared.settles or renumber is not None or groups * len(added) > MOST_NUMBERS:
        return sweep_rows(sweep, aggregates, groups, renumber, all_groups=True)
    found = {each: different(sweep, each, groups) for each in aggregates if isinstance(each, CountDistinct)}
    told = {each: swept for each, swept in found.items() if swept}
    left = [each for each in found if each not in told]
    counted = sweep_rows(sweep, left, groups, None, all_groups=True) if left else {}
    return _added_up(sweep, added, groups) | told | counted


def _added_up(sweep: Sweep, aggregates: tuple[Aggregate, ...], groups: int) -> dict[Aggregate, Swept]:
    """The counts and sums among the aggregates."""
    stay = len(sweep.stretches) - sweep.columns.is_tail(sweep.stretches[-1].segment)
    before = sweep.prepared.settled or Settled((), np.zeros((len(aggregates), groups), np.int64))
    settled = sweep.prepared.settled = _settled(before, sweep.over(sweep.stretches[:stay]), aggregates)
    found = _with(settled.found, sweep.over(sweep.stretches[stay:]), aggregates)
    return dict(zip(aggregates, map(Swept, found, found.sum(axis=1).tolist()), strict=True))


def _settled(before: Settled, sweep: Sweep, aggregates: tuple[Aggregate, ...]) -> Settled:
    """What the rows come to, by what some of them came to before."""
    gone = gone_since(before.seen, sweep.stretches, sweep.team.kernels)
    if gone is None:
        before, gone = Settled((), np.zeros_like(before.found)), []
    fresh = sweep.stretches[len(before.seen) :]
    if not fresh and not gone:
        return before
    found = _with(before.found, sweep.over(fresh), aggregates)
    # Of rows that are not in order, also those that start at another time were looked at.
    if gone and (lost := stretch_of(picked(gone), NO_ROWS, sweep.plan.periods)):
        found = found - add_up_rows(sweep.over([lost]), aggregates, found.shape[1])
    return Settled([Seen.of(stretch) for stretch in sweep.stretches], found)


def _with(found: Numbers, sweep: Sweep, aggregates: tuple[Aggregate, ...]) -> Numbers:
    """What was found, with what the rows come to."""
    if not sweep.stretches:
        return found
    return found + add_up_rows(sweep, aggregates, found.shape[1])
