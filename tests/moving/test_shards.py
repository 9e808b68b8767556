"""A shard is added as the page about scaling says: to a cluster and a database beside those that there are."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from servers.clickhouse import CLUSTER, DATABASE, FORMER, running

from tests.cli.conftest import CALLTALLY, CommandLine

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("shards")]

CALLS = 3000
LARGER = "larger"
SECONDS = 300.0  # a proof takes a dozen; on a machine that others use, many times that


def test_calls_are_spread_over_more_shards_by_a_move(tmp_path: Path) -> None:
    calltally = CommandLine(tmp_path / "data")
    with running(tmp_path / "cluster", shards=3, former=2) as cluster:
        old, new = cluster.url_of(FORMER, DATABASE), cluster.url_of(CLUSTER, LARGER)

        def run(engine: str, *arguments: str) -> Any:
            command = [CALLTALLY, *arguments, "--json"]
            environment = calltally.environment(CALLTALLY_ENGINE=engine)
            done = subprocess.run(command, env=environment, capture_output=True, timeout=SECONDS, check=False)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        def rows(engine: str) -> list[int]:
            return [server["rows"] for server in run(engine, "engine", "status")["servers"]]

        run(old, "engine", "init")
        run(old, "business", "create", "Acme")
        assert run(old, "import", str(calls(tmp_path)), "--business", "Acme")["added"] == CALLS
        before = rows(old)
        [moved] = run(new, "migrate", "--from", old, "--to", "CALLTALLY_ENGINE")["businesses"]
        assert (moved["copied"], moved["differences"]) == (CALLS, [])
        assert rows(old) == before
        assert (len(before), sum(before)) == (2, CALLS)
        assert (len(rows(new)), sum(rows(new))) == (3, CALLS)
        assert all(CALLS / 4 < each < CALLS / 2 for each in rows(new))


def calls(folder: Path) -> Path:
    """A file of calls."""
    path = folder / "calls.csv"
    lines = [f"c{n},2026-0{1 + n % 9}-11T10:00:00Z,+1305{n % 999:07},s{n % 7}" for n in range(CALLS)]
    path.write_text("\n".join(["id,started_at,from,source", *lines, ""]))
    return path
