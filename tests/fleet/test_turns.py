"""Two processes that write partial updates of the same calls at once, each as a node does it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from calltally.accounts import Business, create_business, open_control
from calltally.engines import Engine, Outcome, open_engine
from calltally.engines.clickhouse.writing import Writing
from calltally.errors import Unavailable
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.settings import Settings
from tests.deliveries import state_of
from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.cluster

NODES, ROUNDS, CALLS = 2, 15, 12
CALL = {"id": "c1", "started_at": "2026-03-01T10:00:00Z"}
FIELDS = ("source", "utm_source", "utm_medium", "utm_campaign", "utm_term", "ai_category", "duration_seconds", "status")
Batch = list[tuple[dict[str, Any], int]]

CODE = """
import json
import sys
from pathlib import Path
from contextlib import closing
from calltally.accounts import find_business, open_control
from calltally.engines import open_engine
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.settings import Settings
asked = json.loads(sys.stdin.readline())
settings = Settings(control_url=asked["control"], engine=asked["engine"], memory="300MB", threads=1)
folder = DataFolder(Path(asked["folder"]))
with open_control(folder, settings.control_url) as control, closing(open_engine(folder, settings)) as engine:
    business = find_business(control, asked["business"])
    print("ready", flush=True)
    sys.stdin.readline()
    for batch in asked["batches"]:
        deliver([Delivery(record, version) for record, version in batch], business, engine)
"""


@pytest.fixture
def business(shared: dict[str, str], tmp_path: Path) -> Business:
    with open_control(DataFolder(tmp_path / "data"), shared["CALLTALLY_CONTROL_URL"]) as control:
        return create_business(
            control, "Acme", timezone="UTC", region="US", currency="USD", now=datetime(2026, 1, 1, tzinfo=UTC)
        )


@pytest.fixture
def engine(shared: dict[str, str], tmp_path: Path) -> Iterator[Engine]:
    settings = Settings(
        control_url=shared["CALLTALLY_CONTROL_URL"], engine=shared["CALLTALLY_ENGINE"], memory="300MB", threads=1
    )
    with closing(open_engine(DataFolder(tmp_path / "data"), settings)) as opened:
        yield opened


def test_partial_updates_of_two_nodes_come_to_what_the_contract_says(
    shared: dict[str, str], business: Business, engine: Engine, tmp_path: Path
) -> None:
    draw = Random(11)
    versions = list(range(1, 1 + NODES * ROUNDS * CALLS))
    draw.shuffle(versions)
    batches = [[_batch(draw, versions) for _ in range(ROUNDS)] for _ in range(NODES)]
    with ExitStack() as stack:
        processes = []
        for number, some in enumerate(batches):
            asked = {
                "control": shared["CALLTALLY_CONTROL_URL"],
                "engine": shared["CALLTALLY_ENGINE"],
                "folder": str(tmp_path / f"node{number}"),
                "business": business.id,
                "batches": some,
            }
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
                )
            )
            assert process.stdin
            process.stdin.write(json.dumps(asked) + "\n")
            processes.append(process)
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("\n")
        assert [process.wait(300) for process in processes] == [0] * NODES
    expected = _reference([each for some in batches for batch in some for each in batch])
    found = state_of(engine, business)
    assert {call["id"]: {name: call[name] for name in FIELDS if call[name] is not None} for call in found} == expected


def _batch(draw: Random, versions: list[int]) -> Batch:
    """Some fields of all calls, each record with a version of its own; the first that comes creates the call."""
    records: Batch = []
    for n in range(CALLS):
        version = versions.pop()
        said = {name: _value(name, version) for name in draw.sample(FIELDS, 2)}
        records.append(({"id": f"c{n}", "started_at": "2026-03-01T10:00:00Z", **said}, version))
    return records


def _value(name: str, version: int) -> object:
    match name:
        case "duration_seconds":
            return version
        case "status":
            return ("completed", "no-answer", "voicemail", "busy")[version % 4]
        case _:
            return f"v{version}"


def _reference(records: Batch) -> dict[str, dict[str, object]]:
    """What is known of each call once all of these have come, in whatever order: the greatest version of each field."""
    newest: dict[str, dict[str, tuple[int, object]]] = {}
    for record, version in records:
        known = newest.setdefault(record["id"], {})
        for name in FIELDS:
            if name in record and version > known.get(name, (0, None))[0]:
                known[name] = (version, record[name])
    return {call: {name: value for name, (_, value) in known.items()} for call, known in newest.items()}


@pytest.mark.parametrize("step", ["know", "_insert"])
def test_a_node_that_loses_its_turn_acknowledges_nothing_and_may_do_it_again(
    shared: dict[str, str],
    business: Business,
    engine: Engine,
    postgresql: PostgreSQL,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    step: str,
) -> None:
    """Its connection is cut once it has read what it merges with, and another node writes before it goes on."""
    assert deliver([Delivery({**CALL, "source": "old"}, 1)], business, engine)[0].outcome is Outcome.ADDED
    mine, theirs = ([Delivery({"id": "c1", field: "new"}, 2)] for field in ("utm_source", "source"))
    settings = Settings(
        control_url=shared["CALLTALLY_CONTROL_URL"], engine=shared["CALLTALLY_ENGINE"], memory="300MB", threads=1
    )
    go_on = getattr(Writing, step)
    times: list[str] = []

    def lose(writing: Writing, *given: Any) -> None:
        times.append(step)
        if len(times) == 1 and step == "_insert":  # it is cut while its rows are on their way
            _cut(postgresql, shared)
            _deliver_elsewhere(theirs, business, settings, tmp_path)
        go_on(writing, *given)
        if len(times) == 1 and step == "know":
            _cut(postgresql, shared)
            _deliver_elsewhere(theirs, business, settings, tmp_path)

    monkeypatch.setattr(Writing, step, lose)
    with pytest.raises(Unavailable, match="nothing was acknowledged"):
        deliver(mine, business, engine)
    [call] = state_of(engine, business)
    assert call["source"] == "new"
    version = engine.version(business.calls)
    assert deliver(mine, business, engine)[0].outcome in (Outcome.UPDATED, Outcome.UNCHANGED)
    [call] = state_of(engine, business)
    assert (call["source"], call["utm_source"]) == ("new", "new")
    assert engine.version(business.calls) != version


def _deliver_elsewhere(deliveries: list[Delivery], business: Business, settings: Settings, path: Path) -> None:
    """Deliver by another node."""
    with closing(open_engine(DataFolder(path / "elsewhere"), settings)) as other:
        assert deliver(deliveries, business, other)[0].outcome is Outcome.UPDATED


def _cut(postgresql: PostgreSQL, shared: dict[str, str]) -> None:
    """Cut all connections to the control database."""
    name = shared["CALLTALLY_CONTROL_URL"].rpartition("/")[2]
    with postgresql.connected() as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    time.sleep(0.2)
