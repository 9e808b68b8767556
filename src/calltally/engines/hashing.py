"""The numbers by which calls and callers are found: of an id the lower half of its MD5, of a caller its own digits."""

import sys
from array import array

import pyarrow as pa
import pyarrow.compute as pc

from calltally.records.arrays import matching

try:
    from _md5 import md5  # Python's own, which has done with a short text in half the time that OpenSSL's has
except ImportError:  # Python was built without it
    from hashlib import md5

__all__ = ["NUMBER", "OTHER", "hash_of", "hashes_of", "keys_of"]

NUMBER = r"\+[1-9][0-9]{0,14}"  # E.164, as nearly all callers are stored
OTHER = 1 << 63  # is part of the keys of all other callers, and of no number


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


def keys_of(callers: pa.Array) -> pa.Array:
    """64 bits for each caller, of which none is null: the digits of a number, which no other caller has; else a hash.

    The highest bit, `OTHER`, tells which: others may have the same hash.
    """
    numbers = matching(callers, NUMBER)
    keys = pc.utf8_slice_codeunits(numbers, 1).cast(pa.uint64())
    if not keys.null_count:
        return keys
    left = keys.is_null()
    hashes = pc.bit_wise_or(hashes_of(callers.filter(left)), pa.scalar(OTHER, pa.uint64()))
    return pc.replace_with_mask(keys, left, hashes)
