"""What runs in the engine beside reports, so that it can be stopped when the engine is closed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from calltally.errors import Unavailable

__all__ = ["Running"]

ASK_AGAIN_SECONDS = 0.05
PATIENCE = 10.0  # seconds: longer than a statement takes to heed an interrupt


class Running:
    """The interrupts of all that runs."""

    def __init__(self) -> None:
        self._interrupts: dict[object, Callable[[], None]] = {}
        self._changed = threading.Condition()
        self._stopped = False

    @contextmanager
    def during(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Let `stop` call `interrupt` while this block runs.

        Raises:
            Unavailable: it was stopped already.
        """
        key = object()
        with self._changed:
            if self._stopped:
                raise Unavailable("The database is being closed", 5)
            self._interrupts[key] = interrupt
        try:
            yield
        finally:
            with self._changed:
                del self._interrupts[key]
                self._changed.notify_all()

    def stop(self) -> None:
        """Interrupt all until it has ended: an interrupt before a statement has begun is lost."""
        with self._changed:
            self._stopped = True
            for _ in range(int(PATIENCE / ASK_AGAIN_SECONDS)):
                for interrupt in self._interrupts.values():
                    interrupt()
                if self._changed.wait_for(lambda: not self._interrupts, ASK_AGAIN_SECONDS):
                    return
