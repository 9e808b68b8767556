"""Calls one by one: `POST /api/v1/calls`, and reading, changing and deleting a call, or erasing a caller."""

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from calltally.accounts import Actor, Business
from calltally.api.arrivals import Arrivals
from calltally.api.receiving import JSON, NDJSON, body_form, invalid_body, json_value, read_body
from calltally.api.results import Batch, NoRecord, Sent, Tally, named
from calltally.api.services import Services, client_gone, permitted
from calltally.api.streaming import take_stream
from calltally.catalog import CATALOG, CallField, suggestion
from calltally.engines import Outcome, Stop
from calltally.errors import InvalidBody, InvalidRequest, NotFound, Problem, TooLarge, shown
from calltally.exporting.records import call_records
from calltally.ingestion import Delivered, Delivery, ReadDeliveries, read_deliveries
from calltally.ingestion.erasing import erase_caller
from calltally.ingestion.files.json_array import BadElement, read_deep_elements, read_elements
from calltally.ingestion.files.json_blocks import lines_of_array
from calltally.query.parse import parse
from calltally.records import BadValue, Reading, read_value

__all__ = ["ERASED_BY", "MOST_RECORDS", "change_call", "delete_call", "erase_calls", "post_calls", "show_call"]

MOST_BYTES = 32_000_000
MOST_RECORDS = 10_000
MOST_BYTES_OF_CALL = 1_000_000
LONG_BYTES = 64 * 1024  # bodies from here on are worth a thread's while
ERASED_BY = "caller_number"
ALL = frozenset(Outcome)

Result = TypeVar("Result")


async def post_calls(request: Request) -> Response:
    """What became of each record that was sent, durably."""
    services, actor = await permitted(request, "write_calls")
    form = body_form(request.headers, (JSON, NDJSON))
    if form.media_type == NDJSON:
        return await take_stream(request, form, actor.business, services)
    with services.intake.bodies.hold(actor.business.id) as held:
        body = await read_body(request, MOST_BYTES, held, form.coding)
        taking = partial(_taken, body, services.arrivals, actor.business)
        with services.intake.coming(actor.business) if len(body) >= LONG_BYTES else nullcontext():
            batch, deliveries = await _beside(len(body), taking, waits=services.arrivals.waits)
        delivered = await services.intake.put(actor.business, deliveries) if len(deliveries) else []
        return _json(await _beside(len(body), partial(_told, batch, delivered)))


async def show_call(request: Request) -> Response:
    """A call with all its fields."""
    services, actor = await permitted(request, "read_calls")
    name = _id(request)

    def work(_: Stop) -> bytes:
        found = services.engine.call(actor.business.calls, name)
        if found is None:
            raise _no_call(name)
        return orjson.dumps({"data": call_records(found)[0]})

    business, key = actor.business.id, actor.key_id
    return _json(await services.workers.run(work, client_gone(request), business=business, key=key))


async def change_call(request: Request) -> Response:
    """What became of a call, some of whose fields were to change."""
    services, actor = await permitted(request, "write_calls")
    body_form(request.headers, (JSON,))
    name = _id(request)
    with services.intake.bodies.hold(actor.business.id) as held:
        changes = _changes(await read_body(request, MOST_BYTES_OF_CALL, held), name, actor.business)
        call = services.engine.call
        if await run_in_threadpool(call, actor.business.calls, name) is None:
            raise _no_call(name)
        [version] = await _beside(0, partial(services.arrivals.of, 1), waits=services.arrivals.waits)
        [end] = await services.intake.put(actor.business, [Delivery(changes, version, null_clears=True)])
        if end.outcome is Outcome.UNCHANGED and await run_in_threadpool(call, actor.business.calls, name) is None:
            raise _no_call(name)  # it was deleted meanwhile, and what comes of it later changes nothing
    return _json(orjson.dumps({"data": _changed(end, name)}))


async def delete_call(request: Request) -> Response:
    """Nothing, once a call is deleted for ever."""
    services, actor = await permitted(request, "delete_call")
    name = _id(request)
    work = partial(services.engine.delete, actor.business.calls, name)
    if not await services.intake.run(actor.business, work):
        raise _no_call(name)
    return Response(status_code=204)


async def erase_calls(request: Request) -> Response:
    """How many calls a caller number was taken out of, as out of all else that is kept."""
    services, actor = await permitted(request, "erase_caller", has_parameters=True)
    number = _caller_number(request.scope["query_string"])
    erased = await services.intake.run(actor.business, partial(_erased, number, actor, services))
    return _json(orjson.dumps({"data": {"erased": erased}}))


def _json(body: bytes) -> Response:
    return Response(body, media_type=JSON)


async def _beside(size: int, work: Callable[[], Result], *, waits: bool = False) -> Result:
    """What `work` gives back; worked out in a thread where there is much to do or it waits, so others are answered."""
    return await run_in_threadpool(work) if waits or size >= LONG_BYTES else work()


def _taken(body: bytes, arrivals: Arrivals, business: Business) -> tuple[Batch, Sequence[Delivery] | ReadDeliveries]:
    """The records that a body of JSON holds, and their deliveries; of a long one read to the end."""
    if len(body) < LONG_BYTES:
        batch = Batch(b"", 0, partial(_records, body))
        return batch, batch.deliveries(arrivals.of(len(batch)))
    lines, count = lines_of_array(body) or (b"", 0)
    batch = Batch(lines if count <= MOST_RECORDS else b"", count, partial(_records, body))
    return batch, batch.read(arrivals, business)


def _records(body: bytes) -> list[Sent]:
    """The records that a body of JSON holds.

    Raises:
        InvalidBody: it is neither an object nor an array.
        TooLarge: there are too many.
    """
    try:
        value = json_value(body)
    except InvalidBody:
        value = _read_one_by_one(body)
        if value is None:
            raise
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        raise invalid_body("is neither an object (one call) nor an array of objects")
    if len(value) > MOST_RECORDS:
        more = f"send more than {MOST_RECORDS:,} as {NDJSON}"
        raise TooLarge(f"The array has {len(value):,} records, of which {MOST_RECORDS:,} are taken at once; {more}")
    return [each if isinstance(each, dict | NoRecord) else NoRecord(each, "is not an object") for each in value]


def _read_one_by_one(body: bytes) -> list[Any] | None:
    """The elements of an array that is JSON, though some of its values cannot be taken; None: it is no such array.

    Such values are numbers that are too large, halves of characters, and what is nested too deep. Of too many elements
    none is read.
    """
    try:
        value = json.loads(body.decode(), parse_constant=_refused, parse_int=str)  # whole numbers of any length
    except ValueError:
        return None
    except RecursionError:
        return _told_apart(read_deep_elements(body))
    if not isinstance(value, list):
        return None
    if len(value) > MOST_RECORDS:
        return value
    return _told_apart(read_elements(body))


def _told_apart(elements: list[Any] | None) -> list[Any] | None:
    return elements and [
        NoRecord(each.text.decode(errors="replace"), each.reason) if isinstance(each, BadElement) else each
        for each in elements
    ]


def _refused(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _told(batch: Batch, delivered: list[Delivered]) -> bytes:
    tally = Tally()
    results = tally.add(batch, delivered, ALL)
    return orjson.dumps({"data": {**tally.summary(), "results": results}})


def _id(request: Request) -> str:
    """The id in the address, taken from its bytes: any character may be in it, also a slash.

    Raises:
        NotFound: it is not UTF-8, as every id is.
    """
    try:
        path = unquote(request.scope["raw_path"].decode(), errors="strict")
    except UnicodeDecodeError:
        raise _no_call(request.path_params["id"]) from None
    return path.split("/", 4)[4]  # after `/api/v1/calls/`


def _changes(body: bytes, name: str, business: Business) -> dict[str, object]:
    """The fields to change, with the id of the call under its own name alone.

    Raises:
        InvalidBody: it is no object, or of a call with another id.
    """
    changes = json_value(body)
    if not isinstance(changes, dict):
        raise invalid_body("is not an object with the fields to change")
    row, reading = CATALOG.fields["id"], Reading.of(business.region, business.timezone)
    given = [changes.pop(each) for each in (row.name, *row.aliases) if each in changes]
    problems = [
        Problem(row.name, f"{row.name}: {shown(other)} is not the id in the address, and an id cannot change")
        for other in given
        if not _is(name, row, other, reading)
    ]
    changes[row.name] = name
    if problems:  # then with all that is wrong with the other fields
        problems += read_deliveries([Delivery(changes, 0, null_clears=True)], business).problems.get(0, ())
        raise InvalidBody(tuple(problems))
    return changes


def _is(value: str, field: CallField, given: object, reading: Reading) -> bool:
    """Whether what a record gives for a field is read as this value."""
    try:
        return read_value(field, given, reading) == value
    except BadValue:
        return False


def _changed(end: Delivered, name: str) -> dict[str, Any]:
    if end.outcome is Outcome.REJECTED:
        raise InvalidBody(end.problems)
    dropped = {named(field): 1 for field in end.dropped}
    return {"id": name, "outcome": end.outcome.value, "dropped_fields": dropped}


def _caller_number(query_string: bytes) -> str:
    """The one parameter that there has to be.

    Raises:
        InvalidRequest: it is missing, empty, unreadable or given more than once, or there are others.
    """
    query = parse(query_string)
    given = query.values.get(ERASED_BY, ())
    problems = [*query.unreadable.get(ERASED_BY, ())]
    if not problems and len(given) != 1:
        wrong = f"was given {len(given)} times; give it once" if given else "is required"
        problems.append(Problem(ERASED_BY, f"{ERASED_BY}: {wrong}"))
    elif not problems and not given[0].strip():
        problems.append(Problem(ERASED_BY, f"{ERASED_BY}: must not be empty"))
    problems += [
        Problem(name, f"{name}: there is no such parameter{suggestion(name, [ERASED_BY])}")
        for name in query.values
        if name != ERASED_BY
    ]
    if problems:
        raise InvalidRequest(tuple(problems))
    return given[0]


def _erased(number: str, actor: Actor, services: Services) -> int:
    return erase_caller(number, actor.business, services.control, services.engine)


def _no_call(name: str) -> NotFound:
    return NotFound(f"There is no call {shown(name)}")
