"""A full disk: what was acknowledged stays, reports go on, and so does all else once there is room."""

import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx2
import pytest
from servers.clickhouse import running

from calltally.accounts import Business
from calltally.engines import Engine, open_engine, prepare_engine
from calltally.engines.duckdb import DuckDBEngine
from calltally.engines.duckdb.changing import LOG_BYTES, MOST_LOGGED
from calltally.errors import StorageFull
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.settings import Settings
from tests.api.conftest import REPORT, Server, serving
from tests.cli.conftest import CommandLine
from tests.conftest import NewBusiness
from tests.disks import small_disk_at
from tests.faults.conftest import SmallDisk
from tests.faults.killing import KILLS, SEED, TOLD, go_on, kill_sometime
from tests.faults.writers import KINDS, holds_report, settle, some_writers, writing

START = "2026-03-09T12:00:00Z"
LONG = 500  # characters of a field, so that few calls fill a disk
POSTED = 50  # calls at once
CHANCE = random.Random(1)


@pytest.fixture
def opened(small_disk: SmallDisk) -> Iterator[Engine]:
    """An engine on the small disk."""
    engine = open_engine(DataFolder(small_disk.path / "data"), Settings(hot_memory="0", memory="500MB"))
    yield engine
    engine.close()


def post(engine: Engine, business: Business, first: int, number: int = 400, long: int = LONG) -> list[str]:
    """The ids of calls that were taken, each with texts of its own."""
    ids = [f"call-{n}" for n in range(first, first + number)]
    records = [{"id": name, "started_at": START, **texts(long)} for name in ids]
    delivered = deliver([Delivery(record, 1) for record in records], business, engine)
    return [each.id for each in delivered if each.id]


def texts(long: int) -> dict[str, str]:
    names = ("source", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
    return {name: CHANCE.randbytes(LONG // 2).hex() for name in names[: long // LONG]}


def stored(engine: Engine, business: Business) -> set[str]:
    with engine.export(business.calls, (), None) as batches:
        return {name for batch in batches for name in batch["id"].to_pylist()}


def post_until_full(engine: Engine, business: Business, first: int) -> list[str]:
    """The ids of calls that were acknowledged before there was no room."""
    acknowledged: list[str] = []
    with suppress(StorageFull):
        for number in range(first, first + 400 * 400, 400):
            acknowledged += post(engine, business, number)
    with pytest.raises(StorageFull, match="nothing was changed"):
        post(engine, business, 1_000_000, 4000)
    return acknowledged


@pytest.mark.parametrize("room", [0, 4096, 1_000_000])
def test_what_was_acknowledged_stays_and_all_goes_on_with_room(
    small_disk: SmallDisk, opened: Engine, new_business: NewBusiness, room: int
) -> None:
    business, other = new_business(), new_business()
    taken = [*post(opened, business, 0), *post(opened, other, 0, 1)]
    small_disk.fill(but=room)
    taken += post_until_full(opened, business, 1000)
    assert stored(opened, business) == set(taken)
    assert stored(opened, other) == {"call-0"}
    with pytest.raises(StorageFull):
        opened.erase(business.calls, "+13055551234")
    assert stored(opened, business) == set(taken)
    small_disk.free()
    taken += post(opened, business, 900_000, 10)
    assert opened.delete(business.calls, "call-0")
    assert stored(opened, business) == set(taken) - {"call-0"}
    opened.erase(business.calls, "+13055551234")
    assert opened.check(business.calls).calls == len(set(taken)) - 1


def test_an_erasure_for_which_there_was_no_room_has_erased_nobody(
    small_disk: SmallDisk, opened: Engine, new_business: NewBusiness
) -> None:
    business, callers = new_business(), ("+13055551234", "+13055559999")
    taken = post(opened, business, 0, 300)
    deliver([Delivery({"id": name, "caller_number": callers[0]}, 2) for name in taken], business, opened)
    small_disk.fill()
    with pytest.raises(StorageFull, match="nothing was changed"):
        opened.erase(business.calls, callers[0])
    assert not opened.erasure(business.calls).hashes
    small_disk.free()
    for place, caller in enumerate(callers):
        record = {"id": f"new {place}", "started_at": START, "caller_number": caller}
        deliver([Delivery(record, 3)], business, opened)
    assert opened.erase(business.calls, callers[1]) == 1
    with opened.export(business.calls, (), None) as batches:
        found = [number for batch in batches for number in batch["caller_number"].to_pylist()]
    assert Counter(found) == {callers[0]: 301, None: 1}
    assert [opened.erasure(business.calls).has(caller) for caller in callers] == [False, True]


def test_what_an_erasure_could_not_write_anew_is_said_and_done_later(
    small_disk: SmallDisk, opened: Engine, new_business: NewBusiness
) -> None:
    business, caller = new_business(), "+13055551234"
    taken = post(opened, business, 0, 4000)
    deliver([Delivery({"id": name, "caller_number": caller}, 2) for name in taken[:100]], business, opened)
    small_disk.fill(but=1_000_000)
    with pytest.raises(StorageFull, match="was taken out of 100 calls, but there is no room left"):
        opened.erase(business.calls, caller)
    assert opened.check(business.calls).calls == 4000
    small_disk.free()
    folder = DataFolder(small_disk.path / "data").calls
    before = next(folder.glob("*.duckdb")).stat().st_ino
    assert opened.erase(business.calls, caller) == 0
    assert next(folder.glob("*.duckdb")).stat().st_ino != before
    assert stored(opened, business) == set(taken)


@pytest.mark.parametrize("long", [LONG, 6 * LONG])  # so that it is the number of calls, or their bytes
def test_a_commit_whose_checkpoint_found_no_room_is_acknowledged(
    small_disk: SmallDisk, opened: Engine, new_business: NewBusiness, caplog: pytest.LogCaptureFixture, long: int
) -> None:
    business = new_business()
    taken: list[str] = []
    log = DataFolder(small_disk.path / "data").calls / f"{business.calls}.duckdb.wal"
    while not taken or (log.stat().st_size < LOG_BYTES - 3_000_000 and len(taken) < MOST_LOGGED - 400):
        taken += post(opened, business, len(taken), long=long)
    assert (len(taken) > MOST_LOGGED - 800) == (long == LONG)
    small_disk.fill(but=3_500_000)
    taken += post_until_full(opened, business, len(taken))
    assert "again" in caplog.text
    assert stored(opened, business) == set(taken)
    small_disk.free()
    taken += post(opened, business, len(taken))
    assert stored(opened, business) == set(taken)


@pytest.mark.parametrize("room", [0, 4096, 8192, 12_288, 16_384])
def test_a_business_whose_file_could_not_be_made_gets_one_later(
    small_disk: SmallDisk, opened: Engine, new_business: NewBusiness, room: int
) -> None:
    business = new_business()
    small_disk.fill(but=room)
    with pytest.raises(StorageFull):
        post(opened, business, 0)
    small_disk.free()
    post(opened, business, 0, 3)
    assert stored(opened, business) == {"call-0", "call-1", "call-2"}


def test_a_file_that_was_let_go_of_on_a_full_disk_is_whole(small_disk: SmallDisk, new_business: NewBusiness) -> None:
    folder, business = DataFolder(small_disk.path / "data"), new_business()
    engine = open_engine(folder, Settings(hot_memory="0", memory="500MB"))
    taken = post(engine, business, 0)
    small_disk.fill()
    engine.close()
    again = open_engine(folder, Settings(hot_memory="0", memory="500MB"))
    assert stored(again, business) == set(taken)
    small_disk.free()
    again.close()


@pytest.mark.parametrize("room", [0, 50_000, 300_000])
def test_a_move_to_a_full_disk_says_so_and_is_done_once_there_is_room(
    small_disk: SmallDisk, new_business: NewBusiness, tmp_path: Path, room: int
) -> None:
    business = new_business()
    with closing(opened_at(tmp_path / "source")) as source, closing(opened_at(small_disk.path / "data")) as target:
        taken = post(source, business, 0)
        small_disk.fill(but=room)
        with pytest.raises(StorageFull):
            put_all(source, target, business)
        small_disk.free()
        put_all(source, target, business)
        assert stored(target, business) == set(taken)


def opened_at(path: Path) -> DuckDBEngine:
    engine = open_engine(DataFolder(path), Settings(hot_memory="0", memory="500MB"))
    assert isinstance(engine, DuckDBEngine)
    return engine


def put_all(source: DuckDBEngine, target: DuckDBEngine, business: Business) -> None:
    holdings = source.holdings(business.calls)
    with target.taking(business.calls, None) as taking:
        for part in holdings.parts:
            with source.whole_part(business.calls, part) as rows:
                taking.put(part, rows)
        taking.finish(holdings)


@pytest.mark.cluster
@pytest.mark.parametrize("full", [0, 1])
def test_a_full_disk_of_a_server_of_clickhouse_is_told_as_one(
    full: int, tmp_path: Path, new_business: NewBusiness
) -> None:
    """Of the server that is asked, and of one that it asks, which is another error with the same words in it."""
    business = new_business()
    with running(tmp_path / "cluster") as cluster:
        node = cluster.nodes[full]
        node.kill()
        shutil.rmtree(node.folder / "data")
        with small_disk_at(node.folder / "data", 96) as path:
            disk = SmallDisk(path)
            node.start()
            settings = Settings(engine=cluster.url, memory="500MB", threads=1)
            prepare_engine(settings)
            with closing(open_engine(DataFolder(tmp_path / "data"), settings)) as engine:
                first = post(engine, business, 0)
                disk.fill()
                with pytest.raises(StorageFull, match="no room left on the disks of the database"):
                    post(engine, business, 1_000)
                assert set(first) <= stored(engine, business)
                disk.free()
                assert {*first, *post(engine, business, 1_000)} == stored(engine, business)


def test_a_server_on_a_full_disk_reports_says_507_and_survives_a_kill(small_disk: SmallDisk) -> None:
    calltally = CommandLine(small_disk.path / "data")
    business = calltally.run("business", "create", "Acme", "--json").json()["id"]
    key = calltally.run("key", "create", business, "--scope", "admin", "--json").json()["key"]
    with serving(calltally.data) as server:
        door = Front(server, key)
        taken = door.post(0)
        small_disk.fill()
        while door.status == 200:
            taken += door.post(taken)
        assert (door.status, door.kind) == (507, "storage_full")
        assert door.count() == taken
        small_disk.free()
        taken += door.post(taken)
        assert door.status == 200
        assert door.count() == taken
        small_disk.fill()
        while door.status == 200:
            taken += door.post(taken)
        server.stop(signal.SIGKILL)
    small_disk.free()
    with serving(calltally.data) as server:
        again = Front(server, key)
        assert again.count() == taken
        assert again.post(taken) == POSTED
        assert again.count() == taken + POSTED
    assert calltally.run("check").code == 0


class Front:
    """The API with a key; `status` and `kind` are those of the last post."""

    def __init__(self, server: Server, key: str) -> None:
        self._address, self._headers = server.address, {"Authorization": f"Bearer {key}"}
        self.status, self.kind = 200, ""

    def post(self, first: int) -> int:
        """How many new calls were taken."""
        ids = range(first, first + POSTED)
        records = [{"id": f"c{n}", "started_at": START, "source": CHANCE.randbytes(LONG // 2).hex()} for n in ids]
        answer = httpx2.post(f"{self._address}/api/v1/calls", json=records, headers=self._headers, timeout=60)
        self.status, self.kind = answer.status_code, answer.json().get("error", {}).get("type", "")
        return POSTED if answer.status_code == 200 else 0

    def count(self) -> int:
        answer = httpx2.get(f"{self._address}{REPORT}?group_by=month", headers=self._headers, timeout=60)
        assert answer.status_code == 200, answer.text
        number: int = answer.json()["data"]["totals"]["count"]
        return number


def test_nothing_acknowledged_is_lost_when_the_server_is_killed_on_a_disk_that_fills_up(small_disk: SmallDisk) -> None:
    chance = random.Random(SEED)
    calltally = CommandLine(small_disk.path / "data")
    business = calltally.run("business", "create", "Acme", "--json").json()["id"]
    key = calltally.run("key", "create", business, "--scope", "admin", "--json").json()["key"]
    writers = some_writers(chance)
    for writer in writers:
        writer.refused = 0
        writer.kinds = {**KINDS, "erase": 0.0}  # one that finds no room is done in part, and ends when asked for again
    refusals: list[bool] = []
    while go_on(refusals, max(3, KILLS // 5)):
        with serving(calltally.data) as server, writing(server, key, writers):
            time.sleep(chance.uniform(0.1, 0.5))
            small_disk.fill(but=chance.choice((0, 4096, 100_000)))
            time.sleep(chance.uniform(0.1, 0.5))
            if chance.random() < 0.5:
                small_disk.free()
            kill_sometime(server, chance)
        small_disk.free()
        settle(writers, calltally, business)
        refusals.append(any(writer.refused for writer in writers))
    with serving(calltally.data) as server:
        holds_report(server, key, writers)
    assert any(refusals), TOLD
    assert sum(writer.acknowledged for writer in writers) > KILLS, TOLD
