"""Parameters of the catalog, as the OpenAPI document has them."""

from collections.abc import Sequence

from calltally.api.openapi_parts import Plain

__all__ = ["Described", "highest_limit", "parameter"]

Described = dict[str, list[Plain]]

# What texts of a type look like.
TEXT_FORMS: dict[str, Plain] = {
    "date": {"format": "date"},
    "week": {"format": "date"},
    "month": {"pattern": "^[0-9]{4}-[0-9]{2}$"},
    "time": {"format": "date-time"},
    "cursor": {"minLength": 1},
}


def parameter(row: Plain, described: Described) -> Plain:
    """A parameter that `described` (see `catalog.describe`) has, with its example."""
    made: Plain = {
        "name": row["name"],
        "in": "query",
        "description": row["description"],
        "schema": _schema(row, described),
    }
    if row["required"]:
        made["required"] = True
    if row["type"] == "names":
        made |= {"style": "form", "explode": False, "example": row["example"].split(",")}
    elif row["repeats"]:
        made |= {"style": "form", "explode": True, "example": [_json_value(row, row["example"])]}
    elif row["example"]:
        made["example"] = _json_value(row, row["example"])
    return made


def highest_limit(rows: Sequence[Plain]) -> int:
    """How many there are at most of what is asked for with these parameters."""
    limit: int = next(row["highest"] for row in rows if row["name"] == "limit")
    return limit


def _schema(row: Plain, described: Described) -> Plain:
    schema = _schema_of_one(row, described)
    if row["repeats"]:
        return {"type": "array", "items": schema, "minItems": 1}
    if row["default"] and row["type"] != "names":
        schema["default"] = _json_value(row, row["default"])
    return schema


def _schema_of_one(row: Plain, described: Described) -> Plain:
    match row["type"]:
        case "names":
            schema: Plain = {"type": "array", "items": _described_names(described[row["of"] + "s"]), "minItems": 1}
            if row["most"]:
                schema |= {"maxItems": row["most"], "uniqueItems": True}
            if row["default"]:
                schema["default"] = row["default"].split(",")
            return schema
        case "text":
            return {"type": "string", "minLength": 1, "maxLength": row["longest"]}
        case "choice":
            return {"type": "string", "enum": row["values"]}
        case "dimension":
            return {"type": "string", "enum": [entry["name"] for entry in described["dimensions"]]}
        case "name":
            names = [entry["name"] for part in ("metrics", "dimensions") for entry in described[part]]
            return {"type": "string", "enum": names}
        case "integer" | "number":
            return {"type": row["type"], "minimum": row["lowest"], "maximum": row["highest"]}
        case kind:
            return {"type": "string", **TEXT_FORMS[kind]}


def _described_names(entries: list[Plain]) -> Plain:
    descriptions = {entry["name"]: entry["description"] for entry in entries}
    return {"type": "string", "enum": list(descriptions), "x-enumDescriptions": descriptions}


def _json_value(row: Plain, text: str) -> object:
    return int(text) if row["type"] in {"integer", "number"} else text
