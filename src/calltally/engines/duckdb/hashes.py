"""The hashes of texts that a column has, in memory: what is new is told without reading the column."""

import hashlib

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Hashes", "hash_of", "hashes_of"]

FEW = 500  # texts, which are hashed here in less time than a statement takes
MOST_ADDED = 20_000  # in a set, which takes ten times the memory of a sorted row
INCOMING = "incoming_texts"


def hashes_of(cursor: duckdb.DuckDBPyConnection, texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The lower half of each text's MD5, 64 bits, as DuckDB's `md5_number_lower` gives it."""
    if len(texts) <= FEW:
        return pa.array(map(hash_of, texts.to_pylist()), pa.uint64())
    cursor.register(INCOMING, pa.table({"text": texts}))
    found = cursor.sql(f"SELECT md5_number_lower(text) AS hash FROM {INCOMING}").to_arrow_table()
    cursor.unregister(INCOMING)
    return found["hash"].combine_chunks()


def hash_of(text: str) -> int:
    """The same of one text."""
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little")


class Hashes:
    """The hashes of a column that holds each of them once or more; 8 bytes each. For one thread at a time."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, table: str, column: str) -> None:
        found = cursor.sql(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY 1").to_arrow_table()
        self._runs = [found.column(0).combine_chunks()]  # each sorted, each less than half of the one before it
        self._added: set[int] = set()

    def among(self, wanted: pa.Array) -> list[int]:
        """Those of some hashes that the column has."""
        found = {each for each in wanted.to_pylist() if each in self._added}
        for run in self._runs:
            if len(run):
                places = pc.min_element_wise(pc.search_sorted(run, wanted), pa.scalar(len(run) - 1, pa.uint64()))
                found.update(wanted.filter(pc.equal(run.take(places), wanted)).to_pylist())
        return list(found)

    def add(self, hashes: pa.Array) -> None:
        """Take note of hashes that the column has now."""
        self._added.update(hashes.to_pylist())
        if len(self._added) > MOST_ADDED:
            run = pa.array(self._added, pa.uint64()).sort()
            while self._runs and len(self._runs[-1]) < 2 * len(run):
                run = pa.concat_arrays([self._runs.pop(), run]).sort()
            self._runs.append(run)
            self._added = set()
