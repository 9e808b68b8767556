"""`/shared/TOKEN`: one report, as it is, for whoever has its address; nobody has to sign in.

The address decides everything: neither a key nor a cookie that is sent along makes a difference, and what is added to
the address is refused, but for how a picture is to look.
"""

import json
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from calltally.accounts import Actor, Business, Share, find_share
from calltally.api.analytics import report_body, report_response
from calltally.api.error_pages import PageHandler, with_error_pages
from calltally.api.forms import FORMS, JSON, Form
from calltally.api.rendering import POLICY, render
from calltally.api.routing import route
from calltally.api.services import services_of
from calltally.api.shares import share_path
from calltally.api.shown import (
    shown_dates,
    shown_filters,
    shown_metric,
    shown_metric_label,
    shown_title,
    shown_value,
)
from calltally.catalog import CATALOG
from calltally.errors import InvalidRequest, NotFound, Problem, shown
from calltally.query import ValidQuery, asked_at
from calltally.query.parse import parse

__all__ = ["SHARED"]

# An address that shows something to whoever has it goes to no other server and into no index.
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
PICTURING = tuple(name for name in CATALOG.picturing if name not in CATALOG.parameters)
TITLES = {400: "This address does not work", 404: "Not here any more"}
BY_NAME = {form.name: form for form in FORMS}


@dataclass(frozen=True)
class Shown:
    """A share that somebody looks at: what it is, whose, and the query string of its report at this moment."""

    share: Share
    business: Business
    query_string: bytes

    @property
    def actor(self) -> Actor:
        """As whom its report is asked for: a key of its own, which takes turns with the others of the business."""
        return Actor(self.business, f"share {self.share.id}", frozenset({"report"}))


def _told(handler: PageHandler) -> PageHandler:
    """A handler whose answers have the headers of shares, and that tells errors as a page."""
    answer = with_error_pages(handler, "shared-message.html", TITLES)

    async def handle(request: Request) -> Response:
        response = await answer(request)
        response.headers.update(HEADERS)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return handle


async def _show(request: Request) -> Response:
    shown_share = await _found(request)
    query, body = await report_body(request, shown_share.query_string, shown_share.actor)
    return await run_in_threadpool(_page, request, shown_share, query, body)


def _page(request: Request, found: Shown, query: ValidQuery, body: bytes) -> Response:
    report = json.loads(body)["data"]  # not orjson, which would round a sum that passes 64 bits
    currency = found.business.currency
    return render(
        request,
        "shared.html",
        title=found.share.name or shown_title(found.share.request),
        business=found.business,
        dates=shown_dates(found.share.request, query),
        filters=shown_filters(found.share.request),
        path=share_path(request.path_params["token"]),
        dimensions=[dimension.label for dimension in query.dimensions],
        metrics=[shown_metric_label(metric, currency) for metric in query.metrics],
        rows=[_row(row, query, currency) for row in report["data"]],
        totals=[shown_metric(metric, report["totals"][metric.name], currency) for metric in query.metrics],
        full=not query.whole(report["count"]),
    )


def _row(row: dict[str, Any], query: ValidQuery, currency: str) -> tuple[list[str], list[str]]:
    """The values and the numbers of a row, as they are shown."""
    return (
        [shown_value(dimension, row[dimension.name]) for dimension in query.dimensions],
        [shown_metric(metric, row[metric.name], currency) for metric in query.metrics],
    )


def _given_as(form: Form) -> PageHandler:
    """What answers with the report of a share in a form."""

    async def give(request: Request) -> Response:
        allowed = PICTURING if form.pictured else ()
        found = await _found(request, allowed)
        look = request.scope["query_string"]
        query_string = found.query_string + (b"&" + look if look else b"")
        return await report_response(request, query_string, form, found.actor)

    return give


async def _found(request: Request, allowed: tuple[str, ...] = ()) -> Shown:
    """The share that the address names, if nothing but what is allowed was added to it.

    Raises:
        NotFound: there is none, or it has ended.
        InvalidRequest: something else was added.
    """
    services = services_of(request)
    now = services.now()
    share, business = await run_in_threadpool(find_share, services.control, request.path_params["token"], now)
    for name in parse(request.scope["query_string"]).values:
        if name not in allowed:
            message = f"A shared report is shown as it is: {shown(name)} cannot be added to its address"
            raise InvalidRequest((Problem(name, message),))
    return Shown(share, business, asked_at(share.request, business, now))


async def _nothing(_: Request) -> Response:
    raise NotFound("There is no such page; ask whoever sent you here for the address of the report")


SHARED = [
    route("/shared/{token}", GET=_told(_show)),
    route("/shared/{token}/report", GET=_told(_given_as(JSON))),
    route("/shared/{token}/report.csv", GET=_told(_given_as(BY_NAME["csv"]))),
    *[
        route(f"/shared/{{token}}/picture.{form.name}", GET=_told(_given_as(form)))
        for form in (BY_NAME["svg"], BY_NAME["png"])
    ],
    route("/shared/{rest:anything}", GET=_told(_nothing)),
]
