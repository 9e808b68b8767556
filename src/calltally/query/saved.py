"""Reports that are kept to be looked at later: what they say, in one form, and what that asks at a moment.

Such a request is what the page of reports has in its address: the parameters of a report, and `range` for dates in
words, which mean other days every day.
"""

from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode

from calltally.accounts import Business
from calltally.catalog import CATALOG, RANGES, USUAL_RANGE, Day, NameList, Parameter, Range
from calltally.errors import InvalidRequest, Problem, shown
from calltally.localtime import microseconds, offset_table
from calltally.query.parse import Query, parse
from calltally.query.selection import reading_of
from calltally.query.validate import validate

__all__ = ["LONGEST_REQUEST", "asked_at", "normal_request", "range_of"]

LONGEST_REQUEST = 8000  # characters; browsers and proxies take an address of about so many
KEEPING = replace(CATALOG, parameters=CATALOG.saving)
[RANGE] = [name for name in CATALOG.saving if name not in CATALOG.parameters]
DAYS = [row.name for row in CATALOG.parameters.values() if isinstance(row.type, Day)]
BY_NAME = {row.name: row for row in RANGES}


def normal_request(request: str, business: Business) -> str:
    """The request in the form in which it is kept; one that says no dates is about those that the page then shows.

    Raises:
        InvalidRequest: with every problem.
    """
    query = parse(request.removeprefix("?").encode())
    validate(query, KEEPING, reading_of(business))
    said = [name for name in DAYS if name in query.values]
    if said and RANGE in query.values:
        message = f"{RANGE}: {shown(query.values[RANGE][0])} and {said[0]} cannot stand together; leave one of them out"
        raise InvalidRequest((Problem(RANGE, message),))
    pairs = [(row.name, value) for row in CATALOG.saving.values() for value in _written(row, query)]
    if not said and RANGE not in query.values:
        pairs.append((RANGE, USUAL_RANGE))
    normal = urlencode(pairs)
    if len(normal) > LONGEST_REQUEST:
        message = f"it has {len(normal):,} characters; at most {LONGEST_REQUEST:,} can be kept"
        raise InvalidRequest((Problem("request", message),))
    return normal


def asked_at(request: str, business: Business, now: datetime) -> bytes:
    """The query string of the report that a kept request means at a moment, on the business's clock."""
    values = dict(parse(request.encode()).values)
    if named := range_of(request):
        del values[RANGE]
        days = named.days(offset_table(business.timezone).day(microseconds(now)))
        values |= {name: (day.isoformat(),) for name, day in zip(DAYS, days or (), strict=False)}
    return urlencode([(name, value) for name, given in values.items() for value in given]).encode()


def range_of(request: str) -> Range | None:
    """The dates in words of a kept request, if it has any."""
    return BY_NAME.get(parse(request.encode()).values.get(RANGE, ("",))[0])


def _written(row: Parameter, query: Query) -> list[str]:
    """The values of a parameter, each once, and names without blanks around them."""
    values = list(dict.fromkeys(query.values.get(row.name, ())))
    if isinstance(row.type, NameList):
        return [",".join(dict.fromkeys(name.strip() for name in value.split(","))) for value in values]
    return values
