"""Where a page of a list ended, as the text by which the next page is asked for."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

import orjson

from calltally.engines import Place
from calltally.localtime import FIRST_INSTANT, LAST_INSTANT

__all__ = ["Cursor", "hashed", "read_cursor", "write_cursor"]

MOST = 2000  # characters
QUESTION_BYTES = 12
CHECK_BYTES = 6


@dataclass(frozen=True)
class Cursor:
    """The place at which a page ended, and what tells its list from others."""

    question: bytes
    place: Place


def write_cursor(question: str, place: Place) -> str:
    """The cursor for the page behind a place; `question` is equal for lists of the same calls in the same order."""
    content = hashed(question) + orjson.dumps([place.started_at, place.id])
    return base64.urlsafe_b64encode(_check(content) + content).decode().rstrip("=")


def read_cursor(text: str) -> Cursor | None:
    """What `write_cursor` wrote, or None if it did not."""
    try:
        raw = base64.b64decode(text[:MOST] + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    check, content = raw[:CHECK_BYTES], raw[CHECK_BYTES:]
    if len(text) > MOST or check != _check(content):
        return None
    place = _place(content[QUESTION_BYTES:])
    return place and Cursor(content[:QUESTION_BYTES], place)


def hashed(question: str) -> bytes:
    """What a cursor remembers of a question."""
    return hashlib.sha256(question.encode()).digest()[:QUESTION_BYTES]


def _place(written: bytes) -> Place | None:
    """The place that a cursor names, if a call can stand there: anybody who knows how can write a cursor."""
    try:
        said = orjson.loads(written)
    except orjson.JSONDecodeError:
        return None
    match said:
        case [bool(), _]:
            return None
        case [int(started_at), str(call_id)] if FIRST_INSTANT <= started_at < LAST_INSTANT:
            return Place(started_at, call_id)
    return None


def _check(content: bytes) -> bytes:
    """What shows that a cursor is whole and no rubbish; anybody can work it out."""
    return hashlib.sha256(b"calltally cursor" + content).digest()[:CHECK_BYTES]
