"""The HTTP application: routes, error map, envelope, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from calltally.api.analytics import report_calls, report_in
from calltally.api.assets import ASSETS
from calltally.api.calls import change_call, delete_call, erase_calls, post_calls, show_call
from calltally.api.catalog import show_catalog
from calltally.api.docs import DOCS
from calltally.api.envelope import Envelope
from calltally.api.errors import HANDLERS
from calltally.api.forms import FORMS
from calltally.api.health import health, readiness
from calltally.api.home import HOME
from calltally.api.listing import list_calls, list_calls_csv, list_calls_ndjson
from calltally.api.openapi import show_openapi
from calltally.api.routing import route
from calltally.api.saved_reports import add_report, change_report, delete_report, list_reports
from calltally.api.services import Services
from calltally.api.session import show_session
from calltally.api.shared import SHARED
from calltally.api.shares import add_share, delete_share, list_all_shares
from calltally.api.sign_in import SIGN_IN
from calltally.api.values import show_values
from calltally.api.webhooks import receive_webhook
from calltally.api.workers import ClientGone

__all__ = ["ROUTES", "create_app"]

ROUTES = [
    Route("/api/v1/analytics/calls", report_calls, methods=["GET"]),
    *[Route(f"/api/v1/analytics/calls.{form.name}", report_in(form), methods=["GET"]) for form in FORMS],
    Route("/api/v1/analytics/values", show_values, methods=["GET"]),
    route("/api/v1/calls", GET=list_calls, POST=post_calls, DELETE=erase_calls),
    Route("/api/v1/calls.csv", list_calls_csv, methods=["GET"]),
    Route("/api/v1/calls.ndjson", list_calls_ndjson, methods=["GET"]),
    route("/api/v1/calls/{id:anything}", GET=show_call, PATCH=change_call, DELETE=delete_call),
    Route("/api/v1/webhooks/{kind}/{id}", receive_webhook, methods=["POST"]),
    Route("/api/v1/catalog", show_catalog, methods=["GET"]),
    route("/api/v1/reports", GET=list_reports, POST=add_report),
    route("/api/v1/reports/{id}", PATCH=change_report, DELETE=delete_report),
    route("/api/v1/shares", GET=list_all_shares, POST=add_share),
    route("/api/v1/shares/{id}", DELETE=delete_share),
    Route("/api/v1/session", show_session, methods=["GET"]),
    Route("/openapi.json", show_openapi, methods=["GET"]),
    Route("/healthz", health, methods=["GET"]),
    Route("/readyz", readiness, methods=["GET"]),
]


def create_app(services: Services) -> ASGIApp:
    """The application; its intake and workers end with it, the rest of the services is the caller's to close."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await services.intake.close()
        await services.workers.close()
        await services.streams.close()
        await run_in_threadpool(services.drawer.close)

    app = Starlette(
        routes=[*ROUTES, *HOME, *SIGN_IN, *SHARED, *ASSETS, *DOCS],
        exception_handlers={**HANDLERS, ClientGone: _nobody_waits},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.services = services
    return Envelope(app)


async def _nobody_waits(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # goes nowhere, but gives the log its word for it
