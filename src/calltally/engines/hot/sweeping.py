"""Rows gone over by several threads, each block of them once: what every group comes to, in one way or another."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from calltally.catalog import Aggregate, CountDistinct
from calltally.engines.base import Plan, Stop
from calltally.engines.hot.blocks import Block, Stretch
from calltally.engines.hot.columns import Columns, Numbers
from calltally.engines.hot.compiling import Kernels
from calltally.engines.hot.joint import Joint, JointCounts
from calltally.engines.hot.kernels import REJECTED
from calltally.engines.hot.preparing import Prepared
from calltally.engines.hot.tallies import Sets, Tally, tally_of

__all__ = ["Renumber", "Sweep", "Swept", "Team", "add_up_rows", "group_rows", "mark_rows", "sweep_rows"]

MANY_GROUPS = 500_000  # what is counted takes too much memory to have it once for each thread
CELLS_A_ROW = 1  # that are counted together at most; more take longer to add up than the rows
BLOCKS_A_THREAD = 4  # fewer are not worth another thread

Renumber = Callable[[Numbers], None]  # puts other numbers in the place of groups


@dataclass(frozen=True)
class Team:
    """The kernels, and threads to run them on beside the one that asks."""

    kernels: Kernels
    threads: Executor
    size: int


@dataclass(frozen=True)
class Sweep:
    """The rows that are asked about, and how each finds its group."""

    plan: Plan
    columns: Columns
    stretches: Sequence[Stretch]
    prepared: Prepared
    team: Team
    stop: Stop

    @cached_property
    def blocks(self) -> list[Block]:
        """The same rows, in blocks."""
        return [block for stretch in self.stretches for block in stretch.blocks()]

    @cached_property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(map(len, self.stretches))

    def over(self, stretches: Sequence[Stretch]) -> "Sweep":
        """The same of other rows."""
        return Sweep(self.plan, self.columns, stretches, self.prepared, self.team, self.stop)


class Swept(NamedTuple):
    """An aggregate of each group, and over all groups together."""

    found: Numbers
    total: int


@dataclass(frozen=True)
class _Wanted:
    """The aggregates to find, of so many groups, and how."""

    aggregates: Sequence[Aggregate]
    groups: int
    renumber: Renumber | None
    all_groups: bool
    joint: Joint | None


class _Work:
    """What one thread has found over its blocks: jointly, and one by one where that does not suit a block."""

    def __init__(self, sweep: Sweep, wanted: _Wanted) -> None:
        self._sweep, self._wanted = sweep, wanted
        self._counts = JointCounts(wanted.joint) if wanted.joint else None
        self._tallies: dict[Aggregate, Tally] = {}  # empty until a block needs them
        self._scratch = np.empty(0, np.int64)

    def over(self, blocks: Sequence[Block]) -> "_Work":
        """Take the rows of blocks."""
        for block in blocks:
            self._sweep.stop.check()
            if not self._counts or not self._counts.take(self._sweep.team.kernels, block):
                self._tally(block)
        return self

    def _tally(self, block: Block) -> None:
        if len(self._scratch) < len(block):
            self._scratch = np.empty(len(block), np.int64)
        group = group_rows(self._sweep, block, self._scratch)
        if self._wanted.renumber:
            self._wanted.renumber(group)
        wanted, columns, rows = self._wanted, self._sweep.columns, self._sweep.rows
        self._tallies = self._tallies or {
            each: tally_of(each, columns, wanted.groups, rows, all_groups=wanted.all_groups)
            for each in wanted.aggregates
        }
        for tally in self._tallies.values():
            tally.take(self._sweep.team.kernels, block, group)

    def join(self, other: "_Work") -> None:
        """Take what another thread has found."""
        if self._counts and other._counts:
            self._counts.join(other._counts)
        if not self._tallies:
            self._tallies = other._tallies
            return
        for aggregate, theirs in other._tallies.items():
            self._tallies[aggregate].join(theirs)

    def found(self, aggregate: Aggregate) -> Numbers:
        """What an aggregate comes to, of each group."""
        tally = self._tallies.get(aggregate)
        if self._counts is None:
            return tally.found() if tally else np.zeros(self._wanted.groups, np.int64)
        found = self._counts.found(aggregate)
        return found + tally.found() if tally else found

    def sets(self, aggregate: CountDistinct) -> Sets:
        """The different codes that it counts."""
        tally = self._tallies.get(aggregate) or Sets(self._wanted.groups, aggregate.field, 1)
        if not isinstance(tally, Sets):
            raise TypeError(f"The values of {aggregate.field} are told apart by pairs")
        return tally

    def swept(self, aggregate: Aggregate) -> Swept:
        """What an aggregate comes to."""
        found, tally = self.found(aggregate), self._tallies.get(aggregate)
        return Swept(found, tally.total() if tally and self._counts is None else int(found.sum()))


def sweep_rows(
    sweep: Sweep, aggregates: Sequence[Aggregate], groups: int, renumber: Renumber | None, *, all_groups: bool = False
) -> dict[Aggregate, Swept]:
    """The aggregates over all rows, each group told apart but the last one, and that too if `all_groups`."""
    aggregates = tuple(dict.fromkeys(aggregates))
    work = _done(sweep, aggregates, groups, renumber, all_groups=all_groups)
    return {aggregate: work.swept(aggregate) for aggregate in aggregates}


def add_up_rows(sweep: Sweep, aggregates: tuple[Aggregate, ...], groups: int) -> Numbers:
    """The aggregates, all counts and sums, over all rows: a row for each, a place in it for the group of each key."""
    work = _done(sweep, aggregates, groups, None, all_groups=True)
    return np.array([work.found(aggregate) for aggregate in aggregates])


def mark_rows(sweep: Sweep, aggregate: CountDistinct, groups: int) -> Sets:
    """The codes that are counted, over all rows, as a set for the group of each key; these take at most SET_BYTES."""
    return _done(sweep, (aggregate,), groups, None, all_groups=True).sets(aggregate)


def _done(
    sweep: Sweep, aggregates: tuple[Aggregate, ...], groups: int, renumber: Renumber | None, *, all_groups: bool
) -> _Work:
    """The work on all rows, done by as many threads as are worth it."""
    joint = None if renumber else sweep.prepared.joint(aggregates, sweep.columns, groups)
    if joint and joint.cells > CELLS_A_ROW * sweep.rows:
        joint = None
    wanted = _Wanted(aggregates, groups, renumber, all_groups, joint)
    own, *shares = _shares(sweep, groups)
    others = [sweep.team.threads.submit(_Work(sweep, wanted).over, share) for share in shares]
    work = _Work(sweep, wanted).over(own)
    for other in others:
        work.join(other.result())
    return work


def group_rows(sweep: Sweep, block: Block, scratch: Numbers) -> Numbers:
    """The key of each row of a block, negative for a call that is left out."""
    group = scratch[: len(block)]
    group.fill(0)
    for keep in sweep.prepared.keeps:
        keep.apply(sweep.team.kernels, block, group)
    if len(block.gone):
        group[block.gone] = REJECTED
    for part in sweep.prepared.grouping.parts:
        part.add(sweep.team.kernels, block, group)
    return group


def _shares(sweep: Sweep, groups: int) -> list[Sequence[Block]]:
    """The blocks, in as many parts as there should be threads."""
    count = 1 if groups > MANY_GROUPS else max(1, min(sweep.team.size, len(sweep.blocks) // BLOCKS_A_THREAD))
    return [sweep.blocks[place::count] for place in range(count)]
