"""Where rejected rows go: one JSON object a line, beside the file that they came from."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import orjson

from calltally.errors import CalltallyError, Problem
from calltally.ingestion.files import LONGEST_SHOWN_ROW
from calltally.ingestion.reading import RejectedRow
from calltally.nesting import cut_deep, is_deep

__all__ = ["SUFFIX", "RejectedField", "Rejects", "shown_text"]

SUFFIX = ".rejected.ndjson"
PLACES = {"record": "number"}  # what the place of a row is called, where not as the unit: the row itself is a record


@dataclass
class RejectedField:
    """A field in which some rows cannot be taken: where the first one is, such as `line 7`, and what is wrong there."""

    place: str
    problem: Problem
    rows: int = 0


class Rejects:
    """Writes `FILE.rejected.ndjson`, once there is something to write; can be entered several times.

    What an earlier one left there is written over, or where this one is `adding`, added to.

    What any method raises if the file cannot be written, a `CalltallyError`, says what became of the other rows:
    `outcome`.
    """

    def __init__(self, source: Path, unit: str, *, adding: bool = False) -> None:
        self.path = source.with_name(source.name + SUFFIX)
        self.count = 0
        self._fields: dict[str, RejectedField] = {}
        self.outcome = f"nothing of {source.name} was imported"
        self._unit = unit
        self._adding = adding
        self._file: BinaryIO | None = None

    def __enter__(self) -> "Rejects":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None
        if error is None:
            with self._checked():
                file.close()
        else:
            with suppress(OSError):  # what is raised already says more
                file.close()
            self.tidy(finished=False)

    @property
    def fields(self) -> tuple[RejectedField, ...]:
        """The fields that kept rows out; a row without a field to blame counts under none."""
        return tuple(self._fields.values())

    def open(self) -> BinaryIO:
        """Make sure that rows can be written; the file to write them to."""
        with self._checked():
            self._file = self._file or self.path.open("ab" if self.count or self._adding else "wb")
        return self._file

    def write(self, row: RejectedRow) -> None:
        """Add a row: its place, what is wrong with each field, and the record, cut where it is over 64 KB."""
        file = self.open()
        self.count += 1
        for problem in row.problems:
            self._fields.setdefault(problem.param, RejectedField(f"{self._unit} {row.place:,}", problem)).rows += 1
        written = {
            PLACES.get(self._unit, self._unit): row.place,
            "errors": [_problem(problem) for problem in row.problems],
        }
        line = orjson.dumps(written | _record(row.record), default=str, option=orjson.OPT_APPEND_NEWLINE)
        with self._checked():
            file.write(line)

    def tidy(self, *, finished: bool) -> None:
        """Remove an empty file and, when an import has finished without rejects, what an earlier one left."""
        with suppress(OSError):  # a folder that nobody can write to, or something else of that name
            if not self.count and (finished or not self.path.stat().st_size):
                self.path.unlink(missing_ok=True)

    @contextmanager
    def _checked(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = f"{self.path}: rejected rows cannot be written there ({error.strerror}); {self.outcome}"
            raise CalltallyError(message) from error


def shown_text(record: object) -> tuple[str, bool]:
    """The JSON of a record, or a text itself, and whether its end or depths had to be left out."""
    deep = is_deep(record)
    shallow = cut_deep(record) if deep else record
    text = shallow.encode() if isinstance(shallow, str) else orjson.dumps(shallow, default=str)
    return text[:LONGEST_SHOWN_ROW].decode(errors="ignore"), deep or len(text) > LONGEST_SHOWN_ROW


def _problem(problem: Problem) -> dict[str, str | None]:
    return {"field": problem.param or None, "message": problem.message}


def _record(record: object) -> dict[str, object]:
    """The record whole, or its text without its end or depths and the fact that it was cut."""
    text, is_cut = shown_text(record)
    if is_cut:
        return {"text": text, "cut": True}
    return {"text": text} if isinstance(record, str) else {"record": record}
