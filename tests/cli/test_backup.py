"""`calltally backup` and `calltally restore`, through their front door."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from tests.cli.conftest import CALLTALLY, CommandLine
from tests.cli.terminal import on_terminal
from tests.cli.test_business import traces
from tests.permissions import ORDINARY


@pytest.fixture
def calls(calltally: CommandLine, acme: str, tmp_path: Path) -> str:
    """Acme with three calls, and a business without any beside it."""
    calltally.run("business", "create", "Other")
    put_in(calltally, tmp_path, 3)
    return acme


def put_in(calltally: CommandLine, folder: Path, count: int) -> None:
    path = folder / "calls.csv"
    path.write_text("id,started_at\n" + "".join(f"{n},2026-03-09T14:05:00Z\n" for n in range(count)))
    assert calltally.run("import", str(path), "-b", "Acme").code == 0


def counts(calltally: CommandLine, *arguments: str) -> dict[str, int]:
    """How many calls each business has, the folder being in order."""
    checked = calltally.run("check", "--json", *arguments).json()
    assert checked["well"]
    return {business["name"]: business["calls"] for business in checked["businesses"]}


def test_backup_and_restore(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    made = calltally.process("backup", str(path), "--json").json()
    assert made == {"folder": str(path), **json.loads((path / "manifest.json").read_text())}
    assert [(kept["name"], kept["calls"]) for kept in made["businesses"]] == [("Acme", 3), ("Other", 0)]
    assert counts(calltally, "--data", str(path)) == {"Acme": 3, "Other": 0}
    put_in(calltally, tmp_path, 5)
    calltally.run("business", "delete", "Other", "--yes")
    calltally.run("business", "create", "New")
    done = calltally.process("restore", str(path), "--yes", "--json").json()
    restored = [{name: kept[name] for name in ("id", "name", "calls")} for kept in made["businesses"]]
    assert done == {"restored": restored, "failed": [], "untouched": 1}
    assert counts(calltally) == {"Acme": 3, "New": 0, "Other": 0}


def test_people_are_told_what_was_done(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    said = calltally.run("backup", str(path)).out
    assert said == f"Backed up 2 businesses with 3 calls to {path}\n"
    done = calltally.run("restore", str(path), "-b", "Acme", "--yes")
    assert (done.code, done.err) == (0, "")
    assert done.out == "Restored 'Acme' with 3 calls\n1 business that was not restored stayed as before\n"


def test_a_business_that_exists_is_asked_for(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    calltally.run("backup", str(path))
    put_in(calltally, tmp_path, 5)
    sentence = calltally.process("restore", str(path), "-b", "Acme").failed(1)
    assert sentence.startswith(f"Replace the calls and settings of 'Acme' ({calls}) by those of 2")
    assert sentence.endswith("? Nobody can be asked here; add --yes to agree")
    code, seen = on_terminal(calltally, "restore", str(path), "-b", calls, typed="n\n")
    assert (code, seen.endswith("[y/N] n\ncalltally: Nothing was changed\n")) == (1, True)
    assert counts(calltally)["Acme"] == 5
    calltally.run("business", "delete", calls, "--yes")
    assert calltally.run("restore", str(path), "-b", "Acme").code == 0
    assert counts(calltally)["Acme"] == 3


def test_one_that_the_backup_lacks(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    calltally.run("backup", str(tmp_path / "backup"))
    sentence = calltally.run("restore", str(tmp_path / "backup"), "-b", "Nobody").failed(1)
    assert sentence == "There is no business 'Nobody' in this backup"


def test_a_folder_that_is_there(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    sentence = calltally.run("backup", str(calltally.data)).failed(1)
    assert sentence == f"{calltally.data} is there already; name a folder that is new or empty"
    assert "is not a backup" in calltally.run("restore", str(tmp_path / "none")).failed(1)


def test_a_folder_that_is_not_there_is_not_backed_up(calltally: CommandLine, tmp_path: Path) -> None:
    """Else a name mistyped would give an empty backup each night, and all would seem well."""
    sentence = calltally.run("backup", str(tmp_path / "backup")).failed(1)
    assert sentence == f"There is no data folder {calltally.data}; name one with --data or CALLTALLY_DATA"
    assert not calltally.data.exists()
    assert not (tmp_path / "backup").exists()


def test_a_backup_within_the_data_folder_is_refused(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    (tmp_path / "other-name").symlink_to(calltally.data)
    for path in (calltally.data / "backup", tmp_path / "other-name" / "deep" / "backup"):
        sentence = calltally.run("backup", str(path)).failed(1)
        assert sentence == (
            f"{path} is in the data folder {calltally.data}, where a backup is lost with it; "
            "name a folder outside of it"
        )
        assert not path.exists()


def test_a_backup_is_not_restored_into_itself(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    path, other_name = tmp_path / "backup", tmp_path / "other-name"
    calltally.run("backup", str(path))
    other_name.symlink_to(path)
    before = {found: found.stat().st_mtime_ns for found in path.rglob("*")}
    for given, data in ((path, path), (other_name, path), (path, other_name)):
        sentence = calltally.run("restore", str(given), "--yes", "--data", str(data)).failed(1)
        assert sentence == (
            f"{given} is the data folder itself; name the one to restore into with --data or CALLTALLY_DATA"
        )
    assert {found: found.stat().st_mtime_ns for found in path.rglob("*")} == before
    assert calltally.run("restore", str(path), "--yes").code == 0


def test_a_backup_is_not_restored_into_another(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    path, other = tmp_path / "backup", tmp_path / "other"
    for each in (path, other):
        calltally.run("backup", str(each))
    before = files_in(other)
    sentence = calltally.run("restore", str(path), "--yes", "--data", str(other)).failed(1)
    assert sentence == f"{other} is a backup itself; if it is a data folder at work by now, remove its manifest.json"
    assert files_in(other) == before
    (other / "manifest.json").unlink()
    assert calltally.run("restore", str(path), "--yes", "--data", str(other)).code == 0


def files_in(folder: Path) -> dict[Path, bytes | None]:
    """What is in a folder, and what is in its files."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def file_of(folder: Path, business: str) -> Path:
    return folder / "calls" / f"{business}.1.duckdb"


def damage(path: Path) -> None:
    """Let a file begin with what no file of calls does."""
    with path.open("r+b") as file:
        file.write(b"\xff" * 4096)


def test_what_cannot_be_restored_does_not_keep_the_others_out(
    calltally: CommandLine, calls: str, tmp_path: Path
) -> None:
    path = tmp_path / "backup"
    calltally.run("backup", str(path))
    damage(file_of(path, calls))
    put_in(calltally, tmp_path, 5)
    calltally.run("business", "delete", "Other", "--yes")
    problem = f"{file_of(path, calls)} is not the file that was backed up; it was not restored"
    done = calltally.run("restore", str(path), "--yes")
    assert (done.code, done.err) == (1, f"calltally: 'Acme' ({calls}): {problem}\n")
    assert done.out == "Restored 'Other' with 0 calls\n1 business that was not restored stayed as before\n"
    done = calltally.run("restore", str(path), "--yes", "--json")
    said = json.loads(done.out)
    assert (done.code, [kept["name"] for kept in said["restored"]], said["untouched"]) == (1, ["Other"], 1)
    assert said["failed"] == [{"id": calls, "name": "Acme", "problem": problem}]
    assert counts(calltally) == {"Acme": 5, "Other": 0}


def test_a_damaged_business_is_left_out_of_a_backup(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    whole, path = tmp_path / "whole", tmp_path / "backup"
    calltally.run("backup", str(whole))
    damage(file_of(calltally.data, calls))
    done = calltally.run("backup", str(path))
    assert (done.code, done.out) == (1, f"Backed up 1 business with 0 calls to {path}\n")
    assert done.err.splitlines()[-1].startswith(f"calltally: 'Acme' ({calls}) was left out: ")
    assert done.err.endswith(f"; restore it from a backup: calltally restore BACKUP --business {calls}\n")
    [left] = json.loads((path / "manifest.json").read_text())["left_out"]
    assert (left["id"], left["name"]) == (calls, "Acme")
    assert str(file_of(calltally.data, calls)) in left["problem"]
    said = json.loads(calltally.run("backup", str(tmp_path / "another"), "--json").out)
    assert (len(said["businesses"]), said["left_out"]) == (1, [left])

    # Nobody takes it for whole.
    checked = calltally.run("check", "--data", str(path))
    assert (checked.code, "All is well" in checked.out) == (1, False)
    assert f"'Acme' ({calls}) is not in this backup: {left['problem']}" in checked.out
    sentence = calltally.run("restore", str(path), "-b", "Acme").failed(1)
    assert sentence == "This backup was made without 'Acme', as its calls could not be read; use another one"
    done = calltally.run("restore", str(path), "--yes")
    assert (done.code, done.err) == (0, f"'Acme' ({calls}) is not in this backup: {left['problem']}\n")

    assert calltally.run("restore", str(whole), "-b", calls, "--yes").code == 0
    assert counts(calltally) == {"Acme": 3, "Other": 0}


@pytest.mark.parametrize(
    "command", [("export",), ("import", "calls.csv"), ("erase", "--caller", "+13055551234", "--yes")]
)
def test_other_commands_name_the_business_that_is_damaged(
    calltally: CommandLine, calls: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    damage(file_of(calltally.data, calls))
    done = calltally.process(*command, "-b", "Acme")
    assert (done.code, done.out) == (1, "")
    sentence = done.err.splitlines()[-1]
    assert sentence.startswith(f"calltally: 'Acme' ({calls}): {file_of(calltally.data, calls)} cannot be opened: ")
    assert sentence.endswith(f"; restore it from a backup: calltally restore BACKUP --business {calls}")


def test_one_that_a_newer_release_wrote_is_left_out_too(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    with duckdb.connect(file_of(calltally.data, calls)) as file:
        file.execute("UPDATE meta SET schema_version = 99")
    path = tmp_path / "backup"
    done = calltally.run("backup", str(path))
    assert (done.code, done.out) == (1, f"Backed up 1 business with 0 calls to {path}\n")
    sentence = done.err.splitlines()[-1]
    assert sentence.startswith(f"calltally: 'Acme' ({calls}) was left out: ")
    assert sentence.endswith("upgrade to read them")  # its calls are whole: to restore others would lose some
    [left] = json.loads((path / "manifest.json").read_text())["left_out"]
    assert left["damaged"] is False
    checked = calltally.run("check")
    assert "unreadable" in checked.out
    assert "BACKUP" not in checked.out


def test_one_that_may_not_be_read_is_not_said_to_be_damaged(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    file_of(calltally.data, calls).chmod(0)
    command = [*ORDINARY, sys.executable, "-m", "calltally", "check", "--data", str(calltally.data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "unreadable" in done.stdout
    assert "Permission denied" in done.stdout
    assert "BACKUP" not in done.stdout


def test_nothing_in_a_backup_changes_when_it_is_checked(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    calltally.run("backup", str(path))
    before = files_in(path)
    assert calltally.process("check", "--data", str(path)).code == 0
    assert files_in(path) == before


def test_a_changed_backup_is_not_well(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    calltally.run("backup", str(path))
    well = calltally.run("check", "--data", str(path))
    assert (well.code, "They are as they were when they were backed up (2" in well.out) == (0, True)
    put_in(CommandLine(path), tmp_path, 5)
    done = calltally.run("check", "--data", str(path))
    assert (done.code, "All is well" in done.out) == (1, False)
    file = file_of(path, calls)
    assert f"'Acme' ({calls}): {file} is not the file that was backed up, and cannot be restored from\n" in done.out
    said = json.loads(calltally.run("check", "--json", "--data", str(path)).out)
    assert said["well"] is False
    assert said["backup"] == [
        f"'Acme' ({calls}): {file} is not the file that was backed up, and cannot be restored from",
        f"'Acme' ({calls}): it has 5 calls, where manifest.json says 3",
    ]
    calltally.run("business", "delete", calls, "--yes", "--data", str(path))
    said = json.loads(calltally.run("check", "--json", "--data", str(path)).out)
    assert said["backup"] == [
        f"'Acme' ({calls}): {file} cannot be read (No such file or directory)",
        f"'Acme' ({calls}): it is in manifest.json, but not among the businesses",
    ]
    (path / "manifest.json").write_text("[]")
    done = calltally.run("check", "--data", str(path))
    assert (done.code, f"{path / 'manifest.json'} is damaged, or of a newer release" in done.out) == (1, True)
    (path / "manifest.json").unlink()  # it is a data folder at work from now on
    assert calltally.run("check", "--data", str(path)).code == 0


def test_another_control_database_becomes_a_file(calltally: CommandLine, tmp_path: Path) -> None:
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    calltally.process("business", "create", "Far", CALLTALLY_CONTROL_URL=elsewhere)
    calltally.process("backup", str(tmp_path / "backup"), CALLTALLY_CONTROL_URL=elsewhere)
    assert counts(calltally, "--data", str(tmp_path / "backup")) == {"Far": 0}


def killed(calltally: CommandLine, share: float, *arguments: str) -> None:
    """Run a command, but kill it after a share of a second and a half, if it still runs."""
    process = subprocess.Popen(
        [CALLTALLY, *arguments], env=calltally.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(1.5 * share)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("share", [0.3, 0.45, 0.6, 0.75, 0.9])
def test_what_is_killed_leaves_all_or_nothing(calltally: CommandLine, calls: str, tmp_path: Path, share: float) -> None:
    good, path = tmp_path / "good", tmp_path / "backup"
    calltally.run("backup", str(good))
    put_in(calltally, tmp_path, 5)
    killed(calltally, share, "backup", str(path))
    if path.exists():
        assert counts(calltally, "--data", str(path)) == {"Acme": 5, "Other": 0}
    killed(calltally, share, "restore", str(good), "--yes")
    assert counts(calltally)["Acme"] in {3, 5}
    killed(calltally, share, "business", "delete", "Acme", "--yes")
    left = counts(calltally)
    assert left.get("Acme", 3) in {3, 5}
    if "Acme" not in left:
        assert traces(calltally.data, calls) == []
