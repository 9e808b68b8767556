"""`GET /api/v1/analytics/calls`: reports."""

import json

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from calltally.accounts import authenticate, require
from calltally.api.services import Services, client_gone, services_of
from calltally.engines import Plan, Stop
from calltally.query import Report, Timing, ValidQuery, answer, ask

__all__ = ["report_calls"]


async def report_calls(request: Request) -> Response:
    """A report over the calls of the key's business."""
    services, timing = services_of(request), Timing()
    query, plan = await run_in_threadpool(_allowed_question, request, services, timing)

    def work(stop: Stop) -> Report:
        return answer(query, plan, services.engine, stop, timing)

    report = await services.workers.run(work, client_gone(request))
    return Response(_body(report), media_type="application/json", headers={"Server-Timing": timing.header()})


def _allowed_question(request: Request, services: Services, timing: Timing) -> tuple[ValidQuery, Plan]:
    with timing.step("auth"):
        actor = authenticate(services.control, request.headers.get("authorization"), services.now())
        require(actor, "report")
    return ask(request.scope["query_string"], actor.business, timing)


def _body(report: Report) -> bytes:
    # Python's own encoder, since sums can pass 64 bits, which faster ones refuse.
    body = {"data": {"data": report.rows, "totals": report.totals, "count": len(report.rows)}}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
