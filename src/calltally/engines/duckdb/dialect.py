"""How DuckDB spells the pieces of a report."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from calltally.catalog import CATALOG, Grain
from calltally.engines.sql import Statement
from calltally.localtime import DAY, HOUR, OffsetTable

__all__ = ["DuckDBDialect", "quoted", "text"]

# Whole-number division truncates towards zero; a shift by whole weeks keeps local times before 1970 positive.
SHIFT_DAYS = 7
RATIO_BITS = 84


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text literal, for the few statements that take no parameters (paths in ATTACH, defaults of the catalog)."""
    return "'" + value.replace("'", "''") + "'"


class DuckDBDialect:
    """See `calltally.engines.sql.Dialect`."""

    def column(self, field: str) -> str:
        default = CATALOG.fields[field].default
        return f"coalesce({field}, {text(default)})" if default else field

    def instant(self, microseconds: int) -> Statement:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
        return Statement("?", (moment.replace(tzinfo=None),))

    def local_time(self, table: OffsetTable) -> Statement:
        if len(table.offsets) == 1:
            return Statement(f"(epoch_us(started_at) + {table.offsets[0]})")
        cases = [
            Statement("WHEN started_at < ") + self.instant(end) + f" THEN {offset} "
            for end, offset in zip(table.starts[1:], table.offsets, strict=False)
        ]
        choice = Statement("CASE ")
        for case in cases:
            choice += case
        return Statement("(epoch_us(started_at) + ") + choice + f"ELSE {table.offsets[-1]} END)"

    def grain(self, grain: Grain, local: Statement) -> Statement:
        hour = Statement("((") + local + f" + {SHIFT_DAYS * DAY}) // {HOUR})"
        day = Statement("((") + local + f" + {SHIFT_DAYS * DAY}) // {DAY} - {SHIFT_DAYS})"
        match grain:
            case Grain.HOUR_OF_DAY:
                return hour + " % 24"
            case Grain.DATE:
                return day
            case Grain.WEEK:  # day 0 was a Thursday, so day -3 a Monday
                return Statement("(") + day + " + 3) // 7 * 7 - 3"
            case Grain.DAY_OF_WEEK:
                return Statement("(") + day + " + 4) % 7"
            case Grain.MONTH:
                return Statement("datediff('month', DATE '1970-01-01', DATE '1970-01-01' + ") + day + "::INTEGER)"

    def count(self, where: Statement | None) -> Statement:
        return Statement("count(*) FILTER (WHERE ") + where + ")" if where else Statement("count(*)")

    def sum(self, column: str) -> str:
        return f"coalesce(sum({column}), 0)"

    def count_distinct(self, column: str) -> str:
        return f"count(DISTINCT {column})"

    def ratio_order(self, numerator: str, denominator: str) -> Sequence[str]:
        # Exact for denominators below 2^42: two different ratios of such differ by more than 2^-84, so their whole
        # parts, or 84 binary digits after the point, differ too; equal ratios have equal ones. 84 + 42 < 127 bits.
        divisor = f"nullif({denominator}, 0)"
        return (
            f"{numerator} // {divisor}",
            f"({numerator} % {divisor})::HUGEINT * {1 << RATIO_BITS}::HUGEINT // {divisor}",
        )
