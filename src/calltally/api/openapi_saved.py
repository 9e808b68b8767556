"""The part of the OpenAPI document about reports that are saved and shared."""

from calltally.accounts import LONGEST_REPORT_NAME, MOST_SAVED_REPORTS, MOST_SHARES
from calltally.api.openapi_parts import NO_PARAMETERS, Plain, closed_object, errors, headers, response
from calltally.api.receiving import JSON, invalid_body
from calltally.api.saved_reports import FIELDS
from calltally.api.shares import MOST_DAYS
from calltally.errors import InvalidBody, Problem
from calltally.query import LONGEST_REQUEST

__all__ = ["SAVED_TAG", "saved_paths", "saved_schemas"]

SAVED_TAG = {"Saved and shared reports": "Reports that a business keeps, and those that it shows to others."}
REQUEST = (
    "The parameters of a report as a query string, as the page of reports has them in its address; `range` in place of "
    "`start_date` and `end_date` gives dates in words, which mean other days every day. Without any dates it is the "
    "last 30 days"
)
NAME = "As people call it; blanks at both ends do not count"
LISTING = f"""\
Gives the saved reports of the business, by name, at most {MOST_SAVED_REPORTS}. `problem` says why one cannot be asked
for any more, and is null as long as it can.
"""
ADDING = "Keeps a report under a name, of which there is one in a business."
CHANGING = "Gives a saved report another name, another request, or both."
SHARES = f"""\
Gives the shares of the business that are good, the newest first, at most {MOST_SHARES}. Their addresses are not kept:
they are told when a share is made, and not again.
"""
SHARING = f"""\
Makes an address that shows this one report to whoever has it, without a key and without signing in: as a page, and
below it as `/report` (JSON, as the report itself), `/report.csv`, `/picture.svg` and `/picture.png`. Pictures take
`theme`, `width` and `height`; anything else that is added to the address is refused.

It ends at `expires_at`, or so many days from now (at most {MOST_DAYS:,}), or else when it is revoked; sooner when the
key that made it is revoked, or the business is deleted.
"""
REVOKING = "Ends a share: its address shows nothing from the next request on."
SAVED_EXAMPLE = {
    "id": "3f1c9a5be07d2468",
    "name": "Sources this month",
    "request": "group_by=source&metrics=count%2Cqualified_pct&range=month",
    "problem": None,
    "created_at": "2026-03-09T14:05:00Z",
    "updated_at": "2026-03-09T14:05:00Z",
}
SHARE_EXAMPLE = {
    "id": "9be07d24683f1c5a",
    "name": None,
    "title": "Calls by source",
    "request": "group_by=source&range=30-days",
    "created_at": "2026-03-09T14:05:00Z",
    "expires_at": "2026-04-08T14:05:00Z",
}
PATH = "shared/q2Jl0w7cT1m5Yd8xS3vKz9uNfR6aPgHbEoXiLtQ4kZs"
ADDRESS = {"address": f"https://calls.example.com/{PATH}", "path": PATH}
TAKEN = InvalidBody((Problem("name", "name: there is a saved report 'Sources' already; choose another name"),))
NO_CHANGES = invalid_body(f"has neither {' nor '.join(FIELDS)}")
NO_REPORT = InvalidBody((Problem("request", "request: is required"),))
CHANGE_ERRORS = ("400", "401", "403", "405", "413", "415", "500", "503", "507")


def saved_paths() -> Plain:
    """The operations, by path and method."""
    return {
        "/api/v1/reports": {
            "get": _operation("listReports", "List saved reports", LISTING)
            | {"responses": {"200": _list("SavedReports", "reports", SAVED_EXAMPLE), **_reading_errors()}},
            "post": _operation("saveReport", "Save a report", ADDING)
            | _body("SavedReportFields", {name: SAVED_EXAMPLE[name] for name in FIELDS})
            | {"responses": {"201": _one("It is saved", "SavedReportShown", SAVED_EXAMPLE), **_errors(TAKEN)}},
        },
        "/api/v1/reports/{id}": {
            "parameters": [_id("A saved report's")],
            "patch": _operation("changeReport", "Rename or change a saved report", CHANGING)
            | _body("SavedReportChanges", {"name": "Sources"})
            | {
                "responses": {
                    "200": _one("It is changed", "SavedReportShown", SAVED_EXAMPLE),
                    **_errors(NO_CHANGES, "404"),
                }
            },
            "delete": _operation("deleteReport", "Delete a saved report", "Deletes a saved report, and no calls.")
            | {"responses": {"204": _done("It is deleted"), **_ending_errors()}},
        },
        "/api/v1/shares": {
            "get": _operation("listShares", "List shares", SHARES)
            | {"responses": {"200": _list("Shares", "shares", SHARE_EXAMPLE), **_reading_errors()}},
            "post": _operation("shareReport", "Share a report", SHARING)
            | _body("ShareFields", {"request": "group_by=source&range=30-days", "expires_in_days": 30})
            | {
                "responses": {
                    "201": _one("It is shared", "ShareMade", {**SHARE_EXAMPLE, **ADDRESS}),
                    **_errors(NO_REPORT),
                }
            },
        },
        "/api/v1/shares/{id}": {
            "parameters": [_id("A share's")],
            "delete": _operation("revokeShare", "Revoke a share", REVOKING)
            | {"responses": {"204": _done("It is revoked"), **_ending_errors()}},
        },
    }


def saved_schemas() -> Plain:
    """The schemas that the operations refer to."""
    name = {"type": "string", "minLength": 1, "maxLength": LONGEST_REPORT_NAME, "description": NAME}
    request = {"type": "string", "minLength": 1, "maxLength": LONGEST_REQUEST, "description": REQUEST}
    time = {"type": "string", "format": "date-time"}
    maybe_time = {"type": ["string", "null"], "format": "date-time"}
    text, maybe_text = {"type": "string"}, {"type": ["string", "null"]}
    saved = {"id": text, "name": name, "request": request, "problem": maybe_text, "created_at": time}
    share = {"id": text, "name": maybe_text, "title": text, "request": request, "created_at": time}
    share["expires_at"] = maybe_time
    days = {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_DAYS}
    fields = {"name": name, "request": request}
    asked = {"request": request, "name": name | maybe_text, "expires_at": maybe_time, "expires_in_days": days}
    return {
        "SavedReport": closed_object({**saved, "updated_at": time}),
        "SavedReports": closed_object({"data": closed_object({"reports": _many("SavedReport")})}),
        "SavedReportShown": closed_object({"data": _ref("SavedReport")}),
        "SavedReportFields": closed_object(fields),
        "SavedReportChanges": {**closed_object(fields), "required": [], "minProperties": 1},
        "Share": closed_object(share),
        "Shares": closed_object({"data": closed_object({"shares": _many("Share")})}),
        "ShareMade": closed_object({"data": closed_object({**share, "address": text, "path": text})}),
        "ShareFields": {**closed_object(asked), "required": ["request"]},
    }


def _operation(name: str, summary: str, description: str) -> Plain:
    return {"operationId": name, "tags": list(SAVED_TAG), "summary": summary, "description": description}


def _body(schema: str, example: Plain) -> Plain:
    return {"requestBody": {"required": True, "content": {JSON: {"schema": _ref(schema), "example": example}}}}


def _list(schema: str, name: str, example: Plain) -> Plain:
    return response("All of them", schema, "X-Request-Id", example={"data": {name: [example]}})


def _one(description: str, schema: str, example: Plain) -> Plain:
    return response(description, schema, "X-Request-Id", example={"data": example})


def _done(description: str) -> Plain:
    return {"description": description, "headers": headers("X-Request-Id")}


def _errors(invalid: InvalidBody, *more: str) -> Plain:
    return errors(*sorted((*CHANGE_ERRORS, *more)), invalid=invalid)


def _reading_errors() -> Plain:
    return errors("400", "401", "403", "405", "500", "503", invalid=NO_PARAMETERS)


def _ending_errors() -> Plain:
    return errors("400", "401", "403", "404", "405", "500", "503", "507", invalid=NO_PARAMETERS)


def _id(whose: str) -> Plain:
    return {"name": "id", "in": "path", "required": True, "description": f"{whose} id", "schema": {"type": "string"}}


def _many(schema: str) -> Plain:
    return {"type": "array", "items": _ref(schema)}


def _ref(schema: str) -> Plain:
    return {"$ref": f"#/components/schemas/{schema}"}
