"""Blocks of NDJSON read at once: never anything else than what reading object by object gives."""

import json
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.ingestion.files.json_blocks import uniform_columns

Row = dict[str, object]

TEXTS = st.sampled_from(["", "null", 'x":null', '": null', "\\", '"', "a\nb", "}\n{", "é", "\U0001f600", "\x00", "1"])
VALUES = st.one_of(
    TEXTS, st.integers(-(2**63), 2**63), st.booleans(), st.none(), st.floats(allow_nan=False), st.just([1])
)
ALIKE: dict[str, st.SearchStrategy[object]] = {
    "id": TEXTS,
    "n": st.none() | st.integers(0, 9),
    "null": st.none() | st.booleans(),
    "k\\": TEXTS | st.none(),
}
WRITERS: tuple[Callable[[Row], str], ...] = (
    lambda row: json.dumps(row, separators=(",", ":")),
    json.dumps,
    lambda row: json.dumps(row, ensure_ascii=False, separators=(", ", ":")),
)
PIECES = st.sampled_from(
    [b"{", b"}", b"\n", b"\r", b" ", b"null", b'"', b"\\", b":", b",", b"\xff", b"{}", b"}\n{", b"0"]
)


@st.composite
def blocks(draw: st.DrawFn) -> bytes:
    """Lines that are more or less alike, at times damaged."""
    names = draw(st.lists(st.sampled_from(sorted(ALIKE)), min_size=1, unique=True))
    rows = draw(st.lists(st.fixed_dictionaries({name: ALIKE[name] for name in names}), min_size=1, max_size=4))
    if draw(st.booleans()):
        rows += draw(st.lists(st.dictionaries(st.sampled_from(sorted(ALIKE)), VALUES, max_size=4), max_size=2))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    data = "".join(draw(st.sampled_from(WRITERS))(row) + end for row in rows).encode()
    if draw(st.integers(0, 3)) == 0:
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 2)))
        data = data[:start] + draw(PIECES | st.just(b"")) + data[stop:]
    return data


def one_by_one(data: bytes) -> list[object]:
    """What each line is; text where it is no JSON."""
    read: list[object] = []
    for line in data.split(b"\n")[:-1]:
        try:
            read.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            read.append("not JSON")
    return read


@given(blocks())
def test_what_is_read_at_once_is_what_is_read_line_by_line(data: bytes) -> None:
    lines = data.count(b"\n")
    columns = uniform_columns(data, lines)
    if columns is not None:
        values = {name: column.to_pylist() for name, column in columns.items()}
        rows = [{name: column[at] for name, column in values.items()} for at in range(lines)]
        assert repr(rows) == repr([_in_order(row, list(values)) for row in one_by_one(data)])


def _in_order(row: object, names: list[str]) -> object:
    """An object with its keys in this order; anything else, and one with other keys, as it is."""
    return {name: row[name] for name in names} if isinstance(row, dict) and row.keys() == set(names) else row


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":"x","b":1}\n{"b":2,"a":null}\n',
        b'{"a": "x", "b": 1}\r\n{"a": null, "b": null}\r\n',
        b'{"a":null}\n{"a":"\\"x\\":null"}\n',
        '{"a":"é"}\n'.encode(),
    ],
)
def test_what_programs_write_is_read_at_once(data: bytes) -> None:
    columns = uniform_columns(data, data.count(b"\n"))
    assert columns is not None
    assert [
        dict(zip(columns, row, strict=True)) for row in zip(*(c.to_pylist() for c in columns.values()), strict=True)
    ] == (one_by_one(data))


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":"x"}\n{}\n',  # lacks a key, which is not the same as null
        b'{"a":"x"}\n{"a":null}\n{}\n{"a":"\\":null"}\n',  # as many nulls as characters that look like them
        b'{"a":"x"}\n{"a":1}\n',  # two types
        b'{"a":1}\n{"a":1.0}\n',
        b'{"a":1}{"a":2}\n{"a":3}\n',
        b'{"a":1,"a":2}\n',
        b'{"a":[1]}\n',
        b'{"a":"\xff"}\n',
        b'\n{"a":1}\n',
        b'{"a":1}',  # no end of line
        b"",
    ],
)
def test_what_is_not_alike_is_left_to_be_read_one_by_one(data: bytes) -> None:
    assert uniform_columns(data, data.count(b"\n")) is None
