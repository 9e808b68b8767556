"""Arrivals: when each record came in, which is the version of fields that say none."""

import threading
from collections.abc import Callable
from datetime import datetime

from calltally.localtime import microseconds

__all__ = ["Arrivals"]


class Arrivals:
    """Times that are all different and grow, even where the clock stands still or is put back. Safe for threads.

    `waits`: to ask the clock takes a while, as it is one that several nodes share; to be done in a thread then.
    """

    def __init__(self, now: Callable[[], datetime], *, waits: bool = False) -> None:
        self.waits = waits
        self._now = now
        self._next = 0
        self._lock = threading.Lock()

    def of(self, count: int) -> range:
        """A time of arrival for each of so many records, in their order: microseconds UTC."""
        now = microseconds(self._now())
        with self._lock:
            first = max(now, self._next)
            self._next = first + count
        return range(first, first + count)
