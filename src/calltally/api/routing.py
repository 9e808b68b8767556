"""Routes: one for each path, whatever methods it has, so that a refused method is told all that are taken."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

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
    return Route(path, _Endpoint(handlers), methods=list(handlers))


class _Endpoint:
    """What answers at a path.

    Starlette would catch the errors of a handler that is a function, and then once more those of all of them.
    """

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._handlers[scope["method"]](Request(scope, receive, send))
        await response(scope, receive, send)
