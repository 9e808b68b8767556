"""The hashes of texts that a column has, in memory: what is new is told without reading the column."""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable

import duckdb

__all__ = ["Hashes", "hash_of"]

MOST_ADDED = 100_000  # in a set, which takes ten times the memory of a sorted row
MOST_RUNS = 16


def hash_of(text: str) -> int:
    """The lower half of a text's MD5, as DuckDB's `md5_number_lower` gives it."""
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little")


class Hashes:
    """The hashes of a column that holds each of them once or more; 8 bytes each. For one thread at a time."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, table: str, column: str) -> None:
        self._runs = [_sorted(cursor, table, column)]
        self._added: set[int] = set()

    def __contains__(self, wanted: int) -> bool:
        if wanted in self._added:
            return True
        for run in self._runs:  # a loop of its own, for it is gone through for every call that comes
            place = bisect_left(run, wanted)
            if place < len(run) and run[place] == wanted:
                return True
        return False

    @property
    def is_full(self) -> bool:
        """Whether it is time to read the column anew, since looking up has become slow."""
        return len(self._runs) > MOST_RUNS

    def add(self, hashes: Iterable[int]) -> None:
        """Take note of hashes that the column has now."""
        self._added.update(hashes)
        if len(self._added) > MOST_ADDED:
            self._runs.append(memoryview(array("Q", sorted(self._added))))
            self._added = set()


def _sorted(cursor: duckdb.DuckDBPyConnection, table: str, column: str) -> memoryview:
    found = cursor.sql(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY 1").to_arrow_table()
    hashes = found.column(0).combine_chunks()
    return memoryview(hashes.buffers()[1] or b"").cast("B")[: 8 * len(hashes)].cast("Q")
