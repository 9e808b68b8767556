"""Pages: templates filled in, with the headers that fence them in."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calltally.api.assets import PAGES, asset, modules

__all__ = ["POLICY", "redirect", "render"]

# No script and no style but from a file of this server, and nothing from or to anywhere else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Vary": "Cookie",
    "X-Content-Type-Options": "nosniff",
}
TEMPLATES = Environment(
    loader=PackageLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def render(request: Request, template: str, status: int = 200, **facts: Any) -> Response:
    """The page that a template makes of the facts; it knows `root`, `modules` and `asset(NAME)` besides."""
    to_root = root(request)
    known = {"root": to_root, "modules": modules(), "asset": lambda name: to_root + asset(name)}
    text = TEMPLATES.get_template(template).render(**known, **facts)
    return HTMLResponse(text, status, HEADERS)


def redirect(request: Request, to: str) -> Response:
    """The browser's way to another page, given relative to the root, after a form or before a page."""
    return RedirectResponse(root(request) + to, 303, HEADERS)


def root(request: Request) -> str:
    """The way from an address to the root of the server; relative, so that a proxy may add a prefix."""
    return "../" * (request.scope["path"].count("/") - 1) or "./"
