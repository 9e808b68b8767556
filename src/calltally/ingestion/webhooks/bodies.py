"""The bodies of webhooks as names and values, and the moments in them as instants."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import orjson

from calltally.errors import InvalidBody, Problem
from calltally.exact_json import read_json
from calltally.ingestion.files.json_columns import why_no_json
from calltally.localtime import OffsetTable
from calltally.records import read_rfc2822, read_rfc3339

__all__ = ["read_form", "read_object", "rfc2822_moment", "rfc3339_moment", "unreadable"]


def read_object(body: bytes) -> Mapping[str, object]:
    """The names and values of a JSON object.

    Raises:
        InvalidBody: it is none.
    """
    try:
        found = read_json(body)
    except orjson.JSONDecodeError as error:
        raise unreadable("body", f"it {why_no_json(body, error)}") from error
    if not isinstance(found, dict):
        raise unreadable("body", "it is not a JSON object")
    return found


def read_form(body: bytes) -> Mapping[str, object]:
    """The names and values of a form; of a name that comes twice the last.

    Raises:
        InvalidBody: it is none, or not UTF-8.
    """
    try:
        return dict(parse_qsl(body.decode(), True, True, errors="strict"))
    except UnicodeDecodeError as error:
        raise unreadable("body", "it is not UTF-8") from error
    except ValueError as error:
        raise unreadable("body", "it is not a form (name=value&name=value)") from error


def rfc3339_moment(text: str, local_time: OffsetTable) -> int | None:
    """The instant, microseconds UTC; None: it is no such time."""
    moment = read_rfc3339(text, local_time)
    return moment and moment.instant


def rfc2822_moment(text: str, _: OffsetTable) -> int | None:
    """The instant, microseconds UTC, of a time such as `Mon, 09 Mar 2026 14:05:00 +0000`; None: it is none."""
    return read_rfc2822(text)


def unreadable(name: str, why: str) -> InvalidBody:
    """What is said of a body of which nothing can be made."""
    return InvalidBody((Problem(name, f"{name}: {why}"),))
