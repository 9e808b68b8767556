"""A valid query made explicit for engines: whose calls, which instants, which sums and counts."""

from calltally.accounts import Business
from calltally.catalog import Dimension, aggregates_of
from calltally.engines import Order, Plan
from calltally.localtime import offset_table
from calltally.query.selection import selection_of
from calltally.query.validate import ValidQuery

__all__ = ["plan"]


def plan(query: ValidQuery, business: Business) -> Plan:
    """The plan of a query over the calls of the key's own business, in its time zone."""
    local_time = offset_table(business.timezone)
    by = query.sort_by if isinstance(query.sort_by, Dimension) else query.sort_by.expression
    expressions = [metric.expression for metric in query.metrics]
    if not isinstance(by, Dimension):
        expressions.append(by)
    needed = dict.fromkeys(part for expression in expressions for part in aggregates_of(expression))
    selection = selection_of(query.filters, local_time)
    return Plan(
        calls=business.calls,
        dimensions=query.dimensions,
        aggregates=tuple(needed),
        conditions=selection.conditions,
        periods=selection.periods,
        local_time=local_time,
        order=Order(by, query.descending),
        limit=query.limit,
    )
