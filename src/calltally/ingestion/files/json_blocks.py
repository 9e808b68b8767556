"""Lines of JSON read all at once as columns, where they are as alike as those of a program are: the usual case.

Arrow's reader takes half the time of reading object by object, and lets other threads run meanwhile. It is asked only
for what it reads as we would; what it refuses, or would read in another way, is left to be read object by object.
"""

from collections.abc import Mapping
from io import BytesIO
from itertools import islice

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from calltally.ingestion.files.columns import ARROW_TYPES

__all__ = ["lines_of_array", "uniform_columns"]

# As programs write them, with the end of the key.
NULL, SPACED_NULL = b'":null', b'": null'
SPACED = b'": '
LEAST_BLOCK = 64 * 1024  # bytes that are worth a thread
SAMPLE = 100  # lines from which the types of the columns are guessed


def uniform_columns(data: bytes, lines: int) -> dict[str, pa.Array] | None:
    """The columns of lines that are all objects with the same keys, each with values of one plain type or null.

    Each of the lines has an end of its own, which is so often in the data.

    None where they are not, or where they are read object by object for another reason.
    """
    if not _one_object_a_line(data, lines):
        return None
    schema = _schema(data)
    if schema is None:
        return None
    reading = arrow_json.ReadOptions(block_size=max(LEAST_BLOCK, len(data) // 2 + 1))  # half for each of two threads
    parsing = arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    try:
        table = arrow_json.read_json(pa.BufferReader(data), reading, parsing).combine_chunks()
    except pa.ArrowInvalid:
        return None
    columns = {name: table[name].chunk(0) for name in schema.names}
    return columns if table.num_rows == lines and _all_said(data, columns) else None


def lines_of_array(data: bytes) -> tuple[bytes, int] | None:
    """An array of objects as a line for each and how many, so that `uniform_columns` can try to read it.

    None where it is not written as programs write it. What is cut at the wrong places, or no array, is no such lines.
    """
    if not (data.startswith(b"[{") and data.endswith(b"}]")) or b"\n" in data:
        return None
    first = data.find(b"}")  # none is within an object of plain values; a text that has one is read in another way
    between = b"}, {" if data.startswith(b"}, {", first) else b"},{"
    lines = data[1:-1].replace(between, b"}\n{") + b"\n"
    return lines, lines.count(b"\n")


def _one_object_a_line(data: bytes, lines: int) -> bool:
    """Whether every line looks like an object, and all of it is text: Arrow reads on over ends of lines."""
    end = b"}\r\n" if data.endswith(b"}\r\n") else b"}\n"
    if not data.endswith(end):
        return False
    # Arrow takes a third of the time that Python takes to count what stands between objects, and no lock meanwhile.
    each = pc.split_pattern(pa.array([data], pa.binary()), b"\n").values[:-1]
    looks_so = pc.and_(pc.starts_with(each, b"{"), pc.ends_with(each, end[:-1]))
    return len(each) == lines and pc.all(looks_so).as_py() and (data.isascii() or _is_text(data))


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _schema(data: bytes) -> pa.Schema | None:
    """The keys of the first line with the types that their first values have; None where they are no plain types."""
    rows = []
    for line in islice(BytesIO(data), SAMPLE):
        try:
            rows.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            return None
    if "\\" in "".join(rows[0]) or '"' in "".join(rows[0]):
        return None
    return _typed({name: next((v for row in rows if (v := row.get(name)) is not None), "") for name in rows[0]})


def _typed(values: Mapping[str, object]) -> pa.Schema | None:
    types = {name: ARROW_TYPES.get(type(value)) for name, value in values.items()}
    if not types or None in types.values():
        return None
    return pa.schema(list(types.items()))


def _all_said(data: bytes, columns: Mapping[str, pa.Array]) -> bool:
    """Whether every null among the values is written as one, and none stands for a key that an object lacks.

    A text may hold the same characters, but its quotation mark has a backslash before it, which that of a key has not.
    """
    null = SPACED_NULL if data.startswith(SPACED, data.find(SPACED[:2])) else NULL
    written = data.count(null)
    if b"\\" in data:
        written -= data.count(b"\\" + null)
    nulls: int = sum(column.null_count for column in columns.values())
    return written == nulls
