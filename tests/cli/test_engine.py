"""`calltally engine`, and the other commands where the calls are on a cluster."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.clickhouse import Cluster, running

from tests.cli.conftest import CommandLine, acme, calltally

__all__ = ["acme", "calltally"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster")) as found:
        yield found


def test_the_embedded_engine_has_nothing_to_make_ready(calltally: CommandLine) -> None:
    assert calltally.run("engine", "init").out == "All is ready, there was nothing to do\n"
    assert calltally.run("engine", "init", "--json").json() == {"done": []}
    assert calltally.run("engine", "status").out.startswith("DuckDB 2.")
    assert calltally.run("engine", "status", "--json").json()["servers"] == []


def test_a_wrong_setting_is_told(calltally: CommandLine) -> None:
    found = calltally.process("engine", "init", CALLTALLY_ENGINE="oracle://scott:tiger@host/db")
    assert (
        found.failed(2) == "CALLTALLY_ENGINE: 'oracle' is no engine; leave it empty, or let it begin with clickhouse://"
    )


@pytest.mark.parametrize("command", [("engine", "status"), ("migrate", "--to", "CALLTALLY_ENGINE")])
def test_a_cluster_that_does_not_answer_is_told_without_a_traceback(
    calltally: CommandLine, command: tuple[str, ...]
) -> None:
    found = calltally.process(*command, CALLTALLY_ENGINE="clickhouse://me:secret@localhost:1/x")
    assert (found.code, found.out) == (1, "")
    *log, told = found.err.splitlines()
    assert told == "calltally: The database does not answer"
    assert log == ["no answer from any server of the database: Code: 210. Connection refused (localhost:1)"]


@pytest.mark.cluster
@pytest.mark.xdist_group("commands")
def test_a_cluster_serves_every_command(calltally: CommandLine, acme: str, cluster: Cluster, tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        found = calltally.process(*arguments, CALLTALLY_ENGINE=cluster.url)
        assert found.code == 0, found
        return found.out

    path = tmp_path / "calls.csv"
    path.write_text("id,started_at,from\n" + "".join(f"c{n},2026-03-01T10:00:00Z,+1305555{n:04}\n" for n in range(99)))
    untold = calltally.process("import", str(path), "-b", acme, CALLTALLY_ENGINE=cluster.url)
    assert (untold.code, "run `calltally engine init`" in untold.err) == (1, True), untold
    assert run("engine", "init").count("made the table") == 12
    assert run("engine", "init") == "All is ready, there was nothing to do\n"
    for _ in range(2):
        assert json.loads(run("import", str(path), "-b", acme, "--json", "--dry-run"))["added"] == 99
    assert json.loads(run("import", str(path), "-b", acme, "--json"))["added"] == 99
    assert run("export", "-b", acme, "--format", "csv").count("\n") == 100
    run("erase", "--caller", "+13055550001", "-b", acme, "--yes")
    assert run("check").startswith("Business")
    assert "127.0.0.1" in run("engine", "status")
    run("backup", str(tmp_path / "backup"))
    assert list((tmp_path / "backup" / "calls").iterdir())
    run("business", "delete", acme, "--yes")
    run("check")
