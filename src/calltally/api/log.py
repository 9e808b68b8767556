"""The log's lines: those of many requests are written at once."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TextIO

__all__ = ["GatheringHandler"]

GATHERING_SECONDS = 0.02


class GatheringHandler(logging.StreamHandler[TextIO]):
    """Writes what is logged under the event loop a moment later, all that there is by then; every warning at once.

    To put a line together and write it takes as long as a small answer, which who asks next need not wait for. And each
    write lets other threads have the interpreter, which those that put calls in then keep for a while: written one by
    one, the lines of requests hold up all connections.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take what is logged, and write it soon."""
        self._records.append(record)
        loop = _running_loop()
        if loop is None or record.levelno >= logging.WARNING:
            self.flush()
        elif len(self._records) == 1:
            loop.call_later(GATHERING_SECONDS, self.flush)

    def flush(self) -> None:
        """Write what is gathered."""
        self.acquire()
        try:
            records, self._records = self._records, []
            if records:
                self._write(records)
        finally:
            self.release()

    def _write(self, records: Sequence[logging.LogRecord]) -> None:
        try:
            self.stream.write("".join(map(self._line, records)))
            super().flush()
        except OSError:  # as on a full disk: what was done is done, whether or not it can be logged
            self.handleError(records[-1])

    def _line(self, record: logging.LogRecord) -> str:
        try:
            return self.format(record) + self.terminator
        # As in the standard library's handlers: whatever the text of an argument raises must not end what logs it, or
        # take the lines of other requests with it. `handleError` prints the error, the text and its arguments.
        except Exception:
            self.handleError(record)
            return ""


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
