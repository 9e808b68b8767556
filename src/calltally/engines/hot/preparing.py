"""What plans come to for the columns of a store, kept for the next time that they are asked.

A question that is asked again and again, after each few calls more, has the same conditions, groups and loops then, as
long as no value is new.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from calltally.catalog import Aggregate, CountDistinct
from calltally.engines.base import Contains, OneOf, Plan
from calltally.engines.hot.blocks import Stretch
from calltally.engines.hot.columns import NUMBERS, Columns, Dictionary
from calltally.engines.hot.groups import Grouping, grouping_of
from calltally.engines.hot.joint import MOST_ROWS, Joint, field_of, joint_of
from calltally.engines.hot.parts import Part
from calltally.engines.hot.seen import Seen, Settled, SettledSets
from calltally.engines.hot.selecting import Keep, keeps_of
from calltally.localtime import DAY

__all__ = ["Prepared", "Preparing"]

KEPT, MOST_BYTES = 16, 500_000  # plans of a store, and the tables of each
SETS_A_ROW = 8  # bytes of sets that are kept with them

Span = tuple[int, int]


@dataclass(frozen=True)
class _Fields:
    """The fields that a plan names."""

    coded: tuple[str, ...]  # with others
    numbers: tuple[str, ...]  # that it adds up or counts


@dataclass(frozen=True)
class _Shape:
    """All of columns that conditions, groups and loops depend on."""

    days: Span
    sizes: Mapping[str, int]  # of the fields that the plan names
    dictionaries: Mapping[str, Dictionary]  # each equal to none but itself
    ranges: Mapping[str, Span]


@dataclass(eq=False)
class Prepared:
    """The conditions of a plan, its groups, the loops by which it is worked out, and what it came to the last time."""

    keeps: Sequence[Keep]
    grouping: Grouping
    settles: bool  # whether that is kept
    settled: Settled | None = None
    sets: dict[CountDistinct, SettledSets] = field(default_factory=dict)
    _joints: dict[tuple[tuple[Aggregate, ...], int], Joint | None] = field(default_factory=dict)

    @cached_property
    def parts(self) -> tuple[Part, ...] | None:
        """What makes the keys of rows in the order of time, negative where a call is left out; None: not only that."""
        kept = [keep.parts() for keep in self.keeps]
        return None if None in kept else (*self.grouping.parts, *(part for parts in kept for part in parts or ()))

    @property
    def nbytes(self) -> int:
        """The memory of its tables, and of what it came to."""
        settled = self.settled.found.nbytes if self.settled else 0
        joints = sum(joint.nbytes for joint in [*self._joints.values()] if joint)
        return settled + self.sets_bytes + self._table_bytes + joints

    @property
    def sets_bytes(self) -> int:
        """The memory of the sets of different values."""
        return sum(each.nbytes for each in [*self.sets.values()])

    @cached_property
    def _table_bytes(self) -> int:
        return sum(part.table.nbytes for part in self.grouping.parts) + sum(keep.nbytes for keep in self.keeps)

    @cached_property
    def never(self) -> bool:
        """Whether no call is asked about."""
        return any(keep.never() for keep in self.keeps)

    def joint(self, aggregates: tuple[Aggregate, ...], columns: Columns, groups: int) -> Joint | None:
        """See `joint_of`; the groups are numbered by their keys."""
        if self.parts is None or columns.rows > MOST_ROWS:
            return None
        asked = aggregates, groups
        if asked not in self._joints:
            self._joints[asked] = joint_of(aggregates, columns, groups, self.parts)
        return self._joints[asked]


@dataclass(frozen=True)
class _Kept:
    """A plan that was asked, which is held so that no other object takes its place, and what it came to."""

    plan: Plan
    fields: _Fields
    shape: _Shape
    prepared: Prepared


class Preparing:
    """The plans of a store that were asked last. Safe for threads."""

    def __init__(self, *, settles: bool) -> None:
        self._settles = settles  # whether what was counted is kept as well
        self._kept: OrderedDict[int, _Kept] = OrderedDict()  # by which object the plan is
        self.grown = False  # whether there are plans that whoever sees to the memory has not heard of
        self._lock = threading.Lock()

    def prepared(self, plan: Plan, columns: Columns, span: Span) -> Prepared | None:
        """What a plan comes to for rows that start within the span; None: it asks for what is not held."""
        with self._lock:
            kept = self._kept.get(id(plan))
        fields = kept.fields if kept else _fields(plan)
        shape = _shape(fields, columns, span)
        if kept and kept.shape == shape:
            with self._lock:
                if id(plan) in self._kept:
                    self._kept.move_to_end(id(plan))
            return kept.prepared
        keeps, grouping = keeps_of(plan.conditions, plan.periods, columns, span), grouping_of(plan, columns, span)
        if keeps is None or grouping is None:
            return None
        prepared = Prepared(keeps, grouping, self._settles)
        if prepared.nbytes <= MOST_BYTES:
            with self._lock:
                self._kept[id(plan)] = _Kept(plan, fields, shape, prepared)
                self.grown = True
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return prepared

    def shrink(self, rows: int) -> None:
        """Let go of the sets of those that were not asked for longest, until there are few enough for so many rows."""
        with self._lock:
            kept = [each.prepared for each in self._kept.values() if each.prepared.sets]
        sizes = [each.sets_bytes for each in kept]
        while kept and sum(sizes) > SETS_A_ROW * rows:
            kept.pop(0).sets.clear()
            del sizes[0]

    def uncounted(self, plan: Plan, stretches: Sequence[Stretch]) -> int:
        """How many of these rows have to be counted, all but a few, should the plan be asked now."""
        with self._lock:
            kept = self._kept.get(id(plan))
        settled = kept.prepared.settled if kept else None
        seen = settled.seen if settled else ()
        fresh = stretches[len(seen) :] if all(map(Seen.is_of, seen, stretches)) else stretches
        return sum(map(len, fresh))

    @property
    def nbytes(self) -> int:
        """The memory of all that is kept."""
        with self._lock:
            return sum(kept.prepared.nbytes for kept in self._kept.values())

    def clear(self) -> None:
        """Let go of all."""
        with self._lock:
            self._kept.clear()


def _shape(fields: _Fields, columns: Columns, span: Span) -> _Shape:
    sizes = {name: columns.sizes[name] for name in fields.coded if name in columns.sizes}
    ranges = {name: columns.range(name) for name in fields.numbers}
    return _Shape((span[0] // DAY, span[1] // DAY), sizes, columns.dictionaries, ranges)


def _fields(plan: Plan) -> _Fields:
    counted = {name for name in map(field_of, plan.aggregates) if name}
    return _Fields((*counted, *_named(plan)), tuple(name for name in counted if name in NUMBERS))


def _named(plan: Plan) -> Iterator[str]:
    """The fields that groups and conditions are about: of all others, callers above all, there are more every day."""
    for dimension in plan.dimensions:
        yield dimension.field
    for condition in plan.conditions:
        match condition:
            case OneOf(field):
                yield field
            case Contains(fields):
                yield from fields
