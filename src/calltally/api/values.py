"""`GET /api/v1/analytics/values`: what a filter can be set to."""

from starlette.requests import Request
from starlette.responses import Response

from calltally.api.bodies import dumped
from calltally.api.cookies import VARY
from calltally.api.services import client_gone, permitted
from calltally.engines import Stop
from calltally.query import Timing, list_values, plan_values

__all__ = ["show_values"]

HEADERS = {"Cache-Control": "no-store", "Vary": VARY}


async def show_values(request: Request) -> Response:
    """The values that a dimension has among the calls that match, with the number of calls under each."""
    timing = Timing()
    with timing.step("auth"):
        services, actor = await permitted(request, "report", has_parameters=True)

    def work(stop: Stop) -> bytes:
        with timing.step("plan"):
            asked, plan = plan_values(request.scope["query_string"], actor.business)
        with timing.step("engine"):
            found = list_values(asked, plan, services.engine, stop)
        values = [{"value": value, "count": count} for value, count in found.values]
        return dumped({"data": {"values": values, "more": found.more}})

    body = await services.workers.run(work, client_gone(request), business=actor.business.id, key=actor.key_id)
    return Response(body, 200, {**HEADERS, "Server-Timing": timing.header()}, "application/json")
