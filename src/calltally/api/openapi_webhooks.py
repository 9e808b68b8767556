"""The part of the OpenAPI document that is about webhooks."""

from calltally.api.openapi_parts import Plain, closed_object, errors, headers
from calltally.api.receiving import invalid_body
from calltally.api.webhooks import IGNORED, KEPT
from calltally.engines import Outcome
from calltally.ingestion.webhooks import VENDORS

__all__ = ["WEBHOOKS_TAG", "webhook_paths"]

BROKEN = invalid_body("cannot be unpacked with gzip")
WEBHOOKS_TAG = {"Webhooks": "Calls that vendors send by themselves."}
ABOUT = """\
What a vendor sends, as it sends it. `calltally webhook create` makes the address. There is no key: the secret of the
webhook, or the vendor's signature, proves who sends; without it the answer is 404, as if there were no such webhook.

200 says that all is durable. What could not be applied is kept, for `calltally dead-letters`; events that nothing is
done about are counted. Sending the same again changes nothing.
"""


def webhook_paths() -> Plain:
    """The addresses of webhooks."""
    body = {"schema": {"type": "object"}}
    return {
        "/api/v1/webhooks/{kind}/{id}": {
            "post": {
                "operationId": "receiveWebhook",
                "tags": list(WEBHOOKS_TAG),
                "summary": "Take what a vendor sends",
                "description": ABOUT,
                "security": [],
                "parameters": [
                    _in_path("kind", {"type": "string", "enum": list(VENDORS)}),
                    _in_path("id", {"type": "string"}),
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": body, "application/x-www-form-urlencoded": body},
                },
                "responses": {
                    "200": _taken(),
                    **errors("400", "404", "405", "413", "415", "500", "503", "507", invalid=BROKEN),
                },
            }
        }
    }


def _in_path(name: str, schema: Plain) -> Plain:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _taken() -> Plain:
    applied = [outcome.value for outcome in Outcome if outcome is not Outcome.REJECTED]
    outcome = {"type": "string", "enum": [*applied, IGNORED, KEPT]}
    example = {"data": {"outcome": Outcome.ADDED.value}}
    schema = closed_object({"data": closed_object({"outcome": outcome})})
    return {
        "description": "It is durable",
        "headers": headers("X-Request-Id"),
        "content": {"application/json": {"schema": schema, "example": example}},
    }
