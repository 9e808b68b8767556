"""What handlers work with, passed in once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from calltally.accounts import Control
from calltally.api.workers import Workers
from calltally.engines import Engine

__all__ = ["Services", "client_gone", "services_of"]


@dataclass(frozen=True)
class Services:
    """The outside things of one server: accounts, calls, threads, time."""

    control: Control
    engine: Engine
    workers: Workers
    now: Callable[[], datetime]


def services_of(request: Request) -> Services:
    """The server's services."""
    services: Services = request.app.state.services
    return services


async def client_gone(request: Request) -> None:
    """Return when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
