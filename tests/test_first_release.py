"""A data folder that the first release made, as whoever upgrades has one: everything in it works as it did.

`fixtures/first-release.json` has the reports that the first release gave of it.
"""

import hashlib
import json
import sqlite3
import tarfile
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from calltally.backups import Kept, Manifest
from calltally.backups.manifest import write_manifest
from calltally.engines import read_file
from tests.api.conftest import serving
from tests.cli.conftest import CommandLine

FIXTURES = Path(__file__).parent / "fixtures"
ANSWERS: list[dict[str, Any]] = json.loads((FIXTURES / "first-release.json").read_text(encoding="utf-8"))
KEYS = {
    "Acme Plumbing": "cs_key_205aa0471f5746ff82e6eba4d6767d277b3c0e5f",
    "Lord Howe Tours": "cs_key_12bde20201aa69fd7b10ff0e49b8b24706553693",
}


@pytest.fixture
def calltally(tmp_path: Path) -> CommandLine:
    with tarfile.open(FIXTURES / "first-release.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    return CommandLine(tmp_path / "first-release")


def counts(calltally: CommandLine, *arguments: str) -> dict[str, int]:
    """How many calls each business has, the folder being in order."""
    checked = calltally.process("check", "--json", *arguments).json()
    assert checked["well"]
    return {business["name"]: business["calls"] for business in checked["businesses"]}


def require_answers(data: Path) -> None:
    """Serve a folder, and ask everything that was asked of the first release."""
    with serving(data) as server, httpx2.Client(base_url=server.address) as client:
        for asked in ANSWERS:
            headers = {"Authorization": f"Bearer {KEYS[asked['business']]}"}
            answer = client.get(f"/api/v1/analytics/calls?{asked['request']}", headers=headers)
            assert answer.status_code == 200
            assert answer.text == json.dumps(asked["answer"], ensure_ascii=False, separators=(",", ":"))


def test_the_fixture_asks_something_of_each_business() -> None:
    assert min(Counter(asked["business"] for asked in ANSWERS).values()) > 3
    assert {asked["business"] for asked in ANSWERS} == set(KEYS)


def test_a_backup_of_it_is_checked_as_it_is_and_can_be_restored(calltally: CommandLine, tmp_path: Path) -> None:
    backup, there = calltally.data, CommandLine(tmp_path / "there")
    with closing(sqlite3.connect(backup / "control.sqlite")) as control:
        businesses = control.execute("SELECT id, name FROM businesses").fetchall()
    kept = tuple(
        Kept(business, name, read_file(file).calls, 1, f"calls/{file.name}", sha256(file))
        for business, name in businesses
        for file in (backup / "calls").glob(f"{business}.*.duckdb")
    )
    write_manifest(backup, Manifest("0.1.0", datetime.now(UTC), kept))
    before = {path: sha256(path) for path in backup.rglob("*") if path.is_file()}
    assert min(counts(calltally).values()) > 0
    assert {path: sha256(path) for path in backup.rglob("*") if path.is_file()} == before
    assert there.process("restore", str(backup)).code == 0
    require_answers(there.data)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_reports_are_the_same_and_the_keys_work(calltally: CommandLine) -> None:
    require_answers(calltally.data)


def test_it_is_in_order_and_migrated_once(calltally: CommandLine) -> None:
    before = counts(calltally)
    assert set(before) == set(KEYS)
    assert min(before.values()) > 0
    migrated = state(calltally.data)
    assert counts(calltally) == before
    with serving(calltally.data):
        assert state(calltally.data) == migrated
    assert state(calltally.data) == migrated


def state(data: Path) -> tuple[list[str], int]:
    """The content of each file of calls, and the version of the control database."""
    stores = [sha256(path) for path in sorted((data / "calls").glob("*.duckdb"))]
    with closing(sqlite3.connect(data / "control.sqlite")) as connection:
        return stores, int(connection.execute("SELECT version FROM schema_version").fetchall()[0][0])


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_what_is_exported_imports_again(calltally: CommandLine, tmp_path: Path, kind: str) -> None:
    before = counts(calltally)
    for name, calls in before.items():
        path = tmp_path / f"calls.{kind}"
        assert calltally.process("export", "-b", name, "--output", str(path), "--json").json()["calls"] == calls
        again = json.loads(calltally.process("import", str(path), "-b", name, "--json").out)
        assert (again["read"], again["unchanged"]) == (calls, calls)
    require_answers(calltally.data)


def test_it_takes_new_calls(calltally: CommandLine, tmp_path: Path) -> None:
    before = counts(calltally)
    path = tmp_path / "new.csv"
    path.write_text("id,started_at,source\nbrand-new,2026-03-09T14:05:00Z,google\n")
    for name in KEYS:
        assert json.loads(calltally.process("import", str(path), "-b", name, "--json").out)["added"] == 1
    assert counts(calltally) == {name: calls + 1 for name, calls in before.items()}


def test_it_can_be_backed_up_and_restored(calltally: CommandLine, tmp_path: Path) -> None:
    before = counts(calltally)
    calltally.process("backup", str(tmp_path / "backup"), "--json").json()
    calltally.process("business", "delete", "Acme Plumbing", "--yes", "--json").json()
    calltally.process("restore", str(tmp_path / "backup"), "--yes", "--json").json()
    assert counts(calltally) == before
    require_answers(calltally.data)
