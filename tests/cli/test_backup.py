"""`calltally backup` and `calltally restore`, through their front door."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import CALLTALLY, CommandLine
from tests.cli.terminal import on_terminal
from tests.cli.test_business import traces


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
    assert done == {"restored": restored, "untouched": 1}
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
