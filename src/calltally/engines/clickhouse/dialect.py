"""How ClickHouse spells the pieces of a report, in words that its oldest and its newest versions take."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from calltally.catalog import CATALOG, Aggregate, Count, CountDistinct, Grain, IsSet, Predicate, Sum, ValueIs
from calltally.engines.clickhouse.spelling import text
from calltally.engines.sql import Statement
from calltally.localtime import DAY, HOUR, OffsetTable, Period

__all__ = ["ClickHouseDialect"]

# Whole-number division truncates towards zero; a shift by whole weeks keeps local times before 1970 positive.
SHIFT_DAYS = 7
DIGIT_BITS, DIGITS = 21, 4  # of a ratio after its point: 84 in all, each found in 64 bits
MONTH_ZERO = 23641  # what `toRelativeMonthNum` gives for 1970-01
WITHOUT_CASE = re.compile(r"[0-9+() ./#;=-]+")
LARGE = 2**31  # the sums of fields that can be greater are found in 128 bits


@dataclass(frozen=True)
class ClickHouseDialect:
    """See `calltally.engines.sql.Dialect`."""

    def column(self, field: str) -> str:
        default = CATALOG.fields[field].default
        return f"ifNull({field}, {text(default)})" if default else field

    def within(self, period: Period) -> str:
        return f"started_at >= {period.start} AND started_at < {period.end}"

    def contains(self, field: str, text: str) -> Statement:
        if WITHOUT_CASE.fullmatch(text):
            return Statement(f"position({self.column(field)}, ?) > 0", (text,))
        return Statement(f"position(lowerUTF8({self.column(field)}), lowerUTF8(?)) > 0", (text,))

    def changed_at(self) -> str:
        return "changed_at"

    def instant(self) -> str:
        return "?"

    def grain(self, grain: Grain, table: OffsetTable) -> str:
        local = f"(started_at + {_shifted_offset(table)})"
        day = f"(intDiv({local}, {DAY}) - {SHIFT_DAYS})"
        match grain:
            case Grain.HOUR_OF_DAY:
                return f"modulo(intDiv({local}, {HOUR}), 24)"
            case Grain.DATE:
                return day
            case Grain.WEEK:  # day 0 was a Thursday, so day -3 a Monday
                return f"(intDiv({day} + 3, 7) * 7 - 3)"
            case Grain.DAY_OF_WEEK:
                return f"modulo({day} + 4, 7)"
            case Grain.MONTH:  # there are no dates before 1970, and no local day before the last of 1969
                since = f"toInt64(toRelativeMonthNum(toDate(greatest({day}, 0)))) - {MONTH_ZERO}"
                return f"if({day} < 0, toInt64(-1), {since})"

    def aggregate(self, aggregate: Aggregate) -> str:
        """The number that an aggregate is over some calls."""
        match aggregate:
            case Count(where):
                return f"toInt64({self._count(where)})"
            case Sum(field):
                return self._sum(field)
            case CountDistinct(field):
                return f"toInt64(ifNull(uniqExact({self.column(field)}), 0))"

    def ratio_order(self, numerator: str, denominator: str) -> Sequence[str]:
        # As in the embedded engine, 84 binary digits after the point; here as four numbers, since each step has to
        # fit into 64 bits: a remainder is below 2^42, and shifted by 21 below 2^63.
        divisor = f"greatest({denominator}, toInt64(1))"
        numbers, rest = [f"intDiv({numerator}, {divisor})"], f"modulo({numerator}, {divisor})"
        for _ in range(DIGITS):
            shifted = f"({rest} * {1 << DIGIT_BITS})"
            numbers.append(f"intDiv({shifted}, {divisor})")
            rest = f"modulo({shifted}, {divisor})"
        return [f"if({denominator} = 0, NULL, {number})" for number in numbers]

    def _count(self, where: Predicate | None) -> str:
        match where:
            case None:
                return "count()"
            case IsSet(field):
                return f"count({self.column(field)})"
            case ValueIs(field, value):
                said = text(value) if isinstance(value, str) else int(value)
                return f"sum(ifNull({self.column(field)} = {said}, 0))"

    def _sum(self, field: str) -> str:
        if CATALOG.fields[field].highest < LARGE:
            return f"toInt64(ifNull(sum({self.column(field)}), 0))"
        return f"sum(toDecimal128(ifNull({self.column(field)}, 0), 0))"


def _shifted_offset(table: OffsetTable) -> str:
    """The offset from UTC at the start of a call, and the shift."""
    *before, last = (offset + SHIFT_DAYS * DAY for offset in table.offsets)
    cases = [f"started_at < {end}, {offset}" for end, offset in zip(table.starts[1:], before, strict=True)]
    return f"toInt64(multiIf({', '.join(cases)}, {last}))" if cases else f"toInt64({last})"
