"""How often tests kill, by which chance and when, and how what is left is looked at.

`CALLTALLY_KILLS` says how many times (`make faults`: 100), `CALLTALLY_SEED` with which chance; failures tell the seed.
"""

import json
import os
import random
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import httpx2

from calltally.folder import DataFolder
from tests.api.conftest import REPORT, Record, Server
from tests.cli.conftest import CommandLine

__all__ = [
    "KILLS",
    "SEED",
    "TOLD",
    "go_on",
    "kill",
    "kill_amid_checkpoint",
    "kill_sometime",
    "no_leftovers",
    "sources",
    "stored_calls",
]

KILLS = int(os.environ.get("CALLTALLY_KILLS", "4"))
SEED = int(os.environ.get("CALLTALLY_SEED") or random.SystemRandom().randrange(10**6))
TOLD = f"CALLTALLY_SEED={SEED}"
CHECKPOINT_SECONDS = 20.0  # longer than it takes until there is one
A_LOOK = 0.0002  # seconds
MORE = 20  # rounds: a checkpoint of few calls ends within a millisecond


def kill(server: Server) -> None:
    """End it at once."""
    server.process.kill()
    server.process.wait()


def kill_sometime(server: Server, chance: random.Random) -> None:
    """End it, at once or while it stops."""
    time.sleep(chance.uniform(0.05, 1.5))
    if chance.random() < 0.4:
        server.process.send_signal(signal.SIGTERM)
        time.sleep(chance.uniform(0, 0.4))
    kill(server)


def go_on(hits: Sequence[bool], rounds: int) -> bool:
    """Whether there is another round: there are so many, and some more as long as nothing was hit."""
    return len(hits) < rounds + (0 if any(hits) else MORE)


def kill_amid_checkpoint(server: Server, folder: DataFolder, within: float) -> bool:
    """End it so many seconds after a checkpoint has begun; whether that was before the checkpoint had ended."""
    deadline = time.monotonic() + CHECKPOINT_SECONDS
    while not _amid_checkpoint(folder) and time.monotonic() < deadline:
        time.sleep(A_LOOK)
    time.sleep(within)
    kill(server)
    return _amid_checkpoint(folder)


def _amid_checkpoint(folder: DataFolder) -> bool:
    """Whether the file of calls has been written to since its log was, which is there still.

    Only a checkpoint writes into the file, and it removes the log at its end; whatever is committed is in the log.
    """
    for log in folder.calls.glob("*.wal"):
        with suppress(FileNotFoundError):  # the checkpoint has just ended
            logged = log.stat()
            return logged.st_size > 0 and log.with_suffix("").stat().st_mtime_ns > logged.st_mtime_ns
    return False


def no_leftovers(folder: DataFolder) -> bool:
    """Whether nothing of what is under way only for the moment is left."""
    return not [
        *folder.calls.glob("*.rewriting*"),
        *folder.calls.glob("*.blocks"),
        *folder.staging.iterdir(),
        *folder.spill.iterdir(),
    ]


def stored_calls(calltally: CommandLine, business: str, fields: Sequence[str]) -> dict[str, Record]:
    """These fields of the calls of a business by id, each there once; the folder is in order."""
    assert calltally.run("check").code == 0, TOLD
    path = calltally.data.with_name("exported.ndjson")
    path.unlink(missing_ok=True)
    done = calltally.run("export", "-b", business, "--output", str(path))
    assert done.code == 0, (TOLD, done.err)
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    found = {row["id"]: {name: row.get(name) for name in fields} for row in rows}
    assert len(found) == len(rows), TOLD
    return found


def sources(server: Server, key: str) -> dict[str, int]:
    """How many calls a report counts of each source."""
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx2.get(f"{server.address}{REPORT}?group_by=source", headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return {row["source"]: row["count"] for row in answer.json()["data"]["data"]}
