"""Parquet: row groups read as rows; columns of a usual type stay as they are, others are as Python has them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from calltally.errors import UnreadableFile
from calltally.ingestion.files.columns import Column, plain
from calltally.ingestion.files.gathering import FULL_BYTES, shown_row
from calltally.ingestion.files.layout import column_names
from calltally.ingestion.files.rows import BadRow, RowBatch
from calltally.localtime import DAY, microseconds
from calltally.records.arrays import all_between

__all__ = ["ParquetRows"]

READ_AHEAD = 1 << 20  # bytes; without it a whole column of a row group is read at once

MOST_ROWS = 60_000  # more than of other files, since rows are columns from the start
MOST_INT64 = 2**63 - 1
NO_NUMBER = pa.scalar(None, pa.float64())
FIRST_PYTHON_TIME = microseconds(datetime(MINYEAR, 1, 1, tzinfo=UTC))
LAST_PYTHON_TIME = microseconds(datetime(MAXYEAR, 12, 31, tzinfo=UTC)) + DAY - 1

UNREADABLE = (pa.ArrowException, OSError)
UNCONVERTIBLE = (ValueError, OverflowError, pa.ArrowException)  # a year 300000, text that is not UTF-8


class ParquetRows:
    """The rows of one Parquet file, which must be seekable; `size` is that of the file as it is stored."""

    def __init__(self, file: BinaryIO, name: str, size: int) -> None:
        self.size = size
        self.name = name
        self._file = file
        self._done = 0  # rows
        try:
            self._parquet = self._opened(())
            self._parquet = self._opened(_repetitive(self._parquet))
        except UNREADABLE as error:
            file.close()
            raise UnreadableFile(f"{name}: this cannot be read as Parquet ({_first_line(error)})") from error
        self.columns = column_names(self._parquet.schema_arrow.names)

    @property
    def position(self) -> int:
        """How much of the file has been read, by the share of its rows."""
        rows: int = self._parquet.metadata.num_rows
        return self.size * self._done // max(1, rows)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def batches(self) -> Iterator[RowBatch]:
        """The rows; raises `UnreadableFile` behind the last that can be read if others cannot."""
        try:
            for batch in _ahead(self._decoded()):
                yield self._converted(batch)
        except UNREADABLE as error:
            where = f"after row {self._done} (of {self._parquet.metadata.num_rows})"
            raise UnreadableFile(f"{self.name}: the file is damaged {where}: {_first_line(error)}") from error

    def _decoded(self) -> Iterator[pa.RecordBatch]:
        for group in range(self._parquet.metadata.num_row_groups):
            yield from self._parquet.iter_batches(self._rows_at_once(group), row_groups=[group])

    def _opened(self, repetitive: tuple[str, ...]) -> pq.ParquetFile:
        return pq.ParquetFile(
            self._file,
            read_dictionary=list(repetitive),
            buffer_size=READ_AHEAD,
            pre_buffer=False,
            page_checksum_verification=True,
        )

    def _rows_at_once(self, group: int) -> int:
        facts = self._parquet.metadata.row_group(group)
        fitting: int = FULL_BYTES * facts.num_rows // max(1, facts.total_byte_size)
        return max(1, min(MOST_ROWS, fitting))

    def _converted(self, batch: pa.RecordBatch) -> RowBatch:
        faults: dict[int, str] = {}
        columns = {
            name: _column(column, name, faults) for name, column in zip(self.columns, batch.columns, strict=True)
        }
        numbers = range(self._done + 1, self._done + 1 + batch.num_rows)
        self._done += batch.num_rows
        return _without_faults(columns, numbers, faults) if faults else RowBatch(columns, numbers, numbers, [])


def _without_faults(columns: dict[str, Column], numbers: range, faults: dict[int, str]) -> RowBatch:
    values = {name: plain(column) for name, column in columns.items()}
    bad = [
        BadRow(numbers[at], faults[at], shown_row(str({name: column[at] for name, column in values.items()})))
        for at in sorted(faults)
    ]
    good = [at for at in range(len(numbers)) if at not in faults]
    kept = [numbers[at] for at in good]
    return RowBatch({name: [column[at] for at in good] for name, column in values.items()}, kept, kept, bad)


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches, each decoded in a thread of its own while the one before it is in use."""
    with ThreadPoolExecutor(1, "parquet") as decoder:
        coming = decoder.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = decoder.submit(next, batches, None)
            yield batch


def _repetitive(parquet: pq.ParquetFile) -> tuple[str, ...]:
    """The text columns that are stored as a dictionary: read as one, a value is made once, however often it occurs."""
    if not parquet.metadata.num_row_groups:
        return ()
    text = {field.name for field in parquet.schema_arrow if pa.types.is_string(field.type)}
    group = parquet.metadata.row_group(0)
    stored = [group.column(at) for at in range(group.num_columns)]
    return tuple(
        column.path_in_schema for column in stored if column.path_in_schema in text and column.has_dictionary_page
    )


def _column(column: pa.Array, name: str, faults: dict[int, str]) -> Column:
    """The column with a type whose values Python is known to have, else its values."""
    column = _of_decimals(column) if pa.types.is_decimal(column.type) else column
    kept = _kept(column)
    return _values(column, name, faults) if kept is None else kept


def _kept(column: pa.Array) -> pa.Array | None:
    """The column with the simplest type that can hold it; None if the type is a rare one, or Python might lack values.

    Dictionaries stay, for what is in one need not be read row by row; NaN is null.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column if pa.types.is_string(kind.value_type) and _is_text(column.dictionary) else None
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string()) if _is_text(column) else None
    if pa.types.is_timestamp(kind):
        column = _to_microseconds(column)
        return column if all_between(column.cast(pa.int64()), FIRST_PYTHON_TIME, LAST_PYTHON_TIME) else None
    if pa.types.is_float32(kind) or pa.types.is_float64(kind):
        return pc.if_else(pc.is_nan(column), NO_NUMBER, column.cast(pa.float64()))
    if pa.types.is_integer(kind):
        return column.cast(pa.int64()) if kind != pa.uint64() or all_between(column, 0, MOST_INT64) else None
    return column if pa.types.is_boolean(kind) else None


def _of_decimals(column: pa.Array) -> pa.Array:
    """Decimals as whole numbers where they are that by their type, which is what databases write, else in digits."""
    if column.type.scale <= 0:
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:  # one has too many digits
            pass
    return column.cast(pa.string())


def _is_text(column: pa.Array) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _values(column: pa.Array, name: str, faults: dict[int, str]) -> list[object]:
    """The column's values; what cannot be had in Python becomes None and a fault of its row."""
    if pa.types.is_dictionary(column.type):
        word_faults: dict[int, str] = {}
        words = _values(column.dictionary, name, word_faults)
        indices: list[int | None] = column.indices.to_pylist()
        faults.update({row: word_faults[at] for row, at in enumerate(indices) if at in word_faults})
        return [None if at is None else words[at] for at in indices]
    column = _to_microseconds(column)
    try:
        values: list[object] = column.to_pylist()
    except UNCONVERTIBLE:
        values = _one_by_one(column, name, faults)
    if pa.types.is_floating(column.type):
        return [None if value != value else value for value in values]  # noqa: PLR0124  # only NaN differs from itself
    return values


def _one_by_one(column: pa.Array, name: str, faults: dict[int, str]) -> list[object]:
    values: list[object] = []
    for at, scalar in enumerate(column):
        try:
            values.append(scalar.as_py())
        except UNCONVERTIBLE as error:
            values.append(None)
            faults[at] = f"has a value in '{name}' that cannot be read: {_first_line(error)}"
    return values


def _to_microseconds(column: pa.Array) -> pa.Array:
    """Times cut to what Python can hold; those with a zone are given in UTC, whatever the zone is called."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", "UTC" if kind.tz else None), safe=False)
    if pa.types.is_time64(kind):
        return column.cast(pa.time64("us"), safe=False)
    if pa.types.is_duration(kind):
        return column.cast(pa.duration("us"), safe=False)
    return column


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200]
