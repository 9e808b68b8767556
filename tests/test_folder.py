"""The data folder: its files' modes, and that at most one process ever owns it."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from calltally.errors import FolderInUse, FolderUnusable
from calltally.folder import DataFolder, Owner
from tests.permissions import said_by

OWN = """
import sys
from pathlib import Path
from calltally.folder import DataFolder
with DataFolder(Path(sys.argv[1])).own(sys.argv[2]) as owned:
    if len(sys.argv) > 3:
        owned.announce(sys.argv[3])
    print("owned", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(folder: DataFolder, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", OWN, str(folder.path), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "owned\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_made_is_for_its_owner_only(folder: DataFolder) -> None:
    with folder.own("serve"):
        made = [folder.path, folder.calls, folder.staging, folder.spill, folder.run]
        assert {mode(path) for path in made} == {0o700}
        assert mode(folder.lock) == 0o600


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    DataFolder(tmp_path)
    assert mode(tmp_path) == 0o750


def test_missing_parents_are_made(tmp_path: Path) -> None:
    assert DataFolder(tmp_path / "a" / "b").calls.is_dir()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path in (file, file / "below"):
        with pytest.raises(FolderUnusable, match="is a file, not a folder"):
            DataFolder(path)


def test_a_folder_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(FolderUnusable, match="cannot be made"):
        DataFolder(Path("/proc/calltally/data"))


OPEN_AND_SAY = """
import sys
from pathlib import Path
from calltally.errors import FolderUnusable
from calltally.folder import DataFolder
try:
    DataFolder(Path(sys.argv[1]))
except FolderUnusable as refused:
    print(refused)
"""


def test_a_folder_without_permission_is_refused(folder: DataFolder) -> None:
    folder.path.chmod(0o500)
    try:
        assert "no permission to write" in said_by(OPEN_AND_SAY, folder.path)
    finally:
        folder.path.chmod(0o700)


def test_nobody_owns_it_before_and_after(folder: DataFolder) -> None:
    assert folder.owner() is None
    with folder.own("import"):
        assert folder.owner() == Owner("import", os.getpid(), None)
    assert folder.owner() is None


def test_the_owner_says_where_it_answers(folder: DataFolder) -> None:
    with folder.own("serve") as owned:
        owned.announce("http://127.0.0.1:8080")
        assert folder.owner() == Owner("serve", os.getpid(), "http://127.0.0.1:8080")
        owned.announce("http://[::1]:1")
        assert folder.owner() == Owner("serve", os.getpid(), "http://[::1]:1")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (("serve", "http://127.0.0.1:8080"), r"a running server \(http://127.0.0.1:8080, process \d+\); stop it"),
        (("serve",), r"a running server \(process \d+\); stop it first, or use another folder"),
        (("import",), r"an import \(process \d+\); wait until it has finished"),
        (("business",), r"a 'calltally business' command \(process \d+\); try again"),
    ],
)
def test_who_else_uses_the_folder_is_said(folder: DataFolder, said: tuple[str, ...], sentence: str) -> None:
    with (
        another_process(folder, *said),
        pytest.raises(FolderInUse, match=f"{folder.path} is in use by {sentence}"),
        folder.own("serve"),
    ):
        pass


def test_a_refused_process_leaves_the_owner_alone(folder: DataFolder) -> None:
    with another_process(folder, "serve", "http://127.0.0.1:1") as process:
        unfinished = folder.staging / "unfinished"
        unfinished.touch()
        for _ in range(2):
            with pytest.raises(FolderInUse), folder.own("import"):
                pass
        assert unfinished.exists()
        assert folder.owner() == Owner("serve", process.pid, "http://127.0.0.1:1")


def test_a_killed_owner_owns_nothing(folder: DataFolder) -> None:
    with another_process(folder, "serve", "http://127.0.0.1:1") as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert "127.0.0.1" in folder.lock.read_text()
    assert folder.owner() is None
    with folder.own("import"):
        assert folder.owner() == Owner("import", os.getpid(), None)


def test_what_killed_owners_left_is_removed(folder: DataFolder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").touch()
    for left in (folder.staging, folder.spill):
        (left / "file").touch()
        (left / "below").mkdir()
        (left / "below" / "file").touch()
        (left / "link").symlink_to(elsewhere)
    kept = folder.calls / "store"
    kept.touch()
    with folder.own("serve"):
        assert list(folder.staging.iterdir()) == list(folder.spill.iterdir()) == []
        assert kept.exists()
        assert (elsewhere / "mine").exists()


def test_to_ask_for_the_owner_never_keeps_anyone_out(folder: DataFolder) -> None:
    ask = "import sys; from pathlib import Path; from calltally.folder import DataFolder\n"
    ask += "folder = DataFolder(Path(sys.argv[1])); print(1, flush=True)\nwhile True: folder.owner()"
    with subprocess.Popen([sys.executable, "-c", ask, str(folder.path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(100):
            with folder.own("serve"):
                pass
        process.kill()


@pytest.mark.parametrize(
    "half_written",
    ["", "{", '{"role": "serve"', "[]", "null", "\xff", json.dumps({"role": "serve", "pid": 10**30, "address": None})],
)
def test_a_lock_file_that_cannot_be_read_names_nobody(folder: DataFolder, half_written: str) -> None:
    with folder.own("serve"):
        folder.lock.write_bytes(half_written.encode("latin-1"))
        assert folder.owner() == Owner("unknown")
        with pytest.raises(FolderInUse, match="is in use by another process; stop it first"), folder.own("import"):
            pass


def test_an_owner_in_another_container_is_believed_after_a_while(folder: DataFolder) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with folder.own("serve"):
        folder.lock.write_text(json.dumps({"role": "import", "pid": gone.pid, "address": None}))
        assert folder.owner() == Owner("import", gone.pid)
