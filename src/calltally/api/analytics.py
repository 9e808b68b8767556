"""`GET /api/v1/analytics/calls`: reports, in whatever form."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from calltally.accounts import Actor
from calltally.api.bodies import WORTH_PACKING, gzipped
from calltally.api.cookies import VARY
from calltally.api.forms import FORMS, JSON, Form, Making
from calltally.api.preferences import has_already, takes_gzip, wanted_alone
from calltally.api.services import Services, client_gone, permitted, services_of
from calltally.engines import Engine, Stop
from calltally.query import Question, Report, Timing, ValidQuery, answer, answer_at_once

__all__ = ["report_body", "report_calls", "report_in", "report_response"]

# A client may keep the answer, but has to ask each time whether it still holds.
CACHING = {"Cache-Control": "private, no-cache", "Vary": f"Accept, Accept-Encoding, {VARY}"}
BY_MEDIA_TYPE = {form.bare_media_type: form for form in FORMS if form.media_type != JSON.media_type}


@dataclass(frozen=True)
class Asked:
    """What one request asks for, and the name of its answer."""

    question: Question
    form: Form
    actor: Actor
    tag: str


async def report_calls(request: Request) -> Response:
    """A report over the calls of the key's business: as JSON, unless `Accept` names one other form and nothing else."""
    return await _answered(request, BY_MEDIA_TYPE.get(wanted_alone(request.headers) or "", JSON))


def report_in(form: Form) -> Callable[[Request], Awaitable[Response]]:
    """What answers with a report in this form."""

    async def report(request: Request) -> Response:
        return await _answered(request, form)

    return report


async def _answered(request: Request, form: Form) -> Response:
    timing = Timing()
    with timing.step("auth"):
        _, actor = await permitted(request, "report", has_parameters=True)
    return await report_response(request, request.scope["query_string"], form, actor, timing)


async def report_response(
    request: Request, query_string: bytes, form: Form, actor: Actor, timing: Timing | None = None
) -> Response:
    """The response with the report that an actor asks for, by whatever request; `timing` has the steps before it."""
    services, timing = services_of(request), timing or Timing()
    with timing.step("plan"):
        asked = await _asked(query_string, form, actor, services)
    headers = {"ETag": asked.tag, **CACHING, **form.headers_of(asked.question)}
    if has_already(request.headers, asked.tag):
        return Response(status_code=304, headers=headers)
    body = await _body(asked, request, timing)
    if form.packs and len(body) >= WORTH_PACKING and takes_gzip(request.headers):
        body = await _packed(body, asked.tag, services)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=form.media_type, headers={**headers, "Server-Timing": timing.header()})


async def report_body(request: Request, query_string: bytes, actor: Actor) -> tuple[ValidQuery, bytes]:
    """The report that an actor asks for, by whatever request: what is asked, and the body of JSON."""
    asked = await _asked(query_string, JSON, actor, services_of(request))
    return asked.question.query, await _body(asked, request, Timing())


async def _asked(query_string: bytes, form: Form, actor: Actor, services: Services) -> Asked:
    question = await services.questions.understood(query_string, actor.business, pictured=form.pictured)
    return Asked(question, form, actor, await _tag(question, form, actor, services.engine))


async def _body(asked: Asked, request: Request, timing: Timing) -> bytes:
    """The body of an answer: the one that is kept, or else worked out and kept."""
    services = services_of(request)
    body = services.answers.get(asked.tag)
    if body is None:
        body = await _worked_out(asked, request, timing)
        services.answers.keep(asked.tag, body)
    return body


async def _tag(question: Question, form: Form, actor: Actor, engine: Engine) -> str:
    """What names the answer to a question about the calls as they are now.

    The version of the calls is read before they are: should they change meanwhile, the answer is of newer calls than
    its name says, and nobody asks for that name any more. Weak, since the answer may be sent in two encodings.
    """
    calls = question.plan.calls
    version = engine.known_version(calls)
    if version is None:
        version = await run_in_threadpool(engine.version, calls)
    made = repr((form.name, question.look, actor.business.currency)) if form.name else ""
    return f'W/"{hashlib.sha256(question.fingerprint + made.encode() + version.encode()).hexdigest()[:32]}"'


async def _worked_out(asked: Asked, request: Request, timing: Timing) -> bytes:
    """The body of the report, by way of the engine; who asks the same meanwhile gets this answer too.

    What is quick is done at once, unless many ask: to have it done by a thread would take as long again.
    """
    services, question, actor = services_of(request), asked.question, asked.actor

    def made(report: Report, stop: Stop) -> bytes:
        with timing.step("form"):
            return asked.form.make(report, Making(question, actor.business, services.drawer, stop))

    def work(stop: Stop) -> bytes:
        return made(answer(question, services.engine, stop, timing), stop)

    def quick_work() -> bytes | None:
        report = answer_at_once(question, services.engine, timing)
        return None if report is None else made(report, Stop())

    if services.workers.are_idle and not asked.form.pictured:
        body = services.workers.at_once(quick_work)
        if body is not None:
            return body
    business, key = actor.business.id, actor.key_id
    return await services.workers.run(work, client_gone(request), business=business, key=key, name=asked.tag)


async def _packed(body: bytes, tag: str, services: Services) -> bytes:
    """The body compressed."""
    name = f"gzip {tag}"
    packed = services.answers.get(name)
    if packed is None:
        packed = await run_in_threadpool(gzipped, body)
        services.answers.keep(name, packed)
    return packed
