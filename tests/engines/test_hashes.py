"""The hashes of a column, kept in memory: what they find is what was added last, however it was added."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.engines.duckdb import hashes as module
from calltally.engines.duckdb.hashes import Hashes
from calltally.engines.hashing import hash_of, hashes_of

FEW_HASHES = st.integers(0, 60) | st.integers(2**63, 2**64 - 1)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes at which all that happens with millions of hashes happens with a few."""
    monkeypatch.setattr(module, "MOST_ADDED", 5)
    monkeypatch.setattr(module, "MANY", 4)
    monkeypatch.setattr(module, "PIECE", 3)


@pytest.fixture(params=["in order", "not yet in order", "being put in order"])
def order(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How far it has come with the hashes that there were at first."""
    if request.param != "in order":
        monkeypatch.setattr(module, "LEAST_BESIDE", 0)
    if request.param == "not yet in order":
        monkeypatch.setattr(Hashes, "_put_in_order", lambda hashes, first: None)


@given(
    st.lists(FEW_HASHES, max_size=20),
    st.lists(st.lists(FEW_HASHES, min_size=1, max_size=12), max_size=15),
    st.lists(FEW_HASHES, max_size=30),
)
def test_each_hash_is_found_where_it_was_added_last(
    order: None, stored: Sequence[int], added: Sequence[Sequence[int]], others: Sequence[int]
) -> None:
    with duckdb.connect() as root:
        root.execute("CREATE TABLE texts (hash UBIGINT)")
        root.execute("INSERT INTO texts SELECT unnest(?::UBIGINT[])", [list(stored)])
        kept = Hashes(root.cursor(), "texts", "hash")
        found_in = {each: place for place, each in enumerate(stored)}
        place = len(stored)
        for some in added:
            kept.add(pa.array(some, pa.uint64()))
            found_in |= {each: place + at for at, each in enumerate(some)}
            place += len(some)
            wanted = list(dict.fromkeys([*some, *others, *stored]))
            assert kept.among(pa.array(wanted, pa.uint64())) == {
                each: found_in[each] for each in wanted if each in found_in
            }


@given(st.lists(st.text(max_size=40), max_size=20))
def test_hashes_are_those_of_the_database(texts: list[str]) -> None:
    with duckdb.connect() as root:
        found = root.execute("SELECT md5_number_lower(text) FROM (SELECT unnest(?::VARCHAR[]) AS text)", [texts])
        expected = [row[0] for row in found.fetchall()]
    assert hashes_of(pa.array(texts, pa.string())).to_pylist() == expected
    assert [hash_of(text) for text in texts] == expected
