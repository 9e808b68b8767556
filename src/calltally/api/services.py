"""What handlers work with, passed in once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from calltally.accounts import Actor, Control, KnownKeys, Session, find_session, require
from calltally.api.answers import Answers
from calltally.api.arrivals import Arrivals
from calltally.api.cookies import BUSINESS_HEADER, CSRF_HEADER, check_origin, check_shown, session_token
from calltally.api.intake import Intake
from calltally.api.moments import once_a_turn
from calltally.api.parameters import refuse_parameters
from calltally.api.questions import Questions
from calltally.api.streams import Streams
from calltally.api.workers import Workers
from calltally.charts import Drawer
from calltally.engines import Engine

__all__ = ["Services", "actor_of", "client_gone", "permitted", "services_of", "session_of"]

MOST_FILES = 8  # that are sent at once
MOST_FILES_OF_BUSINESS = 3
READING = {"GET", "HEAD", "OPTIONS"}  # methods that change nothing


@dataclass(frozen=True)
class Services:
    """The outside things of one server: accounts, calls, threads, answers that are kept, time, what comes in."""

    control: Control
    engine: Engine
    workers: Workers
    answers: Answers
    now: Callable[[], datetime]
    intake: Intake
    staging: Path  # folder for files of the moment
    public_url: str = ""  # the address of this server in the world; empty: the one that a request was sent to
    session_lasts: timedelta = timedelta(days=30)
    cache: Path | None = None  # folder for files that can be made again

    @cached_property
    def arrivals(self) -> Arrivals:
        """When records arrive."""
        # What came to one node and then to another is told apart by one clock, however theirs differ.
        shared = self.control.shared_clock()
        return Arrivals(shared or self.now, waits=shared is not None)

    @cached_property
    def keys(self) -> KnownKeys:
        """Keys that were used before."""
        return KnownKeys(self.control, once_a_turn(self.control.version))

    @cached_property
    def questions(self) -> Questions:
        """Questions that were asked before."""
        return Questions()

    @cached_property
    def drawer(self) -> Drawer:
        """What draws pictures."""
        return Drawer()

    @cached_property
    def streams(self) -> Streams:
        """Files that are being sent."""
        return Streams(MOST_FILES, MOST_FILES_OF_BUSINESS)


def services_of(request: Request) -> Services:
    """The server's services."""
    services: Services = request.app.state.services
    return services


async def actor_of(request: Request) -> Actor:
    """Who asks: with a key, or else as a browser that is signed in, at the business that its page shows.

    Raises:
        Unauthorized: the key is missing, malformed, unknown or revoked, or the browser is not signed in any more.
        Forged: a browser sends a change that does not show that it comes from a page of this server.
    """
    services = services_of(request)
    authorization, now = request.headers.get("authorization"), services.now()
    if authorization is None and (token := session_token(request, services.public_url)):
        if request.method not in READING:
            check_origin(request, services.public_url)
            check_shown(token, request.headers.get(CSRF_HEADER))
        return (await session_of(request, token, _shown_business(request))).actor
    if known := services.keys.recognise(authorization, now):
        return known
    return await run_in_threadpool(services.keys.look_up, authorization, now)


async def permitted(request: Request, action: str, *, has_parameters: bool = False) -> tuple[Services, Actor]:
    """The server's services, and who asks, who may do this; where it has no parameters, none may be given.

    Raises:
        Unauthorized, Forged: as `actor_of`.
        Forbidden: the key lacks the scope that it takes.
        InvalidRequest: there are parameters.
    """
    actor = await actor_of(request)
    require(actor, action)
    if not has_parameters and request.scope["query_string"]:
        refuse_parameters(request.scope["query_string"])
    return services_of(request), actor


async def session_of(request: Request, token: str, business_id: str | None = None) -> Session:
    """The session with this token; it looks at the business that is given, if one is.

    Raises:
        Unauthorized: it is over.
    """
    services = services_of(request)
    return await run_in_threadpool(find_session, services.control, token, services.now(), business_id)


def _shown_business(request: Request) -> str | None:
    """The business whose page asks, if it says so: in a header, or in the address that a link of it leads to."""
    return request.path_params.get("business") or request.headers.get(BUSINESS_HEADER)


async def client_gone(request: Request) -> None:
    """Return when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
