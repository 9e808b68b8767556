"""The part of the OpenAPI document that is about browsers that are signed in."""

from calltally.accounts import SCOPES
from calltally.api.openapi_parts import NO_PARAMETERS, Plain, closed_object, errors, headers

__all__ = ["session_paths"]

ABOUT = """\
Tells a page whose reports it shows, which other businesses the browser is signed in to, what the key may do, and the
token that changes have to show in the header `X-CSRF-Token` where they come with a cookie. Asked with a key it tells
the same of the key; there is no token then.

Requests with a cookie may name the business that they are about, by its id, in the header `X-Calltally-Business`: one
that the browser is signed in to. Without it they are about the one that was chosen last.
"""
TEXT: Plain = {"type": "string"}
EXAMPLE = {
    "data": {
        "business": {
            "id": "0b0e7f0e-6a3e-4a53-9a43-1d5a1f6f6b52",
            "name": "Acme Plumbing",
            "timezone": "America/New_York",
            "currency": "USD",
        },
        "other_businesses": [{"id": "7c9f4a5e-3f0d-4e6b-8a34-2b8f4f8f2f11", "name": "Acme Heating"}],
        "scopes": ["report", "read"],
        "csrf_token": "5f2b...",
    }
}


def session_paths() -> Plain:
    """The address that tells who is signed in."""
    content = {"application/json": {"schema": closed_object({"data": _session()}), "example": EXAMPLE}}
    return {
        "/api/v1/session": {
            "get": {
                "operationId": "showSession",
                "tags": ["Server"],
                "summary": "Tell who is signed in",
                "description": ABOUT,
                "responses": {
                    "200": {"description": "The session", "headers": headers("X-Request-Id"), "content": content},
                    **errors("400", "401", "405", "500", "503", invalid=NO_PARAMETERS),
                },
            }
        }
    }


def _session() -> Plain:
    business = {"id": TEXT, "name": TEXT}
    return closed_object(
        {
            "business": closed_object({**business, "timezone": TEXT, "currency": TEXT}),
            "other_businesses": {"type": "array", "items": closed_object(business)},
            "scopes": {"type": "array", "items": {"type": "string", "enum": list(SCOPES)}},
            "csrf_token": {"type": ["string", "null"]},
        }
    )
