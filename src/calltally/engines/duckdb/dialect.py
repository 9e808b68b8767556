"""How DuckDB spells the pieces of a report."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from calltally.catalog import CATALOG, Aggregate, Count, CountDistinct, Dimension, Grain, IsSet, Predicate, Sum, ValueIs
from calltally.engines.base import Plan
from calltally.engines.duckdb.schema import CODE_COLUMNS
from calltally.engines.duckdb.spelling import text
from calltally.engines.sql import Statement
from calltally.localtime import DAY, HOUR, OffsetTable, Period

__all__ = ["SUMMED", "DuckDBDialect", "Spelling"]

SUMMED = "sum({})"
# Whole-number division truncates towards zero; a shift by whole weeks keeps local times before 1970 positive.
SHIFT_DAYS = 7
QUARTER_HOUR = HOUR // 4
RATIO_BITS = 84
MANY_CALLS_A_DAY = 2000  # some twenty for each quarter-hour
FEW_GROUPS = 500
MANY_VALUES = 10**6  # where nobody has counted them
MOST_SET_BYTES = 64_000_000  # of all groups of a report together, for each thread
WITHOUT_CASE = re.compile(r"[0-9+() ./#;=-]+")  # numbers, which are found twice as fast as they are
GROUPS_A_DAY = {Grain.DATE: 1.0, Grain.WEEK: 1 / 7, Grain.MONTH: 1 / 28}
MOST_GROUPS = {Grain.HOUR_OF_DAY: 24.0, Grain.DAY_OF_WEEK: 7.0}


@dataclass(frozen=True)
class Spelling:
    """How an aggregate is found: a state of some calls, one state of several, and the number that a state stands for.

    `merged` and `value` have `{}` for the states. Without `merged` the state is the number, and has to be found over
    all calls anew for the totals.
    """

    state: str
    merged: str | None = SUMMED
    value: str = "{}"


@dataclass(frozen=True)
class DuckDBDialect:
    """See `calltally.engines.sql.Dialect`; the facts about a store only choose between spellings of the same meaning.

    `codes` says how many codes the columns of `CODE_COLUMNS` have, `variety` about how many values a field has,
    `days` how many days there are between the first and the last call of the report, and `calls_a_day` about how many
    calls the store has for each of its days.
    """

    codes: int = 0
    variety: Mapping[str, int] = field(default_factory=dict)
    days: int = 0
    calls_a_day: float = 0

    def column(self, field: str) -> str:
        default = CATALOG.fields[field].default
        return f"coalesce({field}, {text(default)})" if default else field

    def within(self, period: Period) -> str:
        if period.start % QUARTER_HOUR == period.end % QUARTER_HOUR == 0:
            start, end = period.start // QUARTER_HOUR, period.end // QUARTER_HOUR
            return f"quarter_hour >= {start} AND quarter_hour < {end}"
        return f"started_at >= make_timestamp({period.start}) AND started_at < make_timestamp({period.end})"

    def contains(self, field: str, text: str) -> Statement:
        if WITHOUT_CASE.fullmatch(text):
            return Statement(f"contains({self.column(field)}, ?)", (text,))
        return Statement(f"contains(lower({self.column(field)}), lower(?))", (text,))

    def changed_at(self) -> str:
        return "changed_at"

    def instant(self) -> str:
        return "make_timestamp(?)"

    def coarse_time(self, table: OffsetTable) -> str | None:
        """A column that has far fewer values than there are calls and from which all grains can be found, if any."""
        # Every offset is whole quarter-hours, save some of the last century's.
        whole = all(value % QUARTER_HOUR == 0 for value in (*table.starts[1:], *table.offsets))
        return "quarter_hour" if whole else None

    def moments_first(self) -> bool:
        """Whether calls are so many for each coarse time that it pays to group by that before anything else."""
        return self.calls_a_day > MANY_CALLS_A_DAY

    def few_groups(self, plan: Plan) -> bool:
        """Whether a report has so few groups that all of them can be handed over."""
        return self._all_groups(plan) <= FEW_GROUPS

    def grain(self, grain: Grain, table: OffsetTable) -> str:
        local, unit = self._local(table)
        day = f"({local} // {DAY // unit} - {SHIFT_DAYS})"
        match grain:
            case Grain.HOUR_OF_DAY:
                return f"{_hours(local, unit)} % 24"
            case Grain.DATE:
                return day
            case Grain.WEEK:  # day 0 was a Thursday, so day -3 a Monday
                return f"({day} + 3) // 7 * 7 - 3"
            case Grain.DAY_OF_WEEK:
                return f"({day} + 4) % 7"
            case Grain.MONTH:
                return f"datediff('month', DATE '1970-01-01', DATE '1970-01-01' + {day}::INTEGER)"

    def hour_of_week(self, table: OffsetTable) -> str:
        """Which hour of the local week it is, from 0 for Sunday's first; from `coarse_time` where there is one."""
        local, unit = self._local(table)
        return f"{_hours(f'({local} + {4 * DAY // unit})', unit)} % 168"  # day 0 was a Thursday

    def spelling(self, aggregate: Aggregate, plan: Plan) -> Spelling:
        """How an aggregate of a plan is found."""
        match aggregate:
            case Count(where):
                return Spelling(self._count(where))
            case Sum(field):
                return Spelling(f"coalesce(sum({self.column(field)}), 0)")
            case CountDistinct(field):
                return self._count_distinct(field, plan)

    def ratio_order(self, numerator: str, denominator: str) -> Sequence[str]:
        # Exact for denominators below 2^42: two different ratios of such differ by more than 2^-84, so their whole
        # parts, or 84 binary digits after the point, differ too; equal ratios have equal ones. 84 + 42 < 127 bits.
        divisor = f"nullif({denominator}, 0)"
        return (
            f"{numerator} // {divisor}",
            f"({numerator} % {divisor})::HUGEINT * {1 << RATIO_BITS}::HUGEINT // {divisor}",
        )

    def _local(self, table: OffsetTable) -> tuple[str, int]:
        """Shifted local time, and its unit in microseconds."""
        unit = QUARTER_HOUR if self.coarse_time(table) else 1
        moment = "quarter_hour" if unit > 1 else "epoch_us(started_at)"
        return f"({moment} + {_shifted_offset(moment, table, unit)})", unit

    def _count(self, where: Predicate | None) -> str:
        match where:
            case None:
                return "count(*)"
            case IsSet(field):
                return f"count({self.column(field)})"
            case ValueIs(field, value):
                said = text(value) if isinstance(value, str) else value
                return f"coalesce(count_if({self.column(field)} = {said}), 0)"  # null where nothing is said

    def _count_distinct(self, field: str, plan: Plan) -> Spelling:
        code = CODE_COLUMNS.get(field)
        if code is None:
            return Spelling(f"count(DISTINCT {self.column(field)})", None)
        if self._all_groups(plan) * self.codes / 8 > MOST_SET_BYTES:
            return Spelling(f"count(DISTINCT {code})", None)
        # A set with a bit for each code there is: many times as fast as a table of the values met.
        return Spelling(f"bitstring_agg({code}, 0, {self.codes})", "bit_or({})", "coalesce(bit_count({}), 0)")

    def _all_groups(self, plan: Plan) -> float:
        """About how many groups a report has."""
        return prod(self._groups(dimension) for dimension in plan.dimensions)

    def _groups(self, dimension: Dimension) -> float:
        """About how many groups there are by one dimension alone."""
        if dimension.grain is None:
            return self.variety.get(dimension.field, MANY_VALUES) + 1
        return MOST_GROUPS.get(dimension.grain) or self.days * GROUPS_A_DAY[dimension.grain] + 2


def _hours(local: str, unit: int) -> str:
    """Whole hours of a local time; of four quarter-hours by a shift, since a division takes longer."""
    return f"({local} >> 2)" if unit > 1 else f"({local} // {HOUR})"


def _shifted_offset(moment: str, table: OffsetTable, unit: int) -> str:
    """The offset from UTC at a moment, both in the same unit, and the shift."""
    *before, last = ((offset + SHIFT_DAYS * DAY) // unit for offset in table.offsets)
    cases = [
        f"WHEN {moment} < {end // unit} THEN {offset} " for end, offset in zip(table.starts[1:], before, strict=True)
    ]
    return f"CASE {''.join(cases)}ELSE {last} END" if cases else str(last)
