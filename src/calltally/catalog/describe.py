"""The catalog as plain data: the API, the OpenAPI document, the pickers of the page and the docs read this."""

from typing import Any

from calltally.catalog.catalog import Catalog
from calltally.catalog.expressions import Ratio
from calltally.catalog.fields import FIELDS
from calltally.catalog.grains import GRAIN_BOUNDS
from calltally.catalog.types import (
    CallField,
    Choice,
    Day,
    Dimension,
    DimensionName,
    FieldKind,
    Filter,
    GrainValue,
    Instant,
    Metric,
    NameList,
    Parameter,
    ParameterType,
    Score,
    SearchText,
    SortName,
    Text,
    WholeNumber,
)

__all__ = ["describe"]

UNITS = {field.name: field.unit for field in FIELDS}

Plain = dict[str, Any]


def describe(catalog: Catalog) -> dict[str, list[Plain]]:
    """Dimensions, metrics, parameters, filters (the parameters that narrow) and call fields as plain data.

    `listing` are the parameters of a list of calls: the filters, and its own. `picturing` are those of a picture of a
    report: the report's, and its own. `valuing` are those of a list of a dimension's values: the filters, and its own.
    What a saved report has of its own is not among them, since it stands in a text of many parameters.
    """
    return {
        "dimensions": [_dimension(row) for row in catalog.dimensions.values()],
        "metrics": [_metric(row) for row in catalog.metrics.values()],
        "parameters": [_parameter(row) for row in catalog.parameters.values()],
        "filters": [_parameter(row) for row in catalog.filters],
        "listing": [_parameter(row) for row in catalog.listing.values()],
        "picturing": [_parameter(row) for row in catalog.picturing.values()],
        "valuing": [_parameter(row) for row in catalog.valuing.values()],
        "fields": [_field(row) for row in catalog.fields.values()],
    }


def _dimension(row: Dimension) -> Plain:
    return {
        "name": row.name,
        "label": row.label,
        "description": row.description,
        "type": "integer" if row.grain in GRAIN_BOUNDS else "text",
        "unit": row.grain.value if row.grain else None,
    }


def _metric(row: Metric) -> Plain:
    decimals = row.expression.decimals if isinstance(row.expression, Ratio) else 0
    return {
        "name": row.name,
        "label": row.label,
        "description": row.description,
        "type": "number" if decimals else "integer",
        "unit": row.unit.value,
        "decimals": decimals,
        "empty": None if isinstance(row.expression, Ratio) else 0,
    }


def _parameter(row: Parameter) -> Plain:
    return {
        "name": row.name,
        "label": row.label,
        "description": row.description,
        "unit": _unit(row),
        "required": row.required,
        "default": row.default,
        "example": row.example,
        **_parameter_type(row.type),
        "repeats": row.repeats,
    }


def _unit(row: Parameter) -> str | None:
    match row:
        case Parameter(type=GrainValue(grain)):
            return grain.value
        case Parameter(type=Day()):
            return "date"
        case Parameter(filter=Filter(field, _)) if unit := UNITS.get(field):
            return unit.value
        case _:
            return None


def _parameter_type(kind: ParameterType) -> Plain:
    match kind:
        case NameList(of, most, _):
            return {"type": "names", "of": of, "most": most}
        case Day():
            return {"type": "date"}
        case Text(longest, _) | SearchText(longest):
            return {"type": "text", "longest": longest}
        case Choice(values):
            return {"type": "choice", "values": list(values)}
        case WholeNumber(lowest, highest):
            return {"type": "integer", "lowest": lowest, "highest": highest}
        case Score(lowest, highest):
            return {"type": "number", "lowest": lowest, "highest": highest}
        case SortName():
            return {"type": "name"}
        case _:
            return _type_of_calls(kind)


def _type_of_calls(kind: ParameterType) -> Plain:
    """The same where a parameter is held against calls as they are shown."""
    match kind:
        case GrainValue(grain) if grain in GRAIN_BOUNDS:
            lowest, highest = GRAIN_BOUNDS[grain]
            return {"type": "integer", "lowest": lowest, "highest": highest}
        case GrainValue(grain):
            return {"type": grain.value}
        case DimensionName():
            return {"type": "dimension"}
        case Instant():
            return {"type": "time"}
        case _:
            return {"type": "cursor"}


def _field(row: CallField) -> Plain:
    plain: Plain = {
        "name": row.name,
        "label": row.label,
        "description": row.description,
        "type": row.kind.value,
        "aliases": list(row.aliases),
        "unit": row.unit.value if row.unit else None,
    }
    if row.kind is FieldKind.WHOLE:
        plain |= {"lowest": row.lowest, "highest": row.highest}
    elif row.kind is FieldKind.CHOICE:
        plain |= {"values": list(row.choices)}
    elif row.highest:
        plain |= {"longest": row.highest}
    return plain
