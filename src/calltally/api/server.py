"""The server process: a socket, uvicorn, and a clean end."""

import asyncio
import gc
import json
import logging
import signal
import socket
import sys
import uuid
from collections.abc import Callable
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from calltally.api.errors import not_http
from calltally.api.joining import JoinedWrites
from calltally.api.memory import keep_little
from calltally.errors import Conflict

__all__ = ["bind", "run_server"]

PORTS_TRIED = 100
GRACE_SECONDS = 5
SWITCH_SECONDS = 0.001  # after which a thread that reads calls lets that of all connections go on; 0.005 otherwise
HURRY_SECONDS = 0.1


def bind(host: str, port: int, *, search: bool) -> socket.socket:
    """A socket bound to the port, or, if `search`, to the next free one.

    Raises:
        Conflict: the address cannot be had.
    """
    for candidate in range(port, min(port + (PORTS_TRIED if search else 1), 65536)):
        try:
            return _bound(host, candidate)
        except (OSError, UnicodeError) as error:  # a host such as `127.0.0..1` cannot even be looked up
            failure, why = error, error.strerror if isinstance(error, OSError) else "no such host"
    raise Conflict(f"Cannot listen on {host} port {port} ({why}); choose another with --port or --host") from failure


def _bound(host: str, port: int) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    # With the protocol named, asyncio turns Nagle's algorithm off; without, each answer may wait for 40 ms.
    bound = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def run_server(app: ASGIApp, bound: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; requests under way get a few seconds to end."""
    sys.setswitchinterval(SWITCH_SECONDS)
    keep_little()
    gc.freeze()  # what there is by now stays: to look through all of it again and again takes tens of milliseconds
    config = uvicorn.Config(
        app,
        http=_Protocol,
        proxy_headers=False,  # whom to believe is not for an environment variable of uvicorn's to say
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    # uvicorn raises the signal again once it has stopped; by then there is nothing left to interrupt.
    for caught in (signal.SIGINT, signal.SIGTERM):
        signal.signal(caught, _already_stopped)
    try:
        _Server(config, on_ready).run(sockets=[bound])
    finally:
        gc.unfreeze()  # so that all is cleared away at the end


def _already_stopped(number: int, _: object) -> None:
    logging.getLogger(__name__).debug("stopped by %s", signal.Signals(number).name)


class _Server(uvicorn.Server):
    """Says when it accepts connections."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        hurrying = asyncio.create_task(self._hurry())
        await super().shutdown(sockets)
        if not self.force_exit:
            hurrying.cancel()
        await asyncio.wait({hurrying})

    async def _hurry(self) -> None:
        """At a second Ctrl-C, end the work of reports: uvicorn only stops waiting for it, which keeps us here."""
        while not self.force_exit:
            await asyncio.sleep(HURRY_SECONDS)
        await self.lifespan.shutdown()


class _Protocol(HttpToolsProtocol):
    """Sends an answer in one piece, and answers what is no HTTP in the form of every other error."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport)))

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        body = json.dumps(not_http(sys.exc_info()[1]), ensure_ascii=False, separators=(",", ":")).encode()
        head = (
            "HTTP/1.1 400 Bad Request",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"X-Request-Id: {uuid.uuid4()}",
            "Connection: close",
        )
        self.transport.write("\r\n".join((*head, "", "")).encode() + body)
        self.transport.close()
