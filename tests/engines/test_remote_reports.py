"""Reports through the socket of the data folder's owner: the same answers, and an end when nobody waits for them."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.engines import Engine, Listener, Plan, RemoteEngine, Rows, Stop, join, open_engine
from calltally.engines.remote.frames import Lost
from calltally.engines.remote.plans import packed_rows, plain_plan, read_plan, unpacked_rows
from calltally.errors import Unavailable
from calltally.folder import DataFolder
from calltally.query import Timing, ask
from calltally.settings import Settings
from tests import strategies
from tests.asking import import_records, report
from tests.conftest import NewBusiness
from tests.wrapping import WrappedEngine


class Waiting(WrappedEngine):
    """Answers nothing until it is stopped, where that is wanted."""

    waits = False

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        while self.waits:
            stop.check()
            time.sleep(0.01)
        return super().answer(plan, stop)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return DataFolder(tmp_path_factory.mktemp("owned"))


@pytest.fixture(scope="module")
def owner(folder: DataFolder) -> Iterator[Waiting]:
    with closing(open_engine(folder, Settings(hot_memory="0", memory="500MB", threads=2))) as engine:
        waiting = Waiting(engine)
        listener = Listener(waiting, folder)
        yield waiting
        listener.close(1)


@pytest.fixture(scope="module")
def remote(owner: Engine, folder: DataFolder) -> Iterator[RemoteEngine]:
    engine = join(folder)
    assert engine is not None
    with closing(engine):
        yield engine


@pytest.fixture(scope="module")
def business(
    owner: Engine, new_business: NewBusiness, many_records: list[dict[str, Any]], tmp_path_factory: Any
) -> Business:
    found = new_business("America/New_York")
    import_records(owner, found, many_records, tmp_path_factory.mktemp("many"))
    return found


def asked(business: Business, query_string: str = "group_by=source") -> Plan:
    return ask(query_string.encode(), business, Timing()).plan


@given(params=strategies.requests())
def test_reports_are_the_owners(
    owner: Engine, remote: RemoteEngine, business: Business, params: list[tuple[str, str]]
) -> None:
    assert report(remote, business, params) == report(owner, business, params)


@given(params=strategies.requests())
def test_plans_travel_whole(business: Business, params: list[tuple[str, str]]) -> None:
    plan = asked(business, urlencode(params))
    assert read_plan(business.calls, orjson.loads(orjson.dumps(plain_plan(plan)))) == plan


@given(
    change=st.sampled_from(
        [
            {"dimensions": ["started_at"]},
            {"dimensions": [1]},
            {"dimensions": None},
            {"aggregates": [["count", 1]]},
            {"aggregates": [["count", -1]]},
            {"aggregates": ["count"]},
            {"aggregates": [["1; DROP", 0]]},
            {"by": "caller_number"},
            {"by": None},
            {"local_time": [[], []]},
            {"local_time": [[0], [0, 1]]},
            {"local_time": [["0"], [0]]},
            {"local_time": [[True], [0]]},
            {"periods": [[1]]},
            {"conditions": [{"is": "OneOf", "field": "1; DROP", "values": []}]},
            {"descending": 1},
            {"limit": "1"},
        ]
    )
)
def test_plans_that_are_none(business: Business, change: dict[str, object]) -> None:
    with pytest.raises(Lost):
        read_plan(business.calls, plain_plan(asked(business)) | change)


def test_sums_of_any_size_travel_whole() -> None:
    rows = Rows((), (2**80, -(2**70), 0))
    assert unpacked_rows(packed_rows(rows)) == rows


def test_a_report_that_is_stopped_ends_on_both_sides(owner: Waiting, remote: RemoteEngine, business: Business) -> None:
    stop = Stop()
    owner.waits = True
    stopper = threading.Timer(0.2, stop.ask)
    stopper.start()
    try:
        with pytest.raises(Unavailable, match="was stopped before it was done"):
            remote.answer(asked(business), stop)
    finally:
        owner.waits = False
        stopper.join()
    assert report(remote, business, "group_by=source") == report(owner, business, "group_by=source")


class Refusing(WrappedEngine):
    """Has no memory left for a report."""

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        raise Unavailable("no memory", 7)


def test_an_engine_that_cannot_answer_says_so(owner: Waiting, business: Business, tmp_path: Path) -> None:
    listener = Listener(Refusing(owner), DataFolder(tmp_path))
    engine = join(DataFolder(tmp_path))
    assert engine is not None
    with closing(engine), pytest.raises(Unavailable, match="no memory") as raised:
        engine.answer(asked(business), Stop())
    assert raised.value.retry_after == 7
    listener.close(1)
