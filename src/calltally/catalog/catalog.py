"""CATALOG: the one set of dimensions, metrics, parameters and call fields, checked when it is built."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from calltally.catalog.dimensions import DIMENSIONS
from calltally.catalog.expressions import Aggregate, Count, CountDistinct, IsSet, MetricExpression, Ratio, Sum, ValueIs
from calltally.catalog.fields import FIELDS
from calltally.catalog.metrics import METRICS
from calltally.catalog.parameters import LISTING, PARAMETERS, PICTURING, SAVING, VALUING
from calltally.catalog.types import CallField, Dimension, Filter, Metric, Parameter, Search, Where

Row = TypeVar("Row", Dimension, Metric, Parameter, CallField)

__all__ = ["CATALOG", "Catalog", "aggregates_of", "nearest", "suggestion"]


@dataclass(frozen=True)
class Catalog:
    """Look-up by name; each mapping keeps the order of its table."""

    dimensions: Mapping[str, Dimension]
    metrics: Mapping[str, Metric]
    parameters: Mapping[str, Parameter]
    fields: Mapping[str, CallField]
    listing: Mapping[str, Parameter]  # what a list of calls is asked with: the filters, and its own parameters
    picturing: Mapping[str, Parameter]  # what a picture of a report is asked with: those of the report, and its own
    valuing: Mapping[str, Parameter]  # what the values of a dimension are asked with: the filters, and its own
    saving: Mapping[str, Parameter]  # what a report that is kept says: those of the report, and its own

    @classmethod
    def build(
        cls,
        dimensions: Iterable[Dimension],
        metrics: Iterable[Metric],
        parameters: Iterable[Parameter],
        fields: Iterable[CallField],
        *,
        listing: Iterable[Parameter] = (),
        picturing: Iterable[Parameter] = (),
        valuing: Iterable[Parameter] = (),
        saving: Iterable[Parameter] = (),
    ) -> "Catalog":
        """The catalog of these rows.

        Raises:
            ValueError: a name is declared twice, or a row refers to something that is not declared.
        """
        by_name = _by_name("parameter", parameters)
        filters = [parameter for parameter in by_name.values() if parameter.filter]
        built = cls(
            _by_name("dimension", dimensions),
            _by_name("metric", metrics),
            by_name,
            _by_name("call field", fields),
            _by_name("parameter of a list", (*filters, *listing)),
            _by_name("parameter of a picture", (*by_name.values(), *picturing)),
            _by_name("parameter of values", (*filters, *valuing)),
            _by_name("parameter of a saved report", (*by_name.values(), *saving)),
        )
        built._check()
        return built

    @property
    def filters(self) -> tuple[Parameter, ...]:
        """The parameters that narrow down which calls are counted."""
        return tuple(p for p in self.parameters.values() if p.filter is not None)

    @property
    def stored_fields(self) -> tuple[CallField, ...]:
        """The fields that are kept with a call, its id first."""
        return tuple(f for f in self.fields.values() if f.stored)

    @property
    def reported_fields(self) -> tuple[CallField, ...]:
        """The fields that reports are grouped by, filtered by or counted from."""
        used = {dimension.field for dimension in self.dimensions.values()}
        used |= {name for parameter in self.filters for name in self._read_by(parameter)}
        for metric in self.metrics.values():
            used |= {name for part in aggregates_of(metric.expression) for name in _fields_of(part)}
        return tuple(field for field in self.stored_fields if field.name in used)

    def _check(self) -> None:
        used = [dimension.field for dimension in self.dimensions.values()]
        used += [name for parameter in self.listing.values() for name in self._read_by(parameter)]
        for metric in self.metrics.values():
            used += [name for part in aggregates_of(metric.expression) for name in _fields_of(part)]
        unknown = sorted(set(used) - set(self.fields))
        if unknown:
            raise ValueError(f"the catalog refers to call fields that it does not declare: {unknown}")
        both = sorted(set(self.dimensions) & set(self.metrics))
        if both:
            raise ValueError(f"declared as a dimension and as a metric, so sort_by is ambiguous: {both}")

    def _read_by(self, parameter: Parameter) -> tuple[str, ...]:
        """The call fields that a parameter is held against."""
        match parameter.filter:
            case Filter(field, _):
                return (field,)
            case Search(fields):
                return fields
            case Where(dimension):
                return (self.dimensions[dimension].field,)
            case _:
                return ()


def aggregates_of(expression: MetricExpression) -> tuple[Aggregate, ...]:
    """The sums and counts that an engine has to find for an expression."""
    return expression.parts if isinstance(expression, Ratio) else (expression,)


def suggestion(given: str, names: Iterable[str]) -> str:
    """`; did you mean 'source'?` where a name is near what was given, else nothing."""
    near = nearest(given, names)
    return f"; did you mean '{near}'?" if near else ""


def nearest(given: str, names: Iterable[str]) -> str | None:
    """The name that is near what was given, if one is."""
    near = get_close_matches(given.strip().lower()[:128], list(names), n=1)
    return near[0] if near else None


def _by_name(what: str, rows: Iterable[Row]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        if row.name in found:
            raise ValueError(f"{what} '{row.name}' is declared twice")
        found[row.name] = row
    return found


def _fields_of(aggregate: Aggregate) -> tuple[str, ...]:
    match aggregate:
        case Sum(field) | CountDistinct(field):
            return (field,)
        case Count(IsSet(field) | ValueIs(field, _)):
            return (field,)
        case Count():
            return ()


CATALOG = Catalog.build(
    DIMENSIONS,
    METRICS,
    PARAMETERS,
    FIELDS,
    listing=LISTING,
    picturing=PICTURING,
    valuing=VALUING,
    saving=SAVING,
)
