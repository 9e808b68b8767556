"""`GET /openapi.json`, made from the catalog and the table of errors."""

from functools import cache

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from calltally import __version__
from calltally.api.cookies import VARY
from calltally.api.openapi_calls import CALLS_TAG, call_paths, call_schemas
from calltally.api.openapi_lists import list_paths, list_schemas
from calltally.api.openapi_parameters import Described
from calltally.api.openapi_parts import Plain, closed_object, errors
from calltally.api.openapi_reports import REPORTS_TAG, report_paths, report_schemas
from calltally.api.openapi_saved import SAVED_TAG, saved_paths, saved_schemas
from calltally.api.openapi_session import session_paths
from calltally.api.openapi_webhooks import WEBHOOKS_TAG, webhook_paths
from calltally.catalog import CATALOG, describe

__all__ = ["openapi", "show_openapi"]


ABOUT = """\
Answers any report about the calls of a business over one address: group them by up to three dimensions, ask for any
metrics, filter and sort. Numbers are exact, and days are those of the business's own time zone.

Every request about calls needs a key, sent as `Authorization: Bearer cs_key_...`.
"""
KEY = "Made by `calltally key create BUSINESS`, which shows it once; `calltally demo` prints that of the sample calls."
READY = "Answers 200 once a query can be answered, and 503 otherwise."
TAGS = {
    **REPORTS_TAG,
    **SAVED_TAG,
    **CALLS_TAG,
    **WEBHOOKS_TAG,
    "Server": "Whether the server is well, who is signed in, and this document.",
}


async def show_openapi(_: Request) -> Response:
    """The description of every address under `/api`."""
    return Response(_written(), media_type="application/json")


@cache
def _written() -> bytes:
    """The document as it is sent, which takes longer to put together than most reports."""
    return bytes(JSONResponse(openapi()).body)


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
            **report_paths(described),
            **_calls_paths(described),
            **webhook_paths(),
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
            "schemas": {
                **report_schemas(described),
                **list_schemas(described),
                **call_schemas(),
                **saved_schemas(),
                "Error": closed_object({"error": _error()}),
            },
            "headers": {
                "X-Request-Id": {"description": "Names this request in the log", "schema": {"type": "string"}},
                "Server-Timing": {"description": "Milliseconds of each step", "schema": {"type": "string"}},
                "ETag": {"description": "Names this answer, for `If-None-Match`", "schema": {"type": "string"}},
                "Cache-Control": {"description": "`private, no-cache`", "schema": {"type": "string"}},
                "Vary": {
                    "description": f"`Accept, Accept-Encoding, {VARY}`",
                    "schema": {"type": "string"},
                },
            },
        },
    }


def _calls_paths(described: Described) -> Plain:
    """The operations on calls; those on several are on lists and on what is sent alike."""
    ones, lists = call_paths(), list_paths(described)
    return {path: {**lists.get(path, {}), **ones.get(path, {})} for path in dict.fromkeys([*ones, *lists])}


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
