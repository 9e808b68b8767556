"""The cookie of a browser that is signed in, and what a change that comes with it has to show besides.

A browser sends its cookie along whoever made it ask, another site's page too. So a change also shows the token that
only pages of this server have, and the browser says that it is such a page which asks.
"""

import hmac
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from calltally.accounts import csrf_token
from calltally.errors import Forged

__all__ = [
    "BUSINESS_HEADER",
    "CSRF_HEADER",
    "VARY",
    "check_origin",
    "check_shown",
    "drop_cookie",
    "session_token",
    "set_cookie",
]

NAME = "calltally_session"
# A browser takes a cookie of this name only over TLS and from this very host: no neighbour can put one in its place.
OVER_TLS = f"__Host-{NAME}"
CSRF_HEADER = "X-CSRF-Token"
# Whose calls a page shows: its session may look at another business since, in another window.
BUSINESS_HEADER = "X-Calltally-Business"
VARY = f"Authorization, Cookie, {BUSINESS_HEADER}"  # what says who asks


def session_token(request: Request, public_url: str) -> str | None:
    """The token in the cookie of a request, if it has one."""
    return request.cookies.get(_name(request, public_url)) or None


def set_cookie(response: Response, request: Request, public_url: str, token: str, seconds: int) -> None:
    """Let the browser keep a token for so long."""
    response.set_cookie(_name(request, public_url), token, seconds, **_flags(request, public_url))


def drop_cookie(response: Response, request: Request, public_url: str) -> None:
    """Let the browser forget its token."""
    response.delete_cookie(_name(request, public_url), **_flags(request, public_url))


def check_origin(request: Request, public_url: str) -> None:
    """Nothing, if the browser says that a page of this server asks.

    Raises:
        Forged: it says otherwise, or says nothing.
    """
    said = request.headers.get("sec-fetch-site")  # which browsers say only over TLS and to this machine
    if not (said == "same-origin" if said else _is_ours(request.headers.get("origin", ""), request, public_url)):
        raise Forged


def check_shown(token: str, shown: str | None) -> None:
    """Nothing, if what is shown is the proof that pages of the session with this token have.

    Raises:
        Forged: it is not.
    """
    if not hmac.compare_digest(csrf_token(token).encode(), (shown or "").encode()):
        raise Forged


def _is_ours(origin: str, request: Request, public_url: str) -> bool:
    try:
        given, public = urlsplit(origin), urlsplit(public_url)
    except ValueError:
        return False
    hosts = {request.headers.get("host"), public.netloc} - {"", None}
    return given.netloc in hosts and (given.scheme == "https" or not _is_secure(request, public_url))


def _name(request: Request, public_url: str) -> str:
    return OVER_TLS if _is_secure(request, public_url) else NAME


def _flags(request: Request, public_url: str) -> dict[str, Any]:
    return {"path": "/", "secure": _is_secure(request, public_url), "httponly": True, "samesite": "lax"}


def _is_secure(request: Request, public_url: str) -> bool:
    """Whether the browser speaks TLS, with us or with a proxy of ours."""
    return request.scope["scheme"] == "https" or public_url.startswith("https:")
