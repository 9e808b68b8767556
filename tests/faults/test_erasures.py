"""A server that is killed while it erases a caller: the number is in all of the caller's calls, or nowhere."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import httpx2

from calltally.folder import DataFolder
from tests.api.conftest import Record, Server, serving
from tests.cli.conftest import CommandLine
from tests.faults.killing import KILLS, SEED, TOLD, go_on, no_leftovers, stored_calls

ERASURES = max(2, KILLS // 10)
CALLS, CALLS_OF_CALLER = 60_000, 5
LONGEST_SECONDS = 30.0
A_LOOK = 0.0005  # seconds
AMID_SECONDS = 0.15  # about what it takes to write the file anew


def number_of(caller: int) -> str:
    return f"+1305555{caller:04}"


def write_calls(path: Path) -> None:
    """A file of calls, of which each of a thousand callers made some, and the rest came from somebody else each."""
    with path.open("w") as file:
        file.write("id,started_at,caller_number,source\n")
        for n in range(CALLS):
            caller = number_of(n // CALLS_OF_CALLER) if n < 1000 * CALLS_OF_CALLER else f"+1212{n:07}"
            file.write(f"c{n},2026-03-{1 + n % 28:02}T10:00:00Z,{caller},s{n % 7}\n")


def callers_of(stored: dict[str, Record], caller: int) -> set[object]:
    """What stands in the calls of a caller where their number was."""
    ids = range(caller * CALLS_OF_CALLER, (caller + 1) * CALLS_OF_CALLER)
    return {stored[f"c{n}"]["caller_number"] for n in ids}


def files_with(folder: DataFolder, number: str) -> list[str]:
    """The files of the folder whose bytes have a number; numbers of callers are not compressed."""
    text = number.removeprefix("+").encode()
    return [path.name for path in folder.path.rglob("*") if path.is_file() and text in path.read_bytes()]


def kill_amid_rewriting(server: Server, folder: DataFolder, chance: random.Random) -> bool:
    """End it some time after it has begun to write a file anew; whether it still did."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while not rewriting(folder) and time.monotonic() < deadline:
        time.sleep(A_LOOK)
    time.sleep(chance.uniform(0, AMID_SECONDS))
    server.process.kill()
    server.process.wait()
    return rewriting(folder)


def rewriting(folder: DataFolder) -> bool:
    return any(folder.calls.glob("*.rewriting*"))


def erase(server: Server, key: str, number: str, acknowledged: list[str]) -> None:
    """Ask for it, and take note of the number once it is acknowledged."""
    headers = {"Authorization": f"Bearer {key}"}
    with suppress(httpx2.TransportError):
        answer = httpx2.delete(
            f"{server.address}/api/v1/calls", params={"caller_number": number}, headers=headers, timeout=60
        )
        assert answer.json() == {"data": {"erased": CALLS_OF_CALLER}}, answer.text
        acknowledged.append(number)


def rounds(hits: list[bool]) -> Iterator[int]:
    """A caller for each round, as long as there is another."""
    for caller in count():
        if not go_on(hits, ERASURES):
            return
        yield caller


def test_an_erasure_that_is_killed_is_done_in_whole_or_not_at_all(
    calltally: CommandLine, acme: str, key: str, tmp_path: Path
) -> None:
    chance, folder, path = random.Random(SEED), DataFolder(calltally.data), tmp_path / "calls.csv"
    write_calls(path)
    assert calltally.run("import", str(path), "-b", acme).code == 0
    acknowledged: list[str] = []
    hits: list[bool] = []
    for caller in rounds(hits):
        number = number_of(caller)
        assert files_with(folder, number), TOLD  # or the search would prove nothing
        with serving(calltally.data) as server:
            erasing = threading.Thread(target=erase, args=(server, key, number, acknowledged))
            erasing.start()
            hits.append(kill_amid_rewriting(server, folder, chance))
            erasing.join()
        stored = stored_calls(calltally, acme, ("id", "caller_number"))
        left = callers_of(stored, caller)
        assert left in ({None}, {number}), TOLD
        assert left == {None} or number not in acknowledged, TOLD
        if left == {None}:
            calltally.data.with_name("exported.ndjson").unlink()
            assert not files_with(folder, number), TOLD
        assert len(stored) == CALLS, TOLD
        assert callers_of(stored, caller + 1) == {number_of(caller + 1)}, TOLD
        assert no_leftovers(folder), TOLD
    assert any(hits), TOLD
