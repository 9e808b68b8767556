"""A report as one statement of DuckDB, and its answer as rows.

The calls are read once: each group's aggregates are kept as states that can be merged, and the totals are all of them
merged. The totals are the row whose `is_total` is 1, and it comes first. Where groups are few, the statement gives them
as they are, and they are put in order and added up by `calltally.engines.finish`.
"""

from collections.abc import Sequence
from typing import Any

from calltally.catalog import CountDistinct, Grain
from calltally.engines.base import Group, Plan, Rows
from calltally.engines.duckdb.dialect import SUMMED, DuckDBDialect, Spelling
from calltally.engines.finish import finished
from calltally.engines.sql import Statement, dimension_of, joined, sort_keys, where

__all__ = ["compile_plan", "read_rows"]

HOURS_A_DAY = 24
HOUR_AND_DAY = {Grain.HOUR_OF_DAY, Grain.DAY_OF_WEEK}


def compile_plan(plan: Plan, table: str, dialect: DuckDBDialect) -> Statement:
    """The statement that answers a plan from `table`: see `read_rows` for its columns."""
    spelled = [dialect.spelling(aggregate, plan) for aggregate in plan.aggregates]
    calls = Statement(f" FROM {table}") + where(plan.conditions, plan.periods, dialect)
    groups = _groups(plan, spelled, calls, dialect)
    if _finished_here(plan, dialect):
        return groups
    dimensions = [f"d{i}" for i in range(len(plan.dimensions))]
    keys = sort_keys(plan, dialect)
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
        + joined([*no_dimensions, *_totals(spelled, calls), *no_keys], ", ")
        + f", {is_total} FROM groups) UNION ALL ({rows})) AS answer ORDER BY is_total DESC, {order}"
    )


def read_rows(plan: Plan, answer: Sequence[Sequence[Any]], dialect: DuckDBDialect) -> Rows:
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


def _finished_here(plan: Plan, dialect: DuckDBDialect) -> bool:
    """Whether the statement gives just the groups: for few, to plan their sorting takes longer than to sort them."""
    return dialect.few_groups(plan) and all(not isinstance(a, CountDistinct) for a in plan.aggregates)


def _hours_of_week(plan: Plan, dialect: DuckDBDialect) -> bool:
    """Whether the groups are told apart by the hour of the week: one key is found faster than two."""
    grains = {dimension.grain for dimension in plan.dimensions}
    return grains == HOUR_AND_DAY and _finished_here(plan, dialect) and not dialect.moments_first()


def _split(plan: Plan, hour_of_week: int, aggregates: tuple[int, ...]) -> Group:
    """The group of an hour of the week, by hour and day as the plan has them."""
    day, hour = divmod(hour_of_week, HOURS_A_DAY)
    return Group((hour, day) if plan.dimensions[0].grain is Grain.HOUR_OF_DAY else (day, hour), aggregates)


def _groups(plan: Plan, spelled: Sequence[Spelling], calls: Statement, dialect: DuckDBDialect) -> Statement:
    """One row a group, its aggregates as states."""
    states = ", ".join(f"{s.state} AS s{i}" for i, s in enumerate(spelled))
    if _hours_of_week(plan, dialect):
        return Statement(f"SELECT {dialect.hour_of_week(plan.local_time)}, {states}") + calls + " GROUP BY 1"
    dimensions = ", ".join(f"{dimension_of(d, plan, dialect)} AS d{i}" for i, d in enumerate(plan.dimensions))
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
