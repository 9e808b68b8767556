"""`GET /`: the page of reports, for a browser that is signed in."""

from dataclasses import asdict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from calltally.accounts import Session, choose_business, csrf_token
from calltally.api.rendering import redirect, render
from calltally.api.routing import route
from calltally.api.services import services_of
from calltally.api.session import described_session
from calltally.api.sign_in import sign_in_first, signed_in, told
from calltally.catalog import CALL_COLUMNS, CATALOG, COURSES, LARGE, LATEST_COLUMNS, OPENING, describe

__all__ = ["HOME"]

SHOWN = ("dimensions", "metrics", "filters", "fields")
# What the page knows before it asks for anything.
FACTS = {
    "catalog": {part: rows for part, rows in describe(CATALOG).items() if part in SHOWN},
    "opening": {
        "large": LARGE,
        "courses": tuple(map(asdict, COURSES)),
        "panels": tuple(map(asdict, OPENING)),
        "latest": LATEST_COLUMNS,
    },
    "columns": CALL_COLUMNS,
    "defaults": {name: row.default for name, row in CATALOG.parameters.items() if row.default},
}


async def _show_home(request: Request) -> Response:
    found = await signed_in(request)
    if found is None:
        return sign_in_first(request)
    token, session = found
    if session.chosen not in {actor.business.id for actor in session.actors}:
        return await _look_elsewhere(request, token, session)
    described = described_session(session.actor, session.actors, csrf_token(token))
    return render(request, "home.html", session=described, facts={**FACTS, "session": described})


async def _look_elsewhere(request: Request, token: str, session: Session) -> Response:
    """The way to the first business that is left, the key of the chosen one being revoked."""
    services, business = services_of(request), session.actors[0].business
    await run_in_threadpool(choose_business, services.control, token, business.id, services.now())
    return redirect(request, "")


HOME = [route("/", GET=told(_show_home))]
