"""`/healthz` (the process is alive) and `/readyz` (it can answer a query)."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from calltally.accounts import list_businesses
from calltally.api.services import client_gone, services_of
from calltally.engines import Stop

__all__ = ["health", "readiness"]


async def health(_: Request) -> Response:
    """Always well, if it comes at all."""
    return JSONResponse({"status": "ok"})


async def readiness(request: Request) -> Response:
    """Well once both databases answer; 503 otherwise."""
    services = services_of(request)

    def work(_: Stop) -> None:
        list_businesses(services.control)
        services.engine.ready()

    # A business of its own, so that no customer's reports make the server look ill.
    await services.workers.run(work, client_gone(request), business="", key="")
    return JSONResponse({"status": "ready"})
