"""The part of the OpenAPI document about reports, in whatever form, and what can be asked of them."""

from calltally.api.examples import catalog_example, metric_example, report_example, values_example
from calltally.api.forms import FORMS, JSON, Form
from calltally.api.openapi_parameters import Described, highest_limit, parameter
from calltally.api.openapi_parts import NO_PARAMETERS, Plain, closed_object, errors, headers, response

__all__ = ["REPORTS_TAG", "report_paths", "report_schemas"]

REPORTS_TAG = {"Reports": "Numbers about the calls of the key's business."}
CACHING = ("ETag", "Cache-Control", "Vary")
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
VALUES = """\
Lists what a filter can be set to: the values that a dimension has among the calls that match, those with most calls
first, times the latest first; null stands for the calls without one. `more` tells that there are values beyond `limit`.
"""
FORM_WORDS = {
    "csv": ("Download a report as CSV", TABLE),
    "svg": ("Draw a report as SVG", PICTURE),
    "png": ("Draw a report as PNG", PICTURE),
    "chart.json": ("Run a report, with its chart", CHART),
}
VEGA_LITE: Plain = {"type": "object", "description": "Of Vega-Lite 6", "required": ["$schema", "description"]}


def report_paths(described: Described) -> Plain:
    """The operations, by path and method."""
    return {
        "/api/v1/analytics/calls": {"get": _report(described)},
        **{f"/api/v1/analytics/calls.{form.name}": {"get": _form(form, described)} for form in FORMS},
        "/api/v1/analytics/values": {"get": _values(described)},
        "/api/v1/catalog": {"get": _catalog(described)},
    }


def report_schemas(described: Described) -> Plain:
    """The schemas that the operations refer to."""
    metrics = {metric["name"]: _metric(metric) for metric in described["metrics"]}
    dimensions = {dimension["name"]: _dimension(dimension) for dimension in described["dimensions"]}
    row = {"type": "object", "properties": {**dimensions, **metrics}, "additionalProperties": False}
    report = {
        "data": {"type": "array", "items": row, "maxItems": highest_limit(described["parameters"])},
        "totals": {"type": "object", "properties": metrics, "additionalProperties": False},
        "count": {"type": "integer", "minimum": 0, "description": "Number of rows"},
    }
    value = closed_object(
        {"value": {"type": ["string", "integer", "null"]}, "count": {"type": "integer", "minimum": 1}}
    )
    most = highest_limit(described["valuing"])
    values = {"values": {"type": "array", "items": value, "maxItems": most}, "more": {"type": "boolean"}}
    entries = {"type": "array", "items": {"$ref": "#/components/schemas/CatalogEntry"}}
    catalog = {"dimensions": entries, "metrics": entries, "filters": entries}
    return {
        "Report": closed_object({"data": closed_object(report)}),
        "Chart": closed_object({"data": closed_object({"report": closed_object(report), "chart": VEGA_LITE})}),
        "Values": closed_object({"data": closed_object(values)}),
        "Catalog": closed_object({"data": closed_object(catalog)}),
        "CatalogEntry": _catalog_entry(),
    }


def _report(described: Described) -> Plain:
    report = response(
        "The report", "Report", "X-Request-Id", "Server-Timing", *CACHING, example=report_example(described)
    )
    others = [form for form in FORMS if form.media_type != JSON.media_type]
    report["content"] |= {form.bare_media_type: {"schema": _text_or_bytes(form)} for form in others}
    return {
        "operationId": "reportCalls",
        "tags": ["Reports"],
        "summary": "Run a report",
        "description": REPORT,
        "parameters": [parameter(row, described) for row in described["parameters"]],
        "responses": {
            "200": report,
            "304": _unchanged(),
            **errors("400", "401", "403", "405", "500", "503"),
        },
    }


def _form(form: Form, described: Described) -> Plain:
    """The operation that gives a report in another form."""
    summary, description = FORM_WORDS[form.name]
    rows = described["picturing" if form.pictured else "parameters"]
    return {
        "operationId": f"reportCalls{form.name.title().replace('.', '')}",
        "tags": ["Reports"],
        "summary": summary,
        "description": description,
        "parameters": [parameter(row, described) for row in rows],
        "responses": {
            "200": {
                "description": summary,
                "headers": headers("X-Request-Id", "Server-Timing", *CACHING),
                "content": {form.bare_media_type: {"schema": _text_or_bytes(form)}},
            },
            "304": _unchanged(),
            **errors("400", "401", "403", "405", "500", "503"),
        },
    }


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


def _values(described: Described) -> Plain:
    found = response("The values", "Values", "X-Request-Id", "Server-Timing", example=values_example(described))
    return {
        "operationId": "listValues",
        "tags": ["Reports"],
        "summary": "List the values of a dimension",
        "description": VALUES,
        "parameters": [parameter(row, described) for row in described["valuing"]],
        "responses": {"200": found, **errors("400", "401", "403", "405", "500", "503")},
    }


def _catalog(described: Described) -> Plain:
    return {
        "operationId": "showCatalog",
        "tags": ["Reports"],
        "summary": "List what can be asked",
        "description": "Dimensions, metrics and filters, each with what it takes to build a menu of reports from them.",
        "responses": {
            "200": response("The catalog", "Catalog", "X-Request-Id", example=catalog_example(described)),
            **errors("400", "401", "403", "405", "500", "503", invalid=NO_PARAMETERS),
        },
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
