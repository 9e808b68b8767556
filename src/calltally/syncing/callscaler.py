"""CallScaler: how its API is asked, and what its answers look like."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from calltally.accounts import rfc3339
from calltally.errors import Refused
from calltally.syncing.client import Answer, Client
from calltally.syncing.source import CursorLost, Page

__all__ = ["CallScaler"]

PAGE_SIZE = 500  # the most that it gives
NO_SUCH_PAGE = {400, 404, 410, 422}
CURSOR, TOTAL = "next_cursor", "total"
BESIDE = ("pagination", "meta")  # objects that may hold the two
# A cursor of our own, where they give none: how many calls to pass over, and with which the page before began.
BY_OFFSET = re.compile(r"calltally-offset-([0-9]{1,18})-(.*)", re.DOTALL)


class CallScaler:
    """See `calltally.syncing.source.Source`."""

    vendor = "callscaler"
    name = "CallScaler"

    def __init__(self, client: Client, address: str) -> None:
        self._client = client
        self.address = address

    def page(self, since: datetime | None, cursor: str | None) -> Page:
        """See `Source.page`."""
        offset, first = _by_offset(cursor)
        where = {"offset": str(offset)} if offset else {"cursor": cursor} if cursor else {}
        since_then = {"updated_since": rfc3339(since)} if since else {}
        try:
            answer = self._client.get("calls", {"limit": str(PAGE_SIZE), **since_then, **where})
        except Refused as refused:
            if cursor and refused.status in NO_SUCH_PAGE:
                raise CursorLost(refused.message, refused.status) from refused
            raise
        calls, beside = _calls(answer)
        if first and _first(calls) == first:
            raise Refused(f"{self.name} gives the same calls again, wherever they are to begin")
        return Page(calls, _next(calls, beside, cursor), answer.asked_at, _began(answer))

    def report(self, question: Mapping[str, str]) -> Sequence[Mapping[str, object]]:
        """See `Source.report`."""
        match self._client.get("analytics/calls", question).body:
            case {"data": {"data": list(rows)}} if all(isinstance(row, dict) for row in rows):
                return rows
        raise Refused(f"{self.name} answers with something else than a report")


def _calls(answer: Answer) -> tuple[Sequence[object], Sequence[Mapping[str, Any]]]:
    """The calls in an answer, and what may say something about them: a list is wrapped in `data`, next to such."""
    match answer.body:
        case {"data": {"calls": list(calls)} as around} as outer:
            return calls, [*_places(around), *_places(outer)]
        case {"data": list(calls)} as outer:
            return calls, [*_places(outer)]
    raise Refused(f"{CallScaler.name} answers with something else than calls")


def _places(around: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield around
    yield from (around[name] for name in BESIDE if isinstance(around.get(name), dict))


def _next(calls: Sequence[object], beside: Sequence[Mapping[str, Any]], asked: str | None) -> str | None:
    """Where the next calls are; None: these are the last."""
    cursor, (offset, _) = _cursor(beside), _by_offset(asked)
    if cursor:
        return None if cursor == asked and not calls else cursor
    if asked and not offset:  # cursors lead on, and this page has none
        return None
    read, total = offset + len(calls), _total(beside)
    if total <= read:
        return None
    full = bool(calls) and len(calls) % PAGE_SIZE == 0
    if calls and (full or not any(CURSOR in place for place in beside)):
        return f"calltally-offset-{read}-{_first(calls)}"
    if offset and offset % PAGE_SIZE == 0:  # behind full pages; behind a shorter one the total counts other calls too
        raise Refused(f"{CallScaler.name} says that there are {total:,} calls, but gives only {read:,}")
    return None


def _cursor(beside: Sequence[Mapping[str, Any]]) -> str | None:
    for cursor in (place.get(CURSOR) for place in beside):
        match cursor:
            case None | "":
                continue
            case str() | int():
                return str(cursor)
        raise Refused(f"{CallScaler.name} answers with a cursor that is none")
    return None


def _total(beside: Sequence[Mapping[str, Any]]) -> int:
    return next((place[TOTAL] for place in beside if isinstance(place.get(TOTAL), int)), 0)


def _by_offset(cursor: str | None) -> tuple[int, str]:
    """What a cursor of our own says; nothing, if it is one of theirs."""
    found = BY_OFFSET.fullmatch(cursor or "")
    return (int(found[1]), found[2]) if found else (0, "")


def _first(calls: Sequence[object]) -> str:
    """The id of the first of the calls, '' where it has none."""
    match calls:
        case [{"id": str() | int() as id_}, *_]:
            return str(id_)
    return ""


def _began(answer: Answer) -> datetime:
    """Everything that was changed after this is in the next round: by the clock that is behind, ours or theirs."""
    return min(answer.server_time or answer.asked_at, answer.asked_at)
