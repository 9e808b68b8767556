"""What is round every request: its id, its line in the log, and an answer even where there is a defect."""

import asyncio
import logging
import random
import re
import time
import uuid
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calltally.api.errors import internal_error, response_to, stopping_error
from calltally.api.workers import ClientGone

__all__ = ["Envelope"]

logger = logging.getLogger("calltally.requests")

NOBODY_WAITS = 499  # the log's word for it, which nginx began
ID_HEADER = b"x-request-id"
SAFE_ID = re.compile(r"[A-Za-z0-9._~:/+=-]{1,128}")
# The part of a path that lets in whoever has it, or shows them something. Also below a prefix that a proxy has left.
SECRET = re.compile(r"(?s)(?:(?<=^/open/)|(?<=/shared/)).+")


class Envelope:
    """Outermost, so that no answer leaves without `X-Request-Id`; a caller's own id is kept where it is safe to log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _given_id(scope) or _new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        start = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (ID_HEADER, request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except asyncio.CancelledError:  # by a server that stops and has waited long enough
            if not status:
                await stopping_error()(scope, receive, send_with_id)
        except ClientGone:
            status = status or NOBODY_WAITS
        # The outermost place, from which no error may pass: the web server would answer in a form that is not the
        # contract's. Nothing is hidden: what was not raised on purpose, or comes in the middle of an answer, is logged
        # with where it came from.
        except Exception as error:
            answer = response_to(error, scope)
            if answer is None or status:
                logger.exception("request %s failed", request_id)
            if not status:
                await (answer or internal_error(request_id))(scope, receive, send_with_id)
        milliseconds = (time.perf_counter() - start) * 1000
        # The path alone, since a query's values may be people's numbers; quoted, so that it stays on one line.
        path = quote(SECRET.sub("...", scope["path"]))
        logger.info("%s %s %s %.1f ms %s", scope["method"], path, status, milliseconds, request_id)


def _given_id(scope: Scope) -> str | None:
    """The id that the caller gave, where it is safe to log."""
    given = dict(scope["headers"]).get(ID_HEADER, b"").decode("latin-1")
    return given if SAFE_ID.fullmatch(given) else None


def _new_id() -> str:
    """An id that no other request has. It is no secret, and the system's chance would have to be waited for."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
