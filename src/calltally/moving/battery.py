"""Questions whose answers show whether two engines have the same calls: made from the catalog, asked of both."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from calltally.accounts import Business
from calltally.catalog import CATALOG, CountDistinct, Day, Dimension, Filter, Grain, where_name
from calltally.query import Report

__all__ = ["Question", "questions"]

EVERYTHING = ",".join(CATALOG.metrics)
# To count different values takes longer than all else together, so not every report does.
QUICK = ",".join(metric.name for metric in CATALOG.metrics.values() if not isinstance(metric.expression, CountDistinct))
DIMENSIONS = tuple(CATALOG.dimensions.values())
# Clocks that are half and quarter hours off, and that go back at other times than most.
ZONES = ("America/St_Johns", "Asia/Kathmandu", "Pacific/Chatham")
ORDERS = ("asc", "desc")
MOST_ROWS, FEW_ROWS = 1000, 7  # of few rows the last ones are often one of several that are equal

Params = Sequence[tuple[str, str]]
Ask = Callable[["Question"], Report]


@dataclass(frozen=True)
class Question:
    """A report of a business, on the clock of its own time zone or of another."""

    business: Business
    params: Params

    @property
    def name(self) -> str:
        """The report as people know it."""
        shown = "&".join(f"{name}={value}" for name, value in self.params)
        return f"{shown.replace(EVERYTHING, '*')} ({self.business.timezone})"

    @property
    def query_string(self) -> bytes:
        """The report as it is asked for."""
        return urlencode(self.params).encode()


def questions(business: Business, ask: Ask) -> Iterator[Question]:
    """The questions about a business; `ask` answers some of them, for values to filter by."""
    days: Sequence[str] = ()
    for dimension in DIMENSIONS:
        question = Question(business, [*_by(dimension), *_limit(MOST_ROWS)])
        yield question
        values = _values(ask(question), dimension)
        yield from (Question(business, [*BY_WEEKDAY, *chosen]) for chosen in _chosen(dimension, values))
        days = values if dimension.grain is Grain.DATE else days
    yield from (Question(business, [*BY_WEEKDAY, chosen]) for chosen in _filters(sorted(days)))
    yield from (Question(business, [*_by(*group, metrics=QUICK), *_limit(MOST_ROWS)]) for group in _groups())
    for place, metric in enumerate(CATALOG.metrics):
        group = _by(DIMENSIONS[place % len(DIMENSIONS)], DIMENSIONS[-1 - place % 5], metrics=metric)
        order = ORDERS[place % len(ORDERS)]
        yield Question(business, [*group, ("sort_by", metric), ("sort_order", order), *_limit(FEW_ROWS)])
    for place, dimension in enumerate(dimension for dimension in DIMENSIONS if dimension.grain):
        for zone in ZONES[place % 2 :]:
            yield Question(replace(business, timezone=zone), [*_by(dimension, metrics=QUICK), *_limit(MOST_ROWS)])


def _values(found: Report, dimension: Dimension) -> Sequence[str]:
    return [str(row[dimension.name]) for row in found.rows if row[dimension.name] is not None]


def _chosen(dimension: Dimension, values: Sequence[str]) -> Iterator[Params]:
    """Filters by a dimension: by the two values that most calls have, and by none; every call has a start."""
    if values:
        yield [(where_name(dimension.name), value) for value in values[:2]]
    if not dimension.grain:
        yield [("where_null", dimension.name)]


def _filters(days: Sequence[str]) -> Iterator[tuple[str, str]]:
    """All other filters, each by itself; those by days with one in the middle of the calls."""
    for parameter in CATALOG.parameters.values():
        if not isinstance(parameter.filter, Filter):
            continue
        if not isinstance(parameter.type, Day):
            yield parameter.name, parameter.example
        elif days:
            yield parameter.name, days[len(days) // 2]


def _groups() -> Iterator[tuple[Dimension, ...]]:
    """Some pairs and some triples, in which each dimension is once or more."""
    count = len(DIMENSIONS)
    for place in range(0, count, 2):
        yield DIMENSIONS[place], DIMENSIONS[(place + 5) % count]
    for place in range(0, count, 4):
        yield DIMENSIONS[place], DIMENSIONS[(place + 3) % count], DIMENSIONS[(place + 10) % count]


def _by(*dimensions: Dimension, metrics: str = EVERYTHING) -> Params:
    return [("group_by", ",".join(dimension.name for dimension in dimensions)), ("metrics", metrics)]


def _limit(rows: int) -> Params:
    return [("limit", str(rows))]


BY_WEEKDAY = _by(CATALOG.dimensions[Grain.DAY_OF_WEEK.value], metrics=QUICK)
