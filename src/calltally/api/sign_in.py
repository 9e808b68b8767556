"""Pages on which a browser signs in, changes business and signs out: with a key, or by a one-time link."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from calltally.accounts import (
    Actor,
    Session,
    authenticate,
    begin_session,
    choose_business,
    end_session,
    find_link,
    use_link,
)
from calltally.api.cookies import check_origin, check_shown, drop_cookie, session_token, set_cookie
from calltally.api.error_pages import PageHandler, with_error_pages
from calltally.api.receiving import read_body
from calltally.api.rendering import redirect, render
from calltally.api.routing import route
from calltally.api.services import services_of, session_of
from calltally.errors import Unauthorized

__all__ = ["SIGN_IN", "local_path", "sign_in_first", "signed_in", "told"]

MOST_BYTES = 20_000  # of a form
# Nothing that a browser could take for another host's address, such as `//host` or `/\\host`.
LOCAL_PATH = re.compile(r"/(?!/)[!-\[\]-~]{0,8000}")
REFUSED = "There is no such key, or it was revoked. A key begins with cs_key_ and has 47 characters."

TITLES = {403: "Please try again", 404: "Not here any more"}


def told(handler: PageHandler) -> PageHandler:
    """A handler of pages that tells errors as a page, too."""
    return with_error_pages(handler, "message.html", TITLES)


async def signed_in(request: Request) -> tuple[str, Session] | None:
    """The token and the session of a browser; None: it is not signed in."""
    token = session_token(request, services_of(request).public_url)
    if token is None:
        return None
    try:
        return token, await session_of(request, token)
    except Unauthorized:
        return None


def sign_in_first(request: Request) -> Response:
    """The way to sign in, and then back to where the browser is."""
    query = request.url.query
    return redirect(request, "sign-in" + (f"?next={quote(f'{request.url.path}?{query}', safe='')}" if query else ""))


def local_path(text: str) -> str:
    """The text, if it is the path of an address on this server, with or without a query; else the root's."""
    return text if LOCAL_PATH.fullmatch(text) else "/"


async def _ask_for_key(request: Request) -> Response:
    return await _key_page(request, local_path(request.query_params.get("next", "/")))


async def _take_key(request: Request) -> Response:
    services = services_of(request)
    check_origin(request, services.public_url)
    form = await _form(request)
    to = local_path(form.get("next", "/"))
    bearer = f"Bearer {form.get('key', '').strip()}"
    try:
        actor = await run_in_threadpool(authenticate, services.control, bearer, services.now())
    except Unauthorized:
        return await _key_page(request, to, REFUSED)
    return await _begun(request, actor, to)


async def _key_page(request: Request, to: str, problem: str = "") -> Response:
    found = await signed_in(request)
    known = [actor.business.name for actor in found[1].actors] if found else []
    return render(request, "sign-in.html", 401 if problem else 200, next=to, problem=problem, known=known)


async def _show_link(request: Request) -> Response:
    """A page with a button, as whatever looks at links before people do must not use them up."""
    services = services_of(request)
    actor = await run_in_threadpool(find_link, services.control, request.path_params["token"], services.now())
    return render(request, "open.html", business=actor.business.name)


async def _use_link(request: Request) -> Response:
    services = services_of(request)
    check_origin(request, services.public_url)
    actor = await run_in_threadpool(use_link, services.control, request.path_params["token"], services.now())
    return await _begun(request, actor, "/")


async def _begun(request: Request, actor: Actor, to: str) -> Response:
    """The way on for a browser that may act as the actor from now on, and as whom it could before."""
    services, now = services_of(request), services_of(request).now()
    before = session_token(request, services.public_url)
    until = now + services.session_lasts
    token = await run_in_threadpool(begin_session, services.control, actor, before, now, until)
    response = redirect(request, to.removeprefix("/"))
    set_cookie(response, request, services.public_url, token, int(services.session_lasts.total_seconds()))
    return response


async def _choose(request: Request) -> Response:
    services = services_of(request)
    token, form = await _shown(request)
    if token is None:
        return sign_in_first(request)
    await run_in_threadpool(choose_business, services.control, token, form.get("business", ""), services.now())
    return redirect(request, "")


async def _sign_out(request: Request) -> Response:
    services = services_of(request)
    token, _ = await _shown(request)
    if token:
        await run_in_threadpool(end_session, services.control, token)
    response = redirect(request, "sign-in")
    drop_cookie(response, request, services.public_url)
    return response


async def _shown(request: Request) -> tuple[str | None, Mapping[str, str]]:
    """The token of the session, if there is one, and the form, which shows that it comes from a page of the session."""
    public_url = services_of(request).public_url
    check_origin(request, public_url)
    token, form = session_token(request, public_url), await _form(request)
    if token:
        check_shown(token, form.get("csrf_token"))
    return token, form


async def _form(request: Request) -> Mapping[str, str]:
    """What a form says, by field."""
    body = await read_body(request, MOST_BYTES)
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True, errors="replace"))


SIGN_IN = [
    route("/sign-in", GET=told(_ask_for_key), POST=told(_take_key)),
    route("/open/{token}", GET=told(_show_link), POST=told(_use_link)),
    route("/session/business", POST=told(_choose)),
    route("/sign-out", POST=told(_sign_out)),
]
