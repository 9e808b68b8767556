"""How the groups of a plan are numbered: one digit a dimension, together a whole number, the key of the group.

Keys are used as they are where there can be no more than DENSE_KEYS of them: what is counted is then an array with a
place for each. Otherwise the keys that occur are given numbers by a hash table, as they are met.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod

import numpy as np

from calltally.catalog import Dimension, Grain
from calltally.engines.base import Plan, Stop, Value
from calltally.engines.hot.clock import steps_of
from calltally.engines.hot.columns import Columns, Numbers
from calltally.engines.hot.compiling import Kernels
from calltally.engines.hot.parts import ByCode, ByTime, Part

__all__ = ["DENSE_KEYS", "Grouping", "NumberedKeys", "grouping_of"]

DENSE_KEYS = 4_000_000  # 32 MB for each metric that is counted
FEW_KEYS = 4096  # of which it is kept what they stand for
MOST_KEYS = 2**57  # so that a call that is left out is never in a group
MOST_GROUPS = 8_000_000  # that are numbered; more are left to the database, which can use the disk
FIRST_PLACES = 2**16
FREE = -1


@dataclass(frozen=True)
class _Digit:
    """A dimension: what its digits stand for, the place of each in the order of their values, how rows get theirs.

    `digits` has the digit of each code, or of each step of time; `part` makes that part of a key from such a table.
    """

    values: Sequence[Value]
    ranks: Numbers
    has_null: bool  # as digit 0
    digits: Numbers
    part: Callable[[Numbers], Part]

    @property
    def size(self) -> int:
        """How many digits there are."""
        return len(self.ranks)


@dataclass(frozen=True)
class Grouping:
    """The dimensions of a plan as digits of a key, the first the most significant."""

    digits: tuple[_Digit, ...]

    @cached_property
    def keys(self) -> int:
        """How many keys there can be."""
        return prod(digit.size for digit in self.digits)

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """What a step of each digit adds to a key."""
        return tuple(prod(digit.size for digit in self.digits[place + 1 :]) for place in range(len(self.digits)))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What each dimension adds to a key."""
        return tuple(digit.part(digit.digits * stride) for digit, stride in zip(self.digits, self.strides, strict=True))

    def values(self, keys: Numbers) -> list[tuple[Value, ...]]:
        """The values of the dimensions that keys stand for."""
        if self.keys <= FEW_KEYS:
            of_all = self._all_values
            return [of_all[key] for key in keys.tolist()]
        return self._values(keys)

    @cached_property
    def _all_values(self) -> list[tuple[Value, ...]]:
        return self._values(np.arange(self.keys))

    @cached_property
    def _all_ranks(self) -> Numbers:
        return self._ranks(np.arange(self.keys))

    def _values(self, keys: Numbers) -> list[tuple[Value, ...]]:
        columns = [
            [digit.values[each] for each in self._digits(place, keys).tolist()]
            for place, digit in enumerate(self.digits)
        ]
        return list(zip(*columns, strict=True))

    def ranks(self, keys: Numbers) -> Numbers:
        """What sorts as the values of all dimensions do, nulls last."""
        return self._all_ranks[keys] if self.keys <= FEW_KEYS else self._ranks(keys)

    def _ranks(self, keys: Numbers) -> Numbers:
        found = np.zeros(len(keys), np.int64)
        for place, (digit, stride) in enumerate(zip(self.digits, self.strides, strict=True)):
            found += digit.ranks[self._digits(place, keys)] * stride
        return found

    def ranks_of(self, place: int, keys: Numbers) -> tuple[Numbers, Numbers]:
        """What sorts as the values of one dimension, and where there are any."""
        digits = self._digits(place, keys)
        known = digits != 0 if self.digits[place].has_null else np.ones(len(keys), np.bool_)
        return self.digits[place].ranks[digits], known

    def _digits(self, place: int, keys: Numbers) -> Numbers:
        digits: Numbers = keys // self.strides[place] % self.digits[place].size
        return digits


def grouping_of(plan: Plan, columns: Columns, span: tuple[int, int]) -> Grouping | None:
    """The dimensions of a plan over rows that start within the span; None: one is not held, or there are too many."""
    digits = []
    for dimension in plan.dimensions:
        digit = _digit(dimension, plan, columns, span)
        if digit is None:
            return None
        digits.append(digit)
    grouping = Grouping(tuple(digits))
    return grouping if grouping.keys <= MOST_KEYS else None


class NumberedKeys:
    """A table of the keys that occur, each with a number from 0 on."""

    def __init__(self, kernels: Kernels) -> None:
        self._kernels = kernels
        self._state = np.zeros(1, np.int64)
        self._make(FIRST_PLACES)

    def __len__(self) -> int:
        return int(self._state[0])

    def take(self, group: Numbers, stop: Stop) -> bool:
        """Give numbers to keys that have none yet; False: there are too many."""
        done = 0
        while done < len(group):
            done += self._kernels.number_keys(group[done:], self._keys, self._numbers, self._state)
            if done < len(group):
                stop.check()
                if len(self) > MOST_GROUPS:
                    return False
                self._grow()
        return True

    def find(self, group: Numbers) -> None:
        """Put the numbers of keys in their places."""
        self._kernels.find_numbers(self._keys, self._numbers, group)

    def keys(self) -> Numbers:
        """The keys in the order of their numbers."""
        keys = np.empty(len(self), np.int64)
        used = self._keys != FREE
        keys[self._numbers[used]] = self._keys[used]
        return keys

    def _make(self, places: int) -> None:
        self._keys = np.full(places, FREE, np.int64)
        self._numbers = np.full(places, FREE, np.int32)

    def _grow(self) -> None:
        keys, numbers = self._keys, self._numbers
        self._make(4 * len(keys))
        self._kernels.rehash(keys, numbers, self._keys, self._numbers)


def _digit(dimension: Dimension, plan: Plan, columns: Columns, span: tuple[int, int]) -> _Digit | None:
    if dimension.grain is not None:
        return _time_digit(dimension.grain, plan, span)
    if dimension.field not in columns.dictionaries:
        return None
    return _code_digit(dimension.field, columns)


def _code_digit(field: str, columns: Columns) -> _Digit:
    dictionary, size = columns.dictionaries[field], columns.sizes[field]
    return _Digit(dictionary.values, dictionary.ranks(size), True, np.arange(size), partial(ByCode, field))


def _time_digit(grain: Grain, plan: Plan, span: tuple[int, int]) -> _Digit:
    steps = steps_of(grain, plan.local_time, *span)
    numbers, digits = steps.distinct
    return _Digit(numbers.tolist(), np.arange(len(numbers)), False, digits, partial(ByTime, steps))
