"""Peers being started: the same calls for all, a server of PostgreSQL, and a process each that serves HTTP."""

import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from itertools import takewhile
from pathlib import Path
from stat import S_IMODE

import duckdb
from servers.ports import free_ports

from benchmarks.client import Client
from benchmarks.commands import THREADS

__all__ = ["PEERS", "Peer", "starting_peers"]

PEERS = ("duckdb", "chdb", "postgres")
HOST = "127.0.0.1"
POSTGRES = Path("/usr/lib/postgresql/15/bin")  # where Debian has it
POSTGRES_USER = "postgres"
START_SECONDS, STOP_SECONDS = 60, 60
# A number spelled in two ways is one caller. Numbers are as narrow as they can be.
CALLS = """
    SELECT
        1::INTEGER AS business_id, id::VARCHAR AS id, started_at::TIMESTAMPTZ AT TIME ZONE 'UTC' AS started_at, source,
        utm_source, utm_medium, utm_campaign, utm_term, call_flow, tracking_number, ai_category, status, direction,
        duration_seconds::INTEGER AS duration_seconds, ai_score::UTINYINT AS ai_score,
        robo_score::UTINYINT AS robo_score, qualified, value_cents::INTEGER AS value_cents,
        cost_cents::INTEGER AS cost_cents,
        CASE WHEN caller_number LIKE '(%' THEN '+1' || regexp_replace(caller_number, '[^0-9]', '', 'g')
            ELSE caller_number END AS caller_number
    FROM read_parquet(?) ORDER BY started_at, id
"""


class Peer:
    """A running peer: its name, its process, and a client of it."""

    def __init__(self, name: str, port: int, client: Client) -> None:
        self.name = name
        self.host, self.port = HOST, port
        self.client = client


@contextmanager
def starting_peers(names: Sequence[str], parquet: Path, scratch: Path) -> Iterator[list[Peer]]:
    """Peers with the calls of a file, for as long as the block runs."""
    with ExitStack() as stack:
        places = {name: str(scratch / f"peer-{name}") for name in names}
        if "postgres" in names:
            places["postgres"] = stack.enter_context(_postgres(scratch / "postgres"))
        for name, place in places.items():
            _load(name, place, parquet, scratch)
        yield [stack.enter_context(_serving(name, place, scratch)) for name, place in places.items()]


def _load(name: str, place: str, parquet: Path, scratch: Path) -> None:
    """Have a peer take the calls, brought to what reports count by."""
    calls = scratch / ("calls.csv" if name == "postgres" else "calls.parquet")
    with duckdb.connect(config={"threads": THREADS}) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute(f"COPY ({CALLS}) TO '{calls}' (FORMAT {calls.suffix[1:]})", [str(parquet)])
    subprocess.run([sys.executable, "-m", f"benchmarks.peers.on_{name}", place, str(calls.resolve())], check=True)
    calls.unlink()


@contextmanager
def _serving(name: str, place: str, scratch: Path) -> Iterator[Peer]:
    [port] = free_ports(1)
    command = [sys.executable, "-m", "uvicorn", f"benchmarks.peers.on_{name}:app", "--host", HOST, "--port", str(port)]
    options = ["--no-access-log", "--log-level", "warning"]
    # A file of a database in the process has one process.
    options += ["--workers", str(THREADS)] if name == "postgres" else []
    with (scratch / f"peer-{name}.log").open("w") as log:
        process = subprocess.Popen([*command, *options], env={**os.environ, "PLACE": place}, stderr=log)
        with _ending(process):
            _wait_for(process, port, Path(log.name))
            with closing(HTTPConnection(HOST, port)) as connection:
                yield Peer(name, port, Client(connection, "none"))


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    """The address of a database in a server of its own, which is not root's, whoever measures."""
    user = POSTGRES_USER if os.geteuid() == 0 else None
    password, [port] = secrets.token_hex(), free_ports(1)
    folder.mkdir()
    if user:
        for above in takewhile(_is_private, folder.resolve().parents):
            above.chmod(0o711)  # the user has to get to the folder
        os.chown(folder, *_ids(user))
    words = folder / "password"
    words.write_text(password)
    words.chmod(0o644)
    data = folder / "data"
    options = [
        "--username=peer",
        "--auth=scram-sha-256",
        f"--pwfile={words.resolve()}",
        "--encoding=UTF8",
        "--locale=C",
    ]
    made = subprocess.run(  # what it says is told
        [POSTGRES / "initdb", "-D", data.resolve(), *options],
        user=user,
        group=user,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise RuntimeError(f"no PostgreSQL in {folder}: {made.stderr}")
    words.unlink()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [POSTGRES / "postgres", "-D", data.resolve(), *_configured(port)],
            user=user,
            group=user,
            cwd="/",
            stdout=log,
            stderr=log,
        )
        with _ending(process):
            _wait_for(process, port, Path(log.name))
            yield f"postgresql://peer:{password}@{HOST}:{port}/postgres"


def _configured(port: int) -> list[str]:
    """Options for long reports on this machine, by the rules of thumb that everybody starts from."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    settings = {
        "listen_addresses": HOST,
        "port": port,
        "unix_socket_directories": "",
        "timezone": "UTC",
        "shared_buffers": f"{memory // 4}MB",
        "effective_cache_size": f"{memory * 3 // 4}MB",
        "maintenance_work_mem": "2GB",
        "work_mem": "256MB",
        "max_wal_size": "16GB",
        "checkpoint_completion_target": 0.9,
        "random_page_cost": 1.1,
        "effective_io_concurrency": 200,
        "default_statistics_target": 500,
        "max_parallel_workers_per_gather": THREADS,
        "max_parallel_maintenance_workers": THREADS,
    }
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _is_private(folder: Path) -> bool:
    """Whether a folder is one that nobody else may enter, as those for temporary files are made."""
    return S_IMODE(folder.stat().st_mode) == 0o700


def _ids(user: str) -> tuple[int, int]:
    found = pwd.getpwnam(user)
    return found.pw_uid, found.pw_gid


@contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_SECONDS)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until somebody listens.

    Raises:
        RuntimeError: nobody does.
    """
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"no peer: {log.read_text()}")
