"""What is kept of a question, so that the next time only what has changed is counted."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from calltally.catalog import Aggregate, CountDistinct
from calltally.engines import Plan, Stop, open_engine
from calltally.engines.duckdb import DuckDBEngine
from calltally.engines.hot import different, preparing, settling
from calltally.engines.hot.answering import answered
from calltally.engines.hot.building import TAIL_ROWS
from calltally.engines.hot.different import FEW_SINCE
from calltally.engines.hot.sweeping import Sweep, add_up_rows, mark_rows
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver, import_records
from calltally.settings import Settings
from tests.conftest import ColumnsOnly, NewBusiness, open_columns
from tests.engines.test_hot import SETTLING, agrees, columns_of, planned, varied_records


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, kernels: Path) -> Iterator[ColumnsOnly]:
    with closing(open_columns(DataFolder(tmp_path_factory.mktemp("settling")), kernels)) as engine:
        yield engine


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows are counted each time for what settles."""
    rows: list[int] = []

    def counting(sweep: Sweep, aggregates: tuple[Aggregate, ...], groups: int) -> Any:
        rows.append(sweep.rows)
        return add_up_rows(sweep, aggregates, groups)

    monkeypatch.setattr(settling, "add_up_rows", counting)
    return rows


@pytest.mark.parametrize("query", SETTLING[:3])
def test_what_was_counted_is_not_counted_again(
    engine: ColumnsOnly, new_business: NewBusiness, counted: list[int], query: str
) -> None:
    business = new_business()
    import_records(varied_records(3000, Random(8)), business, engine)
    plan = planned(business, query)

    def counted_by_asking() -> list[int]:
        counted.clear()
        assert agrees(engine, plan)
        return list(counted)

    assert counted_by_asking() == [3000]
    assert counted_by_asking() == []
    new = {"id": "new", "started_at": "2026-03-09T14:05:00Z", "status": "completed", "duration_seconds": 5}
    deliver([Delivery(new, 1)], business, engine)
    assert counted_by_asking() == [1]
    deliver([Delivery({"id": f"v{number}", "qualified": True}, 1) for number in (7, 8, 9)], business, engine)
    assert counted_by_asking() == [3, 4], "those that were corrected are taken off, and counted as they are now"
    assert engine.delete(business.calls, "v7")  # as it is now it is in the tail
    assert engine.delete(business.calls, "v10")
    assert counted_by_asking() == [1, 3]


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """In how many rows callers are told apart, each time that all are looked at."""
    rows: list[int] = []

    def marking(sweep: Sweep, aggregate: CountDistinct, groups: int) -> Any:
        rows.append(sweep.rows)
        return mark_rows(sweep, aggregate, groups)

    monkeypatch.setattr(different, "mark_rows", marking)
    return rows


CALLERS = "group_by=status&metrics=count,unique_callers"
ONCE = "+13055550000"  # of one call alone


def test_callers_that_were_told_apart_are_told_apart_again_only_where_one_may_be_gone(
    engine: ColumnsOnly, new_business: NewBusiness, marked: list[int]
) -> None:
    business = new_business()
    some = {"started_at": "2026-03-09T14:05:00Z", "status": "completed", "duration_seconds": 5}
    records = [*varied_records(3000, Random(8)), {"id": "once", "caller_number": ONCE, **some}]
    import_records(records, business, engine)
    plan, version = planned(business, CALLERS), itertools.count(1)

    def asked(*said: dict[str, Any]) -> int:
        """How often all rows are looked at after some were corrected."""
        marked.clear()
        if said:
            deliver([Delivery(each, next(version)) for each in said], business, engine)
        assert agrees(engine, plan)
        return len(marked)

    callers = asked_callers(engine, plan)
    assert len(marked) == 1
    assert asked() == 0
    assert asked({"id": "once", "qualified": True}, {"id": "v7", "ai_score": 5}) == 0, "the same callers"
    assert asked({"id": "once", "qualified": False}) == 0, "that are in the tail already"
    assert asked({"id": "new", "caller_number": "+13055559999", **some}) == 0
    assert asked({"id": "again", "caller_number": ONCE, **some}) == 0
    assert asked_callers(engine, plan) == callers + 1
    assert asked({"id": "once", "status": "missed", "duration_seconds": 0}) == 0, "another call has this caller"
    assert asked({"id": "again", "status": "missed", "duration_seconds": 0}) == 1, "one group has a caller less"
    assert asked({"id": "again", "qualified": True}) == 0
    assert engine.delete(business.calls, "new")
    assert asked() == 0, "it was in no set"
    assert asked_callers(engine, plan) == callers
    many = [{"id": f"v{number}", "qualified": True} for number in range(FEW_SINCE)]
    assert asked(*many) == 1, "too many to look at"
    engine.erase(business.calls, ONCE)
    assert asked() == 1
    assert asked_callers(engine, plan) == callers - 1


def asked_callers(engine: ColumnsOnly, plan: Plan) -> int:
    return int(engine.answer(plan, Stop()).totals[1])


def test_sets_that_take_much_are_not_kept(
    engine: ColumnsOnly, new_business: NewBusiness, marked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    business = new_business()
    import_records(varied_records(3000, Random(8)), business, engine)
    monkeypatch.setattr(different, "BYTES_A_ROW", 0.01)
    assert agrees(engine, planned(business, CALLERS))
    assert marked == []


def test_the_sets_that_were_not_asked_for_longest_go_first(
    engine: ColumnsOnly, new_business: NewBusiness, marked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    business = new_business()
    import_records(varied_records(3000, Random(8)), business, engine)
    plans = [planned(business, f"{CALLERS}&min_duration={least}") for least in range(3)]
    assert all(agrees(engine, plan) for plan in plans)
    assert engine._holding
    held = engine._holding._held[business.calls]
    columns = columns_of(engine, business)
    last = held.preparing.prepared(plans[2], columns, columns.span or (0, 0))
    assert last
    monkeypatch.setattr(preparing, "SETS_A_ROW", 2 * last.sets_bytes / 3000)
    new = {"id": "new", "started_at": "2026-03-09T14:05:00Z", "status": "completed", "duration_seconds": 5}
    deliver([Delivery(new, 1)], business, engine)
    marked.clear()
    assert [agrees(engine, plan) and len(marked) for plan in (plans[2], plans[1], plans[1], plans[2])] == [0, 0, 0, 0]
    assert agrees(engine, plans[0])
    assert len(marked) == 1, "there is room for two"


def test_what_is_kept_of_questions_counts_as_memory(engine: ColumnsOnly, new_business: NewBusiness) -> None:
    business = new_business()
    import_records(varied_records(3000, Random(8)), business, engine)
    plan = planned(business, CALLERS)
    assert agrees(engine, plan)
    assert engine._holding
    held = engine._holding._held[business.calls]
    sets = held.preparing.prepared(plan, columns_of(engine, business), columns_of(engine, business).span or (0, 0))
    assert sets
    assert held.preparing.nbytes >= sum(each.nbytes for each in sets.sets.values()) > 0


def test_where_there_is_no_room_for_both_what_is_kept_of_questions_goes_and_columns_stay(
    engine: ColumnsOnly, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    business = new_business()
    import_records(varied_records(3000, Random(8)), business, engine)
    assert agrees(engine, planned(business, CALLERS))
    holding, columns = engine._holding, columns_of(engine, business)
    assert holding
    held = holding._held[business.calls]
    theirs = [each.columns for each in holding._held.values() if each is not held]
    others = sum(each.nbytes for each in theirs if each)  # whose questions go first
    assert holding._room_for(held, columns)
    assert held.preparing.nbytes > 0
    monkeypatch.setattr(holding, "_budget", others + columns.nbytes)
    assert holding._room_for(held, columns)
    assert held.preparing.nbytes == 0
    monkeypatch.setattr(holding, "_budget", others + columns.nbytes - 1)
    assert not holding._room_for(held, columns)


def test_what_was_counted_is_counted_again_when_it_is_put_in_order(
    engine: ColumnsOnly, new_business: NewBusiness, counted: list[int]
) -> None:
    business = new_business()
    import_records(varied_records(3000, Random(8)), business, engine)
    plan, corrected = planned(business, SETTLING[0]), [Delivery({"id": f"v{n}", "qualified": True}, 1) for n in (7, 8)]
    assert agrees(engine, plan)
    deliver(corrected, business, engine)
    counted.clear()
    assert engine._holding
    held = engine._holding._held[business.calls]
    engine._holding._put_in_order(held, columns_of(engine, business))
    assert agrees(engine, plan)
    assert agrees(engine, plan)
    assert counted == [3000]


def test_columns_of_before_are_counted_by_themselves(engine: ColumnsOnly, new_business: NewBusiness) -> None:
    """As a report is that is still under way when a later one has counted newer columns."""
    business, plan = new_business(), None
    import_records(varied_records(3000, Random(8)), business, engine)
    plan = planned(business, SETTLING[0])
    found = [engine.answer(plan, Stop())]
    kept = [columns_of(engine, business)]
    for number in range(3):
        deliver([Delivery({"id": f"v{number}", "qualified": True}, number)], business, engine)
        found.append(engine.answer(plan, Stop()))
        kept.append(columns_of(engine, business))
    assert engine._holding
    preparing, team = engine._holding._held[business.calls].preparing, engine._holding._team
    for place in (0, 3, 1, 2, 0, 3):
        rows = answered(plan, kept[place], preparing, team, Stop())
        assert rows
        assert (rows.groups, rows.totals) == (found[place].groups, found[place].totals)


def test_what_is_taken_off_started_when_it_is_asked_about(engine: ColumnsOnly, new_business: NewBusiness) -> None:
    """Also of rows that stay where they are and are not in order, of which all were looked at."""
    business = new_business()
    records = varied_records(TAIL_ROWS + 200, Random(8))
    import_records(records[:100], business, engine)
    plan = planned(business, SETTLING[3])
    for some in (records[at : at + 100] for at in range(100, len(records), 100)):
        assert agrees(engine, plan)
        deliver([Delivery(record, 1) for record in some], business, engine)
    assert agrees(engine, plan)
    assert [segment.is_sorted for segment in columns_of(engine, business).segments] == [True, False, True]
    for number in range(100, 160):  # started in all months, in turn
        deliver([Delivery({"id": f"v{number}", "qualified": True}, 2)], business, engine)
        assert agrees(engine, plan), number


def test_nothing_settles_where_nothing_is_kept(
    tmp_path: Path, kernels: Path, new_business: NewBusiness, counted: list[int]
) -> None:
    business = new_business()
    file = open_engine(DataFolder(tmp_path), Settings(hot_memory="0", memory="1GB", threads=2))
    assert isinstance(file, DuckDBEngine)
    with closing(ColumnsOnly(file, kernels, budget=10**9, threads=2, settles=False)) as engine:
        import_records(varied_records(200, Random(8)), business, engine)
        plan = planned(business, SETTLING[0])
        assert agrees(engine, plan)
        assert agrees(engine, plan)
    assert counted == []
