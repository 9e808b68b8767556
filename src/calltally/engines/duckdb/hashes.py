"""The hashes of texts that a column has, in memory: what is new is told without reading the column."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable

import duckdb
import pyarrow as pa

__all__ = ["Hashes", "hash_of"]

MOST_ADDED = 100_000  # in a set, which takes ten times the memory of a sorted row


def hash_of(text: str) -> int:
    """The lower half of a text's MD5, as DuckDB's `md5_number_lower` gives it."""
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little")


class Hashes:
    """The hashes of a column that holds each of them once or more; 8 bytes each. For one thread at a time."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, table: str, column: str) -> None:
        found = cursor.sql(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY 1").to_arrow_table()
        self._runs = [_run(found.column(0).combine_chunks())]  # each sorted, each less than half of the one before it
        self._added: set[int] = set()

    def __contains__(self, wanted: int) -> bool:
        if wanted in self._added:
            return True
        for run in self._runs:  # a loop of its own, for it is gone through for every call that comes
            place = bisect_left(run, wanted)
            if place < len(run) and run[place] == wanted:
                return True
        return False

    def add(self, hashes: Iterable[int]) -> None:
        """Take note of hashes that the column has now."""
        self._added.update(hashes)
        if len(self._added) > MOST_ADDED:
            run = _run(pa.array(self._added, pa.uint64()).sort())
            while self._runs and len(self._runs[-1]) < 2 * len(run):
                run = _run(pa.concat_arrays([_array(self._runs.pop()), _array(run)]).sort())
            self._runs.append(run)
            self._added = set()


def _run(hashes: pa.Array) -> memoryview:
    """The numbers of an array without nulls, as what can be searched."""
    return memoryview(hashes.buffers()[1] or b"").cast("B")[: 8 * len(hashes)].cast("Q")


def _array(run: memoryview) -> pa.Array:
    return pa.Array.from_buffers(pa.uint64(), len(run), [None, pa.py_buffer(run)])
