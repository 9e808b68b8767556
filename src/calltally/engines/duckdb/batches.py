"""Rows of a query, a batch at a time."""

from collections.abc import Generator

import duckdb
import pyarrow as pa

from calltally.engines.duckdb.failures import translated

__all__ = ["read_batches"]

ERRORS = {  # by how a message begins
    "INTERRUPT Error": duckdb.InterruptException,
    "Out of Memory Error": duckdb.OutOfMemoryException,
}


def read_batches(reader: pa.RecordBatchReader) -> Generator[pa.RecordBatch]:
    """What DuckDB gives a reader; close it where it may be left before its end, since until then the query goes on.

    A file that is detached meanwhile cannot be attached again.

    Raises:
        Unavailable: the query was stopped on the way, or there is not enough memory or disk for it.
    """
    with translated():
        try:
            yield from reader
        except OSError as error:  # which is how a reader tells of all errors
            message = str(error)
            raise ERRORS.get(message.partition(":")[0], duckdb.Error)(message) from error
        finally:
            reader.close()
