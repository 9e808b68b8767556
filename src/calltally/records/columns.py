"""Columns of raw values as columns of stored ones: what is usual a whole column at once, the rest value by value.

`read_value` alone says what a value means. What is read here without it is read as it would be, only sooner.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from calltally.catalog import CallField, FieldKind
from calltally.localtime import LocalTimeKind
from calltally.records.arrays import all_between, between, matching, only
from calltally.records.phones import usual_phones
from calltally.records.times import Moment, usual_times
from calltally.records.values import BadValue, Reading, Stored, read_value

__all__ = ["FEW_ROWS", "ColumnReader", "StoredColumn", "no_values"]

# A time is stored as its instant; the other kinds are text.
STORED_TYPES = {FieldKind.TIME: pa.int64(), FieldKind.WHOLE: pa.int64(), FieldKind.BOOLEAN: pa.bool_()}

FEW_ROWS = 200  # which are read one by one in less time than it takes to set out for whole columns
SELDOM_REPEATED = frozenset({FieldKind.ID, FieldKind.TIME})
LONGEST_REMEMBERED = 1024  # characters: no good value has more, and bad ones can be a thousand times as long
PHONES_REMEMBERED, OTHERS_REMEMBERED = 400_000, 50_000
LONGEST_LASTING, LASTING_REMEMBERED = 64, 500  # where it is for long: texts, and how many of them
FEW_DISTINCT = 100  # texts of a column, which are read one by one sooner than all at once, more so if remembered
FEW_DIGITS = "-?[0-9]{1,15}"
PRINTED = "[!-~](?:[ -~]*[!-~])?"  # ASCII without blanks at its ends

Fact = TypeVar("Fact")


@dataclass(frozen=True)
class StoredColumn:
    """Values as they are stored; by row, what was wrong with it, and local times that do not occur just once."""

    kind: pa.DataType
    given: pa.Array | list[Any]  # the values
    problems: Mapping[int, str] = field(default_factory=dict)
    kinds: Mapping[int, LocalTimeKind] = field(default_factory=dict)

    @cached_property
    def values(self) -> pa.Array:
        """The values as an array."""
        return pa.array(self.given, self.kind) if isinstance(self.given, list) else self.given

    @cached_property
    def nulls(self) -> Sequence[int]:
        """The rows without a value."""
        if isinstance(self.given, list):
            return [row for row, value in enumerate(self.given) if value is None]
        if self.given.null_count == len(self.given):
            return range(len(self.given))
        if not self.given.null_count:
            return ()
        rows: list[int] = pc.indices_nonzero(pc.is_null(self.given)).to_pylist()
        return rows


def no_values(row: CallField, size: int) -> StoredColumn:
    """The column of a field of which nothing was said."""
    kind = _type(row)
    return StoredColumn(kind, [None] * size if size <= FEW_ROWS else pa.nulls(size, kind))


class ColumnReader:
    """Reads one field's columns, those of one file; each different text is read once.

    `lasts`: for more than one file. It remembers little then, and no phone number, which may have to be erased.
    Safe for threads.
    """

    def __init__(self, row: CallField, reading: Reading, *, lasts: bool = False) -> None:
        self._row = row
        self._reading = reading
        self._remembered = _Remembered(row, reading, lasts=lasts)

    def read(self, raw: pa.Array | list[object]) -> StoredColumn:
        """The column as it is stored; null stays null."""
        if isinstance(raw, list):
            return self._read_each(raw)
        if raw.null_count == len(raw):
            return no_values(self._row, len(raw))
        if pa.types.is_dictionary(raw.type):
            return _taken(self._read_array(raw.dictionary), raw.indices)
        if self._row.kind in SELDOM_REPEATED or pa.types.is_integer(raw.type):
            return self._read_array(raw)
        distinct = raw.unique()
        if raw.type == _type(self._row) and len(distinct) <= FEW_DISTINCT and self._all_stay(distinct.to_pylist()):
            return StoredColumn(raw.type, raw)
        if 2 * len(distinct) > len(raw):
            return self._read_array(raw)
        encoded = raw.dictionary_encode()
        return _taken(self._read_array(encoded.dictionary), encoded.indices)

    def _all_stay(self, raw: list[object]) -> bool:
        """Whether each is stored as it came, as most are."""
        return self._values(raw) == raw

    def _read_array(self, raw: pa.Array) -> StoredColumn:
        if len(raw) <= FEW_DISTINCT:
            return self._read_each(raw.to_pylist())
        usual = self._usual(raw)
        if usual.null_count == raw.null_count:
            return StoredColumn(usual.type, usual)
        left = pc.and_not(pc.is_valid(raw), pc.is_valid(usual))
        rows = pc.indices_nonzero(left).to_pylist()
        read = self._read_each(raw.filter(left).to_pylist())
        return StoredColumn(
            usual.type,
            pc.replace_with_mask(usual, left, read.values),
            {rows[at]: problem for at, problem in read.problems.items()},
            {rows[at]: kind for at, kind in read.kinds.items()},
        )

    def _usual(self, raw: pa.Array) -> pa.Array:
        """The stored values that can be had a whole column at once, null where a value has to be read by itself."""
        read = USUAL.get(self._row.kind)
        return read(self._row, raw, self._reading) if read else pa.nulls(len(raw), _type(self._row))

    def _read_each(self, raw: list[object]) -> StoredColumn:
        return _stored(self._row, self._values(raw))

    def _values(self, raw: list[object]) -> list[Stored | BadValue | None]:
        known, read = self._remembered, self._remembered.read
        return [
            None if each is None else known[each] if type(each) is str or type(each) is int else read(each)
            for each in raw
        ]


class _Remembered(dict[str | int, Stored | BadValue | None]):
    """Text or whole number to stored value; bad ones to their `BadValue`. Ids and times, seldom repeated, are not kept.

    Bounded by starting anew: a column of numbers would otherwise grow with the file.
    """

    def __init__(self, row: CallField, reading: Reading, *, lasts: bool) -> None:
        super().__init__()
        self._row = row
        self._reading = reading
        most = PHONES_REMEMBERED if row.kind is FieldKind.PHONE else OTHERS_REMEMBERED
        self._most, self._longest = (LASTING_REMEMBERED, LONGEST_LASTING) if lasts else (most, LONGEST_REMEMBERED)
        self._keeps = not (row.kind in SELDOM_REPEATED or (lasts and row.kind is FieldKind.PHONE))

    def __missing__(self, raw: str | int) -> Stored | BadValue | None:
        value = self.read(raw)
        if self._keeps and (isinstance(raw, int) or len(raw) <= self._longest):
            if len(self) >= self._most:
                self.clear()
            self[raw] = value
        return value

    def read(self, raw: object) -> Stored | BadValue | None:
        """Read any value, without remembering it."""
        try:
            return read_value(self._row, raw, self._reading)
        except BadValue as bad:
            return bad.with_traceback(None)  # which would keep the raw value, of up to a megabyte


def _type(row: CallField) -> pa.DataType:
    return STORED_TYPES.get(row.kind, pa.string())


def _stored(row: CallField, read: list[Stored | BadValue | None]) -> StoredColumn:
    kind = _type(row)
    if not {BadValue, Moment} & set(map(type, read)):
        return StoredColumn(kind, read)
    problems = {at: str(value) for at, value in enumerate(read) if isinstance(value, BadValue)}
    good = [None if isinstance(value, BadValue) else value for value in read]
    moments = {at: value for at, value in enumerate(good) if isinstance(value, Moment)}
    values = [value.instant if isinstance(value, Moment) else value for value in good]
    kinds = {at: moment.kind for at, moment in moments.items() if moment.kind is not LocalTimeKind.ONCE}
    return StoredColumn(kind, values, problems, kinds)


def _taken(distinct: StoredColumn, indices: pa.Array) -> StoredColumn:
    """The column whose rows have the values with these indices, null where there is none."""
    values = distinct.values.take(indices)
    return StoredColumn(values.type, values, _spread(distinct.problems, indices), _spread(distinct.kinds, indices))


def _spread(facts: Mapping[int, Fact], indices: pa.Array) -> dict[int, Fact]:
    if not facts:
        return {}
    return {row: facts[at] for row, at in enumerate(indices.to_pylist()) if at in facts}


# What is usual of each kind: the values as they are stored, null where a value has to be looked at by itself.


def _usual_text(row: CallField, raw: pa.Array, _: Reading) -> pa.Array:
    """Printable ASCII without blanks at its ends stays as it is."""
    if not pa.types.is_string(raw.type):
        return pa.nulls(len(raw), pa.string())
    lengths = pc.binary_length(raw).cast(pa.int64())
    short = raw if all_between(lengths, 1, row.highest) else only(raw, between(lengths, 1, row.highest))
    return matching(short, PRINTED)


def _usual_phones(_: CallField, raw: pa.Array, reading: Reading) -> pa.Array:
    return usual_phones(raw, reading.region) if pa.types.is_string(raw.type) else pa.nulls(len(raw), pa.string())


def _usual_times(_: CallField, raw: pa.Array, reading: Reading) -> pa.Array:
    if pa.types.is_string(raw.type) and reading.time_formats:
        return pa.nulls(len(raw), pa.int64())  # any of which may come before the usual one
    return usual_times(raw, reading.local_time)


def _usual_whole(row: CallField, raw: pa.Array, _: Reading) -> pa.Array:
    """Integers in range, and texts of no more than their digits."""
    if pa.types.is_string(raw.type):
        raw = matching(raw, FEW_DIGITS).cast(pa.int64())
    elif raw.type != pa.int64():
        return pa.nulls(len(raw), pa.int64())
    if all_between(raw, row.lowest, row.highest):
        return raw
    return only(raw, between(raw, row.lowest, row.highest))


USUAL: dict[FieldKind, Callable[[CallField, pa.Array, Reading], pa.Array]] = {
    FieldKind.ID: _usual_text,
    FieldKind.TIME: _usual_times,
    FieldKind.PHONE: _usual_phones,
    FieldKind.TEXT: _usual_text,
    FieldKind.WHOLE: _usual_whole,
}
