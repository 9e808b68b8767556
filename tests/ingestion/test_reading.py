"""Batches of raw rows as an engine takes them."""

import hashlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.ingestion import Delivery, deliveries, read_deliveries, reading
from calltally.ingestion.files import ABSENT, Column, RowBatch
from calltally.ingestion.reading import ReadBatch, RowReading
from calltally.localtime import LocalTimeKind, offset_table
from calltally.records import Reading, columns
from tests import strategies
from tests.conftest import NewBusiness

START = "2026-03-09T12:00:00Z"
NOON = 1_773_057_600_000_000


def read(**columns: Column) -> ReadBatch:
    numbers = range(1, 1 + len(next(iter(columns.values()))))
    reader = RowReading(Reading("US", offset_table("America/New_York")), {})
    return reader.read(RowBatch(columns, numbers, numbers, []))


def test_what_identifies_a_row_without_an_id_never_changes() -> None:
    found = read(
        started_at=pa.array([START, "2026-03-09 08:00:00", START, "never"]),
        **{"from": pa.array(["(305) 555-1234", "+13055551234", None, "+13055551234"])},
        id=pa.array([None, " ", "a", None]),
    )
    written = "\x1f".join((str(NOON), "+13055551234", "", "", "inbound"))
    twin = hashlib.blake2b(written.encode(), digest_size=16).hexdigest()
    assert twin == "3dff87795bd1a8f1299048d995b9af02"
    assert found.rows["twin"].to_pylist() == [twin, twin, None]
    assert found.rows["id"].to_pylist() == [None, None, "a"]
    assert [row.place for row in found.rejected] == [4]


def test_a_rejected_row_that_stands_between_twins_is_kept() -> None:
    found = read(started_at=pa.array([START, START]), ai_score=pa.array([7, 101]))
    assert found.rows["accepted"].to_pylist() == [True, False]
    assert found.rows["n"].to_pylist() == [1, 2]
    assert found.rows["ai_score"].to_pylist() == [7, None]
    assert [(row.place, row.record) for row in found.rejected] == [(2, {"started_at": START, "ai_score": 101})]


@pytest.mark.parametrize("own", [pa.array([1, None, None]), [1, None, ABSENT]])
def test_a_fields_own_name_wins_and_losers_are_counted(own: Column) -> None:
    found = read(
        id=pa.array(["a", "b", "c"]), started_at=pa.array([START] * 3), duration_seconds=own, duration=[2, 3, 4]
    )
    kept = isinstance(own, list)
    assert found.rows["duration_seconds"].to_pylist() == [1, None, 4 if kept else None]
    assert found.dropped == {"duration": 2 if kept else 3}


def test_a_row_without_a_start_is_kept_as_it_was() -> None:
    found = read(
        id=pa.array(["a", "b", None]), started_at=pa.array([START, None, ""]), qualified=[ABSENT, ABSENT, True]
    )
    assert found.rows["record"].to_pylist() == [None, '{"id":"b","started_at":null}']
    assert [row.problems[0].message for row in found.rejected] == ["started_at: is missing; a call needs it"]


def test_local_times_of_accepted_rows_are_counted() -> None:
    starts = ["2026-11-01 01:30", "2026-03-08 02:30:00", "2026-11-01T01:30:00", START]
    found = read(id=pa.array(list("abcd")), started_at=pa.array(starts), ai_score=pa.array([1, 2, 101, 4]))
    assert found.kinds == {LocalTimeKind.TWICE: 1, LocalTimeKind.NEVER: 1}


@given(
    records=st.lists(strategies.records() | strategies.updates() | strategies.faulty_records(), max_size=6),
    null_clears=st.booleans(),
)
def test_few_records_are_read_as_many_are(
    business: Business, records: list[dict[str, object]], null_clears: bool
) -> None:
    sent = [Delivery(record, version, null_clears) for version, record in enumerate(records)]
    few = read_deliveries(sent, business)
    with pytest.MonkeyPatch.context() as patch:
        for module in (columns, deliveries, reading):
            patch.setattr(module, "FEW_ROWS", 0)
        assert read_deliveries(sent, business) == few


@pytest.fixture(scope="module")
def business(new_business: NewBusiness) -> Business:
    return new_business("America/New_York")
