"""Reports that are asked for while calls are put in: each is that of some commit, and of all before it was asked for.

Of a cluster that does not hold: what a write changes is seen changed shard by shard.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import pytest

from calltally.accounts import Business
from calltally.engines import Engine, Plan, Rows, Stop, open_engine
from calltally.engines.duckdb import DuckDBEngine, changing, store, stores
from calltally.engines.hot import HotEngine
from calltally.errors import Unavailable
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver, import_records
from calltally.query import Timing, ask
from calltally.settings import Settings
from tests.conftest import NewBusiness

COMMITS = 150
REQUESTS = (
    "group_by=source&metrics=count,avg_duration",
    "group_by=utm_campaign,date&metrics=count,qualified_pct,avg_ai_score&limit=1000",
    "group_by=day_of_week&metrics=unique_callers,total_value_cents",
    "group_by=source&metrics=count,unique_callers&min_duration=30&sort_by=unique_callers&limit=3",
)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done after many rows is done after some."""
    monkeypatch.setattr(store, "MANY_ROWS", 60)
    monkeypatch.setattr(stores, "MUCH_WRITTEN", 150)
    monkeypatch.setattr(changing, "MOST_LOGGED", 100)


Commit = Callable[[Engine, Business], object]


def commits() -> list[Commit]:
    """What is committed one after the other: mostly calls, of which some are corrected later on."""
    draw = Random(1)
    return [commit_of(number, draw) for number in range(1, COMMITS + 1)]


def commit_of(number: int, draw: Random) -> Commit:
    if number % 31 == 0:
        caller = f"+1212555{draw.randrange(500):04}"
        return lambda engine, business: engine.erase(business.calls, caller)
    if number % 11 == 0:
        call = f"c{draw.randrange(number * 15)}"
        return lambda engine, business: engine.delete(business.calls, call)
    records = [record_of(draw.randrange(number * 15), draw) for _ in range(20)]
    if number % 13 == 0:
        return lambda engine, business: import_records(records, business, engine)
    deliveries = [Delivery(record, number) for record in records]
    return lambda engine, business: deliver(deliveries, business, engine)


def record_of(number: int, draw: Random) -> dict[str, Any]:
    return {
        "id": f"c{number}",
        "started_at": f"2026-{1 + number % 3:02}-{1 + number % 28:02}T{number % 24:02}:30:00Z",
        "source": f"s{number % 7}",
        "utm_campaign": f"u{number % 40}",
        "caller_number": f"+1212555{number % 500:04}",
        "duration_seconds": draw.randrange(90),
        "ai_score": draw.choice([None, 10, 20]),
        "qualified": draw.choice([True, False]),
        "value_cents": draw.randrange(1000),
    }


def open_file_alone(folder: DataFolder) -> DuckDBEngine:
    engine = open_engine(folder, Settings(hot_memory="0", threads=2, open_businesses=1))
    assert isinstance(engine, DuckDBEngine)
    return engine


def plans_of(business: Business) -> list[Plan]:
    return [ask(request.encode(), business, Timing()).plan for request in REQUESTS]


def answers_one_by_one(engine: Engine, business: Business) -> list[list[Rows]]:
    """What is answered before any commit and after each, by request, nothing being put in meanwhile."""
    found = [[engine.answer(plan, Stop())] for plan in plans_of(business)]
    for commit in commits():
        commit(engine, business)
        for answers, plan in zip(found, plans_of(business), strict=True):
            answers.append(engine.answer(plan, Stop()))
    return found


@contextmanager
def again_and_again(work: Callable[[], None]) -> Iterator[None]:
    """Something is done every now and then for as long as the block runs."""
    ended = threading.Event()

    def do() -> None:
        while not ended.wait(0.05):
            work()

    doing = threading.Thread(target=do)
    doing.start()
    try:
        yield
    finally:
        ended.set()
        doing.join()


def exported(engine: Engine, business: Business) -> int | None:
    """How many calls an export has; None: it was stopped by an erasure, which waits for nobody who may be slow."""
    try:
        with engine.export(business.calls, (), None) as batches:
            return sum(map(len, batches))
    except Unavailable:
        return None


def check_beside(engine: Engine, business: Business, expected: list[list[Rows]]) -> None:
    """Put all in, and ask and export meanwhile."""
    counts = [answer.totals[0] for answer in expected[0]]
    begun = done = 0
    known = plans_of(business)  # asked again, what was counted of them before is gone on with

    def write() -> None:
        nonlocal begun, done
        for commit in commits():
            begun += 1
            commit(engine, business)
            done = begun

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for plans in cycle((known, known, plans_of(business))):
            if not writer.is_alive():
                break
            for request, plan, answers in zip(REQUESTS, plans, expected, strict=True):
                oldest = done
                found = engine.answer(plan, Stop())
                assert found in answers[oldest : begun + 1], f"{request}, between commits {oldest} and {begun}"
            oldest = done
            calls = exported(engine, business)
            assert calls in (None, *counts[oldest : begun + 1]), f"exported between commits {oldest} and {begun}"
    finally:
        writer.join()


def test_from_the_file(tmp_path: Path, new_business: NewBusiness, caplog: pytest.LogCaptureFixture) -> None:
    """Another business is asked about meanwhile, whose file is opened in place of this one's."""
    other = new_business()

    def ask_about_the_other() -> None:
        assert engine.answer(plans_of(other)[0], Stop()).totals[0] == 1

    with closing(open_file_alone(DataFolder(tmp_path))) as engine:
        deliver([Delivery({"id": "a", "started_at": "2026-05-05T10:00:00Z"}, 1)], other, engine)
        with again_and_again(ask_about_the_other):
            expected = answers_one_by_one(engine, new_business())
            check_beside(engine, new_business(), expected)
    assert not caplog.records, "nothing had to be attached again"


def test_from_columns(tmp_path: Path, kernels: Path, new_business: NewBusiness) -> None:
    """Columns are let go of meanwhile, and built anew."""
    business = new_business()

    def build() -> None:
        assert engine._holding
        engine._holding.forget(business.calls)
        engine.prepare(business.calls)

    file = open_file_alone(DataFolder(tmp_path))
    with closing(HotEngine(file, kernels, budget=10**9, threads=2, settles=True)) as engine:
        expected = answers_one_by_one(file, new_business())
        deliver([Delivery({"id": "other"}, 1)], business, engine)  # an id without a call, so that there is a file
        assert engine.prepare(business.calls)
        with again_and_again(build):
            check_beside(engine, business, expected)


def test_what_was_read_in_part_does_not_hold_up_the_file(tmp_path: Path, new_business: NewBusiness) -> None:
    business = new_business()
    with closing(open_file_alone(DataFolder(tmp_path))) as engine:
        for commit in commits()[:5]:
            commit(engine, business)
        with engine.reading(business.calls, Stop()) as reading:
            columns = reading.all()
            next(columns)
        with engine.export(business.calls, (), None) as exported:
            next(exported)
        with engine.whole_part(business.calls, engine.holdings(business.calls).parts[0]) as part:
            next(part)
        engine.erase(business.calls, "+12125550001")  # which writes the file anew
        assert not list(columns), "it ended with its block"
        assert not list(exported)
        assert not list(part)
