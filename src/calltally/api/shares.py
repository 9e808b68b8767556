"""`/api/v1/shares`: the reports that a business shows to whoever has their address."""

from datetime import datetime, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from calltally.accounts import Actor, Business, Share, create_share, list_shares, revoke_share, rfc3339
from calltally.api.receiving import read_fields
from calltally.api.saved_reports import PRIVATE, read_name, read_request
from calltally.api.services import Services, permitted
from calltally.api.shown import shown_title
from calltally.errors import InvalidBody, InvalidRequest, Problem, shown
from calltally.localtime import moment, offset_table
from calltally.records import read_rfc3339

__all__ = ["MOST_DAYS", "add_share", "delete_share", "list_all_shares", "share_path"]

FIELDS = ("request", "name", "expires_at", "expires_in_days")
MOST_DAYS = 3650


async def list_all_shares(request: Request) -> Response:
    """The shares of the business that are good, the newest first; never their tokens."""
    services, actor = await permitted(request, "share_reports")
    found = await run_in_threadpool(list_shares, services.control, actor.business, services.now())
    return JSONResponse({"data": {"shares": [_described(share) for share in found]}}, headers=PRIVATE)


async def add_share(request: Request) -> Response:
    """A new share, with its address, which is told this once."""
    services, actor = await permitted(request, "share_reports")
    problems: list[Problem] = []
    given = await read_fields(request, FIELDS, problems)
    share, token = await run_in_threadpool(_added, given, problems, actor, services)
    path = share_path(token)
    address = f"{services.public_url or _address(request)}/{path}"
    return JSONResponse({"data": {**_described(share), "address": address, "path": path}}, 201, PRIVATE)


async def delete_share(request: Request) -> Response:
    """Nothing, once a share is revoked."""
    services, actor = await permitted(request, "share_reports")
    await run_in_threadpool(revoke_share, services.control, actor.business.id, request.path_params["id"])
    return Response(status_code=204)


def share_path(token: str) -> str:
    """Where the share with a token is, from the root of the server."""
    return f"shared/{token}"


def _address(request: Request) -> str:
    """The address of the server, as the one who asks knows it."""
    return f"{request.scope['scheme']}://{request.headers.get('host', '')}"


def _added(given: dict[str, object], problems: list[Problem], actor: Actor, services: Services) -> tuple[Share, str]:
    now = services.now()
    kept = read_request(given.get("request"), actor.business, problems)
    name = None if given.get("name") is None else read_name(given["name"], problems)
    expires_at = _expires_at(given, actor.business, now, problems)
    if problems:
        raise InvalidBody(tuple(problems))
    try:
        return create_share(services.control, actor, name=name, request=kept, now=now, expires_at=expires_at)
    except InvalidRequest as error:
        raise InvalidBody(error.problems) from error


def _expires_at(
    given: dict[str, object], business: Business, now: datetime, problems: list[Problem]
) -> datetime | None:
    """When the share ends; None: when it is revoked."""
    at, days = given.get("expires_at"), given.get("expires_in_days")
    if at is not None and days is not None:
        problems.append(
            Problem("expires_at", "expires_at: it cannot stand beside expires_in_days; leave one of them out")
        )
    elif at is not None:
        return _moment(at, business, now, problems)
    elif isinstance(days, int) and not isinstance(days, bool) and 1 <= days <= MOST_DAYS:
        return now + timedelta(days=days)
    elif days is not None:
        message = f"{shown(days)} is not a whole number from 1 to {MOST_DAYS}"
        problems.append(Problem("expires_in_days", f"expires_in_days: {message}"))
    return None


def _moment(given: object, business: Business, now: datetime, problems: list[Problem]) -> datetime | None:
    read = read_rfc3339(given, offset_table(business.timezone)) if isinstance(given, str) else None
    latest = now + timedelta(days=MOST_DAYS)
    if read is None:
        message = f"{shown(given)} is not a time such as 2026-03-09T14:05:00Z"
    else:
        found = moment(read.instant)
        if now < found <= latest:
            return found
        message = f"{shown(given)} is not between now and {rfc3339(latest)}"
    problems.append(Problem("expires_at", f"expires_at: {message}"))
    return None


def _described(share: Share) -> dict[str, Any]:
    return {
        "id": share.id,
        "name": share.name,
        "title": share.name or shown_title(share.request),
        "request": share.request,
        "created_at": rfc3339(share.created_at),
        "expires_at": rfc3339(share.expires_at) if share.expires_at else None,
    }
