"""`GET /api/v1/session`: for pages, who is signed in."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from calltally.accounts import SCOPES, Actor, Business, csrf_token
from calltally.api.cookies import VARY, session_token
from calltally.api.parameters import refuse_parameters
from calltally.api.services import actor_of, services_of, session_of

__all__ = ["described_session", "show_session"]

HEADERS = {"Cache-Control": "no-store", "Vary": VARY}


async def show_session(request: Request) -> Response:
    """Whose reports these are, what the key may do, and what a page has to show to change something."""
    actor = await actor_of(request)
    refuse_parameters(request.scope["query_string"])
    token = session_token(request, services_of(request).public_url)
    if token is None or "authorization" in request.headers:
        described = described_session(actor, (actor,), None)
    else:
        described = described_session(actor, (await session_of(request, token)).actors, csrf_token(token))
    return JSONResponse({"data": described}, headers=HEADERS)


def described_session(actor: Actor, actors: tuple[Actor, ...], csrf: str | None) -> dict[str, Any]:
    """A session as plain data; `scopes` has those that others include, too."""
    held = {included for scope in actor.scopes for included in SCOPES[scope]}
    others = [other.business for other in actors if other.business != actor.business]
    return {
        "business": {
            **_business(actor.business),
            "timezone": actor.business.timezone,
            "currency": actor.business.currency,
        },
        "other_businesses": [_business(other) for other in others],
        "scopes": [scope for scope in SCOPES if scope in held],
        "csrf_token": csrf,
    }


def _business(business: Business) -> dict[str, str]:
    return {"id": business.id, "name": business.name}
