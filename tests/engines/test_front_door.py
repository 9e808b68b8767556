"""A cluster that breaks, seen through HTTP: refused in time, never partial, and afterwards the digits of a file."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers.clickhouse import Cluster, running
from starlette.testclient import TestClient

from calltally.accounts import Control, create_business, create_key, open_control
from calltally.engines import open_engine, prepare_engine
from calltally.folder import DataFolder
from calltally.settings import Settings
from tests import strategies
from tests.api.conftest import NOW, REPORT, open_client
from tests.engines.clusters import Wire, front_door, wired

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("front door")]

SECONDS = 8.0  # the time limit of a report
PATIENCE = 30.0
CALLS = [
    {"id": f"c{n}", "started_at": f"2026-03-0{1 + n % 9}T10:00:00Z", "source": f"s{n % 3}", "from": f"+130555512{n:02}"}
    for n in range(40)
]
LATER = [{**call, "source": "later"} for call in CALLS] + [
    {"id": f"n{n}", "started_at": "2026-03-05T10:00:00Z", "source": "later"} for n in range(7)
]
MISSING = "Shard 2 of 2 of the database does not answer"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Wire]]:
    with wired(tmp_path_factory.mktemp("cluster")) as found:
        yield found


def harm(how: str, cluster: Cluster, wire: Wire) -> None:
    match how:
        case "kill":
            cluster.nodes[1].kill()
        case "freeze":
            cluster.nodes[1].freeze()
        case "cut":
            wire.cut.set()


def mend(how: str, cluster: Cluster, wire: Wire) -> None:
    match how:
        case "kill":
            cluster.nodes[1].start()
        case "freeze":
            cluster.nodes[1].thaw()
        case "cut":
            wire.cut.clear()


def asked(client: httpx2.Client, query: str) -> Any:
    """The inside of a report; None where it was refused, as it has to be and in time."""
    began = time.monotonic()
    answer = client.get(f"{REPORT}?{query}")
    assert time.monotonic() - began < SECONDS + 2
    if answer.status_code == 200:
        return answer.json()["data"]
    refused(answer)
    return None


def refused(answer: httpx2.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert (answer.json()["error"]["type"], answer.json()["error"]["message"]) == ("unavailable", MISSING)
    assert int(answer.headers["Retry-After"]) > 0


def until_mended(client: httpx2.Client, query: str) -> Any:
    """The report, once all parts are noticed to be there again."""
    deadline = time.monotonic() + PATIENCE
    while (found := asked(client, query)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


@pytest.mark.parametrize("how", ["freeze", "kill", "cut"])
def test_a_broken_cluster_is_refused_whole_and_in_time_and_goes_on_by_itself(
    pair: tuple[Cluster, Wire], tmp_path: Path, how: str
) -> None:
    with front_door(tmp_path, pair[0].url, SECONDS) as client:
        sent = client.post("/api/v1/calls", json=CALLS)
        assert (sent.status_code, sent.json()["data"]["added"]) == (200, 40), sent.text
        before = asked(client, "group_by=source&metrics=count,unique_callers")
        assert before["totals"] == {"count": 40, "unique_callers": 40}
        harm(how, *pair)
        try:
            for dimension in ("source", "date"):
                assert asked(client, f"group_by={dimension}") is None
            refused(client.post("/api/v1/calls", json=LATER))
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
        finally:
            mend(how, *pair)
        after = until_mended(client, "group_by=source&metrics=count,unique_callers")
        assert after["totals"]["count"] == 40  # no call of the write that was refused
        sent = client.post("/api/v1/calls", json=LATER)
        assert (sent.status_code, sent.json()["data"]["rejected"]) == (200, 0), sent.text
        assert asked(client, "group_by=source&metrics=count,unique_callers")["data"] == [
            {"source": "later", "count": 47, "unique_callers": 40}
        ]


# --- The same bytes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Twins:
    """The same businesses and keys in front of two engines: a file, and a cluster."""

    control: Control
    file: TestClient
    cluster: TestClient

    def business(self, time_zone: str) -> dict[str, str]:
        """The headers of an administrator of a new business, which has no calls in either."""
        business = create_business(self.control, "Acme", timezone=time_zone, region="US", currency="USD", now=NOW)
        key = create_key(self.control, business, None, ("admin",), NOW)
        return {"Authorization": f"Bearer {key.secret}"}


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("shards")) as found:
        prepare_engine(Settings(engine=found.url))
        yield found


@pytest.fixture(scope="module")
def twins(shards: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    folder = DataFolder(tmp_path_factory.mktemp("twins"))
    with ExitStack() as stack:
        control = stack.enter_context(open_control(folder))

        def client(engine: str) -> TestClient:
            chosen = Settings(engine=engine, hot_memory="0", memory="500MB", threads=2)
            opened = stack.enter_context(closing(open_engine(folder, chosen)))
            return stack.enter_context(open_client(control, opened, kept_bytes=0))

        yield Twins(control, client(""), client(shards.url))


def with_ids(records: list[strategies.Record]) -> list[strategies.Record]:
    """The records as an API takes them; the last is a call that nothing is wrong with."""
    ids = strategies.CALL_IDS
    named = [
        {**{name: value for name, value in record.items() if name not in ("call_id", "uuid")}, "id": ids[n % len(ids)]}
        for n, record in enumerate(records)
    ]
    return [*named, {"id": "last", "started_at": "2026-03-08T07:30:00Z", "source": f"source {len(records)}"}]


@settings(max_examples=4)
@given(
    first=strategies.files_of_records(min_size=6, max_size=30).map(with_ids),
    then=strategies.files_of_records(min_size=1, max_size=15).map(with_ids),
    questions=st.lists(strategies.requests(), min_size=6, max_size=12),
    time_zone=st.sampled_from(strategies.TIME_ZONES),
    shard=st.integers(0, 1),
)
def test_a_file_and_a_cluster_whose_shard_died_halfway_give_the_same_bytes(
    twins: Twins,
    shards: Cluster,
    first: list[strategies.Record],
    then: list[strategies.Record],
    questions: list[strategies.Params],
    time_zone: str,
    shard: int,
) -> None:
    headers = twins.business(time_zone)

    def same(method: str, path: str, **said: Any) -> None:
        answers = [client.request(method, path, headers=headers, **said) for client in (twins.file, twins.cluster)]
        assert answers[0].status_code == answers[1].status_code != 503, answers[1].text
        assert answers[0].content == answers[1].content

    def ask(params: strategies.Params) -> None:
        same("GET", f"{REPORT}?{urlencode(params)}")

    same("POST", "/api/v1/calls", json=first)
    for params in questions[: len(questions) // 2]:
        ask(params)
    shards.nodes[shard].kill()
    try:
        for refused in (
            twins.cluster.get(f"{REPORT}?{urlencode(questions[0])}", headers=headers),
            twins.cluster.post("/api/v1/calls", json=then, headers=headers),
        ):
            assert refused.status_code == 503, refused.text
            assert refused.json()["error"]["message"] == f"Shard {shard + 1} of 2 of the database does not answer"
    finally:
        shards.nodes[shard].start()
    same("POST", "/api/v1/calls", json=then)
    for params in questions:
        ask(params)
