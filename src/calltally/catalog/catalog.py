"""CATALOG: the one set of dimensions, metrics, parameters and call fields, checked when it is built."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from calltally.catalog.dimensions import DIMENSIONS
from calltally.catalog.expressions import Aggregate, Count, CountDistinct, IsSet, Ratio, Sum, ValueIs
from calltally.catalog.fields import FIELDS
from calltally.catalog.metrics import METRICS
from calltally.catalog.parameters import PARAMETERS
from calltally.catalog.types import CallField, Dimension, Metric, Parameter

Row = TypeVar("Row", Dimension, Metric, Parameter, CallField)

__all__ = ["CATALOG", "Catalog", "aggregates_of", "suggestion"]


@dataclass(frozen=True)
class Catalog:
    """Look-up by name; each mapping keeps the order of its table."""

    dimensions: Mapping[str, Dimension]
    metrics: Mapping[str, Metric]
    parameters: Mapping[str, Parameter]
    fields: Mapping[str, CallField]

    @classmethod
    def build(
        cls,
        dimensions: Iterable[Dimension],
        metrics: Iterable[Metric],
        parameters: Iterable[Parameter],
        fields: Iterable[CallField],
    ) -> "Catalog":
        """The catalog of these rows.

        Raises:
            ValueError: a name is declared twice, or a row refers to something that is not declared.
        """
        built = cls(
            _by_name("dimension", dimensions),
            _by_name("metric", metrics),
            _by_name("parameter", parameters),
            _by_name("call field", fields),
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

    def _check(self) -> None:
        used = [dimension.field for dimension in self.dimensions.values()]
        used += [parameter.filter.field for parameter in self.filters if parameter.filter is not None]
        for metric in self.metrics.values():
            used += [name for part in aggregates_of(metric.expression) for name in _fields_of(part)]
        unknown = sorted(set(used) - set(self.fields))
        if unknown:
            raise ValueError(f"the catalog refers to call fields that it does not declare: {unknown}")
        both = sorted(set(self.dimensions) & set(self.metrics))
        if both:
            raise ValueError(f"declared as a dimension and as a metric, so sort_by is ambiguous: {both}")


def aggregates_of(expression: Aggregate | Ratio) -> tuple[Aggregate, ...]:
    """The sums and counts that an engine has to find for an expression."""
    return expression.parts if isinstance(expression, Ratio) else (expression,)


def suggestion(given: str, names: Iterable[str]) -> str:
    """`; did you mean 'source'?` where a name is near what was given, else nothing."""
    near = get_close_matches(given.strip().lower()[:128], list(names), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


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


CATALOG = Catalog.build(DIMENSIONS, METRICS, PARAMETERS, FIELDS)
