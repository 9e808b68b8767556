"""A valid query made explicit for engines: whose calls, which instants, which sums and counts."""

from datetime import date

from calltally.accounts import Business
from calltally.catalog import Dimension, aggregates_of
from calltally.engines import Order, Plan
from calltally.localtime import OffsetTable, Period, offset_table
from calltally.query.validate import ValidQuery

__all__ = ["periods_of", "plan"]


def plan(query: ValidQuery, business: Business) -> Plan:
    """The plan of a query over the calls of the key's own business, in its time zone."""
    local_time = offset_table(business.timezone)
    by = query.sort_by if isinstance(query.sort_by, Dimension) else query.sort_by.expression
    expressions = [metric.expression for metric in query.metrics]
    if not isinstance(by, Dimension):
        expressions.append(by)
    needed = dict.fromkeys(part for expression in expressions for part in aggregates_of(expression))
    return Plan(
        calls=business.calls,
        dimensions=query.dimensions,
        aggregates=tuple(needed),
        conditions=query.conditions,
        periods=periods_of(query.first_day, query.last_day, local_time),
        local_time=local_time,
        order=Order(by, query.descending),
        limit=query.limit,
    )


def periods_of(first_day: date | None, last_day: date | None, local_time: OffsetTable) -> tuple[Period, ...] | None:
    """The stretches of time that local days from the first to the last are; None: all time."""
    return None if first_day is None and last_day is None else local_time.periods(first_day, last_day)
