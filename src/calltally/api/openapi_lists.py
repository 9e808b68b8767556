"""The part of the OpenAPI document about lists of calls: a page of one, or all of it as a file."""

from calltally.api.examples import calls_example
from calltally.api.listing import FILE_TYPES
from calltally.api.openapi_parameters import Described, highest_limit, parameter
from calltally.api.openapi_parts import Plain, closed_object, errors, headers, response
from calltally.catalog import CATALOG

__all__ = ["list_paths", "list_schemas"]

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


def list_paths(described: Described) -> Plain:
    """The operations, by path and method."""
    files = {f"/api/v1/calls.{kind}": {"get": _file(kind, media, described)} for media, kind in FILE_TYPES.items()}
    return {"/api/v1/calls": {"get": _calls(described)}, **files}


def list_schemas(described: Described) -> Plain:
    """The schemas that the operations refer to."""
    most = highest_limit(described["listing"])
    calls = {"type": "array", "items": {"$ref": "#/components/schemas/Call"}, "maxItems": most}
    page = {"calls": calls, "next_cursor": {"type": ["string", "null"]}}
    return {"Calls": closed_object({"data": closed_object(page)})}


def _calls(described: Described) -> Plain:
    page = response("A page of calls", "Calls", "X-Request-Id", "Server-Timing", example=calls_example(described))
    page["content"] |= {media: {"schema": {"type": "string"}} for media in FILE_TYPES}
    return {
        "operationId": "listCalls",
        "tags": ["Calls"],
        "summary": "List calls",
        "description": LIST,
        "parameters": [parameter(row, described) for row in described["listing"]],
        "responses": {"200": page, **errors("400", "401", "403", "405", "500", "503")},
    }


def _file(kind: str, media_type: str, described: Described) -> Plain:
    filters = {row.name for row in CATALOG.listing.values() if row.filter}
    rows = [row for row in described["listing"] if row["name"] in filters]
    return {
        "operationId": f"listCalls{kind.title()}",
        "tags": ["Calls"],
        "summary": f"Download calls as {kind.upper()}",
        "description": FILE,
        "parameters": [parameter(row, described) for row in rows],
        "responses": {
            "200": {
                "description": "All calls that match",
                "headers": headers("X-Request-Id", "Server-Timing"),
                "content": {media_type: {"schema": {"type": "string"}}},
            },
            **errors("400", "401", "403", "405", "500", "503"),
        },
    }
