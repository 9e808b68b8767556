"""`calltally check`, through its front door."""

import json
import os
import re
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from calltally.accounts import delete_business, open_control
from calltally.cli.options import listening
from calltally.engines import open_engine
from calltally.folder import DataFolder
from calltally.settings import Settings
from tests.cli.conftest import CommandLine
from tests.cli.terminal import on_terminal


@pytest.fixture
def store(calltally: CommandLine, acme: str, tmp_path: Path) -> Path:
    """The file of Acme's calls, of which there are many."""
    path = tmp_path / "calls.csv"
    rows = (f"{n},2026-03-09T14:{n % 60:02}:00Z,{'source' * 9} {n}\n" for n in range(20_000))
    path.write_text("id,started_at,source\n" + "".join(rows))
    assert calltally.run("import", str(path), "-b", acme).code == 0
    return DataFolder(calltally.data).calls / f"{acme}.1.duckdb"


def checked(calltally: CommandLine, *arguments: str) -> Any:
    """What is said as JSON where something is wrong."""
    done = calltally.run("check", "--json", *arguments)
    assert (done.code, done.err) == (1, "")
    return json.loads(done.out)


def test_a_folder_that_is_in_order(calltally: CommandLine, acme: str, store: Path) -> None:
    calltally.run("business", "create", "New")
    found = calltally.process("check", "--json").json()
    schema = found["businesses"][0].pop("schema")
    assert schema > 0
    assert found == {
        "well": True,
        "control": [],
        "businesses": [
            {
                "id": acme,
                "name": "Acme",
                "bytes": store.stat().st_size,
                "calls": 20_000,
                "first_start": "2026-03-09T14:00:00Z",
                "last_start": "2026-03-09T14:59:00Z",
                "problem": None,
                "damaged": False,
            },
            {
                "id": found["businesses"][1]["id"],
                "name": "New",
                "bytes": None,
                "calls": 0,
                "first_start": None,
                "last_start": None,
                "schema": 0,
                "problem": None,
                "damaged": False,
            },
        ],
        "leftovers": [],
        "backup": [],
    }
    done = calltally.run("check")
    assert (done.code, done.err) == (0, "")
    assert "20,000  2026-03-09  2026-03-09" in done.out
    assert "no calls yet" in done.out
    assert done.out.endswith("All is well: the control database and 2 businesses were read\n")


def test_a_terminal_of_80_columns(calltally: CommandLine, store: Path) -> None:
    calltally.run("business", "create", "Internationale Klempnerei Mustermann")
    code, seen = on_terminal(calltally, "check")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", seen).splitlines()
    assert (code, max(map(len, lines)) <= 80) == (0, True)
    assert re.split("  +", lines[0].strip()) == ["Business", "State", "Calls", "First", "Last", "Size"]
    name, *facts, size = re.split("  +", lines[1].strip())
    assert (name, facts) == ("Acme", ["well", "20,000", "2026-03-09", "2026-03-09"])
    assert re.fullmatch(r"[0-9.]+ [kM]B", size)
    words = [line.split("  ")[0].strip() for line in lines[2:-1]]
    assert " ".join(words) == "Internationale Klempnerei Mustermann"


def test_a_damaged_store_is_named_and_the_others_are_read(calltally: CommandLine, acme: str, store: Path) -> None:
    calltally.run("business", "create", "New")
    size = store.stat().st_size
    with store.open("r+b") as file:
        file.seek(size // 4)
        file.write(b"\xff" * (size // 2))
    before = store.read_bytes()
    found = checked(calltally)
    assert not found["well"]
    assert str(store) in found["businesses"][0]["problem"]
    assert (found["businesses"][1]["name"], found["businesses"][1]["problem"]) == ("New", None)
    done = calltally.run("check")
    assert done.code == 1
    assert f"calltally restore BACKUP --business {acme}" in done.out
    assert "All is well" not in done.out
    assert store.read_bytes() == before


def test_a_store_that_is_no_database(calltally: CommandLine, store: Path) -> None:
    os.truncate(store, 100)
    [found] = checked(calltally)["businesses"]
    assert "cannot be opened" in found["problem"]
    assert found["damaged"]


def test_a_damaged_control_database(calltally: CommandLine, acme: str) -> None:
    path = DataFolder(calltally.data).control
    for number in range(80):  # so many that the last page of the file is one of theirs
        calltally.run("business", "create", f"Business {number}" * 10)
    content = bytearray(path.read_bytes())
    content[-4096:] = b"\xff" * 4096
    path.write_bytes(content)
    assert checked(calltally)["control"] != []
    assert calltally.run("check").out.startswith("The control database is damaged: ")


def test_leftovers_are_listed_and_removed_when_asked(calltally: CommandLine, acme: str, store: Path) -> None:
    left = store.with_name("0c5b6f8e-0000-4000-8000-000000000000.1.duckdb")
    left.write_bytes(b"x" * 10)
    old_log = store.with_name(f"{acme}.0.duckdb.wal")
    old_log.touch()
    folder = store.with_name("folder")
    folder.mkdir()
    mark, old_mark = (calltally.data / "moving" / f"{acme}.{generation}.json" for generation in (1, 0))
    mark.parent.mkdir()
    mark.touch()
    old_mark.touch()
    found = checked(calltally)["leftovers"]
    sizes = {Path(leftover["file"]): leftover["bytes"] for leftover in found}
    assert (set(sizes), sizes[left], sizes[old_log]) == ({left, old_log, old_mark, folder}, 10, 0)
    assert not any(leftover["removed"] for leftover in found)
    assert f"{left} belongs to no business (10 bytes): remove it, or let --remove-leftovers do so" in (
        calltally.run("check").out
    )
    assert left.exists()
    removed = checked(calltally, "--remove-leftovers")["leftovers"]
    assert {Path(leftover["file"]) for leftover in removed if leftover["removed"]} == {left, old_log, old_mark}
    assert (mark.exists(), old_mark.exists()) == (True, False)
    assert (left.exists(), old_log.exists(), folder.exists(), store.exists()) == (False, False, True, True)
    folder.rmdir()
    left.touch()
    assert calltally.run("check", "--remove-leftovers", "--json").json()["well"]
    assert calltally.run("check").code == 0


def test_a_removal_that_was_killed_is_finished(calltally: CommandLine, acme: str, store: Path) -> None:
    with open_control(DataFolder(calltally.data)) as control:
        delete_business(control, acme)
    assert store.exists()
    assert calltally.run("check", "--json").json()["leftovers"] == []
    assert not store.exists()


def test_a_folder_that_is_none(calltally: CommandLine, tmp_path: Path) -> None:
    for path in (tmp_path / "typo", tmp_path / "typo" / "deep"):
        told = calltally.run("check", "--data", str(path)).failed(1)
        assert told == f"There is no data folder {path}; name one with --data or CALLTALLY_DATA"
    assert calltally.run("check", "--json").failed(1).startswith(f"There is no data folder {calltally.data}; ")
    assert list(tmp_path.iterdir()) == []


def test_what_a_store_is_written_anew_into_is_no_leftover(calltally: CommandLine, acme: str, store: Path) -> None:
    """As of a caller who is being erased by the process that the check joins."""
    folder = DataFolder(calltally.data)
    working = [store.with_name(f"{store.name}.rewriting{end}") for end in ("", ".wal", ".blocks")]
    strange = store.with_name("strange.duckdb.rewriting")
    with (
        folder.own("erase"),
        closing(open_engine(folder, Settings(hot_memory="0"))) as engine,
        listening(folder, engine),
    ):
        for path in (*working, strange):
            path.touch()
        found = calltally.run("check", "--json", "--remove-leftovers").json()["leftovers"]
    assert [Path(leftover["file"]) for leftover in found] == [strange]
    assert [path.exists() for path in (*working, strange)] == [True, True, True, False]


def test_files_that_vanish_meanwhile(calltally: CommandLine, acme: str, store: Path) -> None:
    """As many do while others work on the folder: what is listed is gone by the time that it is looked at."""
    left = store.with_name("0c5b6f8e-0000-4000-8000-000000000000.1.duckdb")
    left.touch()
    stat = Path.stat

    def gone(path: Path, **how: Any) -> os.stat_result:
        if path == left:
            raise FileNotFoundError(path)
        return stat(path, **how)

    with mock.patch.object(Path, "stat", gone):
        found = calltally.run("check", "--json").json()
    assert (found["well"], found["leftovers"]) == (True, [])
