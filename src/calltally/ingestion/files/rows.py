"""The types a file is read as: rows in batches, and the rows that could not be read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

from calltally.ingestion.files.columns import Column

__all__ = [
    "LONGEST_KEPT_ROW",
    "LONGEST_LINE",
    "LONGEST_SHOWN_ROW",
    "BadRow",
    "Format",
    "Origin",
    "RowBatch",
    "RowReader",
]

LONGEST_LINE = 1_000_000  # bytes of one row; a longer one is a bad row and is never held whole
LONGEST_SHOWN_ROW = 65_536  # bytes of a bad row that are given back
LONGEST_KEPT_ROW = LONGEST_SHOWN_ROW + 4  # a character more, which tells that there was more

Format = Literal["csv", "ndjson", "json", "parquet"]
Unit = Literal["line", "record", "row"]
UNITS: dict[Format, Unit] = {"csv": "line", "ndjson": "line", "json": "record", "parquet": "row"}


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read as one: where it is, what is wrong with it, and its text as far as it is shown."""

    place: int
    reason: str
    text: str


@dataclass(frozen=True)
class RowBatch:
    """Rows, column by column; what is in `columns`, `places` and `numbers` is equally long.

    `given` are the columns as they were in the file, where `columns` were made from them.
    """

    columns: dict[str, Column]
    places: Sequence[int]
    numbers: Sequence[int]
    bad: list[BadRow]
    given: dict[str, Column] | None = None

    @property
    def as_given(self) -> dict[str, Column]:
        """The columns as they were in the file."""
        return self.columns if self.given is None else self.given


class Origin(Protocol):
    """Where the rows come from, as far as a progress bar wants to know."""

    @property
    def size(self) -> int | None:
        """How many bytes there are, None where nobody knows."""

    @property
    def position(self) -> int:
        """How many of them have been consumed."""

    def close(self) -> None:
        """Nothing more will be read."""


class RowReader:
    """The rows of one file, read once from first to last.

    A file that breaks off yields every whole row before the break, then raises `UnreadableFile`.
    """

    def __init__(
        self,
        kind: Format,
        columns: tuple[str, ...] | None,
        origin: Origin,
        batches: Iterator[RowBatch],
        encoding: str = "utf-8",
    ) -> None:
        self.format: Format = kind
        self.unit: Unit = UNITS[kind]
        self.columns = columns
        self.encoding = encoding
        self._origin = origin
        self._batches = batches

    @property
    def size(self) -> int | None:
        """The bytes of the file as it is stored, None where it comes as a stream."""
        return self._origin.size

    @property
    def position(self) -> int:
        """The bytes of it that have been consumed; an estimate for Parquet."""
        return self._origin.position

    def __iter__(self) -> Iterator[RowBatch]:
        return self._batches

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._origin.close()
