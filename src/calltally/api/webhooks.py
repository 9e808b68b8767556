"""`POST /api/v1/webhooks/{kind}/{id}`: calls that vendors send by themselves."""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from calltally.accounts import (
    Business,
    Control,
    Webhook,
    count_ignored,
    find_webhook,
    first_arrival,
    keep_dead_letter,
    redact_dead_letters,
)
from calltally.api.receiving import read_body
from calltally.api.services import Services, services_of
from calltally.errors import CallsUnreadable, FolderUnusable, InvalidBody, NotFound, Unavailable
from calltally.ingestion import ReadDeliveries, known_erasure, without_erased
from calltally.ingestion.webhooks import VENDORS, Posted, outcome_of, read_notice, reason_of
from calltally.localtime import microseconds

__all__ = ["IGNORED", "KEPT", "MOST_BYTES", "receive_webhook"]

MOST_BYTES = 2**20
SENDERS = "senders of webhooks"  # who holds bodies, all together: whose they are is known only once they are read
IGNORED, KEPT = "ignored", "kept"  # what an answer says where nothing was applied
REFUSED = "There is no such webhook, or what was sent does not prove that it comes from the vendor"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Arrival:
    """A body that the vendor of a webhook has sent."""

    webhook: Webhook
    business: Business
    body: bytes
    now: datetime


async def receive_webhook(request: Request) -> Response:
    """What became of what was sent, once that is durable."""
    services = services_of(request)
    kind, webhook_id = request.path_params["kind"], request.path_params["id"]
    webhook, business = await run_in_threadpool(_found, services.control, kind, webhook_id)
    with services.intake.bodies.hold(SENDERS) as held:  # not of somebody who knows no webhook
        body = await read_body(request, MOST_BYTES, held)
        posted = _posted(request, body, services.public_url)
        if not await run_in_threadpool(VENDORS[kind].genuine, posted, webhook.credential):
            raise NotFound(REFUSED)
        outcome = await _taken(webhook, business, body, services)
    return JSONResponse({"data": {"outcome": outcome}})


async def _taken(webhook: Webhook, business: Business, body: bytes, services: Services) -> str:
    """What became of a body that its vendor has sent."""
    try:
        return await _outcome(_Arrival(webhook, business, body, await _now(services)), services)
    except NotFound as error:  # the business was cleared or deleted between one step and the next
        raise Unavailable("The business was changed meanwhile; send it again") from error


def _posted(request: Request, body: bytes, public_url: str) -> Posted:
    """What was sent, with the address that the vendor knows."""
    scope = request.scope
    server = public_url or f"{scope['scheme']}://{request.headers.get('host', '')}"
    query = scope["query_string"].decode("latin-1")
    address = server + scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    return Posted(address, dict(request.query_params), dict(request.headers), body)


def _found(control: Control, kind: str, webhook_id: str) -> tuple[Webhook, Business]:
    """The webhook and its business.

    Raises:
        NotFound: there is no such webhook, which is said as where what was sent is not genuine.
    """
    try:
        return find_webhook(control, kind, webhook_id)
    except NotFound:
        raise NotFound(REFUSED) from None


async def _now(services: Services) -> datetime:
    """The time, by the clock of all nodes where there are several."""
    shared = services.control.shared_clock()
    return await run_in_threadpool(shared) if shared else services.now()


async def _outcome(arrival: _Arrival, services: Services) -> str:
    """What became of a body: applied, ignored, or kept as a dead letter."""
    try:
        deliveries = await run_in_threadpool(_deliveries, arrival, services.control)
        if not deliveries:
            return IGNORED
        return str(outcome_of(await services.intake.put(arrival.business, deliveries)).outcome.value)
    except InvalidBody as error:
        reason = reason_of(error.problems)
    except (CallsUnreadable, FolderUnusable) as error:
        reason = error.message
    await run_in_threadpool(_keep, arrival, reason, services)
    return KEPT


def _deliveries(arrival: _Arrival, control: Control) -> ReadDeliveries | None:
    """What a body says, with its version; None: an event that was counted, as nothing is done about it.

    Raises:
        InvalidBody: nothing can be made of it, or what it says cannot be taken.
    """
    notice = read_notice(VENDORS[arrival.webhook.kind], arrival.body, arrival.business)
    if notice.record is None:
        count_ignored(control, arrival.webhook, notice.event, arrival.now)
        return None
    version = notice.happened_at
    if version is None:
        version = microseconds(first_arrival(control, arrival.webhook, arrival.body, arrival.now))
    return notice.deliveries(version, arrival.business)


def _keep(arrival: _Arrival, reason: str, services: Services) -> None:
    """Keep a body as a dead letter, with the arrival that is its version where it says none."""
    arrived_at = first_arrival(services.control, arrival.webhook, arrival.body, arrival.now)
    erasure = known_erasure(arrival.business, services.engine)
    body, said = (without_erased(text, arrival.business, erasure) for text in (arrival.body, reason.encode()))
    kept = keep_dead_letter(services.control, arrival.webhook, body, said.decode(), arrived_at, came_as=arrival.body)
    if (now := known_erasure(arrival.business, services.engine)) != erasure:  # a caller was erased meanwhile
        without = partial(without_erased, business=arrival.business, erasure=now)
        redact_dead_letters(services.control, arrival.business, without, kept)
    log.warning("webhook %s: what came could not be applied and is a dead letter now", arrival.webhook.id)
