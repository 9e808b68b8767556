"""What statements over calls have in common, whatever database they are for; a `Dialect` spells what differs.

Identifiers come from the catalog alone, values travel beside the text as parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from calltally.catalog import Dimension, Grain, Ratio
from calltally.engines.base import (
    AtLeast,
    AtMost,
    ChangedSince,
    Condition,
    Contains,
    LocalTimeIs,
    OneOf,
    Page,
    Place,
    Plan,
)
from calltally.localtime import OffsetTable, Period

__all__ = [
    "Dialect",
    "Statement",
    "dimension_of",
    "joined",
    "narrowed",
    "narrowed_plan",
    "page_statement",
    "sort_keys",
    "where",
]


@dataclass(frozen=True)
class Statement:
    """SQL, or a piece of it, with the values of its `?` marks in order."""

    sql: str
    params: tuple[object, ...] = ()

    def __add__(self, other: "Statement | str") -> "Statement":
        if isinstance(other, str):
            return Statement(self.sql + other, self.params)
        return Statement(self.sql + other.sql, self.params + other.params)


NOTHING = Statement("1 = 0")


class Dialect(Protocol):
    """What databases spell differently."""

    def column(self, field: str) -> str:
        """What a call says in a field, its default where it says nothing."""

    def within(self, period: Period) -> str:
        """Whether a call starts in a period."""

    def contains(self, field: str, text: str) -> Statement:
        """Whether a call has a text in a field, in whatever case; null or no where it says nothing there."""

    def changed_at(self) -> str:
        """When this server last changed a call, microseconds UTC."""

    def instant(self) -> str:
        """The mark of a value that a call's start is held against, microseconds UTC."""

    def grain(self, grain: Grain, table: OffsetTable) -> str:
        """The number of a grain (see `catalog.grains`) in which a call starts, by local time."""

    def ratio_order(self, numerator: str, denominator: str) -> Sequence[str]:
        """What sorts as the exact ratio does, most significant first; null where the denominator is 0."""


def where(
    conditions: Sequence[Condition],
    periods: Sequence[Period] | None,
    dialect: Dialect,
    *more: Statement,
    first: Sequence[Statement] = (),
) -> Statement:
    """The clause that keeps the calls for which all of it holds."""
    found = [*first, *(_condition(condition, dialect) for condition in conditions)]
    if periods is not None:
        found.append(_periods(periods, dialect))
    found.extend(more)
    return Statement(" WHERE ") + joined(found, " AND ") if found else Statement("")


def page_statement(
    calls: str, page: Page, conditions: Sequence[Condition], dialect: Dialect, first: Sequence[Statement] = ()
) -> Statement:
    """The statement that finds a page: `calls` says the columns and the table, `conditions` are those of the page.

    `first` holds for its calls, too, and is said first.
    """
    behind = (_behind(page.after, dialect, descending=page.descending),) if page.after else ()
    direction = "DESC" if page.descending else "ASC"
    return (
        Statement(f"SELECT {calls}")
        + where(conditions, page.periods, dialect, *behind, first=first)
        + f" ORDER BY started_at {direction}, id {direction} LIMIT {page.limit}"
    )


def dimension_of(dimension: Dimension, plan: Plan, dialect: Dialect) -> str:
    """The value of a dimension that a call is under."""
    if dimension.grain is None:
        return dialect.column(dimension.field)
    return dialect.grain(dimension.grain, plan.local_time)


def sort_keys(plan: Plan, dialect: Dialect) -> Sequence[str]:
    """What the rows of a report are sorted by before their dimensions, worked out once for each group."""
    by = plan.order.by
    if isinstance(by, Dimension):
        return (f"d{plan.dimensions.index(by)}",)
    if isinstance(by, Ratio):
        return dialect.ratio_order(*(f"a{plan.aggregates.index(part)}" for part in by.parts))
    return (f"a{plan.aggregates.index(by)}",)


def joined(pieces: Sequence[Statement], separator: str) -> Statement:
    """One statement of several, with a separator between them."""
    return Statement(separator.join(p.sql for p in pieces), tuple(value for p in pieces for value in p.params))


def narrowed(conditions: Sequence[Condition], first: int, last: int) -> tuple[Condition, ...]:
    """The same conditions for calls that start from `first` to `last`, with what local time these can meet alone."""
    return tuple(
        replace(condition, local_time=condition.local_time.between(first, last))
        if isinstance(condition, LocalTimeIs)
        else condition
        for condition in conditions
    )


def narrowed_plan(plan: Plan, first: int, last: int) -> Plan:
    """The same plan for calls that start from `first` to `last`: with fewer cases of local time for each call."""
    return replace(
        plan, local_time=plan.local_time.between(first, last), conditions=narrowed(plan.conditions, first, last)
    )


def _behind(place: Place, dialect: Dialect, *, descending: bool) -> Statement:
    """Whether a call stands behind a place; its start is looked at first, and alone tells which calls to read."""
    sign, start = "<" if descending else ">", dialect.instant()
    behind = f"(started_at {sign}= {start} AND (started_at {sign} {start} OR id {sign} ?))"
    return Statement(behind, (place.started_at, place.started_at, place.id))


def _condition(condition: Condition, dialect: Dialect) -> Statement:
    match condition:
        case OneOf(field, values, or_none):
            return _one_of(dialect.column(field), values, or_none=or_none)
        case AtLeast(field, lowest):
            return Statement(f"{dialect.column(field)} >= ?", (lowest,))
        case AtMost(field, highest):
            return Statement(f"{dialect.column(field)} <= ?", (highest,))
        case LocalTimeIs(grain, values, local_time):
            return _one_of(f"({dialect.grain(grain, local_time)})", values, or_none=False)
        case Contains(fields, texts):
            found = [dialect.contains(field, text) for field in fields for text in texts]
            return Statement("(") + joined(found, " OR ") + ")"
        case ChangedSince(instant):
            return Statement(f"{dialect.changed_at()} >= ?", (instant,))


def _one_of(expression: str, values: Sequence[object], *, or_none: bool) -> Statement:
    match values:
        case ():
            found = NOTHING
        case (value,):
            found = Statement(f"{expression} = ?", (value,))
        case _:
            found = Statement(f"{expression} IN ({', '.join('?' * len(values))})", tuple(values))
    return Statement(f"({expression} IS NULL OR ") + found + ")" if or_none else found


def _periods(periods: Sequence[Period], dialect: Dialect) -> Statement:
    match periods:
        case ():
            return NOTHING
        case (period,):
            return Statement(f"({dialect.within(period)})")
    # Between the first and the last, which an engine can look up, before each of them is held against a call.
    span = dialect.within(Period(periods[0].start, periods[-1].end))
    return Statement(f"({span} AND ({' OR '.join(f'({dialect.within(period)})' for period in periods)}))")
