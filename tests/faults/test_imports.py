"""An import that is killed, or whose server is: the calls are as the file has them, or as before."""

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from calltally.folder import DataFolder
from tests.api.conftest import Record, serving
from tests.cli.conftest import CALLTALLY, CommandLine
from tests.faults.killing import KILLS, SEED, TOLD, go_on, no_leftovers, stored_calls

IMPORTS = max(1, KILLS // 10)
CALLS = 60_000
LONGEST_SECONDS = 30.0
AMID_SECONDS = 0.5  # about what it takes to gather the rows and put them in
A_LOOK = 0.0005  # seconds


@dataclass(frozen=True)
class Importing:
    """A running import, and how it is killed."""

    command: "subprocess.Popen[bytes]"
    kill: Callable[[], None]

    def kill_amid(self, folder: DataFolder, chance: random.Random) -> bool:
        """End it some time after it has begun to gather rows; whether they were still needed."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while not _gathers(folder) and self.command.poll() is None and time.monotonic() < deadline:
            time.sleep(A_LOOK)
        time.sleep(chance.uniform(0, AMID_SECONDS))
        self.kill()
        self.command.wait(timeout=LONGEST_SECONDS)
        return _gathers(folder)

    @property
    def acknowledged(self) -> bool:
        return self.command.returncode == 0


def _gathers(folder: DataFolder) -> bool:
    return any(folder.staging.glob("*"))


@contextmanager
def importing(calltally: CommandLine, business: str, path: Path) -> Iterator[Importing]:
    """An import without a server."""
    with subprocess.Popen(
        [CALLTALLY, "import", str(path), "-b", business],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=calltally.environment(),
    ) as command:
        yield Importing(command, command.kill)


@contextmanager
def importing_beside_a_server(calltally: CommandLine, business: str, path: Path) -> Iterator[Importing]:
    """An import that goes through a server, which is what is killed."""
    with serving(calltally.data) as server, importing(calltally, business, path) as through:
        yield Importing(through.command, server.process.kill)


Begin = Callable[[CommandLine, str, Path], AbstractContextManager[Importing]]


def as_written(source: str) -> dict[str, Record]:
    """The calls of a file by id."""
    return {f"i{n}": {"id": f"i{n}", "source": source} for n in range(CALLS)}


def write_file(path: Path, source: str) -> None:
    """The same calls as in every other file, with a source that tells this one."""
    rows = (f"i{n},2026-03-{1 + n % 28:02}T10:00:00Z,{source}\n" for n in range(CALLS))
    path.write_text("id,started_at,source\n" + "".join(rows))


@pytest.mark.parametrize("begin", [importing, importing_beside_a_server])
def test_an_import_that_is_killed_is_in_whole_or_not_at_all(
    calltally: CommandLine, acme: str, tmp_path: Path, begin: Begin
) -> None:
    chance, folder, path = random.Random(SEED), DataFolder(calltally.data), tmp_path / "calls.csv"
    stored: dict[str, Record] = {}
    hits: list[bool] = []
    while go_on(hits, IMPORTS):
        source = f"file {len(hits)}"
        write_file(path, source)
        with begin(calltally, acme, path) as under_way:
            hits.append(under_way.kill_amid(folder, chance))
        before, stored = stored, stored_calls(calltally, acme, ("id", "source"))
        assert stored in ([] if under_way.acknowledged else [before]) + [as_written(source)], TOLD
        assert no_leftovers(folder), TOLD
    assert any(hits), TOLD
    assert calltally.run("import", str(path), "-b", acme).code == 0
    assert stored_calls(calltally, acme, ("id", "source")) == as_written(source), TOLD
