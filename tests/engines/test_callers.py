"""The codes of callers: each has one and no other has it, whatever came before and whatever went wrong."""

from collections.abc import Iterator
from contextlib import closing

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.engines import Engine, open_engine
from calltally.engines.duckdb import DuckDBEngine, callers, changing
from calltally.engines.duckdb.schema import CODE_KEY
from calltally.engines.duckdb.writer import Writer
from calltally.engines.hashing import OTHER, keys_of
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.settings import Settings
from tests.asking import report
from tests.conftest import NewBusiness

NUMBERS = st.from_regex(r"\+[1-9][0-9]{0,14}", fullmatch=True)
LIKE_NUMBERS = st.from_regex(r"[+]{0,2} ?[0-9]{0,17}\n?", fullmatch=True) | st.sampled_from(["+1٣", "1", "+1", "+01"])
CALLERS = NUMBERS | LIKE_NUMBERS.filter(bool) | st.text(min_size=1, max_size=9)
FEW_CALLERS = st.sampled_from(
    [f"+130555500{number:02}" for number in range(8)] + [f"line {number}" for number in range(8)]
)
PARAMS = [("group_by", "source"), ("metrics", "count,unique_callers"), ("limit", "1000")]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    folder = DataFolder(tmp_path_factory.mktemp("callers") / "data")
    with closing(open_engine(folder, Settings(hot_memory="0", threads=2))) as engine:
        assert isinstance(engine, DuckDBEngine)
        yield engine


def codes(engine: DuckDBEngine, business: Business) -> dict[str | None, list[int]]:
    """Every caller's codes among the calls."""
    with engine._stores.using(business.calls) as store, engine._root.cursor() as cursor:
        query = f"SELECT caller_number, list(DISTINCT caller_code) FROM {store.calls} GROUP BY 1"
        found = dict(cursor.execute(query).fetchall())
        stored = dict(cursor.execute(f"SELECT value, code FROM {store.codes}").fetchall())
        assert store.extent.codes > max(stored.values(), default=-1)
    assert {caller: [stored[caller]] for caller in found if caller is not None} == {
        caller: each for caller, each in found.items() if caller is not None
    }
    return found


def delivered(engine: Engine, business: Business, first: int, numbers: list[str]) -> None:
    records = [
        {"id": f"call-{first + place}", "started_at": "2026-03-09T10:00:00Z", "caller_number": number}
        for place, number in enumerate(numbers)
    ]
    deliver([Delivery(record, 0, null_clears=True) for record in records], business, engine)


def unique_callers(engine: Engine, business: Business) -> int:
    number: int = report(engine, business, PARAMS)["data"]["totals"]["unique_callers"]
    return number


@given(st.lists(CALLERS, min_size=1, max_size=20))
def test_keys_are_those_of_the_database_and_those_of_numbers_are_no_others(texts: list[str]) -> None:
    keys = keys_of(pa.array(texts, pa.string())).to_pylist()
    with duckdb.connect() as root:
        rows = "SELECT unnest(?::VARCHAR[]) AS value"
        assert [row[0] for row in root.execute(f"SELECT {CODE_KEY} FROM ({rows})", [texts]).fetchall()] == keys
    for text, key in zip(texts, keys, strict=True):
        is_number = text.isascii() and text[0] == "+" and text[1:].isdecimal() and text[1] != "0" and len(text) <= 16
        assert (key < OTHER) is is_number
        assert not is_number or text == f"+{key}"


@given(batches=st.lists(st.none() | st.lists(FEW_CALLERS, min_size=1, max_size=6), max_size=8), alike=st.integers(1, 4))
def test_callers_are_told_apart_though_keys_are_alike(
    engine: DuckDBEngine, new_business: NewBusiness, batches: list[list[str] | None], alike: int
) -> None:
    """All keys but those of numbers are one of so many; None: what is kept is read again."""

    def keys(texts: pa.Array) -> pa.Array:
        return pa.array(
            [key if key < OTHER else OTHER + key % alike for key in keys_of(texts).to_pylist()], pa.uint64()
        )

    business, said = new_business("UTC"), list[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callers, "keys_of", keys)
        for numbers in batches:
            if numbers is None:
                with engine._stores.using(business.calls) as store:
                    callers.forget_codes(store)
            else:
                delivered(engine, business, len(said), numbers)
                said += numbers
            assert codes(engine, business).keys() == set(said)
    assert unique_callers(engine, business) == len(set(said))


def test_what_was_not_written_has_no_code(
    engine: DuckDBEngine, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    business = new_business("UTC")
    delivered(engine, business, 0, ["+13055550000"])
    insert = Writer.insert

    def fail(writer: Writer, table: str, rows: pa.Table) -> None:
        insert(writer, table, rows)
        if table.endswith("calls"):
            raise duckdb.IOException("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "insert", fail)
        with pytest.raises(Exception, match="the disk is gone"):
            delivered(engine, business, 1, ["+13055550001", "line 1"])
    delivered(engine, business, 1, ["+13055550001", "+13055550002", "line 1", "line 2"])
    assert len(codes(engine, business)) == unique_callers(engine, business) == 5


def test_what_was_written_though_that_failed_keeps_its_code(
    engine: DuckDBEngine, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that fails may have been one."""
    business = new_business("UTC")
    commit = changing._commit

    def fail(*given: object) -> None:
        commit(*given)  # type: ignore[arg-type]
        raise duckdb.IOException("nobody knows")

    with monkeypatch.context() as patch:
        patch.setattr(changing, "_commit", fail)
        with pytest.raises(Exception, match="nobody knows"):
            delivered(engine, business, 0, ["+13055550001", "line 1"])
    delivered(engine, business, 2, ["+13055550001", "line 1", "+13055550002"])
    assert len(codes(engine, business)) == unique_callers(engine, business) == 3


def test_a_number_that_was_erased_is_not_kept(engine: DuckDBEngine, new_business: NewBusiness) -> None:
    business = new_business("UTC")
    delivered(engine, business, 0, ["+13055550001", "+13055550002"])
    engine.erase(business.calls, "+13055550001")
    with engine._stores.using(business.calls) as store:
        assert store.codes not in store.hashes
    delivered(engine, business, 2, ["+13055550001", "+13055550002", "+13055550003"])
    assert codes(engine, business).keys() == {None, "+13055550002", "+13055550003"}
