"""Proxies in front: what they say of a request is believed, and what anybody else says of one is not."""

from collections.abc import Sequence
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from calltally.settings import Network

__all__ = ["behind_proxies"]

HOST = "x-forwarded-host"


def behind_proxies(app: ASGIApp, trusted: Sequence[Network]) -> ASGIApp:
    """The application behind these proxies: who asks, over which scheme and by which host, is what they say."""
    if not trusted:
        return app
    believing = ProxyHeadersMiddleware(app, [str(network) for network in trusted])  # type: ignore[arg-type]
    return _ForwardedHost(believing, trusted)  # type: ignore[arg-type]


class _ForwardedHost:
    """Puts the host that a trusted proxy was asked for in place of the one that the proxy asked for."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and self._trusts(scope.get("client")):
            # Each proxy of a chain adds the host that it was asked for: the first is that of the world.
            host = Headers(scope=scope).get(HOST, "").partition(",")[0].strip()
            if host:
                MutableHeaders(scope=scope)["host"] = host
        await self._app(scope, receive, send)

    def _trusts(self, client: Sequence[object] | None) -> bool:
        try:
            address = ip_address(str(client[0]) if client else "")
        except ValueError:
            return False
        return any(address in network for network in self._trusted)
