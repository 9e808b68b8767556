"""CallScaler: how its API is asked, and what its answers look like."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from calltally.accounts import rfc3339
from calltally.errors import Refused
from calltally.syncing.client import Answer, Client
from calltally.syncing.source import CursorLost, Page

__all__ = ["CallScaler"]

PAGE_SIZE = 500  # the most that it gives
NO_SUCH_PAGE = {400, 404, 410, 422}


class CallScaler:
    """See `calltally.syncing.source.Source`."""

    vendor = "callscaler"
    name = "CallScaler"

    def __init__(self, client: Client, address: str) -> None:
        self._client = client
        self.address = address

    def page(self, since: datetime | None, cursor: str | None) -> Page:
        """See `Source.page`."""
        given = {
            "limit": str(PAGE_SIZE),
            **({"updated_since": rfc3339(since)} if since else {}),
            **({"cursor": cursor} if cursor else {}),
        }
        try:
            answer = self._client.get("calls", given)
        except Refused as refused:
            if cursor and refused.status in NO_SUCH_PAGE:
                raise CursorLost(refused.message, refused.status) from refused
            raise
        return _page(answer)

    def report(self, question: Mapping[str, str]) -> Sequence[Mapping[str, object]]:
        """See `Source.report`."""
        match self._client.get("analytics/calls", question).body:
            case {"data": {"data": list(rows)}} if all(isinstance(row, dict) for row in rows):
                return rows
        raise Refused(f"{self.name} answers with something else than a report")


def _page(answer: Answer) -> Page:
    """The page in an answer; a list is wrapped in `data`, next to what belongs to it."""
    match answer.body:
        case {"data": {"calls": list(calls)} as around} | ({"data": list(calls)} as around):
            return Page(calls, _next(around), answer.asked_at, _began(answer))
    raise Refused(f"{CallScaler.name} answers with something else than calls")


def _next(around: Mapping[str, Any]) -> str | None:
    match around.get("next_cursor"):
        case None | "":
            return None
        case str() | int() as cursor:
            return str(cursor)
    raise Refused(f"{CallScaler.name} answers with a cursor that is none")


def _began(answer: Answer) -> datetime:
    """Everything that was changed after this is in the next round: by the clock that is behind, ours or theirs."""
    return min(answer.server_time or answer.asked_at, answer.asked_at)
