"""Which fields of a call were cleared, as bits: whoever counts the fields in another order means the same ones."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from calltally.engines.duckdb.deliveries import _stored_bits

FIELDS = 5


@given(order=st.permutations(range(FIELDS)), cleared=st.lists(st.sets(st.integers(0, FIELDS - 1)), min_size=1))
def test_each_bit_goes_where_its_field_is_stored(order: list[int], cleared: list[set[int]]) -> None:
    """`order` has, for each place of a field in the catalog, its place where it is stored."""
    moved = [(1 << place, 1 << stored) for place, stored in enumerate(order) if place != stored]
    given_bits = pa.array([sum(1 << place for place in places) for places in cleared], pa.int64())
    wanted = [sum(1 << order[place] for place in places) for places in cleared]
    assert _stored_bits(given_bits, moved).to_pylist() == wanted
