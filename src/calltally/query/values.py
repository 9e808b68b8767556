"""The values that a dimension has among some calls, with how many calls are under each: what a filter can be set to."""

from dataclasses import dataclass, replace

from calltally.accounts import Business
from calltally.catalog import CATALOG, Count
from calltally.engines import Contains, Engine, Order, Plan, Stop
from calltally.localtime import offset_table
from calltally.query.parse import parse
from calltally.query.selection import reading_of, selection_of
from calltally.query.shape import Cell, shown_values
from calltally.query.validate import ValidValues, validate_values

__all__ = ["DimensionValues", "list_values", "plan_values"]

VALUING = replace(CATALOG, parameters=CATALOG.valuing)
CALLS = Count()
MOST_TIMES = 100_000  # days, of which there are as many in 270 years


@dataclass(frozen=True)
class DimensionValues:
    """Values, each with the number of calls under it, and whether there are more of them."""

    values: tuple[tuple[Cell, int], ...]
    more: bool


def plan_values(query_string: bytes, business: Business) -> tuple[ValidValues, Plan]:
    """What an engine is to be asked for the values that a query string is about.

    Raises:
        InvalidRequest: with every problem of the query.
    """
    asked = validate_values(parse(query_string), VALUING, reading_of(business))
    local_time = offset_table(business.timezone)
    selection = selection_of(asked.filters, local_time)
    dimension = asked.dimension
    looked_for = (Contains((dimension.field,), asked.search),) if asked.search and not dimension.grain else ()
    return asked, Plan(
        calls=business.calls,
        dimensions=(dimension,),
        aggregates=(CALLS,),
        conditions=(*selection.conditions, *looked_for),
        periods=selection.periods,
        local_time=local_time,
        order=Order(dimension if dimension.grain else CALLS, descending=True),
        limit=MOST_TIMES if dimension.grain else asked.limit + 1,  # one more tells whether there are more
    )


def list_values(asked: ValidValues, plan: Plan, engine: Engine, stop: Stop) -> DimensionValues:
    """The values, those with most calls first, times the latest first; blocks while the engine works.

    Raises:
        Unavailable: it was stopped, or the engine cannot answer now.
    """
    groups = engine.answer(plan, stop).groups
    values = shown_values(asked.dimension, [value for [value], _ in groups])
    found = list(zip(values, (count for _, [count] in groups), strict=True))
    if asked.search and asked.dimension.grain:
        texts = [text.casefold() for text in asked.search]
        found = [(value, count) for value, count in found if any(text in str(value) for text in texts)]
    return DimensionValues(tuple(found[: asked.limit]), len(found) > asked.limit)
