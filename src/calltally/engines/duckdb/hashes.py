"""The hashes of texts that a column has, in memory: what is new is told without reading the column."""

import hashlib
import sys
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Hashes", "hash_of", "hashes_of"]

FEW = 5_000  # texts, which are hashed here in less time than a statement takes
MOST_ADDED = 20_000  # in a dictionary, which takes ten times the memory of a sorted run
INCOMING = "incoming_texts"


def hashes_of(cursor: duckdb.DuckDBPyConnection, texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The lower half of each text's MD5, 64 bits, as DuckDB's `md5_number_lower` gives it."""
    if len(texts) <= FEW and sys.byteorder == "little":
        halves = b"".join([_lower_half(text) for text in texts.to_pylist()])
        return pa.Array.from_buffers(pa.uint64(), len(texts), [None, pa.py_buffer(halves)])
    cursor.register(INCOMING, pa.table({"text": texts}))
    found = cursor.sql(f"SELECT md5_number_lower(text) AS hash FROM {INCOMING}").to_arrow_table()
    cursor.unregister(INCOMING)
    return found["hash"].combine_chunks()


def hash_of(text: str) -> int:
    """The same of one text."""
    return int.from_bytes(_lower_half(text), "little")


def _lower_half(text: str) -> bytes:
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()[8:]


@dataclass(frozen=True)
class _Run:
    """Hashes in their order, with their rows; of one hash the last row is last."""

    hashes: pa.Array
    places: pa.Array

    def __len__(self) -> int:
        return len(self.hashes)

    def among(self, wanted: pa.Array) -> dict[int, int]:
        """Those of some hashes that are here, with their last rows."""
        if not len(self):
            return {}
        after = pc.search_sorted(self.hashes, wanted, side="right").cast(pa.int64())
        at = pc.max_element_wise(pc.subtract(after, pa.scalar(1, pa.int64())), pa.scalar(0, pa.int64()))
        here = pc.equal(self.hashes.take(at), wanted)
        places = self.places.take(at.filter(here))
        return dict(zip(wanted.filter(here).to_pylist(), places.to_pylist(), strict=True))

    def ordered(self) -> "_Run":
        """The same, in order."""
        table = pa.table({"hash": self.hashes, "place": self.places})
        table = table.sort_by([("hash", "ascending"), ("place", "ascending")])
        return _Run(table["hash"].combine_chunks(), table["place"].combine_chunks())

    def joined(self, later: "_Run") -> "_Run":
        """All of both, in order."""
        hashes = pa.concat_arrays([self.hashes, later.hashes])
        return _Run(hashes, pa.concat_arrays([self.places, later.places])).ordered()


class Hashes:
    """The hashes of a column that holds each of them once or more, and the row where each was last seen.

    The hashes are complete, 8 bytes each. The rows, 4 bytes each, are where to look first: what is added is taken to
    come after all rows, in its order, which need not be so after an error, and DuckDB may move rows when it writes its
    log into the file. For one thread at a time.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, table: str, column: str) -> None:
        found = cursor.sql(
            f"SELECT {column}, rowid::UINTEGER AS place FROM {table} WHERE {column} IS NOT NULL ORDER BY ALL"
        ).to_arrow_table()
        first = _Run(found[column].combine_chunks(), found["place"].combine_chunks())
        self._runs = [first]  # each less than half of the one before it
        self._added: dict[int, int] = {}
        last = pc.max(first.places).as_py()
        self._next = 0 if last is None else last + 1
        self.moved = False  # a row was not where it should have been: the places are worth nothing any more

    def among(self, wanted: pa.Array) -> dict[int, int]:
        """Those of some hashes that the column has, with their rows."""
        found: dict[int, int] = {}
        for run in self._runs:
            found |= run.among(wanted)
        if self._added:
            found |= {each: self._added[each] for each in wanted.to_pylist() if each in self._added}
        return found

    def add(self, hashes: pa.Array | pa.ChunkedArray) -> None:
        """Take note of hashes of rows that are added now, in their order."""
        self._added |= zip(hashes.to_pylist(), range(self._next, self._next + len(hashes)), strict=True)
        self._next += len(hashes)
        if len(self._added) > MOST_ADDED:
            run = _Run(pa.array(self._added.keys(), pa.uint64()), pa.array(self._added.values(), pa.uint32())).ordered()
            while len(self._runs) > 1 and len(self._runs[-1]) < 2 * len(run):
                run = self._runs.pop().joined(run)
            self._runs.append(run)
            self._added = {}
