"""Raw rows as rows that an engine takes: columns matched with call fields, values read, bad rows set aside."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import pyarrow as pa

from calltally.catalog import CATALOG, CallField, FieldKind
from calltally.engines import ROW_SCHEMA
from calltally.errors import Problem
from calltally.ingestion.files import ABSENT, RowBatch
from calltally.localtime import LocalTimeKind
from calltally.records import BadValue, Moment, Reading, read_usual, read_value

__all__ = ["ReadBatch", "RejectedRow", "RowReading"]

# What rows of the same call have in common where a file has no ids, after reading.
TWIN_FIELDS = ("started_at", "caller_number", "tracking_number", "destination_number", "direction")
SAFE_KEYS = frozenset({str, int, float, type(None), type(ABSENT)})
LONGEST_REMEMBERED = 1024  # characters: no good value has more, and bad ones can be a thousand times as long
SELDOM_REPEATED = frozenset({FieldKind.ID, FieldKind.TIME})


@dataclass(frozen=True)
class RejectedRow:
    """A row that is not taken: where it is, why, and what it was."""

    place: int
    problems: tuple[Problem, ...]
    record: Mapping[str, object] | str


@dataclass(frozen=True)
class ReadBatch:
    """What a batch of raw rows came to."""

    rows: pa.RecordBatch
    rejected: tuple[RejectedRow, ...]
    read: int
    kinds: Counter[LocalTimeKind]
    dropped: Counter[str]


@dataclass
class _Column:
    """One field's values in a batch, and what was wrong by row."""

    values: list[Any]
    problems: dict[int, str] = field(default_factory=dict)


class _Memo(dict[object, object]):
    """Raw value to stored value, each distinct one read once; bad ones as their `BadValue`.

    Bounded by starting anew: a column of numbers would otherwise grow with the file.
    """

    def __init__(self, row: CallField, reading: Reading) -> None:
        super().__init__()
        self._row = row
        self._reading = reading
        self._most = 400_000 if row.kind is FieldKind.PHONE else 50_000
        self.met_bad = False

    def __missing__(self, raw: object) -> object:
        value = self.read(raw)
        if isinstance(raw, str) and len(raw) > LONGEST_REMEMBERED:
            return value
        if len(self) >= self._most:
            self.clear()
        self[raw] = value
        return value

    def read(self, raw: object) -> object:
        """Read one value, without remembering it."""
        if raw is ABSENT:
            return None
        try:
            return read_value(self._row, raw, self._reading)
        except BadValue as bad:
            self.met_bad = True
            return bad.with_traceback(None)  # which would keep the raw value, of up to a megabyte

    def read_all(self, raw: list[object]) -> list[Any]:
        """Read a column."""
        types = set(map(type, raw))
        if self._row.kind is FieldKind.TIME and types == {str} and not self._reading.time_formats:
            usual = read_usual(cast("list[str]", raw))
            if usual is not None:
                return usual
        # Ids and times hardly ever repeat; True equals 1, and lists are no keys.
        remembers = self._row.kind not in SELDOM_REPEATED and types <= SAFE_KEYS
        return list(map(self.__getitem__ if remembers else self.read, raw))


class RowReading:
    """Reads the batches of one file for one business.

    `columns` names, by field, the column to take it from instead of those of the field's own name and aliases.
    """

    def __init__(self, reading: Reading, columns: Mapping[str, str]) -> None:
        self._columns = dict(columns)
        self._memos = {name: _Memo(row, reading) for name, row in CATALOG.fields.items()}

    def read(self, batch: RowBatch) -> ReadBatch:
        """The batch as an engine takes it."""
        dropped: Counter[str] = Counter()
        raw = self._choose(batch, dropped)
        columns = {name: self._column(name, values) for name, values in raw.items()}
        problems = _problems(columns)
        rows = _Rows(batch, columns, problems)
        return ReadBatch(
            rows.record_batch(),
            (*_unread(batch), *rows.rejected()),
            len(batch.places) + len(batch.bad),
            rows.kinds(),
            dropped,
        )

    def _choose(self, batch: RowBatch, dropped: Counter[str]) -> dict[str, list[object]]:
        """The raw values of each field that the batch has: its own name wins, then its aliases in their order."""
        size = len(batch.places)
        left = set(batch.columns)
        chosen: dict[str, list[object]] = {}
        for name, row in CATALOG.fields.items():
            candidates = [c for c in self._candidates(row) if c in batch.columns]
            left -= set(candidates)
            if candidates:
                chosen[name], losers = _first_present([batch.columns[c] for c in candidates])
                dropped.update({c: n for c, n in zip(candidates, losers, strict=True) if n})
        for column in sorted(left):
            if present := size - batch.columns[column].count(ABSENT):
                dropped[column] += present
        return chosen

    def _candidates(self, row: CallField) -> Iterator[str]:
        if row.name in self._columns:
            yield self._columns[row.name]
        yield from (name for name in (row.name, *row.aliases) if name not in self._columns.values())

    def _column(self, name: str, raw: list[object]) -> _Column:
        memo = self._memos[name]
        values = memo.read_all(raw)
        column = _Column(values)
        if memo.met_bad:
            for i, value in enumerate(values):
                if isinstance(value, BadValue):
                    column.problems[i] = str(value)
                    values[i] = None
        return column


class _Rows:
    """The rows of a batch once their values are read."""

    def __init__(self, batch: RowBatch, columns: Mapping[str, _Column], problems: dict[int, list[Problem]]) -> None:
        self._batch = batch
        self._size = len(batch.places)
        self._columns = columns
        self._problems = problems
        starts = self._values("started_at")
        ids = self._values("id")
        for i, start in enumerate(starts):
            if start is None and ids[i] is None and i not in problems:
                problems[i] = [Problem("started_at", "started_at: is missing; a call needs it")]

    def record_batch(self) -> pa.RecordBatch:
        """What the engine takes: accepted rows, and rejected ones that stand between twins."""
        accepted = [i not in self._problems for i in range(self._size)]
        twins = self._twins()
        kept = [i for i in range(self._size) if accepted[i] or twins[i] is not None]
        columns: dict[str, Sequence[object]] = {
            "n": self._batch.numbers,
            "place": self._batch.places,
            "accepted": accepted,
            "id": self._values("id"),
            "twin": twins,
            "version": _instants(self._values("updated_at")),
            "record": self._records(),
        }
        arrays = []
        for schema_field in ROW_SCHEMA:
            values = columns.get(schema_field.name)
            if values is None:
                values = self._values(schema_field.name)
                values = _instants(values) if schema_field.name == "started_at" else values
            if len(kept) < self._size:
                values = [values[i] for i in kept]
            arrays.append(pa.array(values, schema_field.type))
        return pa.RecordBatch.from_arrays(arrays, schema=ROW_SCHEMA)

    def rejected(self) -> Iterator[RejectedRow]:
        """The rows with problems, as they were."""
        for i, problems in sorted(self._problems.items()):
            yield RejectedRow(self._batch.places[i], tuple(problems), self._record(i))

    def kinds(self) -> Counter[LocalTimeKind]:
        """How often the local times of accepted rows occur."""
        starts = self._values("started_at")
        return Counter(
            start.kind for i, start in enumerate(starts) if isinstance(start, Moment) and i not in self._problems
        )

    def _values(self, name: str) -> list[Any]:
        column = self._columns.get(name)
        return column.values if column else [None] * self._size

    def _record(self, i: int) -> dict[str, object]:
        return {name: values[i] for name, values in self._batch.columns.items() if values[i] is not ABSENT}

    def _records(self) -> list[str | None]:
        """The raw rows without a start: whether they have a call to update is known only when all rows are in."""
        starts = self._values("started_at")
        return [
            None if start is not None or i in self._problems else orjson.dumps(self._record(i), default=str).decode()
            for i, start in enumerate(starts)
        ]

    def _twins(self) -> list[str | None]:
        """For rows without an id whose twin fields can all be read, what identifies their call but for its turn.

        Rejected rows among them too: mending one later must not change which turn the others have.
        """
        ids = self._values("id")
        if None not in ids:
            return [None] * self._size
        columns = [self._columns.get(name) for name in ("id", *TWIN_FIELDS)]
        unreadable = {i for column in columns if column for i in column.problems}
        values = zip(*(self._values(name) for name in TWIN_FIELDS), strict=True)
        return [
            _twin(row) if ids[i] is None and row[0] is not None and i not in unreadable else None
            for i, row in enumerate(values)
        ]


def _twin(values: tuple[Any, ...]) -> str:
    """32 hex digits from the values of the twin fields. Stored ids are made from it: it must never change."""
    start, *texts, direction = values
    said = direction or CATALOG.fields["direction"].default or ""
    written = "\x1f".join([str(start.instant), *(text or "" for text in texts), said])
    return hashlib.blake2b(written.encode(), digest_size=16).hexdigest()


def _first_present(candidates: list[list[object]]) -> tuple[list[object], list[int]]:
    """For each row the value of the first column that it has, and how often each column lost."""
    first, *others = candidates
    losers = [0] * len(candidates)
    if not others:
        return first, losers
    chosen = list(first)
    for place, column in enumerate(others, 1):
        for i, value in enumerate(column):
            if value is ABSENT:
                continue
            if chosen[i] is ABSENT:
                chosen[i] = value
            else:
                losers[place] += 1
    return chosen, losers


def _problems(columns: Mapping[str, _Column]) -> dict[int, list[Problem]]:
    """What is wrong, by row, in the order of the fields."""
    found: dict[int, list[Problem]] = {}
    for name, column in columns.items():
        for i, message in column.problems.items():
            found.setdefault(i, []).append(Problem(name, f"{name}: {message}"))
    return found


def _unread(batch: RowBatch) -> Iterator[RejectedRow]:
    for bad in batch.bad:
        yield RejectedRow(bad.place, (Problem("", bad.reason),), bad.text)


def _instants(moments: Sequence[Moment | None]) -> list[int | None]:
    return [None if moment is None else moment.instant for moment in moments]
