"""The aggregates of a plan being found: what each group comes to, one loop over the rows of a block at a time.

Different values are told apart by a bit for each code and group, where these take at most SET_BYTES; else the pairs of
group and code are put in order, up to MOST_PAIRS of them; what is more is left to the database.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from calltally.catalog import Aggregate, Count, CountDistinct, IsSet, Sum, ValueIs
from calltally.engines.hot.blocks import Block
from calltally.engines.hot.columns import NUMBERS, Columns, Numbers, null_of
from calltally.engines.hot.compiling import Kernels

__all__ = ["SET_BYTES", "Sets", "Tally", "can_tally", "each_once", "pairs_fit", "sets_bytes", "tally_of"]

SET_BYTES = 64_000_000  # for each thread
MOST_PAIRS = 20_000_000
MOST_PAIR = 2**62
MOST_SUM = 2**63
# See `kernels.count`: of more groups the same one hardly comes again at once, and fewer rows are not worth it.
TURNS, FEW_GROUPS, FEW_ROWS = 4, 4096, 4096


class Tally(Protocol):
    """One aggregate of all groups, over some of the rows."""

    def take(self, kernels: Kernels, block: Block, group: Numbers) -> None:
        """Take the rows of a block, of which `group` has the groups."""

    def join(self, other: Any) -> None:
        """Take what another of the same kind has found over other rows."""

    def found(self) -> Numbers:
        """The aggregate of each group."""

    def total(self) -> int:
        """The aggregate over all groups together."""


class _Added(ABC):
    """What is added up, in several turns."""

    def __init__(self, groups: int, rows: int) -> None:
        self._found = np.zeros((TURNS if groups <= FEW_GROUPS and rows > FEW_ROWS else 1, groups), np.int64)

    def join(self, other: "_Added") -> None:
        self._found += other._found

    @abstractmethod
    def take(self, kernels: Kernels, block: Block, group: Numbers) -> None:
        """See `Tally`."""

    def found(self) -> Numbers:
        added: Numbers = self._found.sum(axis=0) if len(self._found) > 1 else self._found[0]
        return added

    def total(self) -> int:
        return int(self._found.sum())


class _Calls(_Added):
    def take(self, kernels: Kernels, block: Block, group: Numbers) -> None:  # noqa: ARG002
        kernels.count(group, self._found)


class _CallsWithCode(_Added):
    def __init__(self, groups: int, rows: int, field: str, flags: Numbers) -> None:
        super().__init__(groups, rows)
        self._field, self._flags = field, flags

    def take(self, kernels: Kernels, block: Block, group: Numbers) -> None:
        kernels.count_by_code(block.codes(self._field), self._flags, group, self._found)


class _CallsWithNumber(_Added):
    def __init__(self, groups: int, rows: int, field: str) -> None:
        super().__init__(groups, rows)
        self._field = field

    def take(self, kernels: Kernels, block: Block, group: Numbers) -> None:
        values = block.numbers(self._field)
        kernels.count_values(values, null_of(values), group, self._found)


class _Sum(_Added):
    def __init__(self, groups: int, rows: int, field: str) -> None:
        super().__init__(groups, rows)
        self._field = field

    def take(self, kernels: Kernels, block: Block, group: Numbers) -> None:
        values = block.numbers(self._field)
        kernels.sum_values(values, null_of(values), group, self._found)


class Sets:
    """Different codes, as bits of a set for each group."""

    def __init__(self, groups: int, field: str, size: int) -> None:
        self._field, self._width = field, _set_bytes(size)
        self._bits = np.zeros(groups * self._width, np.uint8)

    def take(self, kernels: Kernels, block: Block, group: Numbers) -> None:
        kernels.mark_codes(block.codes(self._field), self._width, group, self._bits)

    def join(self, other: "Sets") -> None:
        self._bits |= other._bits

    def found(self) -> Numbers:
        counts: Numbers = np.bitwise_count(self._words()).sum(axis=1, dtype=np.int64)
        return counts

    def total(self) -> int:
        return int(self.together().found()[0])

    def together(self) -> "Sets":
        """What is in any group, as one set."""
        one = Sets(1, self._field, 8 * self._width)
        one._bits = np.bitwise_or.reduce(self._words(), axis=0).view(np.uint8)
        return one

    def has(self, group: Numbers, codes: Numbers) -> Numbers:
        """Whether each of these codes is in the set of its group."""
        known = codes < 8 * self._width
        there = np.zeros(len(codes), np.bool_)
        group, codes = group[known], codes[known]
        there[known] = self._bits[group * self._width + (codes >> 3)] >> (codes & 7).astype(np.uint8) & 1
        return there

    @property
    def nbytes(self) -> int:
        """The memory of the sets."""
        return self._bits.nbytes

    def _words(self) -> Numbers:
        return self._bits.view(np.uint64).reshape(-1, self._width // 8)


class _Pairs:
    """Different codes, as pairs of group and code; of the last group only where `all_groups`."""

    def __init__(self, groups: int, field: str, size: int, *, all_groups: bool) -> None:
        self._field, self._size, self._groups = field, size, groups
        self._told_apart = groups if all_groups else groups - 1
        self._pairs: list[Numbers] = []
        self._seen = np.zeros(size, np.bool_)

    def take(self, kernels: Kernels, block: Block, group: Numbers) -> None:  # noqa: ARG002
        codes = block.codes(self._field)
        self._seen[codes[group >= 0]] = True
        counts = (group >= 0) & (group < self._told_apart) & (codes != 0)
        self._pairs.append(group[counts] * self._size + codes[counts])

    def join(self, other: "_Pairs") -> None:
        self._pairs += other._pairs
        self._seen |= other._seen

    def found(self) -> Numbers:
        pairs = each_once(np.concatenate([np.empty(0, np.int64), *self._pairs]))
        return np.bincount(pairs // self._size, minlength=self._groups)

    def total(self) -> int:
        return int(self._seen[1:].sum())


def each_once(numbers: Numbers) -> Numbers:
    """The different ones of some numbers, sorted; `np.unique` takes several times as long."""
    ordered = np.sort(numbers)
    is_new = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    return ordered[is_new]


def can_tally(aggregate: Aggregate, columns: Columns) -> bool:
    """Whether an aggregate can be found exactly from what is held."""
    match aggregate:
        case Count(None):
            return True
        case Count(IsSet(field)):
            return field in columns.dictionaries or field in NUMBERS
        case Count(ValueIs(field, _)):
            return field in columns.dictionaries
        case Sum(field):
            return field in NUMBERS and columns.rows * max(map(abs, columns.range(field))) < MOST_SUM
        case CountDistinct(field):
            return field in columns.sizes
    return False


def pairs_fit(aggregates: Sequence[Aggregate], columns: Columns, groups: int, rows: int) -> bool:
    """Whether different values can be told apart among so many groups and rows."""
    sizes = [columns.sizes[each.field] for each in aggregates if isinstance(each, CountDistinct)]
    return all(
        sets_bytes(groups, size) <= SET_BYTES or (rows <= MOST_PAIRS and groups * size < MOST_PAIR) for size in sizes
    )


def tally_of(aggregate: Aggregate, columns: Columns, groups: int, rows: int, *, all_groups: bool) -> Tally:
    """What finds an aggregate that `can_tally`, of so many rows; the last group is told apart if `all_groups`."""
    if not isinstance(aggregate, CountDistinct):
        return _added_of(aggregate, columns, groups, rows)
    size = columns.sizes[aggregate.field]
    if sets_bytes(groups, size) <= SET_BYTES:
        return Sets(groups, aggregate.field, size)
    return _Pairs(groups, aggregate.field, size, all_groups=all_groups)


def _added_of(aggregate: Count | Sum, columns: Columns, groups: int, rows: int) -> _Added:
    """What finds an aggregate that is added up."""
    match aggregate:
        case Count(None):
            return _Calls(groups, rows)
        case Count(IsSet(field)) if field in NUMBERS:
            return _CallsWithNumber(groups, rows, field)
        case Count(IsSet(field)):
            flags = np.ones(columns.sizes[field], np.uint8)
            flags[0] = 0
            return _CallsWithCode(groups, rows, field, flags)
        case Count(ValueIs(field, value)):
            flags = np.zeros(columns.sizes[field], np.uint8)
            code = columns.dictionaries[field].code(value)
            if code is not None and code < len(flags):
                flags[code] = 1
            return _CallsWithCode(groups, rows, field, flags)
        case Sum(field):
            return _Sum(groups, rows, field)
    raise AssertionError(aggregate)


def sets_bytes(groups: int, size: int) -> int:
    """The memory of a set of so many codes for each group."""
    return groups * _set_bytes(size)


def _set_bytes(size: int) -> int:
    """How long a set of so many codes is, in bytes, whole words of them."""
    return (size + 63) // 64 * 8
