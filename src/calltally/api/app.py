"""The HTTP application: routes, envelope, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from calltally.api.analytics import report_calls, report_in
from calltally.api.assets import ASSETS
from calltally.api.calls import change_call, delete_call, erase_calls, post_calls, show_call
from calltally.api.catalog import show_catalog
from calltally.api.docs import DOCS
from calltally.api.envelope import Envelope
from calltally.api.forms import FORMS
from calltally.api.health import health, readiness
from calltally.api.home import HOME
from calltally.api.links import LINKS
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

__all__ = ["ROUTES", "create_app"]

ROUTES = [  # what is asked for most comes first: they are gone through in this order
    route("/api/v1/analytics/calls", GET=report_calls),
    route("/api/v1/calls", GET=list_calls, POST=post_calls, DELETE=erase_calls),
    *[route(f"/api/v1/analytics/calls.{form.name}", GET=report_in(form)) for form in FORMS],
    route("/api/v1/analytics/values", GET=show_values),
    route("/api/v1/calls.csv", GET=list_calls_csv),
    route("/api/v1/calls.ndjson", GET=list_calls_ndjson),
    route("/api/v1/calls/{id:anything}", GET=show_call, PATCH=change_call, DELETE=delete_call),
    route("/api/v1/webhooks/{kind}/{id}", POST=receive_webhook),
    route("/api/v1/catalog", GET=show_catalog),
    route("/api/v1/reports", GET=list_reports, POST=add_report),
    route("/api/v1/reports/{id}", PATCH=change_report, DELETE=delete_report),
    route("/api/v1/shares", GET=list_all_shares, POST=add_share),
    route("/api/v1/shares/{id}", DELETE=delete_share),
    route("/api/v1/session", GET=show_session),
    route("/openapi.json", GET=show_openapi),
    route("/healthz", GET=health),
    route("/readyz", GET=readiness),
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

    app = _Application(routes=[*ROUTES, *HOME, *SIGN_IN, *LINKS, *SHARED, *ASSETS, *DOCS], lifespan=lifespan)
    app.router.redirect_slashes = False
    app.state.services = services
    return Envelope(app)


class _Application(Starlette):
    """Routes and nothing round them: all errors are for the envelope to answer, as Starlette would twice before it."""

    def build_middleware_stack(self) -> ASGIApp:
        """The routes."""
        return self.router
