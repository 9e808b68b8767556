"""Calls moved to a cluster whose shard has two replicas, and back."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver import Client
from servers.clickhouse import DATABASE, Cluster, Node, running
from servers.zookeeper import keeping

from calltally.engines import Outcome, prepare_engine
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.moving import Side
from calltally.settings import Settings
from tests.asking import import_records
from tests.cli.conftest import CommandLine, acme, calltally
from tests.conftest import NewBusiness
from tests.moving.conftest import move, nothing, opened
from tests.moving.test_migrate import migrate
from tests.moving.test_moving import (
    calls,
    folder,
    small_parts,
    test_a_move_that_was_broken_off_goes_on_and_nothing_is_seen_before_its_end,
    test_everything_moves_and_is_proved,
    test_what_was_there_before_is_replaced_and_told,
)

__all__ = [
    "acme",
    "calltally",
    "folder",
    "small_parts",
    "test_a_move_that_was_broken_off_goes_on_and_nothing_is_seen_before_its_end",
    "test_everything_moves_and_is_proved",
    "test_what_was_there_before_is_replaced_and_told",
]

PATIENCE = 60.0
MANY = 300

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("moving to replicas")]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    path = tmp_path_factory.mktemp("cluster")
    with keeping(path / "keeper") as port, running(path, shards=1, replicas=2, keeper=port) as found:
        prepare_engine(Settings(engine=found.url))
        yield found


@pytest.fixture(scope="module")
def there(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    with opened(tmp_path_factory.mktemp("there") / "data", cluster.url) as engine:
        yield Side("there", engine)


def asked(node: Node, sql: str) -> Any:
    with Client("127.0.0.1", node.port, user="calltally", password="a:b@c/d") as client:
        return client.execute(sql)


def test_rows_are_removed_once_for_both_replicas(
    cluster: Cluster, there: Side, new_business: NewBusiness, tmp_path: Path
) -> None:
    business, kept = new_business(), new_business()
    for each in (business, kept):
        import_records(there.engine, each, calls(40), tmp_path)
    there.engine.remove(business.calls)
    for node in cluster.nodes:
        deadline = time.monotonic() + PATIENCE
        for table in ("calls_local", "places_local"):
            count = f"SELECT count() FROM {DATABASE}.{table} WHERE business = '{business.calls}'"
            while asked(node, count) != [(0,)]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            told = f"table = '{table}' AND position(command, '{business.calls}') > 0"
            assert asked(node, f"SELECT count() FROM system.mutations WHERE {told}") == [(1,)]
        assert asked(node, f"SELECT count() FROM {DATABASE}.calls_local WHERE business = '{kept.calls}'") == [(40,)]


def test_a_second_move_brings_the_same_rows_once_more(
    cluster: Cluster, there: Side, folder: DataFolder, new_business: NewBusiness, tmp_path: Path
) -> None:
    """Which ZooKeeper remembers of the first, though they were removed since."""
    business = new_business()
    with opened(tmp_path / "here") as engine:
        here = Side("here", engine)
        import_records(engine, business, calls(40), tmp_path)
        move(business, here, there, folder, nothing)
        import_records(there.engine, business, [{"id": "more", "started_at": "2026-03-01T00:00:00Z"}], tmp_path)
        move(business, here, there, folder, nothing)
        [known] = [part for part in engine.holdings(business.calls).parts if part.kind == "calls"][:1]
        with engine.whole_part(business.calls, known) as batches:
            ids = [row["id"] for batch in batches for row in batch.to_pylist()]
    ends = deliver([Delivery({"id": id_, "source": "late"}, 2**60) for id_ in ids], business, there.engine)
    assert {end.outcome for end in ends} == {Outcome.UPDATED}
    assert there.engine.delete(business.calls, ids[0])


def test_two_names_of_one_place_are_found_out(
    calltally: CommandLine, acme: str, cluster: Cluster, tmp_path: Path
) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("id,started_at\na,2026-03-09T14:05:00Z\n")
    on_cluster = {"CALLTALLY_ENGINE": cluster.url}
    assert calltally.process("import", str(path), "-b", acme, **on_cluster).code == 0
    other = cluster.url.replace("127.0.0.1", "localhost", 1)
    failed = migrate(calltally, cluster, "--from", "CALLTALLY_ENGINE", "--to", other, "--yes")
    assert failed.code == 1, failed
    assert "are two names of one place: the calls of 'Acme' there are those to be copied" in failed.err
    assert calltally.process("export", "-b", acme, "--format", "csv", **on_cluster).out.count("\n") == 2


def test_calls_move_to_replicas_by_the_command_and_come_back(
    calltally: CommandLine, acme: str, cluster: Cluster, tmp_path: Path
) -> None:
    path = tmp_path / "calls.csv"
    rows = [f"c{n},2026-{1 + n % 9:02}-01T10:00:{n % 60:02}Z,+1305{n % 99:07},s{n % 7}" for n in range(MANY)]
    path.write_text("\n".join(["id,started_at,from,source", *rows]))
    assert calltally.process("import", str(path), "-b", acme).code == 0
    assert calltally.process("erase", "-b", acme, "--caller", "+13050000003", "--yes").code == 0
    moved = migrate(calltally, cluster, "--to", "CALLTALLY_ENGINE")
    assert moved.code == 0, moved
    assert f"{MANY:,} calls in 9 months" in moved.out
    back = migrate(calltally, cluster, "--from", "CALLTALLY_ENGINE", "--yes")
    assert back.code == 0, back
    exported = [
        sorted(calltally.process("export", "-b", acme, "--format", "csv", **variables).out.splitlines())
        for variables in ({}, {"CALLTALLY_ENGINE": cluster.url})
    ]
    assert exported[0] == exported[1]
    assert len(exported[0]) == MANY + 1
