"""The hashes by which calls and callers are found: the lower half of a text's MD5."""

import hashlib
import sys
from array import array

import pyarrow as pa

__all__ = ["hash_of", "hashes_of"]

BEGUN = hashlib.md5(usedforsecurity=False)


def hash_of(text: str) -> int:
    """64 bits, as DuckDB's `md5_number_lower` gives them."""
    return int.from_bytes(_lower_half(text), "little")


def hashes_of(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The same of each text, of which none is null; in less time than a statement takes."""
    halves = array("Q", b"".join([_lower_half(text) for text in texts.to_pylist()]))
    if sys.byteorder == "big":
        halves.byteswap()
    return pa.Array.from_buffers(pa.uint64(), len(halves), [None, pa.py_buffer(halves)])


def _lower_half(text: str) -> bytes:
    begun = BEGUN.copy()  # in less than half the time that it takes to begin anew
    begun.update(text.encode())
    return begun.digest()[8:]
