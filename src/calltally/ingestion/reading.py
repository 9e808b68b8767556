"""Raw rows as rows that an engine takes: columns matched with call fields, values read, bad rows set aside."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from calltally.catalog import CATALOG, CallField
from calltally.engines import ROW_SCHEMA
from calltally.errors import Problem
from calltally.ingestion.files import ABSENT, Column, RowBatch, column_of, plain, present
from calltally.localtime import LocalTimeKind
from calltally.nesting import cut_deep
from calltally.records import FEW_ROWS, ColumnReader, Reading, StoredColumn, no_values
from calltally.records.arrays import TRUE

__all__ = ["NOTHING_KNOWN", "ReadBatch", "RejectedRow", "RowReading"]

# What rows of the same call have in common where a file has no ids, after reading.
TWIN_FIELDS = ("started_at", "caller_number", "tracking_number", "destination_number", "direction")

ROW = pa.struct(list(ROW_SCHEMA))
VERY_FEW_ROWS = 16  # which are made at once in less time than it takes to make a column for each field

# What is said of a row with neither an id, which would say what call it updates, nor what creates one.
NOTHING_KNOWN = Problem("started_at", "started_at: is missing; a call needs it")


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
    kinds: Counter[LocalTimeKind]  # of starts that do not occur just once
    dropped: Counter[str]
    nulls: Mapping[str, Sequence[int]]  # by field, the rows of the batch that gave it no value; if asked for


class RowReading:
    """Reads the batches of one file for one business, or, if it `lasts`, of any number of them at the same time.

    `columns` names, by field, the column to take it from instead of those of the field's own name and aliases.
    `with_nulls`: tell which rows gave no value, in contrast to those that did not speak of a field.
    """

    def __init__(
        self, reading: Reading, columns: Mapping[str, str], *, with_nulls: bool = False, lasts: bool = False
    ) -> None:
        self._with_nulls = with_nulls
        self._columns = dict(columns)
        self._readers = {name: ColumnReader(row, reading, lasts=lasts) for name, row in CATALOG.fields.items()}

    def read(self, batch: RowBatch) -> ReadBatch:
        """The batch as an engine takes it."""
        dropped: Counter[str] = Counter()
        raw = self._choose(batch, dropped)
        rows = _Rows(batch, {name: self._readers[name].read(_said(column)) for name, column in raw.items()})
        return ReadBatch(
            rows.record_batch(),
            (*_unread(batch), *rows.rejected()),
            len(batch.places) + len(batch.bad),
            rows.kinds(),
            dropped,
            rows.nulls(raw) if self._with_nulls else {},
        )

    def _choose(self, batch: RowBatch, dropped: Counter[str]) -> dict[str, Column]:
        """The raw values of each field that the batch has: its own name wins, then its aliases in their order."""
        left = set(batch.columns)
        chosen: dict[str, Column] = {}
        for name, row in CATALOG.fields.items():
            candidates = [c for c in self._candidates(row) if c in batch.columns]
            left -= set(candidates)
            if candidates:
                chosen[name], losers = _first_present([batch.columns[c] for c in candidates])
                dropped.update({c: n for c, n in zip(candidates, losers, strict=True) if n})
        dropped.update({column: n for column in sorted(left) if (n := present(batch.columns[column]))})
        return chosen

    def _candidates(self, row: CallField) -> Iterator[str]:
        if row.name in self._columns:
            yield self._columns[row.name]
        yield from (name for name in (row.name, *row.aliases) if name not in self._columns.values())


class _Rows:
    """The rows of a batch once their values are read."""

    def __init__(self, batch: RowBatch, columns: Mapping[str, StoredColumn]) -> None:
        self._batch = batch
        self._size = len(batch.places)
        self._columns = {name: columns.get(name) or no_values(row, self._size) for name, row in CATALOG.fields.items()}
        self._problems = _problems(self._columns)
        for i in self._without_both("started_at", "id"):
            if i not in self._problems:
                self._problems[i] = [NOTHING_KNOWN]

    def record_batch(self) -> pa.RecordBatch:
        """What the engine takes: accepted rows, and rejected ones that stand between twins."""
        columns = {name: column.given for name, column in self._columns.items()} | {
            "n": _whole_numbers(self._batch.numbers),
            "place": _whole_numbers(self._batch.places),
            "accepted": self._accepted,
            "twin": self._twins(),
            "version": self._versions(),
            "record": self._records(),
        }
        rows = _of_few(columns) if self._size <= VERY_FEW_ROWS else _of_many(columns)
        return rows.filter(pc.or_(self._accepted, pc.is_valid(rows["twin"]))) if self._problems else rows

    def rejected(self) -> Iterator[RejectedRow]:
        """The rows with problems, as they were."""
        if not self._problems:
            return
        places = sorted(self._problems)
        for i, record in zip(places, self._raw(places), strict=True):
            yield RejectedRow(self._batch.places[i], tuple(self._problems[i]), record)

    def kinds(self) -> Counter[LocalTimeKind]:
        """How many accepted rows start at a local time that occurs twice, or never."""
        return Counter(kind for i, kind in self._columns["started_at"].kinds.items() if i not in self._problems)

    def nulls(self, raw: Mapping[str, Column]) -> dict[str, Sequence[int]]:
        """By field, the rows that have a key for it, but no value; only those fields of which any row has."""
        found: dict[str, Sequence[int]] = {}
        for name, column in raw.items():
            nulls = self._columns[name].nulls
            if isinstance(column, list) and type(ABSENT) in map(type, column):
                nulls = [row for row in nulls if column[row] is not ABSENT]
            if nulls:
                found[name] = nulls
        return found

    def _values(self, name: str) -> pa.Array:
        return self._columns[name].values

    def _without_both(self, name: str, other: str) -> list[int]:
        """The rows that have a value in neither of two fields."""
        nulls, others = self._columns[name].nulls, self._columns[other].nulls
        return sorted(set(nulls).intersection(others)) if nulls and others else []

    @cached_property
    def _accepted(self) -> pa.Array:
        return pc.invert(_mask(self._problems, self._size)) if self._problems else pa.repeat(TRUE, self._size)

    def _versions(self) -> pa.Array | list[object]:
        """The version of what each row says; null: unversioned."""
        return self._columns["updated_at"].given

    def _raw(self, places: Sequence[int]) -> list[dict[str, object]]:
        """Some of the rows as they were, without what they had no key for."""
        columns = {name: _values_at(column, places) for name, column in self._batch.as_given.items()}
        return [
            {name: values[at] for name, values in columns.items() if values[at] is not ABSENT}
            for at in range(len(places))
        ]

    def _records(self) -> pa.Array:
        """The raw rows without a start: whether they have a call to update is known only when all rows are in."""
        if not self._columns["started_at"].nulls:
            return pa.nulls(self._size, pa.string())
        wanted = pc.and_(pc.is_null(self._values("started_at")), self._accepted)
        return _filled(
            wanted, [orjson.dumps(cut_deep(row), default=str).decode() for row in self._raw(_places(wanted))]
        )

    def _twins(self) -> pa.Array:
        """For rows without an id whose twin fields can all be read, what identifies their call but for its turn.

        Rejected rows among them too: mending one later must not change which turn the others have.
        """
        if not self._columns["id"].nulls:
            return pa.nulls(self._size, pa.string())
        ids, starts = self._values("id"), self._values("started_at")
        unreadable = {i for name in ("id", *TWIN_FIELDS) for i in self._columns[name].problems}
        wanted = pc.and_not(pc.and_not(pc.is_null(ids), pc.is_null(starts)), _mask(unreadable, self._size))
        return _filled(wanted, _twin_hashes([self._values(name).filter(wanted) for name in TWIN_FIELDS]))


def _twin_hashes(columns: list[pa.Array]) -> list[str]:
    """32 hex digits from the values of the twin fields. Stored ids are made from them: they must never change."""
    *others, direction = columns
    said = pc.fill_null(direction, CATALOG.fields["direction"].default or "")
    texts = [pc.fill_null(column.cast(pa.string()), "") for column in (*others, said)]
    written = pc.binary_join_element_wise(*texts, "\x1f").to_pylist()
    return [hashlib.blake2b(text.encode(), digest_size=16).hexdigest() for text in written]


def _first_present(candidates: list[Column]) -> tuple[Column, list[int]]:
    """For each row the value of the first column that it has, and how often each column lost."""
    first, *others = candidates
    if not others or not isinstance(first, list):  # an array has a value, if only null, in every row
        return first, [0, *map(present, others)]
    losers = [0] * len(candidates)
    chosen = list(first)
    for place, column in enumerate(map(plain, others), 1):
        for i, value in enumerate(column):
            if value is ABSENT:
                continue
            if chosen[i] is ABSENT:
                chosen[i] = value
            else:
                losers[place] += 1
    return chosen, losers


def _said(column: Column) -> Column:
    """The column with null where a row has no such key."""
    if not isinstance(column, list):
        return column
    values = [None if value is ABSENT else value for value in column] if type(ABSENT) in map(type, column) else column
    return values if len(values) <= FEW_ROWS else column_of(values)


def _problems(columns: Mapping[str, StoredColumn]) -> dict[int, list[Problem]]:
    """What is wrong, by row, in the order of the fields."""
    found: dict[int, list[Problem]] = {}
    for name, column in columns.items():
        for i, message in column.problems.items():
            found.setdefault(i, []).append(Problem(name, f"{name}: {message}"))
    return found


def _unread(batch: RowBatch) -> Iterator[RejectedRow]:
    for bad in batch.bad:
        yield RejectedRow(bad.place, (Problem("", bad.reason),), bad.text)


def _whole_numbers(numbers: Sequence[int]) -> pa.Array:
    """The numbers as Arrow has them; of a range without making each of them first."""
    if isinstance(numbers, range):
        return pa.arange(numbers.start, numbers.stop)
    return pa.array(numbers, pa.int64())


def _of_few(columns: Mapping[str, Column]) -> pa.RecordBatch:
    """Very few rows, made all at once: a step for each column would take longer."""
    values = [plain(columns[name]) for name in ROW_SCHEMA.names]
    rows = [dict(zip(ROW_SCHEMA.names, row, strict=True)) for row in zip(*values, strict=True)]
    return pa.RecordBatch.from_struct_array(pa.array(rows, ROW))


def _of_many(columns: Mapping[str, Column]) -> pa.RecordBatch:
    arrays = [_as(columns[row.name], row.type) for row in ROW_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=ROW_SCHEMA)


def _as(values: Column, kind: pa.DataType) -> pa.Array:
    """The values as an array of this type, which most are."""
    if isinstance(values, list):
        return pa.array(values, kind)
    return values if values.type == kind else values.cast(kind)


def _mask(rows: Collection[int], size: int) -> pa.Array:
    """True for these rows."""
    return pa.array([i in rows for i in range(size)], pa.bool_())


def _places(mask: pa.Array) -> list[int]:
    """The rows for which a mask is true."""
    places: list[int] = pc.indices_nonzero(mask).to_pylist()
    return places


def _filled(mask: pa.Array, texts: list[str]) -> pa.Array:
    """A column with these texts where a mask is true, null elsewhere."""
    nulls = pa.nulls(len(mask), pa.string())
    return pc.replace_with_mask(nulls, mask, pa.array(texts, pa.string())) if texts else nulls


def _values_at(column: Column, places: Sequence[int]) -> list[object]:
    if isinstance(column, list):
        return [column[at] for at in places]
    return plain(column.take(pa.array(places, pa.int64())))
