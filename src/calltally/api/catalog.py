"""`GET /api/v1/catalog`: what a report can be asked."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from calltally.accounts import require
from calltally.api.services import actor_of
from calltally.catalog import CATALOG, describe

__all__ = ["SHOWN", "show_catalog"]

SHOWN = ("dimensions", "metrics", "filters")


async def show_catalog(request: Request) -> Response:
    """Dimensions, metrics and filters, each with label, description, type and unit."""
    require(await actor_of(request), "catalog")
    described = describe(CATALOG)
    return JSONResponse({"data": {part: described[part] for part in SHOWN}})
