"""`GET /openapi.json`, made from the catalog and the table of errors."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from calltally import __version__
from calltally.api.examples import calls_example, catalog_example, metric_example, report_example
from calltally.api.forms import FORMS, JSON, Form
from calltally.api.listing import FILE_TYPES
from calltally.api.openapi_calls import CALLS_TAG, call_paths, call_schemas
from calltally.api.openapi_parts import Plain, closed_object, errors, headers, response
from calltally.api.openapi_saved import SAVED_TAG, saved_paths, saved_schemas
from calltally.api.openapi_session import session_paths
from calltally.api.openapi_webhooks import WEBHOOKS_TAG, webhook_paths
from calltally.catalog import CATALOG, describe

__all__ = ["openapi", "show_openapi"]

CACHING = ("ETag", "Cache-Control", "Vary")

# What texts of a type look like.
TEXT_FORMS: dict[str, Plain] = {
    "date": {"format": "date"},
    "week": {"format": "date"},
    "month": {"pattern": "^[0-9]{4}-[0-9]{2}$"},
    "time": {"format": "date-time"},
    "cursor": {"minLength": 1},
}

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

With an `Accept` that names `text/csv`, `image/svg+xml` or `image/png` and nothing else, the answer is that of the
address that ends in `.csv`, `.svg` or `.png`.

All filters have to hold together; several values of one mean any of them. A parameter that is not listed here is
refused, so that a misspelt filter never silently widens a report.
"""
CHART = """\
Gives the report and, made from it, a specification in Vega-Lite of the chart that suits it, with its data in it.
"""
PICTURE = """\
Draws the chart that suits the report: bars for a category, lines over time, a heat map for two categories. What there
is no room for is told in the picture.
"""
TABLE = """\
Gives the rows of the report for a spreadsheet: a line of names, then a line a group. A text that a spreadsheet would
take for a formula has an apostrophe before it.
"""
LIST = """\
Gives the calls behind a number: the same filters as a report's, and a few of its own. Ask with the dimension values
of a row (`where[source]=google`, `where_null=utm_campaign`), and its calls come, newest first, a page at a time. Give
`next_cursor` back as `cursor` for the next page; it is null on the last one. Calls that arrive meanwhile make no call
come twice or not at all.

With `Accept: text/csv` or `application/x-ndjson` all calls that match come as one file; `limit`, `cursor` and
`sort_order` make no sense then.
"""
FILE = """\
Gives all calls that match, however many, in a form that `calltally import` takes back unchanged. A file that is broken
off is one whose connection was broken: what ends well is whole.
"""
FORM_WORDS = {
    "csv": ("Download a report as CSV", TABLE),
    "svg": ("Draw a report as SVG", PICTURE),
    "png": ("Draw a report as PNG", PICTURE),
    "chart.json": ("Run a report, with its chart", CHART),
}
VEGA_LITE: Plain = {"type": "object", "description": "Of Vega-Lite 6", "required": ["$schema", "description"]}
READY = "Answers 200 once a query can be answered, and 503 otherwise."
TAGS = {
    "Reports": "Numbers about the calls of the key's business.",
    **SAVED_TAG,
    **CALLS_TAG,
    **WEBHOOKS_TAG,
    "Server": "Whether the server is well, who is signed in, and this document.",
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
            **{f"/api/v1/analytics/calls.{form.name}": {"get": _form(form, described)} for form in FORMS},
            **_calls_paths(described),
            **webhook_paths(),
            "/api/v1/catalog": {"get": _catalog(described)},
            **saved_paths(),
            **session_paths(),
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
                "Vary": {
                    "description": "`Accept, Accept-Encoding, Authorization, Cookie`",
                    "schema": {"type": "string"},
                },
            },
        },
    }


def _report(described: dict[str, list[Plain]]) -> Plain:
    report = response(
        "The report", "Report", "X-Request-Id", "Server-Timing", *CACHING, example=report_example(described)
    )
    others = [form for form in FORMS if form.media_type != JSON.media_type]
    report["content"] |= {_media_type(form): {"schema": _text_or_bytes(form)} for form in others}
    return {
        "operationId": "reportCalls",
        "tags": ["Reports"],
        "summary": "Run a report",
        "description": REPORT,
        "parameters": [_parameter(row, described) for row in described["parameters"]],
        "responses": {
            "200": report,
            "304": _unchanged(),
            **errors("400", "401", "403", "405", "500", "503"),
        },
    }


def _form(form: Form, described: dict[str, list[Plain]]) -> Plain:
    """The operation that gives a report in another form."""
    summary, description = FORM_WORDS[form.name]
    rows = described["picturing" if form.pictured else "parameters"]
    return {
        "operationId": f"reportCalls{form.name.title().replace('.', '')}",
        "tags": ["Reports"],
        "summary": summary,
        "description": description,
        "parameters": [_parameter(row, described) for row in rows],
        "responses": {
            "200": {
                "description": summary,
                "headers": headers("X-Request-Id", "Server-Timing", *CACHING),
                "content": {_media_type(form): {"schema": _text_or_bytes(form)}},
            },
            "304": _unchanged(),
            **errors("400", "401", "403", "405", "500", "503"),
        },
    }


def _media_type(form: Form) -> str:
    return form.media_type.partition(";")[0]


def _text_or_bytes(form: Form) -> Plain:
    """What a report in this form is."""
    if form.media_type == JSON.media_type:
        return {"$ref": "#/components/schemas/Chart"}
    return {"type": "string", "contentEncoding": "binary"} if form.media_type == "image/png" else {"type": "string"}


def _unchanged() -> Plain:
    return {
        "description": "Nothing has changed since the answer that `If-None-Match` names",
        "headers": headers("X-Request-Id", *CACHING),
    }


def _calls_paths(described: dict[str, list[Plain]]) -> Plain:
    """The operations on calls, by path and method: lists here, the others in `openapi_calls`."""
    ones = call_paths()
    lists = {f"/api/v1/calls.{kind}": {"get": _file(kind, media, described)} for media, kind in FILE_TYPES.items()}
    return {**ones, "/api/v1/calls": {"get": _calls(described), **ones["/api/v1/calls"]}, **lists}


def _calls(described: dict[str, list[Plain]]) -> Plain:
    page = response("A page of calls", "Calls", "X-Request-Id", "Server-Timing", example=calls_example(described))
    page["content"] |= {media: {"schema": {"type": "string"}} for media in FILE_TYPES}
    return {
        "operationId": "listCalls",
        "tags": ["Calls"],
        "summary": "List calls",
        "description": LIST,
        "parameters": [_parameter(row, described) for row in described["listing"]],
        "responses": {"200": page, **errors("400", "401", "403", "405", "500", "503")},
    }


def _file(kind: str, media_type: str, described: dict[str, list[Plain]]) -> Plain:
    filters = {row.name for row in CATALOG.listing.values() if row.filter}
    rows = [row for row in described["listing"] if row["name"] in filters]
    return {
        "operationId": f"listCalls{kind.title()}",
        "tags": ["Calls"],
        "summary": f"Download calls as {kind.upper()}",
        "description": FILE,
        "parameters": [_parameter(row, described) for row in rows],
        "responses": {
            "200": {
                "description": "All calls that match",
                "headers": headers("X-Request-Id", "Server-Timing"),
                "content": {media_type: {"schema": {"type": "string"}}},
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
        parameter |= {"style": "form", "explode": True, "example": [_json_value(row, row["example"])]}
    elif row["example"]:
        parameter["example"] = _json_value(row, row["example"])
    return parameter


def _schema(row: Plain, described: dict[str, list[Plain]]) -> Plain:
    schema = _schema_of_one(row, described)
    if row["repeats"]:
        return {"type": "array", "items": schema, "minItems": 1}
    if row["default"] and row["type"] != "names":
        schema["default"] = _json_value(row, row["default"])
    return schema


def _schema_of_one(row: Plain, described: dict[str, list[Plain]]) -> Plain:
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
    calls = {"type": "array", "items": {"$ref": "#/components/schemas/Call"}, "maxItems": 500}
    entries = {"type": "array", "items": {"$ref": "#/components/schemas/CatalogEntry"}}
    catalog = {"dimensions": entries, "metrics": entries, "filters": entries}
    return {
        "Report": closed_object({"data": closed_object(report)}),
        "Chart": closed_object({"data": closed_object({"report": closed_object(report), "chart": VEGA_LITE})}),
        "Calls": closed_object({"data": closed_object({"calls": calls, "next_cursor": {"type": ["string", "null"]}})}),
        "Catalog": closed_object({"data": closed_object(catalog)}),
        "CatalogEntry": _catalog_entry(),
        **call_schemas(),
        **saved_schemas(),
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
