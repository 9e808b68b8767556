"""Calls into a stream, a batch at a time, so that memory does not grow with their number."""

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import BinaryIO

import pyarrow as pa

from calltally.exporting.formats import FORMATS, Format

__all__ = ["pieces_of", "write_calls"]


def write_calls(
    batches: Iterable[pa.RecordBatch], kind: Format, stream: BinaryIO, on_progress: Callable[[int], None]
) -> int:
    """How many calls were written; `on_progress` is told how many so far."""
    writer = FORMATS[kind](stream)
    calls = 0
    for batch in batches:
        writer.write(batch)
        calls += batch.num_rows
        on_progress(calls)
    writer.close()
    return calls


def pieces_of(batches: Iterable[pa.RecordBatch], kind: Format) -> Iterator[bytes]:
    """The same file piece by piece, one for each batch and the end."""
    stream = BytesIO()
    writer = FORMATS[kind](stream)
    for batch in batches:
        writer.write(batch)
        yield _taken(stream)
    writer.close()
    yield _taken(stream)


def _taken(stream: BytesIO) -> bytes:
    """What was written, which the stream forgets."""
    written = stream.getvalue()
    stream.seek(0)
    stream.truncate()
    return written
