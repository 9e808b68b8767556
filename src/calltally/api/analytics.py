"""`GET /api/v1/analytics/calls`: reports."""

import hashlib

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from calltally.accounts import Actor, require
from calltally.api.bodies import WORTH_PACKING, gzipped, written
from calltally.api.preferences import has_already, takes_gzip
from calltally.api.questions import Question
from calltally.api.services import Services, actor_of, client_gone, services_of
from calltally.engines import Engine, Stop
from calltally.query import Timing, answer

__all__ = ["report_calls"]

# A client may keep the answer, but has to ask each time whether it still holds.
CACHING = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Authorization, Cookie"}


async def report_calls(request: Request) -> Response:
    """A report over the calls of the key's business."""
    services, timing = services_of(request), Timing()
    with timing.step("auth"):
        actor = await actor_of(request)
        require(actor, "report")
    with timing.step("plan"):
        question = await services.questions.understood(request.scope["query_string"], actor.business)
        tag = await _tag(question, services.engine)
    headers = {"ETag": tag, **CACHING}
    if has_already(request.headers, tag):
        return Response(status_code=304, headers=headers)
    body = services.answers.get(tag)
    if body is None:
        body = await _worked_out(question, tag, actor, request, timing)
        services.answers.keep(tag, body)
    if len(body) >= WORTH_PACKING and takes_gzip(request.headers):
        body = await _packed(body, tag, services)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type="application/json", headers={**headers, "Server-Timing": timing.header()})


async def _tag(question: Question, engine: Engine) -> str:
    """What names the answer to a question about the calls as they are now.

    The version of the calls is read before they are: should they change meanwhile, the answer is of newer calls than
    its name says, and nobody asks for that name any more. Weak, since the answer may be sent in two encodings.
    """
    calls = question.plan.calls
    version = engine.known_version(calls)
    if version is None:
        version = await run_in_threadpool(engine.version, calls)
    return f'W/"{hashlib.sha256(question.fingerprint + version.encode()).hexdigest()[:32]}"'


async def _worked_out(question: Question, tag: str, actor: Actor, request: Request, timing: Timing) -> bytes:
    """The body of the report, by way of the engine; who asks the same meanwhile gets this answer too."""
    services = services_of(request)

    def work(stop: Stop) -> bytes:
        return written(answer(question.query, question.plan, services.engine, stop, timing))

    business, key = actor.business.id, actor.key_id
    return await services.workers.run(work, client_gone(request), business=business, key=key, name=tag)


async def _packed(body: bytes, tag: str, services: Services) -> bytes:
    """The body compressed."""
    name = f"gzip {tag}"
    packed = services.answers.get(name)
    if packed is None:
        packed = await run_in_threadpool(gzipped, body)
        services.answers.keep(name, packed)
    return packed
