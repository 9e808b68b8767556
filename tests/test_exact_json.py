"""JSON as it was sent: the same as Python reads, but for whole numbers of more than 64 bits, which are their digits."""

import json
import time

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calltally.exact_json import read_json

LOWEST, HIGHEST = -(2**63), 2**64 - 1
WHOLE = st.integers() | st.integers(-(10**25), 10**25) | st.sampled_from([LOWEST, LOWEST - 1, HIGHEST, HIGHEST + 1])
FRACTIONS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.sampled_from('0123456789-.e"\\,:[]{} é')) | st.integers(10**18, 10**30).map(str)
VALUES = st.recursive(
    st.none() | st.booleans() | WHOLE | FRACTIONS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


def expected(value: object) -> object:
    """The value with its long numbers as text."""
    match value:
        case bool():
            return value
        case int() if not LOWEST <= value <= HIGHEST:
            return str(value)
        case list():
            return [expected(inner) for inner in value]
        case dict():
            return {name: expected(inner) for name, inner in value.items()}
    return value


@given(VALUES, st.booleans())
@example({"9" * 25: ['"' + "9" * 25, "\\", 10**25]}, True)
def test_whole_numbers_are_read_whole(value: object, spaced: bool) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=None if spaced else (",", ":")).encode()
    assert read_json(text) == expected(value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1234567890123456789012", "1234567890123456789012"),
        ("-1234567890123456789012", "-1234567890123456789012"),
        ("9" * 5000, "9" * 5000),  # more than a fraction can be, and than Python makes a number of
        ("1.1234567890123456789012", 1.1234567890123457),
        ("1234567890123456789012.5", 1234567890123456789012.5),
        ("1234567890123456789012e0", 1234567890123456789012.0),
        ("0.5e-1234567890123456789012", 0.0),
    ],
)
def test_only_whole_numbers_become_text(text: str, found: object) -> None:
    assert read_json(text.encode()) == found


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1234567890123456789012, "b": }',
        b"[1234567890123456789012 1]",
        b"01234567890123456789012",
        b'{"1234567890123456789012',
        b'"1234567890123456789012\xff"',
        b"{1234567890123456789012: 1}",
    ],
)
def test_what_is_no_json_is_told_with_its_own_place(text: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError) as told:
        read_json(text)
    with pytest.raises(orjson.JSONDecodeError) as wanted:
        orjson.loads(text)
    assert (told.value.msg, told.value.pos) == (wanted.value.msg, wanted.value.pos)


def test_a_string_that_never_ends_is_looked_through_once() -> None:
    text = b'["' + b'\\"' * 500_000 + b"1" * 30
    began = time.process_time()
    with pytest.raises(orjson.JSONDecodeError):
        read_json(text)
    assert time.process_time() - began < 30  # again from each quotation mark, it takes hours
