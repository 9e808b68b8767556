"""Errors as pages, for whoever looks with a browser."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from calltally.api.errors import ERRORS, retry_after
from calltally.api.rendering import render
from calltally.errors import CalltallyError

__all__ = ["PageHandler", "with_error_pages"]

OTHER_TITLE = "This does not work now"

PageHandler = Callable[[Request], Awaitable[Response]]


def with_error_pages(handler: PageHandler, template: str, titles: Mapping[int, str]) -> PageHandler:
    """A handler that tells errors as pages of a template, with titles by status."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except CalltallyError as error:
            status, _ = ERRORS[type(error)]
            title = titles.get(status, OTHER_TITLE)
            page = render(request, template, status, title=title, message=error.message)
            page.headers.update(retry_after(error))
            return page

    return handle
