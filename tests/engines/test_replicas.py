"""Shards of which there are two replicas."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from calltally.engines import Engine, engine_status, open_engine, prepare_engine
from calltally.errors import Unavailable
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.settings import Settings
from tests.asking import import_records, report
from tests.conftest import NewBusiness
from tests.engines.clusters import Cluster, keeping, running
from tests.ingestion.test_deliveries import (
    state_of,
    test_a_deleted_call_stays_deleted_whatever_comes,
    test_a_rejected_record_says_what_is_wrong_and_keeps_nobody_out,
)

__all__ = [
    "test_a_deleted_call_stays_deleted_whatever_comes",
    "test_a_rejected_record_says_what_is_wrong_and_keeps_nobody_out",
]

CALLS = [{"id": f"c{n}", "started_at": "2026-03-01T10:00:00Z", "source": f"s{n % 3}"} for n in range(40)]
QUESTION = "group_by=source&metrics=count"
LIMIT = 60.0

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    path = tmp_path_factory.mktemp("cluster")
    with keeping(path / "keeper") as port, running(path, shards=1, replicas=2, keeper=port) as found:
        prepare_engine(Settings(engine=found.url))
        yield found


@pytest.fixture
def engine(cluster: Cluster, tmp_path: Path) -> Iterator[Engine]:
    found = open_engine(DataFolder(tmp_path / "data"), Settings(engine=cluster.url, memory="500MB", threads=2))
    yield found
    found.close()


def test_each_replica_has_what_was_acknowledged(
    cluster: Cluster, engine: Engine, new_business: NewBusiness, tmp_path: Path
) -> None:
    """One is killed: reports go on without it; writes are refused until it is back, and then nothing is missing."""
    assert prepare_engine(Settings(engine=cluster.url)) == ()
    business = new_business()
    import_records(engine, business, CALLS, tmp_path)
    before = report(engine, business, QUESTION)
    later = [Delivery({**call, "source": "later"}, 1) for call in CALLS[:7]]
    for node in cluster.nodes:
        node.kill()
        assert until_answered(engine, business, QUESTION) == before
        with pytest.raises(Unavailable):
            deliver(later, business, engine)
        node.start()
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            deliver(later, business, engine)
            break
        except Unavailable:
            assert time.monotonic() < deadline
            time.sleep(0.5)
    assert sum(call["source"] == "later" for call in state_of(engine, business)) == 7
    assert [server.replica for server in engine_status(Settings(engine=cluster.url)).servers] == [1, 2]


def until_answered(engine: Engine, business: object, question: str) -> object:
    """The report, once another replica is asked."""
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            return report(engine, business, question)  # type: ignore[arg-type]
        except Unavailable:
            assert time.monotonic() < deadline
            time.sleep(0.5)
