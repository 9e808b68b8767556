"""`GET /openapi.json`, made from the catalog and the table of errors."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from calltally import __version__
from calltally.api.examples import catalog_example, metric_example, report_example
from calltally.api.openapi_calls import CALLS_TAG, call_paths, call_schemas
from calltally.api.openapi_parts import Plain, closed_object, errors, headers, response
from calltally.catalog import CATALOG, describe

__all__ = ["openapi", "show_openapi"]

CACHING = ("ETag", "Cache-Control", "Vary")

ABOUT = """\
Answers any report about the calls of a business over one address: group them by up to three dimensions, ask for any
metrics, filter and sort. Numbers are exact, and days are those of the business's own time zone.

Every request about calls needs a key, sent as `Authorization: Bearer cs_key_...`.
"""
KEY = "Made by `calltally key create BUSINESS`, which shows it once; `calltally demo` prints that of the sample calls."
REPORT = """\
Groups the calls that match and gives a row for each group, with the dimensions in the order of `group_by` and the
metrics in the order of `metrics`. `totals` has the same metrics over every call that matches, whether its row is
shown or not.

All filters have to hold together; several values of one mean any of them. A parameter that is not listed here is
refused, so that a misspelt filter never silently widens a report.
"""
READY = "Answers 200 once a query can be answered, and 503 otherwise."
TAGS = {
    "Reports": "Numbers about the calls of the key's business.",
    **CALLS_TAG,
    "Server": "Whether the server is well, and this document. These addresses need no key.",
}


async def show_openapi(_: Request) -> Response:
    """The description of every address under `/api`."""
    return JSONResponse(openapi())


def openapi() -> Plain:
    """The OpenAPI 3.1 document."""
    described = describe(CATALOG)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Calltally",
            "version": __version__,
            "summary": "Reports over phone calls",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ".", "description": "This server"}],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "security": [{"key": []}],
        "paths": {
            "/api/v1/analytics/calls": {"get": _report(described)},
            **call_paths(),
            "/api/v1/catalog": {"get": _catalog(described)},
            "/healthz": {"get": _status("health", "Is it alive?", "Answers while the process is alive.", "ok", {})},
            "/readyz": {"get": _status("readiness", "Is it ready?", READY, "ready", errors("503"))},
            "/openapi.json": {"get": _document()},
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "bearerFormat": "cs_key_...", "description": KEY}
            },
            "schemas": _schemas(described),
            "headers": {
                "X-Request-Id": {"description": "Names this request in the log", "schema": {"type": "string"}},
                "Server-Timing": {"description": "Milliseconds of each step", "schema": {"type": "string"}},
                "ETag": {"description": "Names this answer, for `If-None-Match`", "schema": {"type": "string"}},
                "Cache-Control": {"description": "`private, no-cache`", "schema": {"type": "string"}},
                "Vary": {"description": "`Accept-Encoding, Authorization`", "schema": {"type": "string"}},
            },
        },
    }


def _report(described: dict[str, list[Plain]]) -> Plain:
    return {
        "operationId": "reportCalls",
        "tags": ["Reports"],
        "summary": "Run a report",
        "description": REPORT,
        "parameters": [_parameter(row, described) for row in described["parameters"]],
        "responses": {
            "200": response(
                "The report", "Report", "X-Request-Id", "Server-Timing", *CACHING, example=report_example(described)
            ),
            "304": {
                "description": "Nothing has changed since the answer that `If-None-Match` names",
                "headers": headers("X-Request-Id", *CACHING),
            },
            **errors("400", "401", "403", "405", "500", "503"),
        },
    }


def _parameter(row: Plain, described: dict[str, list[Plain]]) -> Plain:
    parameter: Plain = {
        "name": row["name"],
        "in": "query",
        "description": row["description"],
        "schema": _schema(row, described),
    }
    if row["required"]:
        parameter["required"] = True
    if row["type"] == "names":
        parameter |= {"style": "form", "explode": False, "example": row["example"].split(",")}
    elif row["repeats"]:
        parameter |= {"style": "form", "explode": True, "example": [row["example"]]}
    else:
        parameter["example"] = _json_value(row, row["example"])
    return parameter


def _schema(row: Plain, described: dict[str, list[Plain]]) -> Plain:
    match row["type"]:
        case "names":
            schema: Plain = {"type": "array", "items": _described_names(described[row["of"] + "s"]), "minItems": 1}
            if row["most"]:
                schema |= {"maxItems": row["most"], "uniqueItems": True}
            if row["default"]:
                schema["default"] = row["default"].split(",")
            return schema
        case "date":
            return {"type": "string", "format": "date"}
        case "text":
            return {
                "type": "array",
                "items": {"type": "string", "minLength": 1, "maxLength": row["longest"]},
                "minItems": 1,
            }
        case "choice":
            schema = {"type": "string", "enum": row["values"]}
        case "name":
            names = [entry["name"] for part in ("metrics", "dimensions") for entry in described[part]]
            schema = {"type": "string", "enum": names}
        case _:
            schema = {"type": row["type"], "minimum": row["lowest"], "maximum": row["highest"]}
    if row["default"]:
        schema["default"] = _json_value(row, row["default"])
    return schema


def _described_names(entries: list[Plain]) -> Plain:
    descriptions = {entry["name"]: entry["description"] for entry in entries}
    return {"type": "string", "enum": list(descriptions), "x-enumDescriptions": descriptions}


def _json_value(row: Plain, text: str) -> object:
    return int(text) if row["type"] in {"integer", "number"} else text


def _catalog(described: dict[str, list[Plain]]) -> Plain:
    return {
        "operationId": "showCatalog",
        "tags": ["Reports"],
        "summary": "List what can be asked",
        "description": "Dimensions, metrics and filters, each with what it takes to build a menu of reports from them.",
        "responses": {
            "200": response("The catalog", "Catalog", "X-Request-Id", example=catalog_example(described)),
            **errors("401", "403", "405", "500", "503"),
        },
    }


def _status(operation: str, summary: str, description: str, word: str, errors: Plain) -> Plain:
    schema = {
        "type": "object",
        "properties": {"status": {"const": word}},
        "required": ["status"],
        "additionalProperties": False,
    }
    content = {"application/json": {"schema": schema, "example": {"status": word}}}
    well = {"description": "It is", "content": content}
    return {
        "operationId": operation,
        "tags": ["Server"],
        "summary": summary,
        "description": description,
        "security": [],
        "responses": {"200": well, **errors},
    }


def _document() -> Plain:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "showOpenapi",
        "tags": ["Server"],
        "summary": "Get this document",
        "security": [],
        "responses": {"200": {"description": "OpenAPI 3.1", "content": content}},
    }


def _schemas(described: dict[str, list[Plain]]) -> Plain:
    metrics = {metric["name"]: _metric(metric) for metric in described["metrics"]}
    dimensions = {dimension["name"]: _dimension(dimension) for dimension in described["dimensions"]}
    row = {"type": "object", "properties": {**dimensions, **metrics}, "additionalProperties": False}
    totals = {"type": "object", "properties": metrics, "additionalProperties": False}
    report = {
        "data": {"type": "array", "items": row, "maxItems": 1000},
        "totals": totals,
        "count": {"type": "integer", "minimum": 0, "description": "Number of rows"},
    }
    entries = {"type": "array", "items": {"$ref": "#/components/schemas/CatalogEntry"}}
    catalog = {"dimensions": entries, "metrics": entries, "filters": entries}
    return {
        "Report": closed_object({"data": closed_object(report)}),
        "Catalog": closed_object({"data": closed_object(catalog)}),
        "CatalogEntry": _catalog_entry(),
        **call_schemas(),
        "Error": closed_object({"error": _error()}),
    }


def _metric(metric: Plain) -> Plain:
    kind = metric["type"] if metric["empty"] == 0 else [metric["type"], "null"]
    return {
        "type": kind,
        "title": metric["label"],
        "description": f"{metric['description']} ({metric['unit']})",
        "examples": [metric_example(metric)],
    }


def _dimension(dimension: Plain) -> Plain:
    kind = "integer" if dimension["type"] == "integer" else ["string", "null"]
    return {"type": kind, "title": dimension["label"], "description": dimension["description"]}


def _catalog_entry() -> Plain:
    text = {"type": "string"}
    properties = {"name": text, "label": text, "description": text, "type": text, "unit": {"type": ["string", "null"]}}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _error() -> Plain:
    text = {"type": "string"}
    problem = closed_object({"param": text, "message": text})
    required = {"code": text, "type": text, "message": text}
    only_400 = {"param": text, "details": {"type": "array", "items": problem}}
    return {
        "type": "object",
        "properties": {**required, **only_400},
        "required": list(required),
        "additionalProperties": False,
    }
