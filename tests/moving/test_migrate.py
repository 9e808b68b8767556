"""`calltally migrate` as people run it: refused, killed, gone on with, and proved."""

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from clickhouse_driver import Client
from servers.clickhouse import DATABASE, Cluster

from calltally.engines.clickhouse import read_address
from calltally.folder import DataFolder
from tests.api.conftest import serving
from tests.cli.conftest import CALLTALLY, CommandLine, Finished, acme, calltally
from tests.faults.killing import TOLD

__all__ = ["acme", "calltally"]

MANY = 120_000  # calls: several parts
NOWHERE = "clickhouse://127.0.0.1:1/calltally"
KILLS = 2
PATIENCE = 60.0
PROOF_SECONDS = 300.0  # a proof takes a dozen; on a machine that others use, many times that


def test_the_other_side_has_to_be_named(calltally: CommandLine, acme: str) -> None:
    untold = "--to ENGINE or --from ENGINE has to name the other side"
    assert calltally.run("migrate").failed(2) == untold
    assert calltally.run("migrate", "--to", NOWHERE, "--from", NOWHERE).failed(2) == untold
    unset = calltally.run("migrate", "--to", "CALLTALLY_ENGINE").failed(2)
    assert unset == "--to CALLTALLY_ENGINE: the variable says nothing"
    assert calltally.run("migrate", "--to", "oracle://tiger@host/db").failed(2) == (
        "--to: 'oracle' is no engine; leave it out, or let it begin with clickhouse://"
    )
    assert "There is no business 'Nobody'" in calltally.run("migrate", "--to", NOWHERE, "-b", "Nobody").failed(1)


def test_no_password_is_told(calltally: CommandLine, acme: str) -> None:
    found = calltally.run("migrate", "--verify", "--to", "clickhouse://me:secret@127.0.0.1:1/calltally")
    assert found.failed(1) == "The database does not answer"


def test_it_refuses_while_a_server_works_on_the_folder(calltally: CommandLine, acme: str) -> None:
    with serving(calltally.data) as server:
        told = calltally.run("migrate", "--to", NOWHERE).failed(1)
    assert told == (
        f"The data folder {calltally.data} is in use by a running server ({server.address}, "
        f"process {server.process.pid}); stop it first, or use another folder"
    )


# --- With a cluster -------------------------------------------------------------------------------------------------


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file of many calls."""
    path = tmp_path / "calls.csv"
    with path.open("w") as file:
        file.write("id,started_at,from,source,status,duration,value_cents,updated_at\n")
        for n in range(MANY):
            start = f"2026-{1 + n % 9:02}-{1 + n % 28:02}T{n % 24:02}:{n % 60:02}:00Z"
            file.write(f"c{n},{start},+1305{n % 9999:07},s{n % 7},busy,{n % 300},{n},2026-10-01T00:00:00Z\n")
    return path


def migrate(calltally: CommandLine, cluster: Cluster, *arguments: str) -> Finished:
    command, environment = [CALLTALLY, "migrate", *arguments], calltally.environment(CALLTALLY_ENGINE=cluster.url)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PROOF_SECONDS, check=False)
    return Finished(done.returncode, done.stdout, done.stderr)


def killed(calltally: CommandLine, cluster: Cluster, after: float, *arguments: str) -> bool:
    """Whether a move was killed, so many seconds after it has begun to copy, before its end."""
    marks = DataFolder(calltally.data).moving
    seen = _moments(marks)
    command = [CALLTALLY, "migrate", *arguments]
    environment = calltally.environment(CALLTALLY_ENGINE=cluster.url)
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + PATIENCE
        while _moments(marks) == seen and process.poll() is None:
            assert time.monotonic() < deadline, TOLD
            time.sleep(0.01)
        time.sleep(after)
        process.kill()
    return process.returncode == -signal.SIGKILL


def _moments(folder: Path) -> list[int]:
    return [path.stat().st_mtime_ns for path in folder.glob("*.json")]


def tamper(cluster: Cluster, statement: str) -> None:
    """Change rows behind everybody's back."""
    address = read_address(cluster.url)
    for host, port in address.hosts:
        with Client(host, port=port, user=address.user, password=address.password) as client:
            client.execute(f"ALTER TABLE {DATABASE}.calls_local {statement}")
            deadline = time.monotonic() + PATIENCE
            while client.execute("SELECT count() FROM system.mutations WHERE is_done = 0") != [(0,)]:
                assert time.monotonic() < deadline
                time.sleep(0.05)


@pytest.mark.cluster
def test_a_move_that_is_killed_goes_on_and_a_copy_that_was_changed_is_found(
    calltally: CommandLine, acme: str, cluster: Cluster, many: Path
) -> None:
    chance = random.Random(TOLD)
    assert calltally.process("import", str(many), "-b", acme).code == 0
    assert calltally.process("erase", "-b", acme, "--caller", "+13050000003", "--yes").code == 0
    before = calltally.process("export", "-b", acme, "--format", "csv").out

    hits = [killed(calltally, cluster, chance.uniform(0, 2), "--to", "CALLTALLY_ENGINE") for _ in range(KILLS)]
    moved = migrate(calltally, cluster, "--to", "CALLTALLY_ENGINE")
    assert moved.code == 0, (TOLD, hits, moved)
    assert f"'Acme' is the same in the data folder and in clickhouse://127.0.0.1:{cluster.nodes[0].port}" in moved.out
    assert f"{MANY:,} calls in 9 months" in moved.out
    assert "a%3Ab" not in moved.out + moved.err
    assert "rows are there already" in moved.err, (TOLD, hits, moved.err)
    exported = calltally.process("export", "-b", acme, "--format", "csv", CALLTALLY_ENGINE=cluster.url)
    assert sorted(exported.out.splitlines()) == sorted(before.splitlines())

    tamper(cluster, "UPDATE utm_content = 'x' WHERE id = 'c7'")
    tamper(cluster, "DELETE WHERE id = 'c0'")
    found = migrate(calltally, cluster, "--to", "CALLTALLY_ENGINE", "--verify", "--json")
    assert found.code == 1
    [business] = json.loads(found.out)["businesses"]
    rows = [each for each in business["differences"] if not each.startswith("the report")]
    name = json.loads(found.out)["to"]
    assert rows == [
        f"calls of 2026-01: {MANY // 9 + 1:,} in the data folder, {MANY // 9:,} in {name}",
        "calls of 2026-08: the counts and sums are equal, but not every field of every row, or not its version",
        f"ids: in {name} 1 of 40 calls are not found by theirs, such as 'c0'",
    ]
    assert len(business["differences"]) > 10
    assert "calltally: 'Acme' differs: calls of 2026-08" in found.err

    asked = migrate(calltally, cluster, "--to", "CALLTALLY_ENGINE")
    assert asked.failed(1).startswith(f"Replace what is in {name} of 'Acme' ({MANY - 1:,} rows) by what is in the da")
    assert killed(calltally, cluster, 0.5, "--to", "CALLTALLY_ENGINE", "--yes"), TOLD
    refused = calltally.process("export", "-b", acme, CALLTALLY_ENGINE=cluster.url)
    assert "'calltally migrate' has to come to its end" in refused.failed(1)
    mended = migrate(calltally, cluster, "--to", "CALLTALLY_ENGINE", "--json")
    assert mended.code == 0, (TOLD, mended)
    [business] = json.loads(mended.out)["businesses"]
    assert business["differences"] == []
    assert business["copied"] + business["copied_before"] == MANY


@pytest.mark.cluster
def test_calls_come_back_with_what_came_since(calltally: CommandLine, acme: str, cluster: Cluster, many: Path) -> None:
    chance = random.Random(TOLD)
    made = calltally.process("import", str(many), "-b", acme, CALLTALLY_ENGINE=cluster.url)
    assert made.code == 0, made
    hits = [killed(calltally, cluster, chance.uniform(0, 1.5), "--from", "CALLTALLY_ENGINE") for _ in range(KILLS)]
    there = calltally.process("export", "-b", acme, "--format", "csv").out.count("\n")
    assert there in {1, MANY + 1}, (TOLD, hits)  # nothing; or all of it, if the proof was killed
    moved = migrate(calltally, cluster, "--from", "CALLTALLY_ENGINE")
    assert moved.code == 0, (TOLD, hits, moved)
    assert "Next, leave CALLTALLY_ENGINE empty, and start the server" in moved.out
    assert calltally.process("check").code == 0
    exported = [
        sorted(calltally.process("export", "-b", acme, "--format", "csv", **variables).out.splitlines())
        for variables in ({}, {"CALLTALLY_ENGINE": cluster.url})
    ]
    assert exported[0] == exported[1]
    assert len(exported[0]) == MANY + 1
