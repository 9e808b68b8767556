"""A plan as one SQL statement: the shape of the question; a `Dialect` spells what differs between databases.

Identifiers come from the catalog alone, values travel beside the text as parameters. The calls are read once: each
group's aggregates are kept as states that can be merged, and the totals are all of them merged. The totals are the
row whose `is_total` is 1, and it comes first. Where groups are few, the statement gives them as they are, and they are
put in order and added up by `calltally.engines.finish`. A database that gives totals by itself is asked for these.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from calltally.catalog import Aggregate, CountDistinct, Dimension, Grain, Ratio
from calltally.engines.base import (
    AtLeast,
    AtMost,
    ChangedSince,
    Condition,
    Contains,
    Group,
    LocalTimeIs,
    OneOf,
    Plan,
    Rows,
)
from calltally.engines.finish import finished
from calltally.localtime import OffsetTable, Period

__all__ = [
    "Dialect",
    "Spelling",
    "Statement",
    "compile_plan",
    "compile_with_totals",
    "narrowed",
    "narrowed_plan",
    "read_rows",
    "read_with_totals",
    "where",
]


SUMMED = "sum({})"
HOURS_A_DAY = 24
HOUR_AND_DAY = {Grain.HOUR_OF_DAY, Grain.DAY_OF_WEEK}


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


@dataclass(frozen=True)
class Spelling:
    """How an aggregate is found: a state of some calls, one state of several, and the number that a state stands for.

    `merged` and `value` have `{}` for the states. Without `merged` the state is the number, and has to be found over
    all calls anew for the totals.
    """

    state: str
    merged: str | None = SUMMED
    value: str = "{}"


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

    def coarse_time(self, table: OffsetTable) -> str | None:
        """A column that has far fewer values than there are calls and from which all grains can be found, if any."""

    def moments_first(self) -> bool:
        """Whether calls are so many for each coarse time that it pays to group by that before anything else."""

    def few_groups(self, plan: Plan) -> bool:
        """Whether a report has so few groups that all of them can be handed over."""

    def grain(self, grain: Grain, table: OffsetTable) -> str:
        """The number of a grain (see `catalog.grains`), from `coarse_time` where there is one."""

    def hour_of_week(self, table: OffsetTable) -> str:
        """Which hour of the local week it is, from 0 for Sunday's first; from `coarse_time` where there is one."""

    def spelling(self, aggregate: Aggregate, plan: Plan) -> Spelling:
        """How an aggregate of a plan is found."""

    def ratio_order(self, numerator: str, denominator: str) -> Sequence[str]:
        """What sorts as the exact ratio does, most significant first; null where the denominator is 0."""


def compile_plan(plan: Plan, table: str, dialect: Dialect) -> Statement:
    """The statement that answers a plan from `table`: see `read_rows` for its columns."""
    spelled = [dialect.spelling(aggregate, plan) for aggregate in plan.aggregates]
    calls = Statement(f" FROM {table}") + where(plan.conditions, plan.periods, dialect)
    groups = _groups(plan, spelled, calls, dialect)
    if _finished_here(plan, dialect):
        return groups
    dimensions = [f"d{i}" for i in range(len(plan.dimensions))]
    keys = _sort_keys(plan, dialect)
    names = [f"k{i}" for i in range(len(keys))]
    direction = "DESC" if plan.order.descending else "ASC"
    order = ", ".join((*(f"{k} {direction} NULLS LAST" for k in names), *(f"{d} ASC NULLS LAST" for d in dimensions)))
    values = [f"{_of(s.value, f's{i}')} AS a{i}" for i, s in enumerate(spelled)]
    columns = (*dimensions, *values, *(f"{key} AS {name}" for key, name in zip(keys, names, strict=True)))
    rows = f"SELECT {', '.join(columns)}, 0 AS is_total FROM groups ORDER BY {order} LIMIT {plan.limit}"
    # Counted, so that there is one row of totals even where none of these is found from the groups.
    is_total = "1 + 0 * count(*) AS is_total"
    no_dimensions, no_keys = ([Statement(f"NULL AS {name}") for name in absent] for absent in (dimensions, names))
    return (
        Statement("WITH groups AS MATERIALIZED (")
        + groups
        + ") SELECT * FROM ((SELECT "
        + _joined([*no_dimensions, *_totals(spelled, calls), *no_keys], ", ")
        + f", {is_total} FROM groups) UNION ALL ({rows})) AS answer ORDER BY is_total DESC, {order}"
    )


def read_rows(plan: Plan, answer: Sequence[Sequence[Any]], dialect: Dialect) -> Rows:
    """The rows of an answer to `compile_plan`'s statement: dimensions, aggregates, what it sorts by, `is_total`."""
    if _hours_of_week(plan, dialect):
        return finished(plan, [_split(plan, hour, tuple(map(int, found))) for hour, *found in answer])
    width = len(plan.dimensions)
    end = width + len(plan.aggregates)
    found = [Group(tuple(row[:width]), tuple(map(int, row[width:end]))) for row in answer]
    if _finished_here(plan, dialect):
        return finished(plan, found)
    totals, *groups = found
    return Rows(tuple(groups), totals.aggregates)


def compile_with_totals(plan: Plan, table: str, dialect: Dialect, *more: Statement) -> Statement:
    """The statement that answers a plan where the database adds a row of totals: see `read_with_totals`.

    `more` holds for the calls counted, too, and is said first.
    """
    spelled = [dialect.spelling(aggregate, plan) for aggregate in plan.aggregates]
    dimensions = [f"d{i}" for i in range(len(plan.dimensions))]
    columns = (
        *(f"{_dimension(d, plan, dialect)} AS {name}" for d, name in zip(plan.dimensions, dimensions, strict=True)),
        *(f"{_of(s.value, s.state)} AS a{i}" for i, s in enumerate(spelled)),
    )
    direction = "DESC" if plan.order.descending else "ASC"
    keys = (f"{key} {direction} NULLS LAST" for key in _sort_keys(plan, dialect))
    order = ", ".join((*keys, *(f"{d} ASC NULLS LAST" for d in dimensions)))
    return (
        Statement(f"SELECT {', '.join(columns)} FROM {table}")
        + where(plan.conditions, plan.periods, dialect, first=more)
        + f" GROUP BY {', '.join(dimensions)} WITH TOTALS ORDER BY {order} LIMIT {plan.limit}"
    )


def read_with_totals(plan: Plan, answer: Sequence[Sequence[Any]]) -> Rows:
    """The rows of an answer to `compile_with_totals`'s statement: dimensions, aggregates; the last has the totals."""
    if len(answer) < 2:  # of no groups some versions give totals, and others none
        return Rows((), (0,) * len(plan.aggregates))
    width = len(plan.dimensions)
    *groups, totals = (Group(tuple(row[:width]), tuple(map(int, row[width:]))) for row in answer)
    return Rows(tuple(groups), totals.aggregates)


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
    return Statement(" WHERE ") + _joined(found, " AND ") if found else Statement("")


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


def _finished_here(plan: Plan, dialect: Dialect) -> bool:
    """Whether the statement gives just the groups: for few, to plan their sorting takes longer than to sort them."""
    return dialect.few_groups(plan) and all(not isinstance(a, CountDistinct) for a in plan.aggregates)


def _hours_of_week(plan: Plan, dialect: Dialect) -> bool:
    """Whether the groups are told apart by the hour of the week: one key is found faster than two."""
    grains = {dimension.grain for dimension in plan.dimensions}
    return grains == HOUR_AND_DAY and _finished_here(plan, dialect) and not dialect.moments_first()


def _split(plan: Plan, hour_of_week: int, aggregates: tuple[int, ...]) -> Group:
    """The group of an hour of the week, by hour and day as the plan has them."""
    day, hour = divmod(hour_of_week, HOURS_A_DAY)
    return Group((hour, day) if plan.dimensions[0].grain is Grain.HOUR_OF_DAY else (day, hour), aggregates)


def _groups(plan: Plan, spelled: Sequence[Spelling], calls: Statement, dialect: Dialect) -> Statement:
    """One row a group, its aggregates as states."""
    states = ", ".join(f"{s.state} AS s{i}" for i, s in enumerate(spelled))
    if _hours_of_week(plan, dialect):
        return Statement(f"SELECT {dialect.hour_of_week(plan.local_time)}, {states}") + calls + " GROUP BY 1"
    dimensions = ", ".join(f"{_dimension(d, plan, dialect)} AS d{i}" for i, d in enumerate(plan.dimensions))
    places = ", ".join(str(i + 1) for i in range(len(plan.dimensions)))
    moment = dialect.coarse_time(plan.local_time)
    only_times = all(d.grain for d in plan.dimensions) and all(s.merged == SUMMED for s in spelled)
    if moment is None or not only_times or not dialect.moments_first():
        return Statement(f"SELECT {dimensions}, {states}") + calls + f" GROUP BY {places}"
    # First by the coarse time, of which there are few, so that local time is worked out once for each of these.
    sums = ", ".join(f"{_of(SUMMED, f's{i}')} AS s{i}" for i in range(len(spelled)))
    return (
        Statement(f"SELECT {dimensions}, {sums} FROM (SELECT {moment}, {states}")
        + calls
        + f" GROUP BY 1) AS moments GROUP BY {places}"
    )


def _totals(spelled: Sequence[Spelling], calls: Statement) -> list[Statement]:
    """The aggregates over all calls, 0 where there are none."""
    return [
        Statement(f"(SELECT {s.state}") + calls + f") AS a{i}"
        if s.merged is None
        else Statement(f"coalesce({_of(s.value, _of(s.merged, f's{i}'))}, 0) AS a{i}")
        for i, s in enumerate(spelled)
    ]


def _of(template: str, expression: str) -> str:
    return template.replace("{}", expression)


def _joined(pieces: Sequence[Statement], separator: str) -> Statement:
    return Statement(separator.join(p.sql for p in pieces), tuple(value for p in pieces for value in p.params))


def _dimension(dimension: Dimension, plan: Plan, dialect: Dialect) -> str:
    if dimension.grain is None:
        return dialect.column(dimension.field)
    return dialect.grain(dimension.grain, plan.local_time)


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
            return Statement("(") + _joined(found, " OR ") + ")"
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


def _sort_keys(plan: Plan, dialect: Dialect) -> Sequence[str]:
    """What the rows are sorted by before their dimensions, worked out once for each group."""
    by = plan.order.by
    if isinstance(by, Dimension):
        return (f"d{plan.dimensions.index(by)}",)
    if isinstance(by, Ratio):
        return dialect.ratio_order(*(f"a{plan.aggregates.index(part)}" for part in by.parts))
    return (f"a{plan.aggregates.index(by)}",)
