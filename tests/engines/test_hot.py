"""What only columns in memory promise: the database's own answers, of every commit, in bounded memory."""

import errno
import itertools
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import duckdb
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.catalog import CATALOG, CountDistinct
from calltally.engines import ChangedSince, Contains, Plan, Stop, open_engine
from calltally.engines.duckdb import Change, DuckDBEngine, Journal, changing
from calltally.engines.duckdb.files import NO_SPACE
from calltally.engines.duckdb.reading import ROWS_AT_ONCE
from calltally.engines.duckdb.store import Gate, Store
from calltally.engines.hot import COLUMNS, FILE, HotEngine, answering
from calltally.engines.hot.budget import budget_of, machine_memory
from calltally.engines.hot.columns import CODED, Columns
from calltally.engines.hot.holding import FOLLOWED, GATHERED
from calltally.engines.hot.selecting import _lower
from calltally.errors import StorageFull, Unavailable
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver, import_records
from calltally.query import Timing, answer, ask
from calltally.settings import Settings
from tests import strategies
from tests.api.conftest import many_rows
from tests.conftest import ColumnsOnly, NewBusiness, open_columns, open_file

EXAMPLES = settings.get_profile(settings.get_current_profile_name()).max_examples

Record = dict[str, Any]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, kernels: Path) -> Iterator[ColumnsOnly]:
    with closing(open_columns(DataFolder(tmp_path_factory.mktemp("hot")), kernels)) as engine:
        yield engine


@pytest.fixture(scope="module")
def filled(engine: ColumnsOnly, new_business: NewBusiness, many_records: list[Record]) -> Business:
    business = new_business("Australia/Lord_Howe")
    import_records(many_records, business, engine)
    return business


@pytest.fixture(scope="module")
def varied(engine: ColumnsOnly, new_business: NewBusiness) -> Business:
    """A business with so many different values that groups are numbered, chosen, and counted in pairs."""
    business = new_business("America/New_York")
    import_records(varied_records(24_000, Random(3)), business, engine)
    return business


def varied_records(count: int, draw: Random) -> list[Record]:
    return [
        {
            "id": f"v{number}",
            "started_at": f"2026-{1 + number % 11:02}-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z",
            "caller_number": f"C{draw.randrange(20_000):05}" if number % 9 else None,
            "source": draw.choice([None, *(f"s{place}" for place in range(300))]),
            "utm_campaign": f"c{draw.randrange(300)}",
            "utm_term": f"t{draw.randrange(300)}" if number % 3 else None,
            "duration_seconds": draw.choice([None, 0, 1, 2, 3, 10_000_000]),
            "ai_score": draw.choice([None, 0, 50, 51, 100]),
            "qualified": draw.choice([None, True, False, False]),
            "value_cents": draw.choice([None, -5, 0, 10**12]),
            "status": draw.choice(["completed", "missed", "voicemail"]),
        }
        for number in range(count)
    ]


def planned(business: Business, params: Any) -> Plan:
    query_string = params if isinstance(params, str) else urlencode(params)
    return ask(query_string.encode(), business, Timing()).plan


def columns_of(engine: HotEngine, business: Business) -> Columns:
    holding = engine._holding
    assert holding
    columns = holding._held[business.calls].columns
    assert columns
    return columns


def agrees(engine: HotEngine, plan: Plan) -> bool:
    """Whether both ways give the same rows."""
    return engine.answer(plan, Stop()) == engine._file.answer(plan, Stop())


@settings(max_examples=EXAMPLES * 10)
@given(params=strategies.requests())
def test_both_ways_agree(engine: ColumnsOnly, filled: Business, params: strategies.Params) -> None:
    assert agrees(engine, planned(filled, params))


MANY_GROUPS = ("source,utm_campaign,utm_term", "source,utm_campaign,date", "source,utm_term", "utm_term,week,source")


@pytest.mark.parametrize("group_by", MANY_GROUPS)
def test_both_ways_agree_about_many_groups(engine: ColumnsOnly, varied: Business, group_by: str) -> None:
    """Ties abound, also at the last row that is shown."""
    for sort_by, order, limit in itertools.product(
        (*strategies.METRIC_NAMES, *group_by.split(",")), ("asc", "desc"), ("1", "7", "1000")
    ):
        metrics = "count,unique_callers,qualified_pct,avg_duration,total_value_cents"
        params = {"group_by": group_by, "metrics": metrics, "sort_by": sort_by, "sort_order": order, "limit": limit}
        assert agrees(engine, planned(varied, params)), params


COUNTED_TOGETHER = (
    "group_by=utm_campaign&metrics=count,qualified_pct,avg_duration,avg_ai_score",
    "group_by=status&metrics=count,qualified_count,avg_ai_score&where[utm_campaign]=c7&where[utm_campaign]=c8",
    "group_by=status,date&metrics=count,avg_ai_score,total_value_cents&where[hour_of_day]=17&where[utm_term]=t7",
    "group_by=hour_of_day,day_of_week&metrics=count,avg_duration&sort_by=count&limit=10",
    "group_by=month&metrics=answered_count,missed_count,qualified_pct,avg_duration,unique_callers&where_null=utm_term",
    "group_by=week&metrics=count,avg_duration&start_date=2026-03-09&end_date=2026-11-02",
    "group_by=source,utm_campaign&metrics=count,qualified_pct",
)

SETTLING = (
    "group_by=utm_campaign&metrics=count,qualified_pct,avg_duration&sort_by=qualified_pct",
    "group_by=date&metrics=count,answered_count&start_date=2026-01-01&end_date=2026-12-31",
    "group_by=source&metrics=count,total_value_cents&min_duration=1&where[status]=completed",
    "group_by=status&metrics=count,unique_callers&start_date=2026-04-03&end_date=2026-06-30",
)

QUICK_OR_NOT = {
    "group_by=date&metrics=count": True,
    "group_by=day_of_week,hour_of_day&metrics=count": True,
    "group_by=source,utm_campaign&metrics=count": False,
}


def test_what_is_counted_together_is_what_the_database_finds(engine: ColumnsOnly, new_business: NewBusiness) -> None:
    """Columns of codes of one byte and of two, none at all, and rows that are no calls any more."""
    business = new_business("Australia/Lord_Howe")
    records = varied_records(3000, Random(5))
    import_records(records, business, engine)
    for corrected in (0, 1, 300):
        changes = [
            {"id": record["id"], "ai_score": 7, "started_at": "2026-06-01T12:00:00Z"} for record in records[:corrected]
        ]
        deliver([Delivery(change, corrected) for change in changes], business, engine)
        assert all(agrees(engine, planned(business, query)) for query in COUNTED_TOGETHER)


def test_what_is_asked_again_has_every_commit(engine: ColumnsOnly, new_business: NewBusiness) -> None:
    """The same plans, while there come new texts, larger numbers and earlier days."""
    business, draw = new_business("Europe/London"), Random(8)
    import_records(varied_records(3000, draw), business, engine)
    plans = [planned(business, query) for query in COUNTED_TOGETHER]
    for round_number in range(12):
        assert all(agrees(engine, plan) for plan in plans)
        calls = [
            {
                "id": f"r{draw.randrange(200)}",
                "started_at": f"{2026 - round_number % 3}-0{draw.randrange(1, 10)}-15T17:00:00Z",
                "utm_campaign": f"c{draw.randrange(300 + 40 * round_number)}",
                "source": draw.choice(["new", None, f"s{round_number}"]),
                "utm_term": "t7",
                "ai_score": draw.randrange(101),
                "duration_seconds": draw.choice([None, 10**round_number]),
                "status": draw.choice(["completed", "busy"]),
            }
            for _ in range(20)
        ]
        calls += [{"id": f"v{draw.randrange(3000)}", "qualified": draw.choice([True, False])} for _ in range(5)]
        deliver([Delivery(call, round_number) for call in calls], business, engine)
        engine.delete(business.calls, f"v{draw.randrange(3000)}")


def test_a_new_caller_takes_nothing_of_what_plans_came_to(engine: ColumnsOnly, new_business: NewBusiness) -> None:
    business = new_business()
    import_records(varied_records(3000, Random(8)), business, engine)
    plans = [planned(business, query) for query in COUNTED_TOGETHER]
    kept = []
    for number in range(3):
        call = {"id": f"n{number}", "started_at": "2026-03-15T17:00:00Z", "caller_number": f"+1305555{number:04}"}
        deliver([Delivery(call, 1)], business, engine)
        assert all(agrees(engine, plan) for plan in plans)
        assert engine._holding
        preparing = engine._holding._held[business.calls].preparing
        kept.append([preparing._kept[id(plan)].prepared for plan in plans])
    assert all(one is other for one, other in zip(kept[0], kept[2], strict=True))


def is_quick(engine: HotEngine, plan: Plan) -> bool:
    return engine.answer_at_once(plan) is not None


def test_only_what_is_small_is_quick(
    tmp_path: Path, kernels: Path, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    business, small = new_business("UTC"), "group_by=status&metrics=count,avg_ai_score"
    plan = planned(business, small)
    with closing(open_columns(DataFolder(tmp_path), kernels)) as engine:
        assert not is_quick(engine, planned(business, small))
        import_records(varied_records(2000, Random(1)), business, engine)
        assert not is_quick(engine, planned(business, small))
        assert engine.prepare(business.calls)
        quick = {query: is_quick(engine, planned(business, query)) for query in (small, *QUICK_OR_NOT)}
        assert quick == {small: True, **QUICK_OR_NOT}
        searching = replace(planned(business, small), conditions=(Contains(("source",), ("s7",)),))
        assert not is_quick(engine, searching)  # which looks at each text
        monkeypatch.setattr(answering, "QUICK_ROWS", 100)
        assert not is_quick(engine, plan)
        engine.answer(plan, Stop())
        deliver([Delivery({"id": "one", "started_at": "2026-03-09T14:05:00Z"}, 1)], business, engine)
        assert is_quick(engine, plan)  # as what was counted is not counted again
        callers = planned(business, "group_by=status&metrics=count,unique_callers")
        engine.answer(callers, Stop())
        assert not is_quick(engine, callers)  # as callers are
        deliver([Delivery({"id": "two", "started_at": "2026-03-09T14:05:00Z"}, 1)], business, engine._file)
        assert not is_quick(engine, planned(business, small))  # until it is taken in


def test_groups_where_few_have_anything_to_be_sorted_by(engine: ColumnsOnly, new_business: NewBusiness) -> None:
    """Nulls come last in both orders, in the order of the dimensions."""
    business = new_business()
    records = varied_records(6000, Random(5))
    for place, record in enumerate(records):
        record["ai_score"] = 50 if place % 1500 == 0 else None
    import_records(records, business, engine)
    for order, sort_by in itertools.product(("asc", "desc"), ("avg_ai_score", "source")):
        query = f"group_by=source,utm_campaign,utm_term&sort_by={sort_by}&sort_order={order}&limit=50"
        assert agrees(engine, planned(business, query))


def changes() -> st.SearchStrategy[tuple[str, Any]]:
    """What may happen to the calls of a business."""
    records = st.lists(strategies.file_rows(False), min_size=1, max_size=5)
    return st.one_of(
        st.tuples(st.just("deliver"), records),
        st.tuples(st.just("deliver"), records),
        st.tuples(st.just("import"), records),
        st.tuples(st.just("delete"), st.sampled_from([*strategies.CALL_IDS, "call-1", "call-2"])),
        st.tuples(st.just("erase"), st.sampled_from(("+13055551234", "C00001"))),
    )


def change(engine: HotEngine, business: Business, what: str, of: Any, version: int) -> None:
    match what:
        case "deliver":
            deliver([Delivery(record, version) for record in of], business, engine)
        case "import":
            import_records(of, business, engine)
        case "delete":
            engine.delete(business.calls, of)
        case "erase":
            engine.erase(business.calls, of)


@settings(max_examples=EXAMPLES, phases=[phase for phase in Phase if phase is not Phase.explain])
@given(
    steps=st.lists(st.tuples(st.lists(changes(), min_size=1, max_size=3), strategies.requests()), max_size=6),
)
def test_columns_are_kept_up_with_every_commit(
    engine: ColumnsOnly, new_business: NewBusiness, many_records: list[Record], steps: list[Any]
) -> None:
    business = new_business("America/New_York")
    import_records(many_records[:100], business, engine)
    engine.prepare(business.calls)
    before = columns_of(engine, business)
    every_day = planned(business, "group_by=date,source,status&metrics=count,unique_callers&limit=1000")
    plans = [every_day, *(planned(business, query) for query in SETTLING)]
    for place, (changed, params) in enumerate(steps):
        for what, of in changed:
            change(engine, business, what, of, 10**15 + place)
        plans.append(planned(business, params))
        assert all(agrees(engine, plan) for plan in plans)
    assert columns_of(engine, business).segments[0] is before.segments[0], "they were built anew"
    engine.remove(business.calls)


def test_a_report_waits_for_nothing_and_has_every_commit(
    tmp_path: Path, kernels: Path, new_business: NewBusiness
) -> None:
    """Calls come in pairs, by one commit each; a report has both of each that was acknowledged, or more."""
    business = new_business()
    with closing(open_engine(DataFolder(tmp_path), Settings(hot_memory="0", threads=2))) as file:
        assert isinstance(file, DuckDBEngine)
        engine = HotEngine(file, kernels, budget=10**9, threads=2, settles=True)
        import_records(varied_records(5000, Random(1)), business, engine)
        acknowledged, paths = [0], set()

        def write() -> None:
            for number in range(150):
                pair = [{"id": f"{number}{s}", "started_at": "2026-05-05T10:00:00Z", "source": s} for s in ("a", "b")]
                deliver([Delivery(record, 10**15) for record in pair], business, engine)
                acknowledged[0] = number + 1

        writer = threading.Thread(target=write)
        writer.start()
        plan = planned(business, "group_by=source&where[source]=a&where[source]=b")
        while writer.is_alive() or COLUMNS not in paths:
            least = acknowledged[0]
            rows = engine.answer(plan, Stop())
            paths.add(rows.path)
            counts = [group.aggregates[0] for group in rows.groups]
            assert counts in ([], [counts[0]] * 2 if counts else [])
            assert sum(counts) >= 2 * least
        writer.join()
        assert engine.answer(plan, Stop()).totals == (300,)
        engine.close()
    assert COLUMNS in paths


def test_put_in_order_and_built_anew_they_are_the_same(
    engine: ColumnsOnly, new_business: NewBusiness, many_records: list[Record]
) -> None:
    business = new_business()
    records = varied_records(30_000, Random(2))
    import_records(records[:4000], business, engine)
    engine.prepare(business.calls)
    plan = planned(business, "group_by=source,week&metrics=" + ",".join(strategies.METRIC_NAMES) + "&limit=1000")
    for first, end in ((4000, 14_500), (14_500, 15_000), (15_000, 30_000)):
        import_records(records[first:end], business, engine)
        for number in range(first, first + 40, 7):
            engine.delete(business.calls, f"v{number - 3000}")
        assert agrees(engine, plan)
        engine.prepare(business.calls)
        assert agrees(engine, plan)
    assert columns_of(engine, business).loose < 10_000


@pytest.mark.parametrize("bit", [1500, FOLLOWED], ids=["by the report", "by the write"])
def test_what_comes_in_bit_by_bit_is_put_in_order_in_the_background(tmp_path: Path, kernels: Path, bit: int) -> None:
    business = Business("b", "B", "UTC", "US", "USD", 1, datetime(2026, 1, 1, tzinfo=UTC))
    with closing(open_columns(DataFolder(tmp_path), kernels)) as engine:
        records, plan = varied_records(14_000, Random(4)), planned(business, "group_by=source,week")
        import_records(records[:2000], business, engine)
        assert engine.prepare(business.calls)
        for first in range(2000, 14_000, bit):
            deliver([Delivery(record, 10**15) for record in records[first : first + bit]], business, engine)
            assert HotEngine.answer(engine, plan, Stop()).path == COLUMNS
        deadline = time.monotonic() + 30
        while columns_of(engine, business).loose > 10_000 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert columns_of(engine, business).loose <= 10_000
        assert agrees(engine, plan)


def test_calls_gather_where_no_report_is_likely(tmp_path: Path, kernels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    business = Business("b", "B", "UTC", "US", "USD", 1, datetime(2026, 1, 1, tzinfo=UTC))
    records, plan = varied_records(2000, Random(5)), planned(business, "group_by=source,week")
    with closing(open_columns(DataFolder(tmp_path), kernels)) as engine:

        def post(first: int, end: int) -> bool:
            """Whether the columns have what was sent, before anybody asks."""
            deliver([Delivery(record, 10**15) for record in records[first:end]], business, engine)
            return columns_of(engine, business).version == engine.known_version(business.calls)

        import_records(records[:1000], business, engine)
        assert engine.prepare(business.calls)
        monkeypatch.setattr("calltally.engines.hot.holding.ASKED_LATELY", 1000.0)
        assert post(1000, 1064), "a report was just asked for"
        monkeypatch.setattr("calltally.engines.hot.holding.ASKED_LATELY", 0.0)
        first = 1064
        while not post(first, first + 64):
            first += 64
        assert GATHERED - 64 <= first - 1064 <= GATHERED
        assert not post(1800, 1864)
        assert HotEngine.answer(engine, plan, Stop()).path == COLUMNS
        assert agrees(engine, plan)


def test_sums_that_could_pass_64_bits_are_the_databases(
    tmp_path: Path, kernels: Path, new_business: NewBusiness
) -> None:
    business = new_business()
    with closing(open_columns(DataFolder(tmp_path), kernels)) as engine:
        import_records([{"id": "a", "started_at": "2026-01-01T00:00:00Z"}], business, engine)
        with engine._file._stores.using(business.calls) as store, engine._file._root.cursor() as cursor:
            # More than one call can have, so that few rows do for what ten million calls may come to.
            cursor.execute(
                f"INSERT INTO {store.calls} (id, started_at, id_hash, value_cents) "
                "SELECT i, TIMESTAMP '2026-01-01', i, 9 * 10::BIGINT ** 18 FROM range(3) AS calls (i)"
            )
        assert engine.prepare(business.calls)
        plan = planned(business, "group_by=source&metrics=total_value_cents&sort_by=source")
        rows = HotEngine.answer(engine, plan, Stop())
        assert (rows.path, rows.totals) == (FILE, (27 * 10**18,))
        assert HotEngine.answer(engine, planned(business, "group_by=source"), Stop()).path == COLUMNS


def test_what_is_not_held_is_the_databases(engine: ColumnsOnly, filled: Business) -> None:
    plan = planned(filled, "group_by=source")
    for condition in (ChangedSince(0), Contains(("caller_number",), ("305",))):
        asked = Plan(**{**vars(plan), "conditions": (condition,)})
        assert HotEngine.answer(engine, asked, Stop()).path == FILE
    found = Plan(**{**vars(plan), "conditions": (Contains(("source", "tracking_number"), ("G", "0002")),)})
    assert agrees(engine, found)
    assert engine.answer(found, Stop()).totals[0]
    texts = Plan(**{**vars(plan), "aggregates": (*plan.aggregates, CountDistinct("source"))})
    assert agrees(engine, texts)


def test_small_letters_are_those_of_the_database() -> None:
    letters = [chr(code) for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    table = pa.table({"letter": letters})
    with duckdb.connect() as connection:
        connection.register("letters", table)
        found = connection.sql("SELECT lower(letter) AS small FROM letters").to_arrow_table()["small"].to_pylist()
    assert [(a, b) for a, b in zip(letters, found, strict=True) if _lower(a) != b] == []


def test_memory_is_bounded(tmp_path: Path, kernels: Path, new_business: NewBusiness) -> None:
    """What was asked about last stays; what does not fit is the database's."""
    small, other, large = new_business(), new_business(), new_business()
    budget = 64 * 2500 + 1_100_000
    with closing(open_columns(DataFolder(tmp_path), kernels, budget)) as engine:
        for business, count in ((small, 1000), (other, 1200), (large, 5000)):
            import_records(varied_records(count, Random(1)), business, engine)
        plans = {business.id: planned(business, "group_by=status") for business in (small, other, large)}
        assert engine.prepare(small.calls)
        assert not engine.prepare(large.calls)
        assert HotEngine.answer(engine, plans[large.id], Stop()).path == FILE
        assert engine.prepare(small.calls)
        holding = engine._holding
        assert holding
        assert not engine.prepare(other.calls)
        holding._held[small.calls].asked_at -= 61
        assert engine.prepare(other.calls)
        assert small.calls not in holding._held or not holding._held[small.calls].columns


def test_what_is_kept_of_questions_is_bounded(tmp_path: Path, kernels: Path, new_business: NewBusiness) -> None:
    """It gives way to the columns of others, and to what is asked now."""
    asked, budget = [new_business() for _ in range(3)], 6_000_000
    queries = [f"group_by=hour_of_day,source&metrics=count&limit={number}" for number in range(1, 13)]
    with closing(open_columns(DataFolder(tmp_path), kernels, budget)) as engine:
        for business in asked:
            records = [
                {"id": f"{n}", "started_at": f"{2019 + n % 7}-03-05T10:00:00Z", "source": "ab"[n % 2]}
                for n in range(5000)
            ]
            import_records(records, business, engine)
            plans = [planned(business, query) for query in queries]
            assert all(engine.answer(plan, Stop()).path == COLUMNS for plan in plans)
            assert engine._holding
            held = [*engine._holding._held.values()]
            assert sum(each.nbytes for each in held) <= budget
        assert all(each.columns for each in held)
        assert engine._holding
        engine._holding._budget = 10**9
        for number, plan in enumerate(plans):
            assert agrees(engine, plan)
            kept = [*held[-1].preparing._kept.values()]
            assert held[-1].preparing.nbytes >= (number + 1) * 500_000
        joints = [joint for each in kept for joint in each.prepared._joints.values()]
        assert all(joint and joint.nbytes > 200_000 for joint in joints)


def test_no_report_waits_for_what_has_to_be_alone(
    tmp_path: Path, kernels: Path, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An erasure waits for whoever takes calls slowly; reports of that business come from the database meanwhile."""
    business = new_business()
    records = varied_records(30_000, Random(6))
    with closing(open_columns(DataFolder(tmp_path), kernels)) as engine:
        import_records(records, business, engine)
        assert engine.prepare(business.calls)
        plan, closing_soon = planned(business, "group_by=source"), threading.Event()
        close = Gate.closed
        gates: list[Gate] = []

        def told(gate: Gate) -> AbstractContextManager[None]:
            gates.append(gate)
            closing_soon.set()
            return close(gate)

        monkeypatch.setattr(Gate, "closed", told)
        number = next(record["caller_number"] for record in records if record.get("caller_number"))
        with engine.export(business.calls, (), None, Stop()) as batches:
            next(batches)
            erasure = threading.Thread(target=engine.erase, args=(business.calls, number))
            erasure.start()
            assert closing_soon.wait(30)
            while not gates[0]._closing:
                time.sleep(0.01)
            assert HotEngine.answer(engine, plan, Stop()).path == FILE
            assert engine.answer_at_once(plan) is None
            assert erasure.is_alive()
            with suppress(Unavailable):
                for _ in batches:
                    pass
        erasure.join(30)
        assert not erasure.is_alive()
        assert agrees(engine, plan)


def test_at_most_64_bytes_a_call(engine: ColumnsOnly, new_business: NewBusiness) -> None:
    """A text that hardly repeats is left to the database, and the reports that name it."""
    business = new_business()
    texts = [name for name in CATALOG.dimensions if name in CATALOG.fields and name not in ("status", "direction")]
    records = [
        {"id": f"w{n}", "started_at": f"2026-01-01T{n % 24:02}:00:00Z"} | {name: f"{name}-{n}" for name in texts}
        for n in range(20_000)
    ]
    import_records(records, business, engine)
    assert engine.prepare(business.calls)
    columns = columns_of(engine, business)
    assert columns.nbytes <= 64 * columns.rows + 1_000_000
    assert HotEngine.answer(engine, planned(business, "group_by=utm_term"), Stop()).path == FILE
    assert HotEngine.answer(engine, planned(business, "group_by=status"), Stop()).path == COLUMNS


def test_a_few_calls_behind_many_keep_no_text_out(engine: ColumnsOnly, new_business: NewBusiness) -> None:
    business = new_business()
    rows = many_rows(ROWS_AT_ONCE + 3)  # which are read in two batches
    for name in ("source", "utm_campaign"):  # else each call has one of its own
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.repeat(name, len(rows)))
    with engine.load(business.calls) as load:
        load.add(rows)
        load.finish()
    assert agrees(engine, planned(business, {"group_by": "source,utm_campaign"}))
    assert columns_of(engine, business).dictionaries.keys() == set(CODED)


def test_a_stopped_report_ends(engine: ColumnsOnly, filled: Business) -> None:
    stop = Stop()
    stop.ask()
    with pytest.raises(Unavailable, match="stopped"):
        engine.answer(planned(filled, "group_by=source"), stop)


def test_timing_says_which_way_a_report_went(engine: ColumnsOnly, filled: Business) -> None:
    for asked, path in ((engine, COLUMNS), (engine._file, "")):
        timing = Timing()
        question = ask(b"group_by=source", filled, timing)
        answer(question, asked, Stop(), timing)
        step = next(step for step in timing.header().split(", ") if step.startswith("engine;"))
        assert (';desc="columns"' in step) == (path == COLUMNS)


def test_without_numba_the_database_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)  # what Python takes for a package that is not there
    caplog.set_level("INFO")
    with closing(open_engine(DataFolder(tmp_path), Settings(hot_memory="1GB"))) as engine:
        assert isinstance(engine, DuckDBEngine)
    assert "numba (calltally[fast]) is not installed" in caplog.text


def opened(folder: DataFolder) -> HotEngine:
    """An engine with nothing compiled yet."""
    file = open_file(folder, folder.cache)
    assert isinstance(file, DuckDBEngine)
    return HotEngine(file, folder.cache, budget=10**9, threads=2, settles=True)


def test_a_server_answers_at_once_and_soon_from_columns(tmp_path: Path, new_business: NewBusiness) -> None:
    """With nothing compiled yet: the first answers are the database's."""
    business = new_business()
    with closing(opened(DataFolder(tmp_path))) as engine:
        import_records(varied_records(100, Random(1)), business, engine)
        plan, paths = planned(business, "group_by=source"), []
        deadline = time.monotonic() + 120
        while COLUMNS not in paths and time.monotonic() < deadline:
            paths.append(engine.answer(plan, Stop()).path)
            time.sleep(0.01)
        assert paths[-1] == COLUMNS
        assert paths.count(FILE) > 20  # while it was compiled, which takes seconds, and held up nobody


def test_kernels_that_cannot_be_compiled_are_told(
    tmp_path: Path, new_business: NewBusiness, caplog: pytest.LogCaptureFixture
) -> None:
    folder, business = DataFolder(tmp_path), new_business()
    folder.cache.write_text("no folder")
    with closing(opened(folder)) as engine:
        import_records(varied_records(10, Random(1)), business, engine)
        assert not engine.prepare(business.calls)
        assert engine.answer(planned(business, "group_by=source"), Stop()).path == FILE
    assert "kernels cannot be compiled" in caplog.text


def test_a_failure_before_the_columns_is_told(
    tmp_path: Path, new_business: NewBusiness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    business = new_business()
    monkeypatch.setattr("subprocess.Popen", no_room)
    with closing(opened(DataFolder(tmp_path))) as engine:
        import_records(varied_records(10, Random(1)), business, engine)
        assert not engine.prepare(business.calls)
        assert engine.answer(planned(business, "group_by=source"), Stop()).path == FILE
    assert os.strerror(errno.ENOMEM) in caplog.text


def test_a_journal_tells_what_changed_until_a_version() -> None:
    journal, rows = Journal(), pa.table({"id_hash": range(900)})
    assert journal.until("a") is None
    journal.add(Change("a", "0", 5, {1}, 900, (rows,)))
    journal.add(Change("b", "a", 3, {2}, 900, (rows,)))
    journal.add(Change("c", "b", None, {3}, -1))
    assert journal.until("b") is None, "nobody has said since when"
    journal.forget("0")
    assert journal.until("b") == Change("b", "0", 3, {1, 2}, 1800, (rows, rows))
    journal.forget("a")
    assert journal.until("a") is None
    assert journal.until("c") == Change("c", "a", 3, {2, 3}, 899, (rows,))
    journal.add(Change("d", "c", 8, set(), 900, (rows,)))
    journal.add(Change("e", "d", 9, set(), 900, (rows,)))
    found = journal.until("e")
    assert found == Change("e", "a", 3, {2, 3}, 2699, None), "they are too many to be kept"
    journal.forget("e")
    for number in range(2000):
        journal.add(Change(f"v{number}", f"v{number - 1}" if number else "e", 10 + number, {100 + number}, 1))
    assert journal.until("v1999") == Change("v1999", "e", 10, set(range(100, 2100)), 2000)
    for number in range(40_000):
        journal.add(Change(f"w{number}", f"w{number - 1}" if number else "v1999", None, {10_000 + number}))
    assert journal.until("w39999") is None


def test_a_journal_does_not_tell_of_changes_between_which_it_misses_one() -> None:
    journal = Journal()
    journal.forget("0")
    journal.add(Change("b", "a"))
    assert journal.until("b") is None
    journal.forget("a")
    assert journal.until("b")
    journal.add(Change("d", "c"))
    assert journal.until("d") is None


def test_a_commit_under_way_while_columns_are_built_is_not_missed(
    tmp_path: Path, kernels: Path, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, commit = threading.Event(), threading.Event(), changing._commit

    def slow_commit(cursor: duckdb.DuckDBPyConnection, store: Store) -> None:
        begun.set()
        go_on.wait()
        commit(cursor, store)

    business, record = new_business(), {"started_at": "2026-05-05T10:00:00Z"}
    with closing(open_columns(DataFolder(tmp_path), kernels)) as engine:
        import_records(varied_records(50, Random(6)), business, engine)
        monkeypatch.setattr(changing, "_commit", slow_commit)
        late = threading.Thread(target=deliver, args=([Delivery({"id": "late", **record}, 1)], business, engine))
        late.start()
        begun.wait()
        engine.prepare(business.calls)
        go_on.set()
        late.join()
        deliver([Delivery({"id": "last", **record}, 1)], business, engine)
        plan = planned(business, "group_by=source&limit=1000")
        assert engine.answer(plan, Stop()).totals == (52,)
        engine.prepare(business.calls)
        found = engine.answer(plan, Stop())
        assert (found.path, found.totals) == (COLUMNS, (52,))


@pytest.mark.parametrize("what", ["deliver", "delete", "erase"])
def test_a_commit_that_failed_changes_no_report(
    tmp_path: Path, kernels: Path, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    business, new = new_business(), {"started_at": "2026-05-05T10:00:00Z", "source": "new"}
    of = {"deliver": [{"id": "v7", "source": "other"}, {"id": "lost", **new}], "delete": "v7", "erase": "+13055551234"}
    with closing(open_columns(DataFolder(tmp_path), kernels)) as engine:
        import_records(varied_records(50, Random(6)), business, engine)
        plan = planned(business, "group_by=source&metrics=count,unique_callers&limit=1000")
        engine.prepare(business.calls)
        assert agrees(engine, plan)
        with monkeypatch.context() as patch:
            patch.setattr(changing, "_commit", no_room)
            with pytest.raises(StorageFull):
                change(engine, business, what, of[what], 10**16)
        found = [engine.answer(plan, Stop()).totals[0]]
        for name in ("next", "last"):
            deliver([Delivery({"id": name, **new}, 1)], business, engine)
            found.append(engine.answer(plan, Stop()).totals[0])
            engine.prepare(business.calls)
            assert agrees(engine, plan)
        assert found == [50, 51, 52]


def no_room(cursor: duckdb.DuckDBPyConnection, store: Store) -> None:
    """A commit on a full disk."""
    raise duckdb.IOException(f"Could not write: {NO_SPACE}")


def test_calls_with_the_same_hash_are_told_apart_by_reading_all(
    tmp_path: Path, kernels: Path, new_business: NewBusiness
) -> None:
    """Somebody may choose ids for that; here one call is given the hash of another."""
    business = new_business()
    with closing(open_columns(DataFolder(tmp_path), kernels)) as engine:
        import_records(varied_records(50, Random(6)), business, engine)
        with engine._file._stores.using(business.calls) as store, engine._file._root.cursor() as cursor:
            cursor.execute(f"UPDATE {store.calls} SET id_hash = md5_number_lower('new') WHERE id = 'v7'")
        plan = planned(business, "group_by=source&limit=1000")
        assert engine.answer(plan, Stop()).totals == (50,)
        record = {"id": "new", "started_at": "2026-05-05T10:00:00Z", "source": "new"}
        deliver([Delivery(record, 10**15)], business, engine)
        assert engine.answer(plan, Stop()).totals == (51,)
        assert agrees(engine, plan)


def test_budgets() -> None:
    assert budget_of("0") == 0
    assert budget_of("2GB") == budget_of("2 gb") == 2 * 10**9
    assert budget_of("1.5GiB") == 3 * 2**29
    assert budget_of("25%") == machine_memory() // 4
