"""How fast a command goes on, and when it says so where no terminal shows a bar: a line now and then."""

import time

__all__ = ["Pace"]

SECONDS_BETWEEN_LINES = 5.0


class Pace:
    """How fast something goes on that begins now."""

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it goes on already."""
        return time.monotonic() - self._start

    def rate(self, count: int) -> str:
        """How many there are in a second, when there have been so many."""
        return f"{count / max(self.seconds, 0.001):,.0f}"

    def is_due(self, *, at_once: bool = False) -> bool:
        """Whether to write a line now: long enough after the one before, unless it is wanted at once."""
        now = time.monotonic()
        if not at_once and now - self._last < SECONDS_BETWEEN_LINES:
            return False
        self._last = now
        return True
