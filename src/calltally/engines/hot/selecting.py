"""The conditions of a plan, held against rows by their codes: whatever leaves a call out makes its group negative."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from calltally.engines.base import AtLeast, AtMost, Condition, Contains, LocalTimeIs, OneOf
from calltally.engines.hot.blocks import Block
from calltally.engines.hot.clock import Steps, steps_of
from calltally.engines.hot.columns import NUMBERS, Columns, Dictionary, Numbers, null_of
from calltally.engines.hot.compiling import Kernels
from calltally.engines.hot.kernels import REJECTED
from calltally.engines.hot.parts import ByCode, ByTime, Part
from calltally.localtime import Period

__all__ = ["Keep", "keeps_of"]

MOST = 2**63 - 1
BEFORE_ALL = -(2**63)
DOTTED_I = "\u0130"  # the one letter whose small form has two


class Keep(Protocol):
    """A condition."""

    def parts(self) -> tuple[Part, ...] | None:
        """What it adds to the key of a row, of rows in the order of time; None: it cannot be said like that."""

    def apply(self, kernels: Kernels, block: Block, group: Numbers) -> None:
        """Leave out the rows of a block for which it does not hold."""

    def never(self) -> bool:
        """Whether it is known to hold for no call."""

    @property
    def nbytes(self) -> int:
        """The memory of its tables."""


@dataclass(frozen=True)
class _Adds:
    """What a table has 0 for; for all else it has REJECTED."""

    part: Part

    def parts(self) -> tuple[Part, ...]:
        return (self.part,)

    def apply(self, kernels: Kernels, block: Block, group: Numbers) -> None:
        self.part.add(kernels, block, group)

    def never(self) -> bool:
        return bool(np.all(self.part.table != 0))

    @property
    def nbytes(self) -> int:
        return self.part.table.nbytes


@dataclass(frozen=True)
class _AnyCodes:
    """Calls for which one of several tables has 0."""

    either: tuple[ByCode, ...]

    def parts(self) -> None:
        return None

    def apply(self, kernels: Kernels, block: Block, group: Numbers) -> None:  # noqa: ARG002
        found = np.zeros(len(group), np.bool_)
        for part in self.either:
            found |= (part.table == 0)[block.codes(part.field)]
        group[~found] = REJECTED

    def never(self) -> bool:
        return all(np.all(part.table != 0) for part in self.either)

    @property
    def nbytes(self) -> int:
        return sum(part.table.nbytes for part in self.either)


@dataclass(frozen=True)
class _Between:
    """Values from the lowest to the highest."""

    field: str
    lowest: int | None
    highest: int
    nbytes: int = 0

    def parts(self) -> None:
        return None

    def apply(self, kernels: Kernels, block: Block, group: Numbers) -> None:
        values = block.numbers(self.field)
        above_null = null_of(values) + 1
        lowest = above_null if self.lowest is None else max(self.lowest, above_null)
        kernels.keep_between(values, lowest, self.highest, group)

    def never(self) -> bool:
        return False


@dataclass(frozen=True)
class _Periods:
    """Starts in one of several stretches of time, of which the blocks reach from the first to the last."""

    part: ByTime
    several: bool

    def parts(self) -> tuple[Part, ...]:
        return (self.part,) if self.several else ()

    def apply(self, kernels: Kernels, block: Block, group: Numbers) -> None:
        if self.several or not block.segment.is_sorted:
            self.part.add(kernels, block, group)

    def never(self) -> bool:
        return bool(np.all(self.part.table != 0))

    @property
    def nbytes(self) -> int:
        return self.part.table.nbytes


def keeps_of(
    conditions: Sequence[Condition], periods: Sequence[Period] | None, columns: Columns, span: tuple[int, int]
) -> list[Keep] | None:
    """The conditions on columns whose rows start within the span; None: one of them asks for what is not held."""
    keeps: list[Keep] = [] if periods is None else [_periods(periods)]
    for condition in conditions:
        keep = _keep(condition, columns, span)
        if keep is None:
            return None
        keeps.append(keep)
    return keeps


def _keep(condition: Condition, columns: Columns, span: tuple[int, int]) -> Keep | None:
    match condition:
        case OneOf(field, values, or_none) if field in columns.dictionaries:
            dictionary, size = columns.dictionaries[field], columns.sizes[field]
            codes = [dictionary.code(value) for value in values]
            return _Adds(ByCode(field, _table(size, [*codes, 0] if or_none else codes)))
        case AtLeast(field, lowest) if field in NUMBERS:
            return _Between(field, lowest, MOST)
        case AtMost(field, highest) if field in NUMBERS:
            return _Between(field, None, highest)
        case LocalTimeIs(grain, values, local_time):
            steps = steps_of(grain, local_time, *span)
            return _Adds(ByTime(steps, np.where(np.isin(steps.numbers, values), 0, REJECTED)))
        case Contains(fields, texts) if all(field in columns.dictionaries for field in fields):
            return _AnyCodes(tuple(_containing(field, texts, columns) for field in fields))
        case _:
            return None


def _periods(periods: Sequence[Period]) -> _Periods:
    edges = [edge for period in periods for edge in (period.start, period.end)]
    inside = [0 if place % 2 == 0 else REJECTED for place in range(len(edges))]
    steps = Steps(np.array([BEFORE_ALL, *edges], np.int64), np.arange(len(edges) + 1))
    return _Periods(ByTime(steps, np.array([REJECTED, *inside], np.int64)), len(periods) > 1)


def _table(size: int, codes: Sequence[int | None]) -> Numbers:
    table = np.full(size, REJECTED, np.int64)
    table[[code for code in codes if code is not None and code < size]] = 0  # later ones are of newer calls
    return table


def _containing(field: str, texts: Sequence[str], columns: Columns) -> ByCode:
    dictionary: Dictionary = columns.dictionaries[field]
    wanted = [_lower(text) for text in texts]
    values = enumerate(dictionary.values[: columns.sizes[field]])
    codes = [code for code, value in values if value and any(text in _lower(str(value)) for text in wanted)]
    return ByCode(field, _table(columns.sizes[field], codes))


def _lower(text: str) -> str:
    """A text in small letters, each by itself, as the database has them."""
    return "".join("i" if letter == DOTTED_I else letter.lower() for letter in text)
