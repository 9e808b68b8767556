"""Whose turn it is to change the calls of a business: one write at a time, each with a number of its own."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from calltally.errors import Unavailable

__all__ = ["ProcessTurns", "Turn", "Turns"]

WAIT_SECONDS = 30  # for another write
BUSY = "Other calls of this business are being written; send it again"


class Turn(Protocol):
    """The right to change the calls of a business."""

    def number(self, lowest: int) -> tuple[int, int]:
        """A number for a write, `lowest` or more, and the one that was given before it, 0 where none is known.

        The number and the two after it were given to no other write. Where several nodes write, it is greater than any
        given to a turn before, even one that was lost.

        Raises:
            Unavailable: the turn was lost.
        """

    def check(self) -> None:
        """Return if nobody else can have had a turn since this one began.

        Raises:
            Unavailable: the turn was lost.
        """


class Turns(Protocol):
    """Who may change the calls of which business."""

    def of(self, business: str) -> AbstractContextManager[Turn]:
        """Nobody else changes the calls meanwhile.

        Raises:
            Unavailable: others write for too long; at the end, the turn was lost on the way, so that nothing that was
                written may be acknowledged.
        """

    def close(self) -> None:
        """Let go of what it takes."""


class _Own:
    """See `Turn`: within a process it cannot be lost."""

    def number(self, lowest: int) -> tuple[int, int]:
        return lowest, 0

    def check(self) -> None:
        pass


class ProcessTurns:
    """The turns of one process, where no other one writes."""

    def __init__(self) -> None:
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    @contextmanager
    def of(self, business: str) -> Iterator[Turn]:
        with self._lock:
            turn = self._locks[business]
        if not turn.acquire(timeout=WAIT_SECONDS):
            raise Unavailable(BUSY, 5)
        try:
            yield _Own()
        finally:
            turn.release()

    def close(self) -> None:
        """There is nothing to let go of."""
