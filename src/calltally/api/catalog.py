"""`GET /api/v1/catalog`: what a report can be asked."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from calltally.accounts import authenticate, require
from calltally.api.services import services_of
from calltally.catalog import CATALOG, describe

__all__ = ["show_catalog"]

SHOWN = ("dimensions", "metrics", "filters")


async def show_catalog(request: Request) -> Response:
    """Dimensions, metrics and filters, each with label, description, type and unit."""
    services = services_of(request)
    actor = await run_in_threadpool(
        authenticate, services.control, request.headers.get("authorization"), services.now()
    )
    require(actor, "catalog")
    described = describe(CATALOG)
    return JSONResponse({"data": {part: described[part] for part in SHOWN}})
