"""Reports that are asked for while calls are put in: each is that of some commit, none older than those before it."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from calltally.accounts import Business
from calltally.engines import Engine, Plan, Rows, Stop, open_engine
from calltally.engines.duckdb import DuckDBEngine, changing, stores
from calltally.engines.hot import HotEngine
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
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
    monkeypatch.setattr(stores, "MANY_ROWS", 60)
    monkeypatch.setattr(changing, "MOST_LOGGED", 100)


def commits() -> list[list[Delivery]]:
    """Deliveries that are committed together: calls of a source each time, of whom some are corrected later on."""
    draw = Random(1)
    return [[Delivery(record_of(number, draw), number) for _ in range(20)] for number in range(1, COMMITS + 1)]


def record_of(commit: int, draw: Random) -> dict[str, Any]:
    number = draw.randrange(commit * 15)
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
    engine = open_engine(folder, Settings(hot_memory="0", threads=2))
    assert isinstance(engine, DuckDBEngine)
    return engine


def plans_of(business: Business) -> list[Plan]:
    return [ask(request.encode(), business, Timing())[1] for request in REQUESTS]


def answers_one_by_one(folder: DataFolder, business: Business) -> list[list[Rows]]:
    """What is answered before any commit and after each, by request, nothing being put in meanwhile."""
    with closing(open_file_alone(folder)) as engine:
        found = [[engine.answer(plan, Stop())] for plan in plans_of(business)]
        for deliveries in commits():
            deliver(deliveries, business, engine)
            for answers, plan in zip(found, plans_of(business), strict=True):
                answers.append(engine.answer(plan, Stop()))
    return found


@contextmanager
def built_again_and_again(engine: HotEngine, calls: str) -> Iterator[None]:
    """Columns are let go of and built anew for as long as the block runs."""
    ended = threading.Event()

    def build() -> None:
        while not ended.is_set():
            engine.prepare(calls)
            ended.wait(0.05)
            assert engine._holding
            engine._holding.forget(calls)

    building = threading.Thread(target=build)
    building.start()
    try:
        yield
    finally:
        ended.set()
        building.join()


def check_beside(engine: Engine, business: Business, expected: list[list[Rows]]) -> None:
    """Put all in, and ask meanwhile."""
    begun = done = 0

    def write() -> None:
        nonlocal begun, done
        for deliveries in commits():
            begun += 1
            deliver(deliveries, business, engine)
            done = begun

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while writer.is_alive():
            for request, plan, answers in zip(REQUESTS, plans_of(business), expected, strict=True):
                oldest = done
                found = engine.answer(plan, Stop())
                assert found in answers[oldest : begun + 1], f"{request}, between commits {oldest} and {begun}"
    finally:
        writer.join()


def test_from_the_file(tmp_path: Path, new_business: NewBusiness, caplog: pytest.LogCaptureFixture) -> None:
    business = new_business()
    expected = answers_one_by_one(DataFolder(tmp_path / "quiet"), business)
    with closing(open_file_alone(DataFolder(tmp_path / "busy"))) as engine:
        check_beside(engine, business, expected)
    assert not caplog.records, "nothing had to be attached again"


def test_from_columns(tmp_path: Path, kernels: Path, new_business: NewBusiness) -> None:
    business = new_business()
    expected = answers_one_by_one(DataFolder(tmp_path / "quiet"), business)
    file = open_file_alone(DataFolder(tmp_path / "busy"))
    with closing(HotEngine(file, kernels, budget=10**9, threads=2)) as engine:
        deliver([Delivery({"id": "other"}, 1)], business, engine)  # an id without a call, so that there is a file
        with built_again_and_again(engine, business.calls):
            check_beside(engine, business, expected)
