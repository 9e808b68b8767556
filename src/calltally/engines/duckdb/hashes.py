"""The hashes of texts that a column has, in memory: what is new is told without reading the column."""

import hashlib
from collections.abc import Iterable

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
    """The hashes of a column that holds each of them once or more, and the rows where they were when this was made.

    The hashes are complete, 8 bytes each. The rows, 4 bytes each, are where to look first: a call that was written
    anew is in a later one, and DuckDB may move rows when it writes its log into the file. For one thread at a time.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, table: str, column: str) -> None:
        found = cursor.sql(
            f"SELECT {column}, rowid::UINTEGER AS place FROM {table} WHERE {column} IS NOT NULL ORDER BY 1"
        ).to_arrow_table()
        self._runs = [found[column].combine_chunks()]  # each sorted, each less than half of the one before it
        self._places = found["place"].combine_chunks()  # of the first run
        self._added: set[int] = set()
        last = pc.max(self._places).as_py()
        self.first_added = 0 if last is None else last + 1  # no row that was added since is before this
        self.moved = False  # a row was not where it should have been: the places are worth nothing any more

    def among(self, wanted: pa.Array) -> dict[int, int | None]:
        """Those of some hashes that the column has, with their rows; None: it was added since."""
        first, *others = self._runs
        found = dict(self._in_first(first, wanted))
        for run in others:
            found |= dict.fromkeys(wanted.filter(_has(run, wanted)).to_pylist())
        return found | dict.fromkeys(each for each in wanted.to_pylist() if each in self._added)

    def _in_first(self, run: pa.Array, wanted: pa.Array) -> Iterable[tuple[int, int]]:
        there = wanted.filter(_has(run, wanted))
        rows = self._places.take(pc.search_sorted(run, there))
        return zip(there.to_pylist(), rows.to_pylist(), strict=True)

    def add(self, hashes: pa.Array) -> None:
        """Take note of hashes that the column has now."""
        self._added.update(hashes.to_pylist())
        if len(self._added) > MOST_ADDED:
            run = pa.array(self._added, pa.uint64()).sort()
            while len(self._runs) > 1 and len(self._runs[-1]) < 2 * len(run):
                run = pa.concat_arrays([self._runs.pop(), run]).sort()
            self._runs.append(run)
            self._added = set()


def _has(run: pa.Array, wanted: pa.Array) -> pa.Array:
    """Whether each of some hashes is in a sorted run."""
    if not len(run):
        return pa.repeat(pa.scalar(False, pa.bool_()), len(wanted))
    places = pc.min_element_wise(pc.search_sorted(run, wanted), pa.scalar(len(run) - 1, pa.uint64()))
    return pc.equal(run.take(places), wanted)
