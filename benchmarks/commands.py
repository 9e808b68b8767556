"""The real command line on a data folder: commands that end, timed, and servers that run for a while."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.memory import peak_memory

__all__ = ["THREADS", "WITHOUT_NUMBA", "Finished", "Server", "run", "serving"]

CALLTALLY = (str(Path(sys.executable).with_name("calltally")),)
# The same, where Python finds none of what `calltally[fast]` brings.
WITHOUT_NUMBA = (
    sys.executable,
    "-c",
    "import sys; sys.modules |= dict.fromkeys(('numba', 'llvmlite', 'numpy')); from calltally.cli import main; main()",
)
THREADS = os.cpu_count() or 1
LISTENING = re.compile(r"listening on http://([^ ]+):(\d+) ")
SECONDS_BETWEEN_LOOKS = 0.02  # at the memory of a command: what it takes in its last moment may be missed
STOP_SECONDS = 30


@dataclass(frozen=True)
class Finished:
    """How a command went: what it printed, how long it took from start to end, and the most memory it held."""

    printed: Any
    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Server:
    """A running server."""

    pid: int
    host: str
    port: int


def run(data: Path, *arguments: str) -> Finished:
    """Run a command with `--json` to its end.

    Raises:
        RuntimeError: it failed.
    """
    with (data.parent / "errors.log").open("w+") as errors:
        start = time.perf_counter()
        process = _started(data, [*arguments, "--json"], errors.fileno())
        peak = _peak_until_end(process)
        seconds = time.perf_counter() - start
        printed, _ = process.communicate()
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"calltally {' '.join(arguments)}: {errors.read()}")
    return Finished(json.loads(printed), seconds, peak)


@contextmanager
def serving(
    data: Path,
    command: str = "serve",
    settings: Mapping[str, str] | None = None,
    program: tuple[str, ...] = CALLTALLY,
) -> Iterator[Server]:
    """A server on the folder for as long as the block runs, `serve` or `demo`, with these variables set."""
    with (data.parent / "server.log").open("w") as log:
        process = _started(data, [command, "--port", "0"], log.fileno(), settings, program)
        try:
            host, port = _address(process)
            yield Server(process.pid, host, port)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=STOP_SECONDS)


def _started(
    data: Path,
    arguments: list[str],
    errors: int,
    settings: Mapping[str, str] | None = None,
    program: tuple[str, ...] = CALLTALLY,
) -> subprocess.Popen[str]:
    environment = {**os.environ, "CALLTALLY_DATA": str(data), "CALLTALLY_THREADS": str(THREADS), **(settings or {})}
    return subprocess.Popen(
        [*program, *arguments],
        stdout=subprocess.PIPE,
        stderr=errors,
        stdin=subprocess.DEVNULL,
        env=environment,
        text=True,
    )


def _peak_until_end(process: subprocess.Popen[str]) -> float:
    peak = 0.0
    ended = os.pidfd_open(process.pid)
    try:
        while not select.select([ended], [], [], SECONDS_BETWEEN_LOOKS)[0]:
            peak = max(peak, peak_memory(process.pid))
    finally:
        os.close(ended)
    return peak


def _address(process: subprocess.Popen[str]) -> tuple[str, int]:
    assert process.stdout
    printed = ""
    for line in process.stdout:
        printed += line
        if found := LISTENING.search(line):
            return found[1], int(found[2])
    raise RuntimeError(f"the server ended before it listened: {printed}")
