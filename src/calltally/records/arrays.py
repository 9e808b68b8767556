"""Small steps over Arrow arrays that reading columns is made of.

Scalars are given with their type: to find out the type of a plain value, Arrow looks for a package that is not there,
which takes longer than what is then done with a column of thousands.
"""

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["between", "matching", "only"]


def only(values: pa.Array, mask: pa.Array) -> pa.Array:
    """The values for which a mask is true, null for the others."""
    return pc.if_else(mask, values, pa.scalar(None, values.type))


def matching(texts: pa.Array, pattern: str) -> pa.Array:
    """The texts that match a regular expression as a whole, null for the others."""
    return only(texts, pc.match_substring_regex(texts, rf"\A(?:{pattern})\z"))


def between(numbers: pa.Array, least: int, most: int) -> pa.Array:
    """Whether numbers of 64 bits are from the one to the other, both included."""
    low, high = (pa.scalar(bound, pa.int64()) for bound in (least, most))
    return pc.and_(pc.less_equal(low, numbers), pc.less_equal(numbers, high))
