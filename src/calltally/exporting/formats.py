"""FORMATS: how calls are written, one writer for each format, fed with batches of `EXPORT_SCHEMA`."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import orjson
import pyarrow as pa
import pyarrow.csv

from calltally.engines import EXPORT_SCHEMA
from calltally.exporting.records import TEXT_TIMES, call_records, with_text_times

__all__ = ["FORMATS", "Format", "Writer", "format_of"]

Format = Literal["csv", "ndjson", "parquet"]
GROUP_BYTES = 32_000_000  # of calls in a row group of a Parquet file: enough to pack well, few enough to hold

EXTENSIONS: dict[str, Format] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}


class Writer(Protocol):
    """Takes calls and writes them to its stream."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Write some calls, or keep them until there are more."""

    def close(self) -> None:
        """Write what is kept, and the end of the file. The stream stays open."""


def format_of(path: Path) -> Format | None:
    """The format that the name of a file asks for, packed or not; None: none that we know."""
    return EXTENSIONS.get(Path(path.name.lower().removesuffix(".gz")).suffix)


class _Csv:
    """A line of names, then a line a call; text in quotes, nothing at all where there is no value."""

    def __init__(self, stream: BinaryIO) -> None:
        self._writer = pyarrow.csv.CSVWriter(stream, TEXT_TIMES)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(with_text_times(batch))

    def close(self) -> None:
        self._writer.close()


class _JsonLines:
    """One JSON object a line, all fields in each."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, batch: pa.RecordBatch) -> None:
        records = call_records(batch)
        self._stream.writelines(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)

    def close(self) -> None:
        """There is nothing after the last line."""


class _Parquet:
    """A column for each field, times as instants in UTC."""

    def __init__(self, stream: BinaryIO) -> None:
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - 6 MB, of all servers that export none

        self._sink = _Sink(stream)
        self._writer = ParquetWriter(self._sink, EXPORT_SCHEMA, compression="zstd")
        self._kept: list[pa.RecordBatch] = []

    def write(self, batch: pa.RecordBatch) -> None:
        self._kept.append(batch)
        if sum(kept.nbytes for kept in self._kept) >= GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._kept, EXPORT_SCHEMA))
        self._kept.clear()


class _Sink:
    """A stream that knows where it is, as a pipe does not, and takes no more once writing to it has failed.

    For the Parquet writer tries to write the end of the file even when it is thrown away half-done.
    """

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._position = 0
        self._failed = False

    def write(self, data: bytes) -> int:
        if not self._failed:
            self._failed = True
            self._stream.write(data)
            self._failed = False
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        """The stream is flushed by whoever opened it."""


FORMATS: dict[Format, Callable[[BinaryIO], Writer]] = {"csv": _Csv, "ndjson": _JsonLines, "parquet": _Parquet}
