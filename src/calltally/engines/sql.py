"""A plan as one SQL statement: the shape of the question; a `Dialect` spells what differs between databases.

Identifiers come from the catalog alone, values travel beside the text as parameters. Rows and totals come from one
pass, so that they are of one snapshot: the totals are the row whose `is_total` is 1, and it comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from calltally.catalog import (
    Aggregate,
    Count,
    CountDistinct,
    Dimension,
    Grain,
    IsSet,
    Predicate,
    Ratio,
    Sum,
    ValueIs,
)
from calltally.engines.base import AtLeast, AtMost, Condition, Group, OneOf, Order, Plan, Rows
from calltally.localtime import OffsetTable, Period

__all__ = ["Dialect", "Statement", "compile_plan", "read_rows", "where"]


@dataclass(frozen=True)
class Statement:
    """SQL, or a piece of it, with the values of its `?` marks in order."""

    sql: str
    params: tuple[object, ...] = ()

    def __add__(self, other: "Statement | str") -> "Statement":
        if isinstance(other, str):
            return Statement(self.sql + other, self.params)
        return Statement(self.sql + other.sql, self.params + other.params)


class Dialect(Protocol):
    """What databases spell differently."""

    def column(self, field: str) -> str:
        """What a call says in a field, its default where it says nothing."""

    def instant(self, microseconds: int) -> Statement:
        """A value to compare `started_at` with."""

    def local_time(self, table: OffsetTable) -> Statement:
        """The local time of `started_at`, in microseconds."""

    def grain(self, grain: Grain, local: Statement) -> Statement:
        """The number of a grain (see `catalog.grains`) from local microseconds."""

    def count(self, where: Statement | None) -> Statement:
        """How many calls there are, or that a condition holds for."""

    def sum(self, column: str) -> str:
        """The exact sum, 0 where there is no value."""

    def count_distinct(self, column: str) -> str:
        """The exact number of different values, nulls not counted."""

    def ratio_order(self, numerator: str, denominator: str) -> Sequence[str]:
        """What sorts as the exact ratio does, most significant first; null where the denominator is 0."""


def compile_plan(plan: Plan, table: str, dialect: Dialect) -> Statement:
    """The statement that answers a plan from `table`: columns are the dimensions, the aggregates, and `is_total`."""
    keys = [f"d{i}" for i in range(len(plan.dimensions))]
    found = [f"a{i}" for i in range(len(plan.aggregates))]
    dimensions = _named([_dimension(dimension, plan, dialect) for dimension in plan.dimensions], keys)
    aggregates = _named([_aggregate(aggregate, dialect) for aggregate in plan.aggregates], found)
    calls = Statement("SELECT *, ") + dimensions + f" FROM {table}" + where(plan.conditions, plan.periods, dialect)
    groups = (
        Statement(f"SELECT {', '.join(keys)}, ")
        + aggregates
        + ", GROUPING(d0) AS is_total FROM ("
        + calls
        + f") AS calls GROUP BY GROUPING SETS (({', '.join(keys)}), ())"
    )
    order = ", ".join(["is_total DESC", *_order(plan.order, plan, dialect), *(f"{key} ASC NULLS LAST" for key in keys)])
    return Statement("SELECT * FROM (") + groups + f") AS groups ORDER BY {order} LIMIT {plan.limit + 1}"


def read_rows(plan: Plan, answer: Sequence[Sequence[Any]]) -> Rows:
    """The rows of an answer to `compile_plan`'s statement."""
    width = len(plan.dimensions)
    totals, *rows = ((row[:width], row[width:-1]) for row in answer)
    return Rows(
        tuple(Group(tuple(values), tuple(int(a) for a in aggregates)) for values, aggregates in rows),
        tuple(int(a) for a in totals[1]),
    )


def where(conditions: Sequence[Condition], periods: Sequence[Period] | None, dialect: Dialect) -> Statement:
    """The clause that keeps the calls for which all of it holds."""
    found = [_condition(condition, dialect) for condition in conditions]
    if periods is not None:
        found.append(_periods(periods, dialect))
    return Statement(" WHERE ") + _joined(found, " AND ") if found else Statement("")


def _named(expressions: Sequence[Statement], names: Sequence[str]) -> Statement:
    return _joined([e + f" AS {name}" for e, name in zip(expressions, names, strict=True)], ", ")


def _joined(pieces: Sequence[Statement], separator: str) -> Statement:
    return Statement(separator.join(p.sql for p in pieces), tuple(value for p in pieces for value in p.params))


def _dimension(dimension: Dimension, plan: Plan, dialect: Dialect) -> Statement:
    if dimension.grain is None:
        return Statement(dialect.column(dimension.field))
    return dialect.grain(dimension.grain, dialect.local_time(plan.local_time))


def _aggregate(aggregate: Aggregate, dialect: Dialect) -> Statement:
    match aggregate:
        case Count(where):
            return dialect.count(_predicate(where, dialect) if where else None)
        case Sum(field):
            return Statement(dialect.sum(dialect.column(field)))
        case CountDistinct(field):
            return Statement(dialect.count_distinct(dialect.column(field)))


def _predicate(predicate: Predicate, dialect: Dialect) -> Statement:
    match predicate:
        case IsSet(field):
            return Statement(f"{dialect.column(field)} IS NOT NULL")
        case ValueIs(field, value):
            return Statement(f"{dialect.column(field)} = ?", (value,))


def _condition(condition: Condition, dialect: Dialect) -> Statement:
    column = dialect.column(condition.field)
    match condition:
        case OneOf(_, (value,)):
            return Statement(f"{column} = ?", (value,))
        case OneOf(_, values):
            return Statement(f"{column} IN ({', '.join('?' * len(values))})", values)
        case AtLeast(_, lowest):
            return Statement(f"{column} >= ?", (lowest,))
        case AtMost(_, highest):
            return Statement(f"{column} <= ?", (highest,))


def _periods(periods: Sequence[Period], dialect: Dialect) -> Statement:
    if not periods:
        return Statement("1 = 0")
    spans = [
        Statement("(started_at >= ") + dialect.instant(p.start) + " AND started_at < " + dialect.instant(p.end) + ")"
        for p in periods
    ]
    return Statement("(") + _joined(spans, " OR ") + ")" if len(spans) > 1 else spans[0]


def _order(order: Order, plan: Plan, dialect: Dialect) -> list[str]:
    direction = "DESC" if order.descending else "ASC"
    if isinstance(order.by, Dimension):
        keys: Sequence[str] = [f"d{plan.dimensions.index(order.by)}"]
    elif isinstance(order.by, Ratio):
        keys = dialect.ratio_order(*(f"a{plan.aggregates.index(part)}" for part in order.by.parts))
    else:
        keys = [f"a{plan.aggregates.index(order.by)}"]
    return [f"{key} {direction} NULLS LAST" for key in keys]
