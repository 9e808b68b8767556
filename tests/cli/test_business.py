"""`calltally business`, through its front door."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from calltally.folder import DataFolder
from tests.cli.conftest import CommandLine
from tests.cli.terminal import on_terminal


def calls_of(calltally: CommandLine) -> list[str]:
    return sorted(path.name for path in DataFolder(calltally.data).calls.iterdir())


@pytest.fixture
def store(calltally: CommandLine, acme: str) -> Path:
    """A file where Acme's calls would be."""
    file = DataFolder(calltally.data).calls / f"{acme}.1.duckdb"
    file.touch()
    return file


def test_create(calltally: CommandLine) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    made = calltally.process("business", "create", " Müller & Söhne 日本 ", "--region", "de", "--json").json()
    assert list(made) == ["id", "name", "timezone", "region", "currency", "created_at"]
    assert UUID(made["id"]).version == 4
    assert [made[name] for name in ("name", "timezone", "region", "currency")] == [
        "Müller & Söhne 日本",
        "UTC",
        "DE",
        "USD",
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["created_at"])
    assert before <= datetime.fromisoformat(made["created_at"]) <= datetime.now(UTC)


def test_create_for_people_says_what_comes_next(calltally: CommandLine) -> None:
    done = calltally.run("business", "create", "Acme", "--timezone", "America/New_York")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Created the business 'Acme'\n")
    assert "Time zone  America/New_York\n" in done.out
    (made,) = calltally.run("business", "list", "--json").json()
    assert f"calltally key create {made['id']}\n" in done.out


def test_list(calltally: CommandLine) -> None:
    assert calltally.run("business", "list", "--json").json() == []
    assert "calltally business create NAME" in calltally.run("business", "list").out
    for name in ("b", "a [bold]markup[/bold] :smile:"):
        calltally.run("business", "create", name)
    names = [business["name"] for business in calltally.run("business", "list", "--json").json()]
    assert names == ["a [bold]markup[/bold] :smile:", "b"]
    header, *rows = calltally.run("business", "list").out.splitlines()
    assert header.split("  ")[0] == "Id"
    assert [re.split("  +", row)[1:] for row in rows] == [[name, "UTC"] for name in names]


def test_show_and_update(calltally: CommandLine, acme: str) -> None:
    changed = calltally.run(
        "business", "update", "Acme", "--timezone", "Asia/Tokyo", "--name", "Ächme", "--json"
    ).json()
    assert (changed["id"], changed["timezone"], changed["name"]) == (acme, "Asia/Tokyo", "Ächme")
    assert calltally.run("business", "show", acme, "--json").json() == changed
    assert calltally.run("business", "show", "Ächme", "--json").json() == changed
    assert "Changed the business 'Ächme'" in calltally.run("business", "update", acme, "--currency", "eur").out
    assert "Currency   EUR\n" in calltally.run("business", "show", acme).out


def test_one_that_is_not_there(calltally: CommandLine) -> None:
    for command in ("show", "clear", "delete"):
        sentence = calltally.run("business", command, "Nobody", "--json").failed(1)
        assert sentence == "There is no business 'Nobody'; 'calltally business list' shows those there are"


def test_a_name_that_is_nearly_one(calltally: CommandLine, acme: str) -> None:
    assert acme
    sentence = calltally.run("business", "show", "acme").failed(1)
    assert sentence == (
        "There is no business 'acme'; did you mean 'Acme'? 'calltally business list' shows those there are"
    )


def test_an_ambiguous_name(calltally: CommandLine, acme: str) -> None:
    twin = json.loads(calltally.run("business", "create", "Acme", "--json").out)["id"]
    sentence = calltally.run("business", "show", "Acme").failed(1)
    assert sentence.startswith("2 businesses are called 'Acme'; give the id of the one you mean: ")
    assert acme in sentence
    assert twin in sentence


def test_a_name_that_is_taken_is_told(calltally: CommandLine, acme: str) -> None:
    done = calltally.run("business", "create", " Acme ", "--json")
    second = json.loads(done.out)["id"]
    assert (done.code, done.err) == (
        0,
        f"There is another one ({acme}) of this name: in commands give the id of the one you mean; this is {second}\n",
    )
    assert "There are 2 others (" in calltally.run("business", "create", "Acme").err


def test_what_was_given_is_quoted(calltally: CommandLine) -> None:
    sentence = calltally.run("business", "create", "Acme", "--currency", "us", "--region", "usa").failed(2)
    assert sentence == (
        "region: 'usa' is not the ISO 3166 code of a country, such as 'US'; "
        "currency: 'us' is not an ISO 4217 code of three letters, such as 'USD'"
    )


def test_a_newer_folder_is_refused(calltally: CommandLine, acme: str) -> None:
    with closing(sqlite3.connect(calltally.data / "control.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE schema_version SET version = 99")
    sentence = calltally.run("business", "list", "--json").failed(1)
    assert sentence.endswith("control.sqlite was written by a newer release of Calltally")


@pytest.mark.parametrize("command", ["clear", "delete"])
def test_without_a_terminal_nobody_is_asked(calltally: CommandLine, store: Path, command: str) -> None:
    sentence = calltally.process("business", command, "Acme", given="y\n").failed(1)
    assert sentence.endswith("for ever? Nobody can be asked here; add --yes to agree")
    assert store.exists()
    assert len(calltally.run("business", "list", "--json").json()) == 1


def test_clear(calltally: CommandLine, store: Path, acme: str) -> None:
    key = calltally.run("key", "create", acme, "--json").json()
    before = calltally.run("business", "show", acme, "--json").json()
    done = calltally.run("business", "clear", "Acme", "--yes", "--json").json()
    assert done == {"id": acme, "name": "Acme", "cleared": True}
    assert calls_of(calltally) == []
    assert calltally.run("business", "show", acme, "--json").json() == before
    assert calltally.run("key", "list", acme, "--json").json()[0]["id"] == key["id"]
    assert calltally.run("business", "clear", "Acme", "--yes").out == "Removed all calls of 'Acme'\n"


def test_delete(calltally: CommandLine, store: Path, acme: str) -> None:
    other = calltally.run("business", "create", "Other", "--json").json()
    calltally.run("key", "create", acme)
    done = calltally.run("business", "delete", acme, "--yes", "--json").json()
    assert done == {"id": acme, "name": "Acme", "deleted": True}
    assert calls_of(calltally) == []
    assert calltally.run("business", "list", "--json").json() == [other]
    assert calltally.run("business", "delete", "Other", "--yes").out == "Deleted 'Other'\n"


@pytest.mark.parametrize("command", ["clear", "delete"])
def test_beside_a_process_that_does_not_answer(calltally: CommandLine, store: Path, command: str) -> None:
    with DataFolder(calltally.data).own("import"):
        done = calltally.process("business", command, "Acme", "--yes")
    waiting, sentence = done.err.splitlines()
    assert (done.code, waiting) == (1, "Waiting for another command that uses the data folder ...")
    assert "is in use by an import" in sentence
    assert store.exists()
    assert len(calltally.run("business", "list", "--json").json()) == 1


@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_a_person_agrees(calltally: CommandLine, store: Path, acme: str, answer: str) -> None:
    code, seen = on_terminal(calltally, "business", "clear", "Acme", typed=answer)
    assert code == 0
    assert f"Remove all calls of 'Acme' ({acme}) for ever? [y/N]" in seen
    assert "Removed all calls of 'Acme'" in seen
    assert not store.exists()


@pytest.mark.parametrize("answer", ["n\n", "\n", "yo\n", "\x04"])
def test_a_person_does_not_agree(calltally: CommandLine, store: Path, answer: str) -> None:
    code, seen = on_terminal(calltally, "business", "delete", "Acme", typed=answer)
    assert code == 1
    assert seen.endswith("calltally: Nothing was changed\n")
    assert store.exists()


def test_a_terminal_of_80_columns(calltally: CommandLine) -> None:
    name = "A business with a name that is " + "long " * 20
    made = calltally.run("business", "create", name, "--timezone", "Australia/Lord_Howe", "--json").json()
    code, seen = on_terminal(calltally, "business", "list")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", seen).splitlines()
    assert code == 0
    assert "\x1b[" in seen
    assert max(len(line) for line in lines) <= 80
    assert lines[1].startswith(made["id"])
    assert lines[1].rstrip().endswith("Australia/Lord_Howe")
    _, shown = on_terminal(calltally, "business", "show", made["id"])
    assert made["id"] in shown


def test_elsewhere_lines_are_neither_wrapped_nor_coloured(calltally: CommandLine) -> None:
    name = "long " * 39 + "name"
    calltally.run("business", "create", name)
    variables: dict[str, str]
    for variables in ({"COLUMNS": "40"}, {"FORCE_COLOR": "1", "COLUMNS": "80"}):
        done = calltally.process("business", "list", **variables)
        assert name in done.out
        assert len(done.out.splitlines()) == 2
        assert "\x1b" not in done.out
        assert all(line == line.rstrip() for line in done.out.splitlines())


def test_nothing_of_a_deleted_business_is_left(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    other = calltally.run("business", "create", "Other", "--json").json()["id"]
    for business, caller in ((acme, "+13055550001"), (other, "+13055550002")):
        (tmp_path / "calls.csv").write_text(f"started_at,from\n2026-03-09T14:05:00Z,{caller}\n,{caller}\n")
        assert calltally.run("import", str(tmp_path / "calls.csv"), "-b", business).code == 0
    key = calltally.run("key", "create", acme, "--name", "its key", "--json").json()
    DataFolder(calltally.data).demo_key.write_text(
        json.dumps({"business": acme, "key": key["key"], "made_at": "2026-03-09T14:05:00+00:00"})
    )
    # What is left of a move of it to another engine and back that was given up.
    DataFolder(calltally.data).moving.mkdir()
    for path in (f"moving/{acme}.1.json", f"moving/{acme}.1.new", f"calls/{acme}.1.0c5b6f8e.moving"):
        (calltally.data / path).write_text("+13055550001")
    words = (acme, "Acme", "+13055550001", key["id"], key["prefix"], "its key")
    assert all(traces(calltally.data, word) for word in words if word != "+13055550001")
    calltally.process("business", "delete", acme, "--yes", "--json").json()
    assert [word for word in words if traces(calltally.data, word)] == []
    assert traces(calltally.data, other) != []


def traces(folder: Path, word: str) -> list[Path]:
    """The files in whose name or content a word is."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if word in path.name or word.encode() in path.read_bytes()]
