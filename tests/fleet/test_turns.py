"""Nodes that write the same calls: two processes at once, and one that loses its turn to another amid a write."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from calltally.accounts import Business, create_business, open_control
from calltally.engines import Engine, Outcome, open_engine
from calltally.engines.clickhouse.sessions import DriverSession
from calltally.engines.clickhouse.writing import Writing
from calltally.errors import Unavailable
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.settings import Settings
from tests.asking import report
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


# --- Rows of a node that has lost its turn, which come once another one has written ----------------------------------

NUMBER = "+13055551234"
EARLY, LATE = "2026-03-01T10:00:00Z", "2026-04-01T10:00:00Z"
Change = Callable[[Engine, Business], object]
Shown = tuple[str, str, str | None, str | None]  # of a call: the id, the day, the caller, the source


def sent(record: dict[str, Any], version: int) -> Change:
    return lambda engine, business: deliver([Delivery(record, version)], business, engine)[0].outcome


def deleted(engine: Engine, business: Business) -> object:
    return engine.delete(business.calls, "x")


def erased(engine: Engine, business: Business) -> object:
    return engine.erase(business.calls, NUMBER)


@dataclass(frozen=True)
class Race:
    """What is there before, what the node does that loses its turn, what another does meanwhile, and what comes of it.

    `again` is the outcome of the first one's delivery when it is sent again, and `then` what comes of that.
    """

    before: dict[str, Any] | None
    lost: dict[str, Any]
    inserts: int  # of the write that is lost
    meanwhile: Change
    after: list[Shown]
    again: Outcome
    then: list[Shown]


RACES = {
    "both create it": Race(
        None,
        {"id": "x", "started_at": EARLY, "source": "lost"},
        4,
        sent({"id": "x", "started_at": LATE, "source": "other"}, 3),
        [("x", LATE, None, "other")],
        Outcome.UNCHANGED,
        [("x", LATE, None, "other")],
    ),
    "one moves it, the other deletes it": Race(
        {"id": "x", "started_at": EARLY, "source": "old"},
        {"id": "x", "started_at": LATE, "source": "lost"},
        7,
        deleted,
        [],
        Outcome.UNCHANGED,
        [],
    ),
    "one adds a call of a caller, whom the other erases": Race(
        {"id": "x", "started_at": EARLY, "caller_number": NUMBER},
        {"id": "y", "started_at": LATE, "caller_number": NUMBER},
        4,
        erased,
        [("x", EARLY, None, None)],
        Outcome.ADDED,
        [("x", EARLY, None, None), ("y", LATE, None, None)],
    ),
    "one gives it a start, the other deletes what was held": Race(
        {"id": "x", "source": "held"},
        {"id": "x", "started_at": LATE, "source": "lost"},
        7,
        deleted,
        [],
        Outcome.UNCHANGED,
        [],
    ),
    "one moves it, the other writes it where it was": Race(
        {"id": "x", "started_at": EARLY, "source": "old"},
        {"id": "x", "started_at": LATE, "source": "lost"},
        7,
        sent({"id": "x", "caller_number": NUMBER}, 3),
        [("x", EARLY, NUMBER, "old")],
        Outcome.UPDATED,
        [("x", LATE, NUMBER, "lost")],
    ),
    "one moves it, the other writes something else": Race(
        {"id": "x", "started_at": EARLY, "source": "old"},
        {"id": "x", "started_at": LATE, "source": "lost"},
        7,
        sent({"id": "y", "started_at": EARLY}, 3),
        [("x", EARLY, None, "old"), ("y", EARLY, None, None)],
        Outcome.UPDATED,
        [("x", LATE, None, "lost"), ("y", EARLY, None, None)],
    ),
}
COMMITTING = 5  # with the insert that begins to sweep a move is committed, though nobody may be told


@pytest.mark.parametrize(
    ("race", "late"), [(name, late) for name, race in RACES.items() for late in range(1, race.inserts + 1)]
)
def test_nothing_is_seen_of_rows_that_come_once_another_node_has_had_the_turn(
    shared: dict[str, str],
    business: Business,
    engine: Engine,
    postgresql: PostgreSQL,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    race: str,
    late: int,
) -> None:
    """One insert is on its way, the first of which is that the store is open, when the node's connection is cut."""
    settled = RACES[race]
    if settled.before:
        sent(settled.before, 1)(engine, business)
    settings = Settings(
        control_url=shared["CALLTALLY_CONTROL_URL"], engine=shared["CALLTALLY_ENGINE"], memory="300MB", threads=1
    )
    insert = DriverSession.insert
    inserts: list[str] = []

    with closing(open_engine(DataFolder(tmp_path / "elsewhere"), settings)) as other:

        def overtaken(session: DriverSession, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
            inserts.append(table)
            if len(inserts) == late:
                monkeypatch.setattr(DriverSession, "insert", insert)
                _cut(postgresql, shared)
                settled.meanwhile(other, business)
            insert(session, table, columns)

        monkeypatch.setattr(DriverSession, "insert", overtaken)
        with pytest.raises(Unavailable, match="nothing was acknowledged"):
            sent(settled.lost, 2)(engine, business)
        assert len(inserts) == late
        is_committed = settled.inserts == 7 and late > COMMITTING
        expected = settled.then if is_committed else settled.after
        assert _shown(other, business) == expected
        sent({"id": "z", "started_at": LATE}, 1)(other, business)
        z = ("z", LATE, None, None)
        assert _shown(engine, business) == [*expected, z]
        expected_again = Outcome.UNCHANGED if is_committed else settled.again
        assert sent(settled.lost, 2)(engine, business) is expected_again
        assert _shown(other, business) == [*settled.then, z]


def test_a_node_that_has_lost_its_turn_writes_no_more(
    shared: dict[str, str], business: Business, engine: Engine, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else has had the turn, so that the next write has to find out what was begun."""
    sent({"id": "x", "started_at": EARLY}, 1)(engine, business)
    insert = DriverSession.insert
    tables: list[str] = []

    def cut(session: DriverSession, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        insert(session, table, columns)
        tables.append(table.rpartition(".")[2])
        if tables == ["stores", "places", "calls"]:
            _cut(postgresql, shared)

    monkeypatch.setattr(DriverSession, "insert", cut)
    with pytest.raises(Unavailable, match="nothing was acknowledged"):
        sent({"id": "x", "started_at": LATE}, 2)(engine, business)
    assert tables == ["stores", "places", "calls"]
    assert _shown(engine, business) == [("x", EARLY, None, None)]
    assert sent({"id": "y", "started_at": EARLY}, 1)(engine, business) is Outcome.ADDED
    assert _shown(engine, business) == [("x", EARLY, None, None), ("y", EARLY, None, None)]


def _shown(engine: Engine, business: Business) -> list[Shown]:
    """The calls that an export has, which are those of a report, of the facts and of each id."""
    calls = state_of(engine, business)
    assert report(engine, business, "group_by=source&metrics=count")["data"]["totals"]["count"] == len(calls)
    assert engine.check(business.calls).calls == len(calls)
    for call_id in ("x", "y"):
        found = engine.call(business.calls, call_id)
        assert (len(found) if found is not None else 0) == [call["id"] for call in calls].count(call_id)
    return sorted((call["id"], _as_sent(call["started_at"]), call["caller_number"], call["source"]) for call in calls)


def _as_sent(start: datetime) -> str:
    return start.isoformat().replace("+00:00", "Z")
