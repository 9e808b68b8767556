"""The only projection of the catalog to plain data: OpenAPI, command line, pickers and docs read this."""

from typing import Any

from calltally.catalog.catalog import Catalog
from calltally.catalog.expressions import Ratio
from calltally.catalog.types import (
    CallField,
    Choice,
    Day,
    Dimension,
    FieldKind,
    Grain,
    Metric,
    NameList,
    Parameter,
    ParameterType,
    Score,
    SortName,
    Text,
    WholeNumber,
)

__all__ = ["describe"]

Plain = dict[str, Any]


def describe(catalog: Catalog) -> dict[str, list[Plain]]:
    """Dimensions, metrics, parameters, filters (the parameters that narrow) and call fields as plain data."""
    return {
        "dimensions": [_dimension(row) for row in catalog.dimensions.values()],
        "metrics": [_metric(row) for row in catalog.metrics.values()],
        "parameters": [_parameter(row) for row in catalog.parameters.values()],
        "filters": [_parameter(row) for row in catalog.filters],
        "fields": [_field(row) for row in catalog.fields.values()],
    }


def _dimension(row: Dimension) -> Plain:
    whole = row.grain in {Grain.HOUR_OF_DAY, Grain.DAY_OF_WEEK}
    return {
        "name": row.name,
        "label": row.label,
        "description": row.description,
        "type": "integer" if whole else "text",
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
    }


def _unit(row: Parameter) -> str | None:
    if row.filter is None:
        return None
    return {"duration_seconds": "seconds", "ai_score": "score", "started_at": "date"}.get(row.filter.field)


def _parameter_type(kind: ParameterType) -> Plain:
    match kind:
        case NameList(of, most, _):
            return {"type": "names", "of": of, "most": most, "repeats": False}
        case Day():
            return {"type": "date", "repeats": False}
        case Text(longest, _):
            return {"type": "text", "longest": longest, "repeats": True}
        case Choice(values):
            return {"type": "choice", "values": list(values), "repeats": False}
        case WholeNumber(lowest, highest):
            return {"type": "integer", "lowest": lowest, "highest": highest, "repeats": False}
        case Score(lowest, highest):
            return {"type": "number", "lowest": lowest, "highest": highest, "repeats": False}
        case SortName():
            return {"type": "name", "repeats": False}


def _field(row: CallField) -> Plain:
    plain: Plain = {
        "name": row.name,
        "label": row.label,
        "description": row.description,
        "type": row.kind.value,
        "aliases": list(row.aliases),
    }
    if row.kind is FieldKind.WHOLE:
        plain |= {"lowest": row.lowest, "highest": row.highest}
    elif row.kind is FieldKind.CHOICE:
        plain |= {"values": list(row.choices)}
    elif row.highest:
        plain |= {"longest": row.highest}
    return plain
