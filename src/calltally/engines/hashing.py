"""The hashes by which calls and callers are found: the lower half of a text's MD5."""

import sys
from array import array

import pyarrow as pa

try:
    from _md5 import md5  # Python's own, which has done with a short text in half the time that OpenSSL's has
except ImportError:  # Python was built without it
    from hashlib import md5

__all__ = ["hash_of", "hashes_of"]


def hash_of(text: str) -> int:
    """64 bits, as DuckDB's `md5_number_lower` gives them."""
    return int.from_bytes(md5(text.encode(), usedforsecurity=False).digest()[8:], "little")


def hashes_of(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The same of each text, of which none is null; in less time than a statement takes."""
    digests = [md5(text, usedforsecurity=False).digest() for text in texts.cast(pa.binary()).to_pylist()]
    halves = array("Q", b"".join(digests))[1::2]
    if sys.byteorder == "big":
        halves.byteswap()
    return pa.Array.from_buffers(pa.uint64(), len(halves), [None, pa.py_buffer(halves)])
