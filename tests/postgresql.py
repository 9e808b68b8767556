"""A server of PostgreSQL for tests: a process that can be killed and started again, with databases to be had."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from servers.ports import free_ports

PROGRAMS = Path("/usr/lib/postgresql")  # where Debian has them, a folder for each version
MISSING = "This test needs PostgreSQL; on Debian: apt-get install postgresql"
USER, PASSWORD = "calltally", "a:b@c/d"
PATIENCE = 30.0


@dataclass
class PostgreSQL:
    """A server, and where it keeps its data."""

    folder: Path
    port: int
    programs: Path
    process: subprocess.Popen[bytes] | None = None
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str = "postgres") -> str:
        """The setting that names a database of it."""
        return f"postgresql://{USER}:a%3Ab%40c%2Fd@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The setting that names a new database."""
        name = f"control_{next(self.numbers)}"
        with self.connected() as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def connected(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A connection past Calltally, in which each statement is a transaction."""
        return psycopg.connect(self.url(database), autocommit=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=200")
        options = [part for setting in settings for part in ("-c", setting)]
        command = [*_as_nobody(), str(self.programs / "postgres"), "-D", str(self.folder / "data")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*command, "-p", str(self.port), *options], stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it and all its connections at once, as a loss of power would."""
        assert self.process
        self.process.send_signal(signal.SIGQUIT)  # which it passes on to its processes, and saves nothing
        self.process.wait()

    def _answers(self) -> bool:
        try:
            self.connected().close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    """A server of the newest version that there is, which is gone at the end with all that it kept.

    Names are sorted as in English, not by their bytes, as on the servers of most people.
    """
    found = sorted(PROGRAMS.glob("*/bin/postgres"), key=lambda path: int(path.parent.parent.name))
    if not found:
        pytest.fail(MISSING)
    programs = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="calltally-postgresql-"))  # not below those of root, which others cannot see
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    server = PostgreSQL(folder, free_ports(1)[0], programs)
    try:
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        how = ("-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync", "--encoding=UTF8")
        order = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
        made = [*_as_nobody(), str(programs / "initdb"), "-D", str(folder / "data"), *how, *order]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        server.start()
        yield server
    finally:
        if server.process and server.process.poll() is None:
            server.kill()
        shutil.rmtree(folder)


def _as_nobody() -> list[str]:
    """What a command begins with, so that it ends with us; it refuses to run as root."""
    end = ["setpriv", "--pdeathsig", "KILL"]
    if os.getuid() != 0:
        return end
    group = str(pwd.getpwnam("postgres").pw_gid)
    return [*end, "--reuid", "postgres", "--regid", group, "--clear-groups"]
