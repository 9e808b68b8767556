"""The part of the OpenAPI document about calls one by one, made from the catalog's call fields."""

from calltally.api.calls import ERASED_BY, MOST_RECORDS
from calltally.api.openapi_parts import NO_PARAMETERS, Plain, closed_object, errors, response
from calltally.api.packing import CODINGS
from calltally.api.receiving import JSON, NDJSON, invalid_body
from calltally.catalog import CATALOG, CallField, FieldKind
from calltally.engines import Outcome
from calltally.errors import InvalidRequest, Problem

__all__ = ["CALLS_TAG", "call_paths", "call_schemas"]

CALLS_TAG = {"Calls": "The calls themselves: sending them in, listing them, and reading, changing and deleting one."}
SENDING = """\
Takes one call, an array of calls, or a stream of any length with a call a line. A call that is there already is
changed: fields that are not mentioned stay as they are, and an explicit null clears one. Sending the same again is
harmless. A record without `started_at` changes the call that has its `id`; until that call comes it is held.

What the answer says is in is on the disk. A record that is not good never keeps the others out: it is told as
`rejected`, with what is wrong with it. The answer to a stream lists only the records that are held or rejected. If a
stream breaks off, what was taken by then stays.
"""
CHANGING = """\
Changes fields of a call that is there. Fields that are not mentioned stay as they are, and an explicit null clears one.
"""
DELETING = (
    "Deletes a call for ever: it does not come back when it is sent in or imported again. "
    "Where something is only held until its call comes, that is deleted, and the call cannot come any more."
)
ERASING = (
    "Erases all calls of a caller, and what else is kept of that number. Takes a while where there are many calls."
)
# What is said of a body or a query that does not hold.
NO_RECORDS = invalid_body("is neither an object (one call) nor an array of objects")
NO_CHANGES = invalid_body("is not an object with the fields to change")
NO_NUMBER = InvalidRequest((Problem(ERASED_BY, f"{ERASED_BY}: is required"),))
TYPES = {FieldKind.WHOLE: "integer", FieldKind.BOOLEAN: "boolean"}
SENDING_ERRORS = ("400", "401", "403", "405", "413", "415", "500", "503", "507")


def call_paths() -> Plain:
    """The operations, by path and method."""
    one = [{"name": "id", "in": "path", "required": True, "description": _id_description(), "schema": _text()}]
    return {
        "/api/v1/calls": {"post": _sending(), "delete": _erasing()},
        "/api/v1/calls/{id}": {
            "parameters": one,
            "get": _operation("showCall", "Get a call", "All fields of a call.", "CallShown", "404"),
            "patch": _changing(),
            "delete": _deleting(),
        },
    }


def call_schemas() -> Plain:
    """The schemas that the operations refer to."""
    sent = {name: _sent(row) for name, row in CATALOG.fields.items()}
    shown = {name: _shown(row) for name, row in CATALOG.fields.items()}
    dropped = {"dropped_fields": _dropped()}
    return {
        "CallRecord": {"type": "object", "properties": sent, "required": ["id"]},
        "CallChanges": {"type": "object", "properties": sent},
        "Call": closed_object(shown),
        "CallShown": closed_object({"data": {"$ref": "#/components/schemas/Call"}}),
        "CallResults": closed_object({"data": closed_object(_counts() | dropped | {"results": _results()})}),
        "CallChanged": closed_object({"data": closed_object({"id": _text(), "outcome": _outcome(), **dropped})}),
        "Erased": closed_object({"data": closed_object({"erased": _count("Calls that had the number")})}),
    }


def _operation(
    name: str, summary: str, description: str, schema: str, *more_errors: str, invalid: InvalidRequest = NO_PARAMETERS
) -> Plain:
    refusals = sorted({"400", "401", "403", "405", "500", "503", *more_errors})
    return {
        "operationId": name,
        "tags": list(CALLS_TAG),
        "summary": summary,
        "description": description,
        "responses": {"200": response("It is done", schema, "X-Request-Id"), **errors(*refusals, invalid=invalid)},
    }


def _sending() -> Plain:
    record = {"$ref": "#/components/schemas/CallRecord"}
    many = {"type": "array", "items": record, "maxItems": MOST_RECORDS}
    content = {
        JSON: {"schema": {"oneOf": [record, many]}, "example": [_example()]},
        NDJSON: {"schema": {"type": "string", "description": "One `CallRecord` a line, as many as there are"}},
    }
    coding = {
        "name": "Content-Encoding",
        "in": "header",
        "description": "How the body is packed, if it is",
        "schema": {"type": "string", "enum": list(CODINGS)},
    }
    operation = _operation("sendCalls", "Send calls in", SENDING, "CallResults", *SENDING_ERRORS, invalid=NO_RECORDS)
    return {**operation, "parameters": [coding], "requestBody": {"required": True, "content": content}}


def _changing() -> Plain:
    operation = _operation(
        "changeCall", "Change a call", CHANGING, "CallChanged", "404", *SENDING_ERRORS, invalid=NO_CHANGES
    )
    content = {JSON: {"schema": {"$ref": "#/components/schemas/CallChanges"}, "example": {"qualified": True}}}
    return {**operation, "requestBody": {"required": True, "content": content}}


def _deleting() -> Plain:
    operation = _operation("deleteCall", "Delete a call", DELETING, "Error", "404", "507")
    done = {"description": "It is deleted", "headers": response("", "Error", "X-Request-Id")["headers"]}
    refusals = {status: answer for status, answer in operation["responses"].items() if status != "200"}
    return {**operation, "responses": {"204": done, **refusals}}


def _erasing() -> Plain:
    parameter = {
        "name": ERASED_BY,
        "in": "query",
        "required": True,
        "description": "The number, written in any way in which a call may have it",
        "schema": _text(),
        "example": "+13055550134",
    }
    operation = _operation("eraseCaller", "Erase a caller", ERASING, "Erased", "507", invalid=NO_NUMBER)
    return {**operation, "parameters": [parameter]}


def _id_description() -> str:
    return f"{CATALOG.fields['id'].label} of the call, percent-encoded (a slash is %2F)"


def _example() -> Plain:
    return {"id": "c-1", "started_at": "2026-03-09T14:05:00Z", "caller_number": "+13055550134", "source": "google"}


def _sent(row: CallField) -> Plain:
    """A field as it may be sent."""
    aliases = " or ".join(f"`{alias}`" for alias in row.aliases)
    description = f"{row.description}. Also taken as {aliases}" if aliases else row.description
    schema = _value(row) | {"title": row.label, "description": description}
    if row.kind is FieldKind.ID:
        return schema | {"type": "string", "minLength": 1}
    return schema


def _shown(row: CallField) -> Plain:
    """A field as it is shown."""
    schema = _value(row) | {"title": row.label}
    if row.kind is FieldKind.TIME:
        schema["format"] = "date-time"
    return schema


def _value(row: CallField) -> Plain:
    schema: Plain = {"type": [TYPES.get(row.kind, "string"), "null"]}
    match row.kind:
        case FieldKind.WHOLE:
            schema |= {"minimum": row.lowest, "maximum": row.highest}
        case FieldKind.CHOICE:
            schema["enum"] = [*row.choices, None]
        case _ if row.highest:
            schema["maxLength"] = row.highest
    return schema


def _counts() -> Plain:
    meanings = {
        Outcome.ADDED: "Records of new calls",
        Outcome.UPDATED: "Records that changed a call",
        Outcome.UNCHANGED: "Records that said nothing new",
        Outcome.HELD: "Records whose call has not come yet",
        Outcome.REJECTED: "Records that were not taken",
    }
    return {outcome.value: _count(meaning) for outcome, meaning in meanings.items()}


def _results() -> Plain:
    problem = closed_object({"param": _text(), "message": _text()})
    required: Plain = {
        "index": _count("Which record of the body it was, from 0"),
        "id": {"type": ["string", "null"]},
        "outcome": _outcome(),
    }
    rejected: Plain = {
        "errors": {"type": "array", "items": problem, "description": "What is wrong with a rejected record"},
        "record": {"description": "The rejected record; where it is long, the beginning of its text"},
        "cut": {"const": True, "description": "There is more of the record"},
    }
    item = {"type": "object", "properties": required | rejected, "required": list(required)}
    return {"type": "array", "items": item | {"additionalProperties": False}}


def _outcome() -> Plain:
    return {"type": "string", "enum": [outcome.value for outcome in Outcome]}


def _dropped() -> Plain:
    number = {"type": "integer", "minimum": 1}
    return {"type": "object", "additionalProperties": number, "description": "Unknown fields, and how often they came"}


def _count(meaning: str) -> Plain:
    return {"type": "integer", "minimum": 0, "description": meaning}


def _text() -> Plain:
    return {"type": "string"}
