"""Small steps over Arrow arrays that reading columns is made of.

Scalars are given with their type: to find out the type of a plain value, Arrow looks for a package that is not there,
which takes longer than what is then done with a column of thousands. And they are made once: in each step Arrow lets
go of Python's lock twice or more, and where there are other threads, to get it back takes longer than the step.
"""

from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["TRUE", "all_between", "between", "matching", "number", "only"]

TRUE = pa.scalar(True, pa.bool_())


@lru_cache(200)
def number(value: int) -> pa.Scalar:
    """A number of 64 bits."""
    return pa.scalar(value, pa.int64())


@lru_cache(20)
def _none_of(kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(None, kind)


def only(values: pa.Array, mask: pa.Array) -> pa.Array:
    """The values for which a mask is true, null for the others."""
    return pc.if_else(mask, values, _none_of(values.type))


def matching(texts: pa.Array, pattern: str) -> pa.Array:
    """The texts that match a regular expression as a whole, null for the others."""
    return only(texts, pc.match_substring_regex(texts, rf"\A(?:{pattern})\z"))


def between(numbers: pa.Array, least: int, most: int) -> pa.Array:
    """Whether numbers of 64 bits are from the one to the other, both included."""
    return pc.and_(pc.less_equal(number(least), numbers), pc.less_equal(numbers, number(most)))


def all_between(numbers: pa.Array, least: int, most: int) -> bool:
    """Whether all whole numbers that there are, if any, are from the one to the other, both included."""
    found = pc.min_max(numbers).as_py()
    return found["min"] is None or (least <= found["min"] and found["max"] <= most)
