"""The log's lines: those of many requests that end together are written at once."""

import asyncio
import logging
from typing import TextIO

__all__ = ["GatheringHandler"]


class GatheringHandler(logging.StreamHandler[TextIO]):
    """Writes what is logged in one turn of the event loop at its end, all else and every warning at once.

    Each write lets other threads have the interpreter, which those that put calls in then keep for a while: written
    one by one, the lines of requests hold up all connections.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line, and write it soon."""
        try:
            line = self.format(record)
        except Exception:  # as in every handler: what cannot be logged must not end what logs it
            self.handleError(record)
            return
        self._lines.append(line + self.terminator)
        loop = _running_loop()
        if loop is None or record.levelno >= logging.WARNING:
            self.flush()
        elif len(self._lines) == 1:
            loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what is gathered."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            self.stream.write("".join(lines))
            super().flush()
        finally:
            self.release()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
