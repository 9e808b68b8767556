"""`GET /docs`: the API to read and to try, drawn by Scalar from `/openapi.json`."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from calltally.api.browser import browser_file
from calltally.api.routing import route

__all__ = ["DOCS"]

PAGES = "calltally.api.pages"


async def _without_slash(_: Request) -> Response:
    return RedirectResponse("../docs", 308)  # addresses in the page are relative, so that a proxy may add a prefix


DOCS = [
    browser_file("/docs", PAGES, "docs.html"),
    browser_file("/docs/docs.css", PAGES, "docs.css"),
    browser_file("/docs/docs.js", PAGES, "docs.js"),
    browser_file("/docs/icon.svg", PAGES, "icon.svg"),
    browser_file("/docs/scalar.js", "stopments", "static/scalar-api-reference.js"),
    route("/docs/", GET=_without_slash),
]
