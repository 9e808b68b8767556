"""A report as one statement of ClickHouse, which adds a row of totals by itself, and its answer as rows."""

from collections.abc import Sequence
from typing import Any

from calltally.engines.base import Group, Plan, Rows
from calltally.engines.clickhouse.dialect import ClickHouseDialect
from calltally.engines.sql import Statement, dimension_of, sort_keys, where

__all__ = ["compile_plan", "read_rows"]


def compile_plan(plan: Plan, table: str, dialect: ClickHouseDialect, *more: Statement) -> Statement:
    """The statement that answers a plan from `table`: see `read_rows` for its columns.

    `more` holds for the calls counted, too, and is said first.
    """
    dimensions = [f"d{i}" for i in range(len(plan.dimensions))]
    columns = (
        *(f"{dimension_of(d, plan, dialect)} AS {name}" for d, name in zip(plan.dimensions, dimensions, strict=True)),
        *(f"{dialect.aggregate(aggregate)} AS a{i}" for i, aggregate in enumerate(plan.aggregates)),
    )
    direction = "DESC" if plan.order.descending else "ASC"
    keys = (f"{key} {direction} NULLS LAST" for key in sort_keys(plan, dialect))
    order = ", ".join((*keys, *(f"{d} ASC NULLS LAST" for d in dimensions)))
    return (
        Statement(f"SELECT {', '.join(columns)} FROM {table}")
        + where(plan.conditions, plan.periods, dialect, first=more)
        + f" GROUP BY {', '.join(dimensions)} WITH TOTALS ORDER BY {order} LIMIT {plan.limit}"
    )


def read_rows(plan: Plan, answer: Sequence[Sequence[Any]]) -> Rows:
    """The rows of an answer to `compile_plan`'s statement: dimensions, aggregates; the last has the totals."""
    if len(answer) < 2:  # of no groups some versions give totals, and others none
        return Rows((), (0,) * len(plan.aggregates))
    width = len(plan.dimensions)
    *groups, totals = (Group(tuple(row[:width]), tuple(map(int, row[width:]))) for row in answer)
    return Rows(tuple(groups), totals.aggregates)
