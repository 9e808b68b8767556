"""Shards of which there are two replicas."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver import Client
from servers.clickhouse import CLUSTER, DATABASE, Cluster, Node, running
from servers.ports import free_ports
from servers.zookeeper import keeping

from calltally.accounts import Business
from calltally.engines import Engine, engine_status, open_engine, prepare_engine
from calltally.engines.clickhouse import DriverServers, Server, Tables, read_address
from calltally.engines.clickhouse.erasing import remove_rows
from calltally.errors import Unavailable
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.settings import Settings
from tests.api.conftest import REPORT
from tests.asking import import_records, report
from tests.conftest import NewBusiness
from tests.deliveries import state_of
from tests.engines.clusters import front_door
from tests.engines.test_clusters import kept_with
from tests.engines.test_deliveries import (
    test_a_deleted_call_stays_deleted_whatever_comes,
    test_a_rejected_record_says_what_is_wrong_and_keeps_nobody_out,
)

__all__ = [
    "test_a_deleted_call_stays_deleted_whatever_comes",
    "test_a_rejected_record_says_what_is_wrong_and_keeps_nobody_out",
]

CALLS = [{"id": f"c{n}", "started_at": "2026-03-01T10:00:00Z", "source": f"s{n % 3}"} for n in range(40)]
QUESTION = "group_by=source&metrics=count"
DIMENSIONS = ("source", "date")
LIMIT = 60.0
NOTICED = 4.0  # seconds, until ZooKeeper knows that a server is gone; before, a write waits for it to take part

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("replicas")]


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
    for node, wait in zip(cluster.nodes, (0, NOTICED), strict=True):
        node.kill()
        assert report(engine, business, QUESTION) == before
        time.sleep(wait)
        with pytest.raises(Unavailable):
            deliver(later, business, engine)
        node.start()
    assert until_taken(lambda: deliver(later, business, engine))
    assert sum(call["source"] == "later" for call in state_of(engine, business)) == 7
    assert [server.replica for server in engine_status(Settings(engine=cluster.url)).servers] == [1, 2]


def until_taken(write: Callable[[], Any]) -> Any:
    """What a write comes to, once both replicas take part."""
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            return write()
        except Unavailable:
            assert time.monotonic() < deadline
            time.sleep(0.2)


@pytest.mark.parametrize("replica", [0, 1])
@pytest.mark.parametrize("frozen", [False, True])
def test_readers_notice_nothing_of_a_replica_that_is_down(
    cluster: Cluster, tmp_path: Path, replica: int, frozen: bool
) -> None:
    node = cluster.nodes[replica]
    with front_door(tmp_path, cluster.url, LIMIT) as client:

        def post(records: list[dict[str, Any]]) -> Any:
            answer = client.post("/api/v1/calls", json=records)
            if answer.status_code == 503:
                raise Unavailable(answer.text)
            assert answer.status_code == 200, answer.text
            return answer.json()["data"]

        assert until_taken(lambda: post(CALLS))["added"] == 40
        before = {dimension: client.get(f"{REPORT}?group_by={dimension}").json() for dimension in DIMENSIONS}
        if frozen:
            node.freeze()
        else:
            node.kill()
        try:
            for dimension in DIMENSIONS * 2:
                answer = client.get(f"{REPORT}?group_by={dimension}")
                assert (answer.status_code, answer.json()) == (200, before[dimension])
                assert len(client.get("/api/v1/calls?limit=100").json()["data"]["calls"]) == 40
        finally:
            if frozen:
                node.thaw()
            else:
                node.start()
        assert until_taken(lambda: post([{**CALLS[0], "source": "later"}]))["updated"] == 1
        assert client.get(f"{REPORT}?group_by=source&metrics=count").json()["data"]["totals"] == {"count": 40}


class OneIsGone:
    """Servers of which the first replica is not where it was."""

    def __init__(self, servers: DriverServers) -> None:
        self._servers = servers

    def each(self) -> Sequence[Server]:
        first, second = self._servers.each()
        [port] = free_ports(1)
        return replace(first, port=port), second

    def __getattr__(self, name: str) -> Any:
        return getattr(self._servers, name)


def test_rows_are_removed_by_the_replica_that_is_there(
    cluster: Cluster, engine: Engine, new_business: NewBusiness
) -> None:
    business = new_business()
    assert until_taken(lambda: deliver([Delivery(call, 1) for call in CALLS], business, engine))
    with closing(DriverServers(read_address(cluster.url), LIMIT)) as servers:
        remove_rows(OneIsGone(servers), Tables(DATABASE, CLUSTER), business.calls)
    deadline = time.monotonic() + LIMIT
    while any(rows_of(node, business) for node in cluster.nodes):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def rows_of(node: Node, business: Business) -> int:
    with Client("127.0.0.1", node.port, user="calltally", password="a:b@c/d") as client:
        [(found,)] = client.execute(f"SELECT count() FROM calltally.calls_local WHERE business = '{business.calls}'")
    return int(found)


def test_the_number_of_an_erased_caller_leaves_the_disks_of_both(
    cluster: Cluster, engine: Engine, new_business: NewBusiness, tmp_path: Path
) -> None:
    business = new_business()
    calls = [{**call, "from": "+13055550199"} for call in CALLS[:9]]
    more = [{"id": "elsewhere", "started_at": "2026-05-01T10:00:00Z", "from": "+13055550199"}]
    assert until_taken(lambda: deliver([Delivery(call, 1) for call in [*CALLS, *calls, *more]], business, engine))
    deliver([Delivery({"id": "c0", "from": "+13055550198", "updated_at": "2030-01-01T00:00:00Z"}, 1)], business, engine)
    assert engine.erase(business.calls, "+13055550199") == 9
    for node in cluster.nodes:
        assert kept_with(node, "+13055550199") == 0
        assert kept_with(node, "+13055550198") == 1
