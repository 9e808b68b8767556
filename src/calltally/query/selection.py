"""Which calls a report's filters pick, for those who take the calls themselves and no report of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calltally.accounts import Business
from calltally.catalog import CATALOG, Parameter
from calltally.engines import Condition
from calltally.localtime import Period, offset_table
from calltally.query.parse import parse
from calltally.query.plan import periods_of
from calltally.query.validate import validate_filters

__all__ = ["Selection", "select"]


@dataclass(frozen=True)
class Selection:
    """Calls for which all conditions hold, and that start in one of the periods (None: at any time)."""

    conditions: tuple[Condition, ...]
    periods: tuple[Period, ...] | None


def select(query_string: bytes, filters: Sequence[Parameter], business: Business) -> Selection:
    """The selection that a query string of these filters makes; a day is one of the business's.

    Raises:
        InvalidRequest: with every problem of the query.
    """
    catalog = replace(CATALOG, parameters={parameter.name: parameter for parameter in filters})
    found = validate_filters(parse(query_string), catalog)
    return Selection(found.conditions, periods_of(found.first_day, found.last_day, offset_table(business.timezone)))
