"""What a cluster promises beside what every engine does: nothing partial, nothing lost, and safe to do again."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver import Client
from clickhouse_driver.connection import Connection
from servers.clickhouse import DATABASE, Cluster, Node, running

from calltally.engines import Engine, Outcome, Stop, engine_status, open_engine, prepare_engine
from calltally.engines.clickhouse import (
    ClickHouseEngine,
    DriverServers,
    Server,
    Session,
    Tables,
    clients,
    read_address,
)
from calltally.engines.clickhouse.sessions import SILENT_SECONDS
from calltally.engines.sql import Statement
from calltally.errors import NotFound, Unavailable
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.query import Timing, ask
from calltally.settings import Settings
from tests.api.conftest import add_many
from tests.asking import import_records, report
from tests.conftest import NewBusiness
from tests.deliveries import state_of
from tests.engines.clusters import wired

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("faults")]

LIMIT = 30.0  # seconds: the time limit of a report unless it is set
CALLS = [
    {"id": f"c{n}", "started_at": f"2026-03-0{1 + n % 9}T10:00:00Z", "source": f"s{n % 3}", "from": f"+130555512{n:02}"}
    for n in range(40)
]
QUESTION = "group_by=source&metrics=count,unique_callers&limit=1"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster")) as found:
        prepare_engine(Settings(engine=found.url))
        yield found


@pytest.fixture
def whole(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with all its servers at work, also after the test."""
    yield cluster
    for node in cluster.nodes:
        assert node.process
        if node.process.poll() is None:
            node.thaw()
        else:
            node.start()


def opened(cluster: Cluster, path: Path, **given: Any) -> Engine:
    return open_engine(DataFolder(path / "data"), Settings(engine=cluster.url, memory="500MB", threads=2, **given))


@pytest.fixture
def engine(cluster: Cluster, tmp_path: Path) -> Iterator[Engine]:
    found = opened(cluster, tmp_path)
    yield found
    found.close()


# --- Servers that do not answer -------------------------------------------------------------------------------------


def kill(cluster: Cluster, shard: int) -> None:
    cluster.nodes[shard].kill()


def freeze(cluster: Cluster, shard: int) -> None:
    cluster.nodes[shard].freeze()


def start(cluster: Cluster, shard: int) -> None:
    cluster.nodes[shard].start()


def thaw(cluster: Cluster, shard: int) -> None:
    cluster.nodes[shard].thaw()


@pytest.mark.parametrize("shard", [0, 1])
@pytest.mark.parametrize(("harm", "mend"), [(kill, start), (freeze, thaw)])
def test_a_report_without_a_shard_is_refused_and_comes_back_by_itself(
    whole: Cluster,
    engine: Engine,
    new_business: NewBusiness,
    tmp_path: Path,
    shard: int,
    harm: Callable[[Cluster, int], None],
    mend: Callable[[Cluster, int], None],
) -> None:
    business = new_business()
    import_records(engine, business, CALLS, tmp_path)
    before = report(engine, business, QUESTION)
    assert before["data"]["totals"] == {"count": 40, "unique_callers": 40}
    harm(whole, shard)
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(Unavailable, match=f"Shard {shard + 1} of 2 of the database does not answer"):
            report(engine, business, QUESTION)
        assert time.monotonic() - began < LIMIT
    with pytest.raises(Unavailable):
        deliver([Delivery({**CALLS[n], "source": "new"}, 1) for n in range(40)], business, engine)
    with pytest.raises(Unavailable):
        engine.ready()
    mend(whole, shard)
    assert report(engine, business, QUESTION)["data"]["totals"] == before["data"]["totals"]
    found = deliver([Delivery({**CALLS[n], "source": "new"}, 1) for n in range(40)], business, engine)
    assert {each.outcome for each in found} <= {Outcome.UPDATED, Outcome.UNCHANGED}
    assert report(engine, business, QUESTION)["data"]["data"] == [{"source": "new", "count": 40, "unique_callers": 40}]


def test_a_cluster_of_which_nothing_answers_says_so(whole: Cluster, engine: Engine, new_business: NewBusiness) -> None:
    kill(whole, 0)
    kill(whole, 1)
    with pytest.raises(Unavailable, match="The database does not answer"):
        report(engine, new_business(), QUESTION)
    start(whole, 1)
    with pytest.raises(Unavailable, match="Shard 1 of 2 of the database does not answer"):
        report(engine, new_business(), QUESTION)


def test_a_killed_shard_amid_loads_loses_nothing_that_was_acknowledged(
    whole: Cluster, engine: Engine, new_business: NewBusiness, tmp_path: Path
) -> None:
    business = new_business()
    done: list[int] = []

    def send() -> None:
        for batch in range(10_000):
            calls = [{"id": f"{batch}-{n}", "started_at": "2026-03-01T10:00:00Z"} for n in range(20)]
            deliver([Delivery(call, 1) for call in calls], business, engine)
            done.append(batch)

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        while len(done) < 5:
            time.sleep(0.01)
        kill(whole, 1)
        with pytest.raises(Unavailable):
            sending.result(LIMIT)
    start(whole, 1)
    acknowledged = 20 * len(done)
    seen = report(engine, business, QUESTION)["data"]["totals"]["count"]
    assert seen == acknowledged
    again = [{"id": f"{len(done)}-{n}", "started_at": "2026-03-01T10:00:00Z"} for n in range(20)]
    deliver([Delivery(call, 1) for call in again], business, engine)
    assert report(engine, business, QUESTION)["data"]["totals"]["count"] == acknowledged + 20


# --- Writes that are broken off -------------------------------------------------------------------------------------


class BreakingSession:
    """A session whose writes are broken off before or after one of them."""

    def __init__(self, session: Session, servers: "BreakingServers") -> None:
        self._session = session
        self._servers = servers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        self._servers.left -= 1
        if self._servers.left == 0:
            self._servers.broken = table, columns
            if self._servers.late:
                self._session.insert(table, columns)
            raise Unavailable("broken off")
        self._session.insert(table, columns)


class BreakingServers:
    """Servers of which one insert, counted from now, fails: before it is done, or late, when nobody hears of it."""

    def __init__(self, servers: DriverServers) -> None:
        self._servers = servers
        self.left = 0
        self.late = False
        self.broken: tuple[str, Mapping[str, Sequence[Any]]] | None = None
        self.reach_each = True

    def break_off(self, insert: int) -> None:
        """Let the insert of this number fail, and keep it in `broken`."""
        self.left, self.broken = insert, None

    def asked(self, work: Callable[[Session], Any]) -> Any:
        with self.session() as session:
            return work(session)

    @contextmanager
    def session(self) -> Iterator[Any]:
        with self._servers.session() as session:
            yield BreakingSession(session, self)

    def each(self) -> Sequence[Server]:
        return self._servers.each()

    def session_with(self, server: Server) -> Any:
        if not self.reach_each:
            raise Unavailable("no answer")
        return self._servers.session_with(server)

    def close(self) -> None:
        self._servers.close()


STEPS: tuple[list[dict[str, Any]], ...] = (
    [{"id": "new", "started_at": "2026-05-01T10:00:00Z", "source": "a"}],
    [{"id": "c1", "started_at": "2026-06-01T10:00:00Z", "source": "moved"}],
    [{"id": "early", "source": "first"}],
    [{"id": "early", "started_at": "2026-06-01T10:00:00Z"}, {"id": "c2", "started_at": "2025-06-01T10:00:00Z"}],
)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("broken", [1, 2, 3, 4, 5, 6, 7])
def test_a_write_that_is_broken_off_anywhere_can_be_sent_again(
    cluster: Cluster, new_business: NewBusiness, tmp_path: Path, broken: int, late: bool
) -> None:
    business, twin = new_business(), new_business()
    servers = BreakingServers(DriverServers(read_address(cluster.url), LIMIT))
    folder = DataFolder(tmp_path / "breaking")
    engine = ClickHouseEngine(
        servers,
        Tables(DATABASE, "calls"),
        folder.staging,
        folder.spill,
        memory="500MB",
        most_spill="1GB",
        threads=1,
    )
    undisturbed = open_engine(DataFolder(tmp_path / "embedded"), Settings(memory="500MB", threads=1))
    import_records(engine, business, CALLS, tmp_path)
    import_records(undisturbed, twin, CALLS, tmp_path)
    for version, step in enumerate(STEPS, 1):
        deliveries = [Delivery(record, version) for record in step]
        deliver(deliveries, twin, undisturbed)
        servers.left, servers.late = broken, late
        version_before = engine.version(business.calls)
        try:
            deliver(deliveries, business, engine)
        except Unavailable:
            servers.left = 0
            for then in (None, [Delivery({"id": "c30", "started_at": CALLS[30]["started_at"]}, 1)]):
                if then:  # of another call, which brings the one that was broken off to its end
                    deliver(then, business, engine)
                    deliver(then, twin, undisturbed)
                shown = report(engine, business, "group_by=source&metrics=count")["data"]["totals"]["count"]
                listed = [call["id"] for call in state_of(engine, business)]
                assert shown == len(listed) == len(set(listed))  # a call that moves is never gone, nor there twice
                assert {call["id"] for call in CALLS} <= set(listed)
            servers.left = -1
        servers.left = 0
        deliver(deliveries, business, engine)
        assert engine.version(business.calls) == engine.version(business.calls) != version_before
        assert state_of(engine, business) == state_of(undisturbed, twin)
    question = "group_by=month,source&metrics=count,unique_callers"
    assert report(engine, business, question) == report(undisturbed, twin, question)
    engine.close()
    undisturbed.close()


@pytest.mark.parametrize("broken", [1, 2, 3, 4, 5, 6, 7])
def test_rows_of_a_write_that_was_broken_off_may_come_after_the_next_one(
    cluster: Cluster, new_business: NewBusiness, tmp_path: Path, broken: int
) -> None:
    """As where a server takes longer for an insert than anybody waits."""
    business, twin = new_business(), new_business()
    servers = BreakingServers(DriverServers(read_address(cluster.url), LIMIT))
    folder = DataFolder(tmp_path / "breaking")
    engine = ClickHouseEngine(
        servers, Tables(DATABASE, "calls"), folder.staging, folder.spill, memory="500MB", most_spill="1GB", threads=1
    )
    undisturbed = open_engine(DataFolder(tmp_path / "embedded"), Settings(memory="500MB", threads=1))
    import_records(engine, business, CALLS, tmp_path)
    import_records(undisturbed, twin, CALLS, tmp_path)
    for version, step in enumerate(STEPS, 1):
        deliveries = [Delivery(record, version) for record in step]
        servers.break_off(broken)
        with suppress(Unavailable):
            deliver(deliveries, business, engine)
        servers.left = 0
        if servers.broken and broken <= 5:  # later it is committed, and only rows are emptied that nobody sees
            other = [Delivery({"id": f"other{version}", "started_at": "2026-04-01T10:00:00Z"}, 1)]
            assert deliver(other, business, engine)[0].outcome is Outcome.ADDED
            deliver(other, twin, undisturbed)
            with servers.session() as session:
                session.insert(*servers.broken)
            for _ in range(2):
                assert state_of(engine, business) == state_of(undisturbed, twin)
                shown = report(engine, business, QUESTION)
                assert shown["data"]["totals"] == report(undisturbed, twin, QUESTION)["data"]["totals"]
                assert engine.tallies(business.calls)
                for each in (engine, undisturbed):
                    deliver([Delivery({"id": "one more"}, 1)], business if each is engine else twin, each)
            outcomes = [each.outcome for each in deliver(deliveries, business, engine)]
            assert outcomes == [each.outcome for each in deliver(deliveries, twin, undisturbed)]
        else:
            deliver(deliveries, business, engine)
            deliver(deliveries, twin, undisturbed)
        assert state_of(engine, business) == state_of(undisturbed, twin)
    question = "group_by=month,source&metrics=count,unique_callers"
    assert report(engine, business, question) == report(undisturbed, twin, question)
    engine.close()
    undisturbed.close()


def test_an_import_that_is_broken_off_is_added_whole_by_the_next_and_leaves_nothing(
    cluster: Cluster, new_business: NewBusiness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    business = new_business()
    servers = BreakingServers(DriverServers(read_address(cluster.url), LIMIT))
    folder = DataFolder(tmp_path / "breaking")
    engine = ClickHouseEngine(
        servers, Tables(DATABASE, "calls"), folder.staging, folder.spill, memory="500MB", most_spill="1GB", threads=1
    )
    deliver([Delivery(CALLS[0], 1)], business, engine)
    number = "+13055550188"
    calls = [{**call, "from": number} for call in CALLS[1:]]
    servers.left = 4
    with pytest.raises(Unavailable):
        import_records(engine, business, calls, tmp_path)
    assert sum(kept_with(node, number) for node in cluster.nodes) == 39
    engine.settle(business.calls)
    assert [call["id"] for call in state_of(engine, business)] == ["c0"]
    assert len(void_numbers(cluster, business.calls)) == 2
    deadline = time.monotonic() + LIMIT
    while sum(kept_with(node, number) for node in cluster.nodes):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert import_records(engine, business, calls, tmp_path).summary.added == 39
    assert report(engine, business, QUESTION)["data"]["totals"] == {"count": 40, "unique_callers": 2}
    assert len(void_numbers(cluster, business.calls)) == 2  # as more rows may come
    monkeypatch.setattr("calltally.engines.clickhouse.engine.LATEST", 0)
    assert engine.erase(business.calls, number) == 39
    assert void_numbers(cluster, business.calls) == []
    assert report(engine, business, QUESTION)["data"]["totals"] == {"count": 40, "unique_callers": 1}
    engine.close()


def test_the_number_of_an_erased_caller_that_comes_late_is_taken_out_by_the_next_erasure(
    cluster: Cluster, new_business: NewBusiness, tmp_path: Path
) -> None:
    """In a call that was there already it is seen until then, in one that was added it never is."""
    business, number, other = new_business(), "+13055550177", "+13055550166"
    servers = BreakingServers(DriverServers(read_address(cluster.url), LIMIT))
    folder = DataFolder(tmp_path / "breaking")
    engine = ClickHouseEngine(
        servers, Tables(DATABASE, "calls"), folder.staging, folder.spill, memory="500MB", most_spill="1GB", threads=1
    )
    deliver([Delivery({**CALLS[0], "from": other}, 1)], business, engine)
    servers.left = 3
    with pytest.raises(Unavailable):
        deliver(
            [Delivery({"id": call["id"], "started_at": call["started_at"], "from": number}, 2) for call in CALLS],
            business,
            engine,
        )
    servers.left = 0
    assert engine.erase(business.calls, number) == 0
    assert servers.broken
    with servers.session() as session:
        session.insert(*servers.broken)
    assert [(call["id"], call["caller_number"]) for call in state_of(engine, business)] == [("c0", number)]
    assert engine.erase(business.calls, other) == 0
    assert [(call["id"], call["caller_number"]) for call in state_of(engine, business)] == [("c0", None)]
    deadline = time.monotonic() + LIMIT
    while sum(kept_with(node, number) for node in cluster.nodes):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    engine.close()


def test_a_delete_and_an_erasure_that_are_broken_off_can_be_done_again(
    cluster: Cluster, new_business: NewBusiness, tmp_path: Path
) -> None:
    servers = BreakingServers(DriverServers(read_address(cluster.url), LIMIT))
    folder = DataFolder(tmp_path / "breaking")
    engine = ClickHouseEngine(
        servers, Tables(DATABASE, "calls"), folder.staging, folder.spill, memory="500MB", most_spill="1GB", threads=1
    )
    for broken in (1, 2, 3, 4):
        business = new_business()
        import_records(engine, business, CALLS, tmp_path)
        for change, what in ((engine.delete, "c1"), (engine.erase, str(CALLS[3]["from"]))):
            servers.left = broken
            try:
                change(business.calls, what)
            except Unavailable:
                servers.left = 0
                change(business.calls, what)
            servers.left = 0
        calls = {call["id"]: call for call in state_of(engine, business)}
        assert len(calls) == 39
        assert "c1" not in calls
        assert calls["c3"]["caller_number"] is None
        deliver([Delivery({**CALLS[3], "updated_at": "2030-01-01T00:00:00Z"}, 9)], business, engine)
        deliver([Delivery({**CALLS[1], "updated_at": "2030-01-01T00:00:00Z"}, 9)], business, engine)
        assert report(engine, business, QUESTION)["data"]["totals"] == {"count": 39, "unique_callers": 38}
    engine.close()


def test_nothing_is_seen_of_a_removed_business_whose_rows_are_there_still(
    cluster: Cluster, new_business: NewBusiness, tmp_path: Path
) -> None:
    servers, business = BreakingServers(DriverServers(read_address(cluster.url), LIMIT)), new_business()
    folder = DataFolder(tmp_path / "breaking")
    engine = ClickHouseEngine(
        servers, Tables(DATABASE, "calls"), folder.staging, folder.spill, memory="500MB", most_spill="1GB", threads=1
    )
    import_records(engine, business, CALLS, tmp_path)
    servers.reach_each = False
    with pytest.raises(Unavailable):
        engine.remove(business.calls)
    assert sum(kept_with(node, str(CALLS[20]["from"])) for node in cluster.nodes) > 0
    assert state_of(engine, business) == []
    assert engine.call(business.calls, "c1") is None
    assert engine.check(business.calls).calls == 0
    assert report(engine, business, QUESTION)["data"]["totals"] == {"count": 0, "unique_callers": 0}
    with pytest.raises(NotFound):
        deliver([Delivery(CALLS[1], 1)], business, engine)
    servers.reach_each = True
    engine.remove(business.calls)
    engine.close()


def test_the_number_of_an_erased_caller_leaves_the_disks(
    cluster: Cluster, engine: Engine, new_business: NewBusiness, tmp_path: Path
) -> None:
    business = new_business()
    calls = [{**call, "from": "+13055550199"} for call in CALLS[:9]]
    import_records(engine, business, [*CALLS, *calls], tmp_path)
    deliver([Delivery({"id": "held", "from": "+13055550199"}, 1)], business, engine)
    assert engine.erase(business.calls, "+13055550199") == 9
    for node in cluster.nodes:
        assert kept_with(node, "+13055550199") == 0
    assert sum(kept_with(node, str(CALLS[20]["from"])) for node in cluster.nodes) > 0


def test_a_call_that_has_moved_keeps_its_caller_when_the_one_before_is_erased(
    engine: Engine, new_business: NewBusiness
) -> None:
    business, numbers = new_business(), ("+13055550155", "+13055550144")
    for version, number in enumerate(numbers, 1):
        deliver([Delivery({**CALLS[version], "id": "c", "from": number}, version)], business, engine)
    assert engine.erase(business.calls, numbers[0]) == 0
    assert [call["caller_number"] for call in state_of(engine, business)] == [numbers[1]]


def void_numbers(cluster: Cluster, calls: str) -> list[int]:
    """Between which numbers writes were broken off, as it is noted."""
    with Client("127.0.0.1", cluster.nodes[0].port, user="calltally", password="a:b@c/d") as client:
        [(found,)] = client.execute("SELECT void FROM calltally.stores FINAL WHERE business = %(it)s", {"it": calls})
    return list(found)


def kept_with(node: Node, number: str) -> int:
    """How many rows of a server have a number, those among them that were replaced."""
    with Client("127.0.0.1", node.port, user="calltally", password="a:b@c/d") as client:
        [(found,)] = client.execute(f"SELECT count() FROM calltally.calls_local WHERE caller_number = '{number}'")
    return int(found)


@pytest.mark.parametrize(("heard", "times"), [(60.0, 1), (0.0, 7)])
def test_a_server_that_has_just_answered_is_not_asked_whether_it_is_there(
    engine: Engine, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch, heard: float, times: int
) -> None:
    """Once where a connection is taken up again; else before each statement of a write, of which there are six."""
    business, asked = new_business(), []
    deliver([Delivery(CALLS[0], 1)], business, engine)

    def counted(connection: Connection) -> Any:
        asked.append(connection)
        return ping(connection)

    ping = Connection.ping
    monkeypatch.setattr(Connection, "ping", counted)
    monkeypatch.setattr(clients, "HEARD_SECONDS", heard)
    deliver([Delivery(CALLS[1], 1)], business, engine)
    assert len(asked) == times


# --- Several at once ------------------------------------------------------------------------------------------------


def test_writes_of_one_business_take_turns(engine: Engine, new_business: NewBusiness) -> None:
    business = new_business()

    def send(field: str) -> None:
        for n in range(10):
            deliver([Delivery({"id": f"c{n}", "started_at": "2026-01-01T00:00:00Z", field: "x"}, 1)], business, engine)

    fields = ("source", "utm_source", "utm_medium", "utm_campaign")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, fields))
    assert all(call[field] == "x" for call in state_of(engine, business) for field in fields)


def test_a_load_is_seen_whole_or_not_at_all(engine: Engine, new_business: NewBusiness, tmp_path: Path) -> None:
    business = new_business()
    import_records(engine, business, CALLS, tmp_path)
    seen, done = set(), threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.add(report(engine, business, QUESTION)["data"]["totals"]["count"])

    watcher = threading.Thread(target=watch)
    watcher.start()
    more = [{"id": f"m{n}", "started_at": f"1999-0{1 + n % 9}-01T10:00:00Z", "source": "s"} for n in range(30_000)]
    import_records(engine, business, more, tmp_path)
    time.sleep(0.2)
    done.set()
    watcher.join()
    assert seen == {40, 30_040}


# --- Tables ---------------------------------------------------------------------------------------------------------


def test_tables_are_made_once_whoever_begins(cluster: Cluster, tmp_path: Path) -> None:
    settings = Settings(engine=cluster.url.replace(f"/{DATABASE}?", "/another?"))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: prepare_engine(settings), range(4)))
    assert all(f"127.0.0.1:{node.port}: made the table another.calls" in sum(done, ()) for node in cluster.nodes)
    assert prepare_engine(settings) == ()


def test_a_column_that_an_older_release_did_not_have_is_added(cluster: Cluster, new_business: NewBusiness) -> None:
    settings = Settings(engine=cluster.url.replace(f"/{DATABASE}?", "/older?"))
    prepare_engine(settings)
    servers = DriverServers(read_address(settings.engine), LIMIT)
    for server in servers.each():
        with servers.session_with(server) as session:
            for table in ("calls_local", "calls"):
                session.rows(Statement(f"ALTER TABLE older.{table} DROP COLUMN utm_content"))
    servers.close()
    done = prepare_engine(settings)
    assert [what.partition(": ")[2] for what in done] == [
        "added the column utm_content to older.calls_local",
        "added the column utm_content to older.calls_local",
        "added the column utm_content to older.calls",
        "added the column utm_content to older.calls",
    ]
    assert prepare_engine(settings) == ()


def test_status_tells_each_server(whole: Cluster, engine: Engine, new_business: NewBusiness, tmp_path: Path) -> None:
    import_records(engine, new_business(), CALLS, tmp_path)
    settings = Settings(engine=whole.url)
    found = engine_status(settings)
    assert [server.shard for server in found.servers] == [1, 2]
    assert all(server.version.startswith("18.16") and server.rows and server.bytes for server in found.servers)
    kill(whole, 1)
    down = engine_status(settings).servers
    assert (down[0].problem, down[1].problem) == (None, "Shard 2 of 2 of the database does not answer")


# --- Reports that nobody waits for ----------------------------------------------------------------------------------


def test_a_stopped_report_ends_at_once(engine: Engine, new_business: NewBusiness) -> None:
    business = new_business()
    add_many(engine, business, 100_000)
    plan = ask(b"group_by=utm_campaign,source&metrics=count", business, Timing()).plan
    began = time.monotonic()
    engine.answer(plan, Stop())
    whole_time = time.monotonic() - began
    stop = Stop()

    def ask_again_and_again() -> None:
        time.sleep(0.02)
        while not ended.is_set():
            stop.ask()
            time.sleep(0.01)

    ended = threading.Event()
    asking = threading.Thread(target=ask_again_and_again)
    asking.start()
    began = time.monotonic()
    with pytest.raises(Unavailable, match="stopped"):
        engine.answer(plan, stop)
    assert time.monotonic() - began < whole_time
    ended.set()
    asking.join()
    assert engine.answer(plan, Stop()).totals == (100_000,)


def test_an_export_waits_for_whoever_takes_it(engine: Engine, new_business: NewBusiness) -> None:
    business = new_business()
    add_many(engine, business, 200_000)
    with engine.export(business.calls, (), None) as batches:
        taken = len(next(batches))
        time.sleep(2.5 * SILENT_SECONDS)
        taken += sum(map(len, batches))
    assert taken == 200_000


# --- Servers that do not reach each other ---------------------------------------------------------------------------


def test_servers_that_are_cut_off_from_each_other_answer_nothing_partial(
    new_business: NewBusiness, tmp_path: Path
) -> None:
    with wired(tmp_path / "cluster") as (cluster, wire):
        engine, business = opened(cluster, tmp_path), new_business()
        import_records(engine, business, CALLS, tmp_path)
        assert report(engine, business, QUESTION)["data"]["totals"]["count"] == 40
        wire.cut.set()
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(Unavailable, match="Shard 2 of 2 of the database does not answer"):
                report(engine, business, QUESTION)
            assert time.monotonic() - began < LIMIT
        wire.cut.clear()
        assert report(engine, business, QUESTION)["data"]["totals"]["count"] == 40
        engine.close()
