"""A file read by a preset: raw columns of the vendor's as raw columns of our own fields."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from calltally.ingestion.files import ABSENT, Column, RowBatch, column_of, plain
from calltally.ingestion.presets.meanings import Converter, converter, elapsed, part
from calltally.ingestion.presets.types import Elapsed, From, Part, Preset, Taken, Times, folded
from calltally.records import Reading

__all__ = ["PresetReading", "as_text"]


class PresetReading:
    """Reads the batches of one file by a preset.

    `mapped` are the columns that somebody named for fields: those fields are left to them, as they are to a column
    that is called exactly like one. Where `reading` has formats of time, those of the preset are not used.
    """

    def __init__(self, preset: Preset, mapped: Mapping[str, str], reading: Reading) -> None:
        self._preset = preset
        self._mapped = dict(mapped)
        self._reading = reading

    def read(self, batch: RowBatch) -> RowBatch:
        """The batch with columns of our own fields; columns that the preset does not read are left as they are."""
        if not self._preset.fields:
            return batch
        vendor = _VendorColumns(batch, {*self._mapped.values()}, self._reading)
        rows = [row for row in self._preset.fields if self._applies(row, vendor)]
        read = {name for row in rows for source in row.sources for name in vendor.columns_of(source)}
        read |= vendor.named(self._read_for_no_field())
        left = {name: column for name, column in batch.columns.items() if name not in read}
        taken = {row.field: vendor.first_said(row.sources) for row in rows}
        return replace(batch, columns=left | taken, given=batch.columns)

    def others(self, batch: RowBatch) -> dict[str, str]:
        """Which ids of a batch, as it is in the file, name which other one as a leg of the same call."""
        legs = self._preset.legs
        if not legs or not legs.other:
            return {}
        vendor = _VendorColumns(batch, {*self._mapped.values()}, self._reading)
        ids = next((vendor.said(row.sources) for row in self._preset.fields if row.field == "id"), ())
        others = zip(ids, vendor.texts(legs.other), strict=True) if ids else ()
        return {own: other for own, other in others if own and other and own != other}

    def parts(self, batch: RowBatch) -> dict[int, Part]:
        """The rows of a batch, as it is in the file, that are but legs of a call with a row of its own, by number."""
        parts = self._preset.legs.parts if self._preset.legs else None
        if not parts:
            return {}
        vendor = _VendorColumns(batch, {*self._mapped.values()}, self._reading)
        found = [at for at, of in enumerate(vendor.texts(parts.of)) if of]
        facts = {row.field: vendor.said(row.sources) for row in parts.fields} if found else {}
        return {
            batch.numbers[at]: part({name: texts[at] for name, texts in facts.items()}, self._reading) for at in found
        }

    def _applies(self, row: Taken, vendor: "_VendorColumns") -> bool:
        """Whether a field is taken as the preset says: somebody's own words come first."""
        reads = {name for source in row.sources for name in vendor.columns_of(source)}
        return bool(reads) and row.field not in self._mapped and (row.field in reads or row.field not in vendor.columns)

    def _read_for_no_field(self) -> Iterable[str]:
        return (self._preset.legs.other,) if self._preset.legs and self._preset.legs.other else ()


class _VendorColumns:
    """The columns of a batch by their folded names, but for those that somebody named for a field."""

    def __init__(self, batch: RowBatch, mapped: Collection[str], reading: Reading) -> None:
        self.columns = {name: column for name, column in batch.columns.items() if name not in mapped}
        self._size = len(batch.places)
        self._reading = reading
        self._remembered: dict[str, list[str]] = {}

    def columns_of(self, source: From) -> set[str]:
        """The columns that a source reads; none where its own is not there."""
        if folded(source.column) not in self._by_name:
            return set()
        since = [source.meaning.since] if isinstance(source.meaning, Elapsed) else []
        return self.named([source.column, *since, *filter(None, (source.where, source.unless))])

    def named(self, names: Iterable[str]) -> set[str]:
        """The columns with these names, as the file spells them."""
        return {self._by_name[name] for name in map(folded, names) if name in self._by_name}

    def first_said(self, sources: Iterable[From]) -> Column:
        """For each row what the first source says that says something, null where none does."""
        there = [source for source in sources if folded(source.column) in self._by_name]
        if not there:
            return [None] * self._size
        first, *others = there
        if not others and first.meaning is None and not (first.where or first.unless):
            return self.columns[self._by_name[folded(first.column)]]
        columns = [self._source(source) for source in there]
        if all(isinstance(column, pa.Array) for column in columns):
            return columns[0] if len(columns) == 1 else pc.coalesce(*columns)
        return column_of([next(filter(_says, row), None) for row in zip(*map(plain, columns), strict=True)])

    def said(self, sources: Iterable[From]) -> list[str]:
        """The same as texts."""
        return ["" if value is None else str(value).strip() for value in plain(self.first_said(sources))]

    def texts(self, name: str) -> list[str]:
        """A column's values as texts, '' where there is none."""
        name = folded(name)
        if name not in self._remembered:
            column = plain(self.columns[self._by_name[name]]) if name in self._by_name else [None] * self._size
            self._remembered[name] = [as_text(value) or "" for value in column]
        return self._remembered[name]

    @cached_property
    def _by_name(self) -> dict[str, str]:
        """Of columns whose names differ only in what makes no difference the first."""
        return {folded(name): name for name in reversed(self.columns)}

    def _source(self, source: From) -> Column:
        """What one source says, null where it says nothing."""
        column = self._converted(source, self.columns[self._by_name[folded(source.column)]])
        for name, wanted in ((source.where, True), (source.unless, False)):
            if name:
                column = _only(column, [bool(text) == wanted for text in self.texts(name)])
        return column

    def _converted(self, source: From, column: Column) -> Column:
        meaning = source.meaning
        if isinstance(meaning, Elapsed):
            return self._elapsed(source.column, meaning)
        if meaning is None or (isinstance(meaning, Times) and self._reading.time_formats):
            return _each(column, str)
        return _each(column, converter(meaning))

    def _elapsed(self, end: str, meaning: Elapsed) -> Column:
        times = (_each(column_of(self.texts(name)), converter(meaning)) for name in (meaning.since, end))
        starts, ends = (["" if text is None else str(text) for text in plain(column)] for column in times)
        lengths = (elapsed(*both, self._reading) for both in zip(starts, ends, strict=True))
        return column_of([length or None for length in lengths])


def _each(column: Column, convert: Converter) -> Column:
    """The texts converted, each different one once, null where nothing is left; what is no text or number stays."""
    if isinstance(column, list):
        return column_of([_one(value, convert) for value in column])
    if pa.types.is_dictionary(column.type):
        return pa.array([_one(value, convert) for value in column.dictionary.to_pylist()], pa.string()).take(
            column.indices
        )
    if not pa.types.is_string(column.type):
        return column_of([_one(value, convert) for value in column.to_pylist()])
    distinct = column.dictionary_encode()
    return pa.array([_one(value, convert) for value in distinct.dictionary.to_pylist()], pa.string()).take(
        distinct.indices
    )


def _one(value: object, convert: Converter) -> object:
    text = as_text(value)
    return value if text is None else convert(text) or None if text else None


def as_text(value: object) -> str | None:
    """The value as it would be written in a file, without blanks at its ends; None if it is neither text nor number."""
    if value is None or value is ABSENT:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"  # 0.00001 rather than 1e-05
    return str(value).strip() if isinstance(value, str | int) else None


def _only(column: Column, wanted: list[bool]) -> Column:
    if isinstance(column, list):
        return [value if want else None for value, want in zip(column, wanted, strict=True)]
    return pc.if_else(pa.array(wanted, pa.bool_()), column, pa.scalar(None, column.type))


def _says(value: object) -> bool:
    return value is not None and value is not ABSENT and value != ""
