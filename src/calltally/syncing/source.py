"""What a vendor is asked, whoever it is: its changed calls page by page, and its own report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from calltally.errors import Refused

__all__ = ["CursorLost", "Page", "Source"]


class CursorLost(Refused):
    """A cursor leads to no page, or round in circles: only the first page can be asked for."""


@dataclass(frozen=True)
class Page:
    """Some calls as the vendor sends them, and where the next ones are; None: these are the last."""

    calls: Sequence[object]
    next_cursor: str | None
    asked_at: datetime  # on this machine's clock
    began_at: datetime  # not later than that on the vendor's clock, nor on this one


class Source(Protocol):
    """A vendor's server, asked with a key of one of its businesses."""

    vendor: str  # its name in what is kept
    name: str  # and as people write it
    address: str

    def page(self, since: datetime | None, cursor: str | None) -> Page:
        """Calls that were changed since then (None: all calls), from the cursor on (None: from the first on).

        Raises:
            CursorLost: the cursor leads to no page.
            Refused: the vendor does not take the key, or does not answer as it should.
            Unavailable: it does not answer, however often it is asked.
        """

    def report(self, question: Mapping[str, str]) -> Sequence[Mapping[str, object]]:
        """The rows of the vendor's report; the question has the parameters of ours.

        Raises:
            Refused, Unavailable: as `page`.
        """
