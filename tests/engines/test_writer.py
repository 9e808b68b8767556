"""What writes to a store: statements that are prepared once and read other rows each time."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from calltally.engines import open_engine
from calltally.engines.duckdb import DuckDBEngine, deliveries
from calltally.engines.duckdb.store import Store
from calltally.engines.duckdb.writer import ROWS, Writer
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.settings import Settings
from tests.conftest import NewBusiness

CALL = {"started_at": "2026-03-09T10:00:00Z", "caller_number": "+13055551234"}


@pytest.fixture
def writer() -> Iterator[Writer]:
    with closing(duckdb.connect()) as connection:
        connection.execute("CREATE TABLE t (a INTEGER, b VARCHAR)")
        yield Writer(connection.cursor())


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    with closing(open_engine(DataFolder(tmp_path), Settings(hot_memory="0"))) as engine:
        assert isinstance(engine, DuckDBEngine)
        yield engine


def contents(writer: Writer) -> list[tuple[object, ...]]:
    return writer.cursor.execute("FROM t ORDER BY ALL").fetchall()


def kept(engine: DuckDBEngine, calls: str) -> Store:
    return engine._stores._open[calls]


def test_the_same_statement_reads_other_rows_each_time(writer: Writer) -> None:
    for numbers in ([1, 2, 3], [4], [5] * 5000):
        writer.insert("t", pa.table({"b": list(map(str, numbers)), "a": numbers}))
    assert contents(writer) == [(a, str(a)) for a in [1, 2, 3, 4, *[5] * 5000]]
    assert writer._made == 1, "it was prepared more than once"


def test_rows_of_another_schema_are_read_as_what_they_are(writer: Writer) -> None:
    writer.insert("t", pa.table({"a": [1], "b": ["x"]}))
    writer.insert("t", pa.table({"a": pa.array([2], pa.int16()), "b": ["y"]}))
    writer.insert("t", pa.table({"b": ["z"]}))
    assert contents(writer) == [(1, "x"), (2, "y"), (None, "z")]


def test_a_statement_finds_what_it_asks_for(writer: Writer) -> None:
    writer.insert("t", pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"]}))
    for wanted in ([1, 3], [2], []):
        rows = pa.table({"a": pa.array(wanted, pa.int64())})
        found = writer.run(f"SELECT a FROM t WHERE a IN (FROM {ROWS}) ORDER BY a", rows)
        assert found == [(number,) for number in wanted]


def test_no_rows_stay_behind(writer: Writer) -> None:
    """Neither in memory, where a number that is erased must be nowhere, nor for a table that was made anew."""
    writer.insert("t", pa.table({"a": [1], "b": ["x"]}))
    assert [each.rows for each in writer._prepared.values()] == [None]
    with pytest.raises(duckdb.ConversionException):
        writer.insert("t", pa.table({"a": ["no number"], "b": ["x"]}))
    assert {each.rows for each in writer._prepared.values()} == {None}
    writer.cursor.execute("CREATE OR REPLACE TABLE t (b VARCHAR, a BIGINT)")
    writer.insert("t", pa.table({"a": [2**40], "b": ["x"]}))
    assert contents(writer) == [("x", 2**40)]


def test_it_is_kept_from_one_commit_to_the_next_and_let_go_of_with_the_file(
    engine: DuckDBEngine, new_business: NewBusiness
) -> None:
    business = new_business()
    deliver([Delivery({"id": "1", **CALL}, 1)], business, engine)
    first = kept(engine, business.calls).writer
    deliver([Delivery({"id": "2", **CALL}, 1)], business, engine)
    assert first is not None
    assert kept(engine, business.calls).writer is first
    assert engine.erase(business.calls, "+13055551234") == 2  # the file is written anew
    assert kept(engine, business.calls).writer is None
    deliver([Delivery({"id": "3", **CALL}, 1)], business, engine)
    assert engine.size(business.calls) == 3


def test_what_fails_is_undone_and_leaves_no_writer(
    engine: DuckDBEngine, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    business = new_business()
    deliver([Delivery({"id": "1", **CALL}, 1)], business, engine)

    def fails(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "as_read", fails)
        engine.watched(business.calls)
        with pytest.raises(MemoryError):
            deliver([Delivery({"id": "2", **CALL}, 1)], business, engine)
    assert kept(engine, business.calls).writer is None
    assert engine.call(business.calls, "2") is None
    deliver([Delivery({"id": "2", **CALL}, 2)], business, engine)
    assert engine.call(business.calls, "2") is not None
