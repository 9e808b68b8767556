"""`GET /api/v1/calls`: the calls themselves, in pages, or all of them as a file."""

from collections.abc import Generator

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from calltally.api.bodies import WORTH_PACKING, gzipped, gzipped_pieces
from calltally.api.cookies import VARY
from calltally.api.preferences import preferred, takes_gzip
from calltally.api.services import client_gone, permitted
from calltally.api.streams import StreamedFile
from calltally.engines import Engine, Stop
from calltally.exporting import Format, call_records, pieces_of
from calltally.query import CallList, Selection, Timing, plan_list, select_listed
from calltally.query import list_calls as listed

__all__ = ["FILE_TYPES", "list_calls", "list_calls_csv", "list_calls_ndjson"]

PAGE_TYPE = "application/json"
FILE_TYPES: dict[str, Format] = {"text/csv": "csv", "application/x-ndjson": "ndjson"}
# Who may see a call can change, and calls are about people: no copy is kept on the way.
HEADERS = {"Cache-Control": "no-store", "Vary": f"Accept, Accept-Encoding, {VARY}"}


async def list_calls(request: Request) -> ASGIApp:
    """A page of the calls of the key's business; all of them where `Accept` asks for a file."""
    media_type = preferred(request.headers, (PAGE_TYPE, *FILE_TYPES))
    return await (_page(request) if media_type == PAGE_TYPE else _file(request, media_type))


async def list_calls_csv(request: Request) -> ASGIApp:
    """All calls of the key's business that match, as CSV."""
    return await _file(request, "text/csv")


async def list_calls_ndjson(request: Request) -> ASGIApp:
    """All calls of the key's business that match, a JSON object a line."""
    return await _file(request, "application/x-ndjson")


async def _page(request: Request) -> Response:
    timing = Timing()
    with timing.step("auth"):
        services, actor = await permitted(request, "read_calls", has_parameters=True)
    packing = takes_gzip(request.headers)

    def work(stop: Stop) -> tuple[bytes, bool]:
        with timing.step("plan"):
            listing = plan_list(request.scope["query_string"], actor.business)
        with timing.step("engine"):
            found = listed(listing, services.engine, stop)
        with timing.step("shape"):
            body = _written(found)
            packs = packing and len(body) >= WORTH_PACKING
            return (gzipped(body) if packs else body), packs

    body, packed = await services.workers.run(work, client_gone(request), business=actor.business.id, key=actor.key_id)
    encoding = {"Content-Encoding": "gzip"} if packed else {}
    return Response(body, 200, {**HEADERS, **encoding, "Server-Timing": timing.header()}, PAGE_TYPE)


def _written(found: CallList) -> bytes:
    return orjson.dumps({"data": {"calls": call_records(found.calls), "next_cursor": found.next_cursor}})


async def _file(request: Request, media_type: str) -> StreamedFile:
    timing = Timing()
    with timing.step("auth"):
        services, actor = await permitted(request, "read_calls", has_parameters=True)
    with timing.step("plan"):
        selection = await run_in_threadpool(select_listed, request.scope["query_string"], actor.business)
    kind, packing = FILE_TYPES[media_type], takes_gzip(request.headers)

    def make(stop: Stop) -> Generator[bytes, None, None]:
        pieces = _pieces(actor.business.calls, selection, kind, services.engine, stop)
        return gzipped_pieces(pieces) if packing else pieces

    stream = services.streams.begin(make, actor.business.id)
    headers = {
        **HEADERS,
        **({"Content-Encoding": "gzip"} if packing else {}),
        "Content-Type": f"{media_type}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="calls.{kind}"',
        "Server-Timing": timing.header(),
    }
    return StreamedFile(services.streams, stream, headers)


def _pieces(calls: str, selection: Selection, kind: Format, engine: Engine, stop: Stop) -> Generator[bytes, None, None]:
    with engine.export(calls, selection.conditions, selection.periods, stop) as batches:
        yield from pieces_of(batches, kind)
