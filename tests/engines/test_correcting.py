"""Corrections column by column, held against the same ones made one by one."""

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from calltally.engines import DELIVERY_SCHEMA, VALUE_FIELDS
from calltally.engines.duckdb.correcting import can_be_corrected, corrected
from calltally.engines.duckdb.deliveries import _said, _states
from calltally.engines.duckdb.lookup import THERE_SCHEMA, Known, _known
from calltally.engines.versions import State, changed_by

NAMES = [field.name for field in VALUE_FIELDS]
VALUES: dict[str, list[Any]] = {
    "string": ["a", "b", "inbound", "é"],
    "int64": [0, 1, 99],
    "bool": [False, True],
    "timestamp[us]": [0, 1, 2],
}
VERSIONS = [-5, 0, 7]


def values_of(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(VALUES[str(DELIVERY_SCHEMA.field(name).type)])


@st.composite
def states(draw: st.DrawFn) -> State:
    """A state of a call: most fields empty, unversioned, of one version or of several, or cleared."""
    usual = draw(st.sampled_from([None, *VERSIONS]))
    values, versions = [], []
    for name in NAMES:
        value = draw(st.none() | values_of(name))
        version = draw(st.just(usual) | st.sampled_from([None, *VERSIONS])) if draw(st.booleans()) else usual
        values.append(value)
        versions.append(None if value is None and draw(st.booleans()) else version)
    return State(tuple(values), tuple(versions))


@st.composite
def sayings(draw: st.DrawFn) -> dict[str, Any]:
    """A delivery: a few fields have a value, a few are cleared."""
    told = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    said = {name: draw(st.none() | values_of(name)) for name in told}
    cleared = sum(1 << NAMES.index(name) for name, value in said.items() if value is None)
    return said | {"version": draw(st.sampled_from(VERSIONS)), "cleared": cleared}


def stored(found: list[State]) -> pa.Table:
    """States as they are read from a store."""
    known = [(f"c{place}", Known(state, place, is_call=True)) for place, state in enumerate(found)]
    rows = _states(known)
    return pa.Table.from_pylist(rows.to_pylist(), THERE_SCHEMA)


@given(st.lists(st.tuples(states(), sayings()), min_size=1, max_size=5))
def test_many_corrections_are_those_made_one_by_one(pairs: list[tuple[State, dict[str, Any]]]) -> None:
    there = stored([state for state, _ in pairs])
    said = pa.RecordBatch.from_pylist([saying for _, saying in pairs], DELIVERY_SCHEMA)
    assert can_be_corrected(there, said)
    changes = [changed_by(state, told) for (state, _), told in zip(pairs, _said(said), strict=True)]
    found = corrected(there, said)
    assert found.changed.to_pylist() == [change.anything for change in changes]
    assert found.shown.to_pylist() == [change.values for change in changes]
    columns = {name: found.states.get(name, there[name]) for name in THERE_SCHEMA.names}
    after = _known(pa.table(columns, THERE_SCHEMA), is_call=True)
    assert [known.state for known in after.values()] == [change.state for change in changes]
    assert pa.table(found.states).to_pylist() == [
        {name: row[name] for name in found.states} for row in stored([change.state for change in changes]).to_pylist()
    ]


def test_to_say_what_is_read_where_nothing_was_said_changes_no_value() -> None:
    there = stored([State((None,) * len(NAMES), (None,) * len(NAMES))] * 2)
    sayings = [{"version": 1, "cleared": 0, "direction": direction} for direction in ("inbound", "outbound")]
    found = corrected(there, pa.RecordBatch.from_pylist(sayings, DELIVERY_SCHEMA))
    assert found.changed.to_pylist() == [True, True]
    assert found.shown.to_pylist() == [False, True]


def test_deliveries_without_a_version_and_calls_of_fewer_fields_are_left_to_the_other_way() -> None:
    there = stored([State((None,) * len(NAMES), (None,) * len(NAMES))])
    said = pa.RecordBatch.from_pylist([{"version": None, "cleared": 0}], DELIVERY_SCHEMA)
    assert not can_be_corrected(there, said)
    said = pa.RecordBatch.from_pylist([{"version": 1, "cleared": 0}], DELIVERY_SCHEMA)
    assert can_be_corrected(there, said)
    fewer = pa.array([[1] * (len(NAMES) - 1)], pa.list_(pa.int64()))
    place = there.schema.get_field_index("versions")
    assert not can_be_corrected(there.set_column(place, "versions", fewer), said)
