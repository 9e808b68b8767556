"""What was asked for, once it is known to hold: as the names, days and conditions that it means."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from calltally.catalog import (
    Catalog,
    ChangedSince,
    Dimension,
    Filter,
    Grain,
    Metric,
    Operator,
    Search,
    Selector,
    Where,
    WhereNull,
    grain_count,
)
from calltally.engines import AtLeast, AtMost, Condition, Contains, OneOf
from calltally.engines import ChangedSince as Changed
from calltally.query.checking import Check
from calltally.query.cursors import Cursor
from calltally.query.parse import Query
from calltally.records import Reading

__all__ = [
    "Look",
    "ValidFilters",
    "ValidListing",
    "ValidQuery",
    "ValidValues",
    "validate",
    "validate_filters",
    "validate_listing",
    "validate_picture",
    "validate_values",
]


@dataclass(frozen=True)
class ValidFilters:
    """Which calls are meant: the first and the last of their days, what else holds for each, and when they start.

    `times` are values of time dimensions, as numbers (see `catalog.grains`): a call has one of each dimension's.
    """

    first_day: date | None
    last_day: date | None
    conditions: tuple[Condition, ...]
    times: tuple[tuple[Grain, tuple[int, ...]], ...]


@dataclass(frozen=True)
class ValidQuery:
    """A report that can be asked: everything named, every default filled in."""

    dimensions: tuple[Dimension, ...]
    metrics: tuple[Metric, ...]
    filters: ValidFilters
    sort_by: Dimension | Metric
    descending: bool
    limit: int

    def whole(self, rows: int) -> bool:
        """Whether a report of so many rows has every group: not sure at the limit, unless no other group can be."""
        counts = [grain_count(dimension.grain) for dimension in self.dimensions]
        return rows < self.limit or rows == math.prod(count or math.inf for count in counts)


@dataclass(frozen=True)
class Look:
    """How a picture of a report is to look: at most so many pixels wide and high; None: as high as it needs."""

    theme: str
    width: int
    height: int | None


@dataclass(frozen=True)
class ValidListing:
    """A page of a list of calls that can be asked for: every default filled in."""

    filters: ValidFilters
    descending: bool
    limit: int
    cursor: Cursor | None


@dataclass(frozen=True)
class ValidValues:
    """Values of a dimension that can be asked for; `search`: texts, of which a value has one in it; None: any value."""

    dimension: Dimension
    filters: ValidFilters
    search: tuple[str, ...] | None
    limit: int


def validate(query: Query, catalog: Catalog, reading: Reading) -> ValidQuery:
    """The report that was asked for; numbers and times are read as those of a record.

    Raises:
        InvalidRequest: with every problem, in the order of the catalog, unknown parameters last.
    """
    values = Check(query, catalog, reading, "report").values()
    return _valid(values, catalog)


def validate_picture(query: Query, catalog: Catalog, reading: Reading) -> tuple[ValidQuery, Look]:
    """The report that was asked for as a picture, and how it is to look, where the catalog's parameters are of both.

    Raises:
        InvalidRequest: with every problem, in the order of the catalog, unknown parameters last.
    """
    values = Check(query, catalog, reading, "picture").values()
    return _valid(values, catalog), Look(values["theme"], values["width"], values["height"])


def validate_filters(query: Query, catalog: Catalog, reading: Reading) -> ValidFilters:
    """The filters that were asked for, where the catalog's parameters are filters alone, under whatever names.

    Raises:
        InvalidRequest: with every problem, in the order of the catalog, unknown parameters last.
    """
    values = Check(query, catalog, reading, "export").values()
    return _filters(values, catalog)


def validate_listing(query: Query, catalog: Catalog, reading: Reading) -> ValidListing:
    """The page that was asked for, where the catalog's parameters are those of a list.

    Raises:
        InvalidRequest: with every problem, in the order of the catalog, unknown parameters last.
    """
    values = Check(query, catalog, reading, "list").values()
    return ValidListing(_filters(values, catalog), values["sort_order"], values["limit"], values["cursor"])


def validate_values(query: Query, catalog: Catalog, reading: Reading) -> ValidValues:
    """The values that were asked for, where the catalog's parameters are those of values.

    Raises:
        InvalidRequest: with every problem, in the order of the catalog, unknown parameters last.
    """
    values = Check(query, catalog, reading, "list of values").values()
    dimension = catalog.dimensions[values["dimension"]]
    return ValidValues(dimension, _filters(values, catalog), values["search"], values["limit"])


def _valid(values: Mapping[str, Any], catalog: Catalog) -> ValidQuery:
    dimensions = tuple(catalog.dimensions[name] for name in values["group_by"])
    by_name: dict[str, Dimension | Metric] = {**catalog.metrics, **{d.name: d for d in dimensions}}
    return ValidQuery(
        dimensions,
        tuple(catalog.metrics[name] for name in dict.fromkeys(values["metrics"])),
        _filters(values, catalog),
        by_name[values["sort_by"]],
        values["sort_order"],
        values["limit"],
    )


def _filters(values: Mapping[str, Any], catalog: Catalog) -> ValidFilters:
    given = [(row.filter, values[row.name]) for row in catalog.filters if row.filter and values[row.name] is not None]
    days = {row.operator: value for row, value in given if isinstance(row, Filter)}
    conditions = [_condition(row, value) for row, value in given]
    shown_under = {catalog.dimensions[name]: values_or_null for name, values_or_null in _shown_under(given).items()}
    return ValidFilters(
        days.get(Operator.FIRST_DAY),
        days.get(Operator.LAST_DAY),
        (
            *(condition for condition in conditions if condition),
            *(OneOf(d.field, found, null) for d, (found, null) in shown_under.items() if not d.grain),
        ),
        # A call always has a start, so that null is none of its times.
        tuple((d.grain, found) for d, (found, _) in shown_under.items() if d.grain),
    )


def _condition(row: Selector, value: Any) -> Condition | None:
    match row:
        case Filter(field, Operator.ONE_OF):
            return OneOf(field, value if isinstance(value, tuple) else (value,))
        case Filter(field, Operator.AT_LEAST):
            return AtLeast(field, int(Decimal(value).to_integral_value(ROUND_CEILING)))
        case Filter(field, Operator.AT_MOST):
            return AtMost(field, int(Decimal(value).to_integral_value(ROUND_FLOOR)))
        case Search(fields):
            return Contains(fields, value)
        case ChangedSince():
            return Changed(value)
        case _:
            return None  # days become periods, which need the business's time zone, and dimensions have two parameters


def _shown_under(given: Sequence[tuple[Selector, Any]]) -> dict[str, tuple[tuple[Any, ...], bool]]:
    """For each dimension that is asked about: under which values calls are shown, and whether also under null."""
    values = {row.dimension: value for row, value in given if isinstance(row, Where)}
    null = [name for row, names in given if isinstance(row, WhereNull) for name in names]
    return {name: (values.get(name, ()), name in null) for name in (*values, *null)}
