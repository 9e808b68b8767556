"""Two nodes behind nginx: what one of them did, the other one knows."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.conftest import REPORT
from tests.cli.conftest import CommandLine
from tests.fleet.conftest import Fleet, client
from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.cluster

CALLS = "/api/v1/calls"


@pytest.fixture
def business(fleet: Fleet, request: pytest.FixtureRequest) -> str:
    """The name of a business of its own for each test."""
    name = str(request.node.name)
    fleet.commands.run("business", "create", name, "--json").json()
    return name


@pytest.fixture
def key(fleet: Fleet, business: str) -> dict[str, str]:
    """A key of it that may do everything."""
    made: dict[str, str] = fleet.commands.run("key", "create", business, "--scope", "admin", "--json").json()
    return made


@pytest.fixture
def doors(fleet: Fleet, key: dict[str, str]) -> Iterator[tuple[httpx2.Client, httpx2.Client, httpx2.Client]]:
    """Ways to the first node, to the second, and to either by nginx."""
    with ExitStack() as stack:
        addresses = (fleet.nodes[0].address, fleet.nodes[1].address, fleet.address)
        first, second, either = (stack.enter_context(client(address, key["key"])) for address in addresses)
        yield first, second, either


Doors = tuple[httpx2.Client, httpx2.Client, httpx2.Client]


def record(n: int, **said: object) -> dict[str, object]:
    return {"id": f"c{n}", "started_at": "2026-03-01T10:00:00Z", **said}


def send(door: httpx2.Client, *records: dict[str, object]) -> None:
    """Send records, which are taken."""
    answer = door.post(CALLS, json=list(records))
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["rejected"] == 0


def count(door: httpx2.Client, **headers: str) -> int:
    """How many calls a report counts."""
    answer = door.get(f"{REPORT}?group_by=source", headers=headers)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["totals"]["count"])


def test_what_one_node_acknowledged_is_in_the_next_report_of_the_other(doors: Doors) -> None:
    first, second, either = doors
    tags: list[str] = []
    for n in range(12):
        writer, reader = (first, second) if n % 2 else (second, first)
        send(writer, record(n))
        for door in (reader, writer, either):
            assert count(door) == n + 1
        answers = [door.get(f"{REPORT}?group_by=source") for door in doors]
        assert len({answer.headers["etag"] for answer in answers}) == 1
        tag = answers[0].headers["etag"]
        for door in doors:
            assert door.get(f"{REPORT}?group_by=source", headers={"If-None-Match": tag}).status_code == 304
            for old in tags[-1:]:
                assert door.get(f"{REPORT}?group_by=source", headers={"If-None-Match": old}).status_code == 200
        tags.append(tag)
        values = reader.get("/api/v1/analytics/values?dimension=source").json()["data"]["values"]
        assert sum(value["count"] for value in values) == n + 1
        assert reader.get(f"{CALLS}/c{n}").status_code == 200


def test_corrections_that_say_no_time_go_by_when_they_came_whichever_node_they_came_to(doors: Doors) -> None:
    first, second, _ = doors
    send(first, record(1, source="0"))
    for n in range(1, 15):
        writer, reader = (first, second) if n % 2 else (second, first)
        assert writer.patch(f"{CALLS}/c1", json={"source": str(n)}).status_code == 200
        assert reader.get(f"{CALLS}/c1").json()["data"]["source"] == str(n)


def test_writes_of_both_nodes_are_all_there(doors: Doors) -> None:
    """Each of many clients says one field of the same calls, at the same time."""
    first, second, either = doors
    fields = ("source", "utm_source", "utm_medium", "utm_campaign", "utm_term", "ai_category")

    def write(door: httpx2.Client, field: str) -> None:
        for round_ in range(5):
            send(door, *(record(n, **{field: f"{field} {round_}"}) for n in range(10)))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(write, (first, second, either) * 2, fields))
    for n in range(10):
        for door in (first, second):
            call = door.get(f"{CALLS}/c{n}").json()["data"]
            assert {field: call[field] for field in fields} == {field: f"{field} 4" for field in fields}


def test_a_revoked_key_is_refused_by_all_at_the_very_next_request(
    fleet: Fleet, business: str, doors: Doors, key: dict[str, str]
) -> None:
    for _ in range(3):
        made = fleet.commands.run("key", "create", business, "--scope", "read", "--json").json()
        with ExitStack() as stack:
            askers = [stack.enter_context(client(str(door.base_url), made["key"])) for door in doors]
            for asker in askers * 3:
                assert count(asker) == 0
            fleet.commands.process("key", "revoke", made["id"])
            for asker in askers:
                assert asker.get(REPORT).status_code == 401
    assert key


def test_a_browser_is_signed_in_and_out_at_all_nodes(fleet: Fleet, doors: Doors, key: dict[str, str]) -> None:
    origin = {"Origin": fleet.address}
    with httpx2.Client(base_url=fleet.address, timeout=60) as browser:
        answer = browser.post("/sign-in", data={"key": key["key"]}, headers=origin)
        assert answer.status_code == 303, answer.text
        for _ in range(6):  # nginx asks one node and then the other
            assert browser.get("/api/v1/session").status_code == 200
        token = browser.get("/api/v1/session").json()["data"]["csrf_token"]
        assert browser.post("/sign-out", data={"csrf_token": token}, headers=origin).status_code == 303
        for _ in range(6):
            assert browser.get("/api/v1/session").status_code == 401


def test_changed_settings_and_cleared_calls_count_for_all_at_once(fleet: Fleet, business: str, doors: Doors) -> None:
    first, second, either = doors
    send(first, record(1))
    for zone, day in (("Pacific/Kiritimati", "2026-03-02"), ("UTC", "2026-03-01")):
        fleet.commands.run("business", "update", business, "--timezone", zone)
        for door in (second, first, either):
            rows = door.get(f"{REPORT}?group_by=date&start_date=2026-03-01&end_date=2026-03-02").json()["data"]["data"]
            assert [row["date"] for row in rows if row["count"]] == [day]
    fleet.commands.process("business", "clear", business, "--yes")
    for door in (second, first, either):
        assert count(door) == 0


def test_while_postgresql_is_away_all_is_refused_and_then_goes_on(
    whole: Fleet, doors: Doors, postgresql: PostgreSQL
) -> None:
    send(doors[0], record(1))
    postgresql.kill()
    try:
        for door in doors:
            answers = [door.get(REPORT), door.post(CALLS, json=[record(2)])]
            assert [answer.status_code for answer in answers] == [503, 503]
            assert all(answer.headers["retry-after"] for answer in answers)
            assert door.get("/healthz").status_code == 200
            assert door.get("/readyz").status_code == 503
    finally:
        postgresql.start()
    for door in doors:
        assert count(door) == 1
    send(doors[1], record(2))
    assert count(doors[0]) == 2


def test_a_backup_of_a_fleet_is_a_folder_that_works_by_itself(
    fleet: Fleet, doors: Doors, business: str, tmp_path: Path
) -> None:
    send(doors[0], record(1), record(2))
    copy = tmp_path / "backup"
    assert fleet.commands.run("backup", str(copy)).code == 0
    alone = CommandLine(copy)
    assert alone.process("check").code == 0
    exported = alone.process("export", "--business", business, "--format", "ndjson")
    assert (exported.code, exported.out.count("\n")) == (0, 2)


def test_while_a_node_is_killed_the_other_goes_on_and_nothing_is_lost(
    whole: Fleet, doors: Doors, key: dict[str, str]
) -> None:
    """Clients write and read by nginx all the while, and send again what was not answered."""
    over = threading.Event()
    sent: list[int] = []
    unanswered: list[int] = []

    def write(client_number: int) -> int:
        written = 0
        with client(whole.address, key["key"]) as door:
            while not over.is_set():
                call = record(0, source="here", id=f"w{client_number}-{written}")
                answer = door.post(CALLS, json=[call])
                if answer.status_code == 200:
                    written += 1
                    sent.append(1)
                else:
                    assert answer.status_code in (502, 503), answer.text
                    unanswered.append(answer.status_code)
                    time.sleep(0.05)
        return written

    def read() -> int:
        times = 0
        with client(whole.address, key["key"]) as door:
            while not over.is_set():
                least = len(sent)
                assert count(door) >= least
                times += 1
        return times

    with ThreadPoolExecutor(5) as threads:
        writing = [threads.submit(write, number) for number in range(3)]
        reading = [threads.submit(read) for _ in range(2)]
        try:
            for node in whole.nodes:
                _await_more(sent, 20)
                node.kill()
                _await_more(sent, 20)
                node.start()
                time.sleep(6)  # until nginx asks it again
        finally:
            over.set()
        total = sum(done.result(60) for done in writing)
        assert sum(done.result(60) for done in reading) > 20
    first, second, either = doors
    for door in (first, second, either):
        assert count(door) == total
    assert len(unanswered) < 30


def _await_more(sent: list[Any], more: int) -> None:
    """Return once more writes were acknowledged."""
    enough = len(sent) + more
    deadline = time.monotonic() + 60
    while len(sent) < enough:
        assert time.monotonic() < deadline
        time.sleep(0.02)
