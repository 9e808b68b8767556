"""What is counted of a question is kept for the next time that it is asked: then only what has changed is counted.

A dashboard asks the same again after each few calls. All segments but the tail stay as they are until they are put in
order, save that some of their rows become no calls any more, where calls are corrected: these are counted once more, by
themselves, and taken off. The tail is counted each time. Different values cannot be taken off: these are counted whole.
"""

from collections.abc import Sequence

import numpy as np

from calltally.catalog import Aggregate, CountDistinct
from calltally.engines.hot.blocks import stretch_of
from calltally.engines.hot.columns import Numbers, Segment, picked
from calltally.engines.hot.seen import NO_ROWS, Seen, Settled
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
    different = [each for each in aggregates if isinstance(each, CountDistinct)]
    counted = sweep_rows(sweep, different, groups, None, all_groups=True) if different else {}
    return _added_up(sweep, added, groups) | counted


def _added_up(sweep: Sweep, aggregates: tuple[Aggregate, ...], groups: int) -> dict[Aggregate, Swept]:
    """The counts and sums among the aggregates."""
    stay = len(sweep.stretches) - sweep.columns.is_tail(sweep.stretches[-1].segment)
    before = sweep.prepared.settled or Settled((), np.zeros((len(aggregates), groups), np.int64))
    settled = sweep.prepared.settled = _settled(before, sweep.over(sweep.stretches[:stay]), aggregates)
    found = _with(settled.found, sweep.over(sweep.stretches[stay:]), aggregates)
    return dict(zip(aggregates, map(Swept, found, found.sum(axis=1).tolist()), strict=True))


def _settled(before: Settled, sweep: Sweep, aggregates: tuple[Aggregate, ...]) -> Settled:
    """What the rows come to, by what some of them came to before."""
    gone = _gone_since(before, sweep)
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


def _gone_since(before: Settled, sweep: Sweep) -> list[tuple[Segment, Numbers]] | None:
    """The rows that were counted and are no calls any more; None: what was counted are not the first stretches."""
    if len(before.seen) > len(sweep.stretches):
        return None
    gone = []
    for seen, now in zip(before.seen, sweep.stretches, strict=False):
        rows = seen.gone_since(now, sweep.team.kernels)
        if rows is None:
            return None
        if len(rows):
            gone.append((now.segment, rows))
    return gone


def _with(found: Numbers, sweep: Sweep, aggregates: tuple[Aggregate, ...]) -> Numbers:
    """What was found, with what the rows come to."""
    if not sweep.stretches:
        return found
    return found + add_up_rows(sweep, aggregates, found.shape[1])
