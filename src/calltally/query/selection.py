"""Which calls filters pick: as conditions and periods, for reports and for those who take the calls themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calltally.accounts import Business
from calltally.catalog import CATALOG, Parameter, grain_days
from calltally.engines import Condition, LocalTimeIs
from calltally.localtime import OffsetTable, Period, offset_table, shared_periods, united_periods
from calltally.query.parse import parse
from calltally.query.validate import ValidFilters, validate_filters
from calltally.records import Reading

__all__ = ["Selection", "reading_of", "select", "selection_of"]

FEW_PERIODS = 10  # that are as quickly held against a call one by one as a day is worked out for it


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
    found = validate_filters(parse(query_string), catalog, reading_of(business))
    return selection_of(found, offset_table(business.timezone))


def reading_of(business: Business) -> Reading:
    """How numbers and times of a business are read."""
    return Reading.of(business.region, business.timezone)


def selection_of(filters: ValidFilters, local_time: OffsetTable) -> Selection:
    """The selection that filters make on a business's clock."""
    found = Selection(filters.conditions, _days(filters, local_time))
    for grain, values in filters.times:
        days = [span for value in values if (span := grain_days(grain, value))]
        if values and not days:  # an hour or a weekday, which come again and again
            found = replace(found, conditions=(*found.conditions, LocalTimeIs(grain, values, local_time)))
            continue
        periods = united_periods(period for span in days for period in local_time.periods(*span))
        if len(periods) > FEW_PERIODS:
            found = replace(found, conditions=(*found.conditions, LocalTimeIs(grain, values, local_time)))
            periods = (Period(periods[0].start, periods[-1].end),)
        found = replace(found, periods=periods if found.periods is None else shared_periods(found.periods, periods))
    return found


def _days(filters: ValidFilters, local_time: OffsetTable) -> tuple[Period, ...] | None:
    """The stretches of time that local days from the first to the last are; None: all time."""
    first, last = filters.first_day, filters.last_day
    return None if first is None and last is None else local_time.periods(first, last)
