"""Routes: one for each path, whatever methods it has, so that a refused method is told all that are taken."""

from collections.abc import Awaitable, Callable

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

__all__ = ["Handler", "route"]

Handler = Callable[[Request], Awaitable[ASGIApp]]


class _Anything(Convertor[str]):
    """The rest of a path, slashes and line breaks included."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        """The text as it is."""
        return value

    def to_string(self, value: str) -> str:
        """The text as it is."""
        return value


register_url_convertor("anything", _Anything())


def route(path: str, **handlers: Handler) -> Route:
    """The route of a path that has a handler for each of these methods; HEAD is answered as GET is.

    `{name:anything}` in a path stands for the rest of it.
    """

    async def handle(request: Request) -> ASGIApp:
        method = request.method
        return await handlers["GET" if method == "HEAD" else method](request)

    return Route(path, handle, methods=list(handlers))
