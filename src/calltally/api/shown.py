"""A report in words: its name, its dates, its filters, its numbers with their units."""

from collections.abc import Iterator, Mapping
from datetime import date

from calltally.catalog import CATALOG, Dimension, Filter, Grain, Metric, Operator, Parameter, Unit, Where, WhereNull
from calltally.charts.texts import called, number_text, plain_text
from calltally.query import Cell, ValidQuery, range_of
from calltally.query.parse import parse

__all__ = ["shown_dates", "shown_filters", "shown_metric", "shown_metric_label", "shown_title", "shown_value"]

NONE = "(none)"
NO_NUMBER = "–"
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
DAYS = {Operator.FIRST_DAY, Operator.LAST_DAY}


def shown_title(request: str) -> str:
    """What a kept request is about, in a line, whether it still holds or not: `Calls by source and date`."""
    values = parse(request.encode()).values
    metrics = [CATALOG.metrics[name].label for name in _names(values, "metrics") if name in CATALOG.metrics]
    groups = [
        called(CATALOG.dimensions[name].label) for name in _names(values, "group_by") if name in CATALOG.dimensions
    ]
    *first, last = groups or ["nothing"]
    counted = ", ".join(metrics) or CATALOG.metrics[_default("metrics")].label
    before = f"{', '.join(first)} and " if first else ""
    return f"{counted} by {before}{last}"


def shown_dates(request: str, query: ValidQuery) -> str:
    """The days that a kept request is about: `Last 7 days: 3 March 2026 – 9 March 2026`."""
    named, days = range_of(request), _days(query.filters.first_day, query.filters.last_day)
    return f"{named.label}: {days}" if named and days != named.label else days


def shown_filters(request: str) -> list[tuple[str, str]]:
    """Label and values of each filter of a kept request, but for its dates."""
    values = parse(request.encode()).values
    given = [(row, values[row.name]) for row in CATALOG.filters if row.name in values]
    return [pair for row, texts in given for pair in _filter(row, texts)]


def shown_metric(metric: Metric, value: Cell, currency: str) -> str:
    """A number with its unit."""
    return NO_NUMBER if value is None else number_text(value, metric.unit, currency)


def shown_metric_label(metric: Metric, currency: str) -> str:
    """The heading of a metric's column; that of money says in which currency."""
    return f"{metric.label} ({currency})" if metric.unit is Unit.CENTS else metric.label


def shown_value(dimension: Dimension, value: Cell) -> str:
    """The value of a dimension."""
    if value is None:
        return NONE
    match dimension.grain:
        case Grain.DAY_OF_WEEK:
            return WEEKDAYS[int(value)]
        case Grain.HOUR_OF_DAY:
            return f"{int(value):02d}:00"
        case _:
            return plain_text(str(value))


def _names(values: Mapping[str, tuple[str, ...]], name: str) -> list[str]:
    return values.get(name, ("",))[0].split(",")


def _default(name: str) -> str:
    return CATALOG.parameters[name].default or ""


def _filter(row: Parameter, texts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    match row.filter:
        case Filter(_, operator) if operator in DAYS:
            return
        case WhereNull():
            yield from ((CATALOG.dimensions[name].label, NONE) for name in texts if name in CATALOG.dimensions)
        case Where(name):
            yield row.label, " or ".join(shown_value(CATALOG.dimensions[name], text) for text in texts)
        case Filter(field) if CATALOG.fields[field].unit is Unit.SECONDS:
            yield row.label, " or ".join(number_text(int(text), Unit.SECONDS, "") for text in texts)
        case _:
            yield row.label, " or ".join(map(plain_text, texts))


def _days(first: date | None, last: date | None) -> str:
    match first, last:
        case None, None:
            return "All time"
        case None, date():
            return f"Up to {_day(last)}"
        case date(), None:
            return f"From {_day(first)}"
        case _:
            return _day(first) if first == last else f"{_day(first)} – {_day(last)}"


def _day(day: date | None) -> str:
    assert day  # noqa: S101 - by the cases above
    return f"{day.day} {day:%B} {day.year}"
