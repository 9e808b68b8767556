"""Bodies: how they are written, how long they are kept, and what of them is sent."""

import gzip
import json
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from calltally.api.answers import Answers
from calltally.api.bodies import gzipped, written
from calltally.api.preferences import has_already, takes_gzip
from calltally.catalog import CATALOG
from calltally.localtime import offset_table
from calltally.query import Report
from calltally.query.parse import parse
from calltally.query.validate import validate
from calltally.records import Reading

QUERY = validate(parse(b"group_by=source"), CATALOG, Reading("US", offset_table("UTC")))
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SHARES = st.integers(-(10**15), 10**15).map(lambda tenths: tenths / 10)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.integers(-(2**70), 2**70), SHARES, TEXT)
ROWS = st.lists(st.dictionaries(TEXT, VALUES, max_size=4), max_size=5).map(tuple)

# --- Written --------------------------------------------------------------------------------------------------------


@given(rows=ROWS, totals=st.dictionaries(TEXT, VALUES, max_size=3))
def test_bodies_are_those_of_the_standard_library(
    rows: tuple[dict[str, str | int | float | bool | None], ...], totals: dict[str, str | int | float | bool | None]
) -> None:
    body = {"data": {"data": rows, "totals": totals, "count": len(rows)}}
    expected = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    assert written(Report(rows, totals, QUERY)) == expected
    assert gzip.decompress(gzipped(expected)) == expected


def test_shares_are_written_with_the_digits_that_they_have() -> None:
    for tenths in (*range(1001), 10**15 - 1, 2**53):
        body = written(Report(({"share": tenths / 10},), {}, QUERY))
        assert body.startswith(b'{"data":{"data":[{"share":%s}' % str(Decimal(tenths) / 10).encode()) or not tenths % 10


# --- Kept -----------------------------------------------------------------------------------------------------------


def size_of(name: str, body: bytes) -> int:
    """How many bytes it takes to keep one answer, found by trying."""
    low, high = 0, 10_000
    while low < high:
        middle = (low + high) // 2
        answers = Answers(middle)
        answers.keep(name, body)
        low, high = (low, middle) if answers.get(name) else (middle + 1, high)
    return low


def test_the_answer_not_given_for_longest_goes_first() -> None:
    answers = Answers(3 * size_of("a", b"x" * 100))
    for name in "abc":
        answers.keep(name, name.encode() * 100)
    assert answers.get("a") == b"a" * 100
    answers.keep("c", b"another")  # a name has one body
    answers.keep("d", b"d" * 100)
    assert [answers.get(name) for name in "abcd"] == [b"a" * 100, None, b"c" * 100, b"d" * 100]


def test_what_is_too_large_is_not_kept_and_drives_nothing_out() -> None:
    answers = Answers(2 * size_of("a", b"x"))
    answers.keep("a", b"x")
    answers.keep("b", b"x" * 100_000)
    assert (answers.get("a"), answers.get("b")) == (b"x", None)


def test_nothing_is_kept_where_nothing_may_be() -> None:
    answers = Answers(0)
    answers.keep("a", b"")
    assert answers.get("a") is None


@pytest.mark.parametrize("length", [0, 100, 5000])
def test_what_is_kept_stays_within_its_bytes(length: int) -> None:
    most = 2 * 2**20
    tracemalloc.start()
    try:
        answers = Answers(most)
        for number in range(20_000):
            answers.keep(f"{number:040}", number.to_bytes(length + 8))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.6 * most < held <= most
    assert answers.get(f"{19_999:040}")
    assert answers.get(f"{0:040}") is None


# --- What a client wants --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["gzip"], True),
        (["GZip"], True),
        (["gzip, deflate, br, zstd"], True),
        (["br;q=1.0, gzip;q=0.8, *;q=0.1"], True),
        (["br", "gzip"], True),
        (["*"], True),
        (["x-gzip"], True),
        (["gzip ; q=0.001"], True),
        (["gzip, identity"], True),
        (["identity;q=0.5, gzip;q=1.0"], True),
        (["identity;q=0"], False),
        ([], False),
        ([""], False),
        ([" , "], False),
        (["identity"], False),
        (["deflate, br"], False),
        (["gzip;q=0"], False),
        (["gzip;q=0.000"], False),
        (["gzip;q=0, *"], False),
        (["*;q=0"], False),
        (["gzip;q=0.5, identity"], False),
        (["gzip;q=much"], False),
        (["gzip;q=1.5"], False),
        (["notgzip"], False),
    ],
)
def test_gzip_is_for_those_who_take_it(given: list[str], wanted: bool) -> None:
    assert takes_gzip(Headers(raw=[(b"accept-encoding", text.encode()) for text in given])) == wanted


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (['"a1"'], True),
        (['W/"a1"'], True),
        (['"x", W/"a1", "y"'], True),
        (['"x,W/"', 'W/"y","a1"'], True),
        (["*"], True),
        ([" * "], True),
        ([], False),
        ([""], False),
        (["a1"], False),
        (['"a"'], False),
        (['"a1 "'], False),
        (['"A1"'], False),
        (['"x", *'], False),
        (['"*"'], False),
        (['"x", "y'], False),
    ],
)
def test_an_answer_that_the_client_has(given: list[str], named: bool) -> None:
    assert has_already(Headers(raw=[(b"if-none-match", text.encode()) for text in given]), 'W/"a1"') == named
