"""Where rejected rows go: one JSON object a line, beside the file that they came from."""

from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import orjson

from calltally.errors import CalltallyError, Problem
from calltally.ingestion.reading import RejectedRow

__all__ = ["Rejects"]

MOST_BYTES = 64 * 1024


class Rejects:
    """Writes `FILE.rejected.ndjson`, once there is something to write; `first` says where and why that was.

    Every method raises `CalltallyError` if it cannot be written.
    """

    def __init__(self, source: Path, unit: str) -> None:
        self.path = source.with_name(source.name + ".rejected.ndjson")
        self.count = 0
        self.first: tuple[str, Problem] | None = None
        self._unit = unit
        self._file: BinaryIO | None = None

    def __enter__(self) -> "Rejects":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file:
            try:
                self._file.close()
            except OSError as failure:
                if error is None:
                    raise self._unwritable(failure) from failure

    def open(self) -> None:
        """Make the file, so that it is known that rows can be written."""
        if self._file is None:
            try:
                self._file = self.path.open("wb")
            except OSError as error:
                raise self._unwritable(error) from error

    def write(self, row: RejectedRow) -> None:
        """Add a row: its place, what is wrong with each field, and the record, cut where it is over 64 KB."""
        self.open()
        self.count += 1
        self.first = self.first or (f"{self._unit} {row.place:,}", row.problems[0])
        written = {self._unit: row.place, "errors": [_problem(problem) for problem in row.problems]}
        line = orjson.dumps(written | _record(row.record), default=str, option=orjson.OPT_APPEND_NEWLINE)
        self._do(line)

    def flush(self) -> None:
        """Have written what was added so far."""
        self._do(None)

    def discard_if_empty(self) -> None:
        """Remove the file if nothing was rejected, an earlier import's too: its rows are rejected no more."""

    def _do(self, line: bytes | None) -> None:
        pass

    def _unwritable(self, error: OSError) -> CalltallyError:
        return CalltallyError(f"{self.path}: the rejected rows cannot be written there ({error.strerror})")
