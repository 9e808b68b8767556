"""Rows of a query, a batch at a time."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

__all__ = ["read_batches"]

ERRORS = {  # by how a message begins
    "INTERRUPT Error": duckdb.InterruptException,
    "Out of Memory Error": duckdb.OutOfMemoryException,
}


def read_batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """What DuckDB gives a reader.

    Raises:
        duckdb.Error: the query failed on the way, or was interrupted, which a reader tells as an OSError.
    """
    try:
        yield from reader
    except OSError as error:
        message = str(error)
        raise ERRORS.get(message.partition(":")[0], duckdb.Error)(message) from error
