"""Where rejected rows go: one JSON object a line, beside the file that they came from."""

from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import orjson

from calltally.errors import Problem
from calltally.ingestion.reading import RejectedRow

__all__ = ["Rejects"]

MOST_BYTES = 64 * 1024


class Rejects:
    """Writes `FILE.rejected.ndjson`, once there is something to write."""

    def __init__(self, source: Path, unit: str) -> None:
        self.path = source.with_name(source.name + ".rejected.ndjson")
        self.count = 0
        self._unit = unit
        self._file: BinaryIO | None = None

    def __enter__(self) -> "Rejects":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def write(self, row: RejectedRow) -> None:
        """Add a row: its place, what is wrong with each field, and the record, cut where it is over 64 KB."""
        if self._file is None:
            self._file = self.path.open("wb")
        self.count += 1
        self._file.write(
            orjson.dumps(
                {
                    self._unit: row.place,
                    "errors": [_problem(problem) for problem in row.problems],
                    **_record(row.record),
                },
                default=str,
                option=orjson.OPT_APPEND_NEWLINE,
            )
        )


def _problem(problem: Problem) -> dict[str, str | None]:
    return {"field": problem.param or None, "message": problem.message}


def _record(record: object) -> dict[str, object]:
    """The record whole, or the beginning of its text and the fact that it was cut."""
    if isinstance(record, str):
        text = record.encode()
    else:
        text = orjson.dumps(record, default=str)
        if len(text) <= MOST_BYTES:
            return {"record": record}
    cut = len(text) > MOST_BYTES
    return {"text": text[:MOST_BYTES].decode(errors="ignore"), **({"cut": True} if cut else {})}
