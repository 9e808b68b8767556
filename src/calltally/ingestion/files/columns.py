"""Columns of raw values: an Arrow array where it holds them exactly as they are, else a list."""

from collections.abc import Sequence
from enum import Enum
from types import NoneType
from typing import Any, Final, TypeAlias

import pyarrow as pa

__all__ = ["ABSENT", "ARROW_TYPES", "Absent", "Column", "column_of", "joined", "plain", "present"]


class Absent(Enum):
    """The type of `ABSENT`, which no value of a file can be."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
"""This row has no such key, which is not the same as null."""

Column: TypeAlias = pa.Array | list[object]

# What Arrow would not turn into anything else on the way: of 1 and 2.5 it makes 1.0 and 2.5.
ARROW_TYPES: dict[type, pa.DataType] = {str: pa.string(), int: pa.int64(), bool: pa.bool_()}


def column_of(values: Sequence[object]) -> Column:
    """The values, each either None or of one type, as an Arrow array; as a list if that cannot hold them."""
    types = set(map(type, values)) - {NoneType}
    if len(types) > 1 or not types <= ARROW_TYPES.keys():
        return list(values)
    try:
        return pa.array(values, ARROW_TYPES[types.pop() if types else str])
    except OverflowError:  # a number of more than 64 bits
        return list(values)


def plain(column: Column) -> list[Any]:
    """The values as Python has them."""
    return column if isinstance(column, list) else column.to_pylist()


def joined(pieces: Sequence[Column]) -> Column:
    """One column of several, one behind the other."""
    filled = [piece for piece in pieces if len(piece)]
    types = {_type(piece) for piece in filled if not _is_null(piece)}
    if not filled or len(types) > 1 or None in types:
        return [value for piece in filled for value in plain(piece)]
    kind = types.pop() if types else _type(filled[0])
    return pa.concat_arrays([pa.nulls(len(piece), kind) if _is_null(piece) else piece for piece in filled])


def present(column: Column) -> int:
    """How many rows have the key."""
    return len(column) - column.count(ABSENT) if isinstance(column, list) else len(column)


def _type(piece: Column) -> pa.DataType | None:
    return None if isinstance(piece, list) else piece.type


def _is_null(piece: Column) -> bool:
    return not isinstance(piece, list) and piece.null_count == len(piece)
