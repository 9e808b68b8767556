"""`GET /api/v1/catalog`: what a report can be asked."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from calltally.api.services import permitted
from calltally.catalog import CATALOG, describe

__all__ = ["SHOWN", "show_catalog"]

SHOWN = ("dimensions", "metrics", "filters")


async def show_catalog(request: Request) -> Response:
    """Dimensions, metrics and filters, each with label, description, type and unit."""
    await permitted(request, "catalog")
    described = describe(CATALOG)
    return JSONResponse({"data": {part: described[part] for part in SHOWN}})
