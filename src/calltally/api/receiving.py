"""Bodies in: which forms are taken, how much of them, and what is in them."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request

from calltally.api.packing import CODINGS, MEMBERS, unpacked
from calltally.api.patience import within
from calltally.api.room import Held
from calltally.api.workers import ClientGone
from calltally.catalog import suggestion
from calltally.errors import InvalidBody, Problem, TooLarge, UnsupportedMedia, shown
from calltally.exact_json import read_json
from calltally.ingestion.files import why_no_json

__all__ = [
    "JSON",
    "NDJSON",
    "BodyForm",
    "body_form",
    "body_pieces",
    "invalid_body",
    "json_value",
    "read_body",
    "read_fields",
]

JSON, NDJSON = "application/json", "application/x-ndjson"
PATIENCE_SECONDS = 60.0
MOST_BYTES_OF_FIELDS = 64 * 1024
LONGEST_NAME = 100  # of a field, as a problem has it


@dataclass(frozen=True)
class BodyForm:
    """What a body is, and how it is packed (empty: not at all)."""

    media_type: str
    coding: str


def body_form(headers: Headers, allowed: Sequence[str]) -> BodyForm:
    """The form that the headers say the body has.

    Raises:
        UnsupportedMedia: it is none of those that are taken, which are named.
    """
    content_type = headers.get("content-type", "").strip()
    media_type = _media_type(content_type)
    if media_type not in allowed:
        given = f"{shown(content_type)} is not taken" if content_type else "is missing"
        raise UnsupportedMedia(f"Content-Type: {given}; send {' or '.join(allowed)}, in UTF-8")
    return BodyForm(media_type, _coding(headers))


async def read_body(request: Request, most: int, held: Held | None = None, coding: str | None = None) -> bytes:
    """The whole body, unpacked; what it takes is added to what is `held`. `coding` is how it is packed, if known.

    Raises:
        TooLarge: it has more than `most` bytes, packed or unpacked, or becomes too large for what it was.
        UnsupportedMedia: it is packed in a way that is not read.
        InvalidBody: it cannot be unpacked, or stopped coming.
        Unavailable: there is no room for it now.
        ClientGone: it never came to its end.
    """
    if coding is None:
        coding = _coding(request.headers)
    if _said_length(request.headers) > most:
        raise _too_large(most)
    pieces = []
    size, more = 0, True
    while more:
        piece, more = await _next_piece(request)
        size += len(piece)
        if size > most:
            raise _too_large(most)
        if held:
            held.grow(len(piece))
        pieces.append(piece)
    body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    if not coding:
        return body
    body = await run_in_threadpool(_unpack, body, coding, most)
    if held:
        held.grow(len(body))
    return body


async def body_pieces(request: Request) -> AsyncGenerator[bytes]:
    """The body as it comes in.

    Raises:
        InvalidBody: nothing came for a long time.
        ClientGone: the client has closed its connection before the end.
    """
    more = True
    while more:
        piece, more = await _next_piece(request)
        if piece:
            yield piece


async def _next_piece(request: Request) -> tuple[bytes, bool]:
    """What comes next of the body, and whether there is more; raises as `body_pieces`."""
    try:
        message = await within(PATIENCE_SECONDS, request.receive())
    except TimeoutError as error:
        raise invalid_body(f"nothing came for {PATIENCE_SECONDS:g} s") from error
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), message.get("more_body", False)


async def read_fields(request: Request, known: Sequence[str], problems: list[Problem]) -> dict[str, object]:
    """The fields of a small object that have these names; that there are others is added to the problems.

    Raises:
        InvalidBody: it is no such object.
        UnsupportedMedia: it is not JSON.
        TooLarge: it is not small.
    """
    body_form(request.headers, (JSON,))
    value = json_value(await read_body(request, MOST_BYTES_OF_FIELDS))
    if not isinstance(value, dict):
        raise invalid_body(f"is not an object with {' or '.join(known)}")
    others = f"; it takes {', '.join(known)}"
    problems += (
        Problem(name, f"{name}: there is no such field{suggestion(name, known) or others}")
        for name in (name[:LONGEST_NAME] for name in value if name not in known)
    )
    return {name: given for name, given in value.items() if name in known}


def json_value(body: bytes) -> object:
    """What a body of JSON says.

    Raises:
        InvalidBody: it is not JSON.
    """
    try:
        return read_json(body)
    except orjson.JSONDecodeError as error:
        raise invalid_body(why_no_json(body, error)) from error


def invalid_body(what: str) -> InvalidBody:
    """What is said of a body of which this is true."""
    return InvalidBody((Problem("body", f"body: {what}"),))


@lru_cache(maxsize=100)
def _media_type(content_type: str) -> str:
    """The type, if its text is UTF-8; empty otherwise."""
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [part.partition("=")[2].strip('" ') for part in parameters if part.startswith("charset")]
    return media_type if set(charsets) <= {"utf-8", "utf8"} else ""


def _coding(headers: Headers) -> str:
    coding = headers.get("content-encoding", "").strip().lower()
    if coding in {"", "identity"}:
        return ""
    if coding not in MEMBERS:
        raise UnsupportedMedia(f"Content-Encoding: {shown(coding)} is not one of {', '.join(CODINGS)}")
    return coding


def _said_length(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _unpack(body: bytes, coding: str, most: int) -> bytes:
    unpacking = unpacked(coding)
    unpacking.feed(body)
    content = bytearray()
    while piece := unpacking.read():
        content += piece
        if len(content) > most:
            raise _too_large(most)
    unpacking.finish()
    return bytes(content)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body has more than {most:,} bytes, the most that is taken at once")
