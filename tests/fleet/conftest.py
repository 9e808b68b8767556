"""A fleet: nodes of Calltally as processes of their own, on one PostgreSQL and one cluster, behind nginx."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from servers.clickhouse import answers, running
from servers.ports import free_ports

from calltally.engines import prepare_engine
from calltally.settings import Settings
from tests.cli.conftest import CommandLine
from tests.postgresql import PostgreSQL

COMMAND = "nginx"
MISSING = f"This test needs {COMMAND}; on Debian: apt-get install nginx-light"
PATIENCE = 60.0
PAGE = Path(__file__).parents[2] / "docs" / "operating.md"
OWN = ("10.0.0.11:8080", "10.0.0.12:8080")  # the nodes of the page
AROUND = """daemon off; pid {folder}/pid; error_log {folder}/errors; {user}
events {{}}
http {{ client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
{site}
}}"""


@dataclass(frozen=True)
class Commands(CommandLine):
    """Runs commands on a machine of the fleet."""

    settings: dict[str, str]

    def environment(self, **variables: str) -> dict[str, str]:
        return {**super().environment(), **self.settings, **variables}


@dataclass
class Node:
    """A server: a process that can be killed and started again."""

    folder: Path
    port: int
    settings: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it is, past the proxy."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "calltally", "serve"]
        command += ["--port", str(self.port), "--data", str(self.folder)]
        log = self.folder.with_name(f"{self.folder.name}.log")
        with log.open("ab") as out:
            environment = {"PATH": os.environ["PATH"], "CALLTALLY_HOT_MEMORY": "0", **self.settings}
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        deadline = time.monotonic() + PATIENCE
        while not answers(self.port):
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once."""
        assert self.process
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Fleet:
    """Two nodes, the address of what stands before them, and commands beside them."""

    nodes: tuple[Node, Node]
    address: str
    commands: Commands


@pytest.fixture(scope="session")
def shared(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What all nodes are told: where businesses and calls are."""
    with running(tmp_path_factory.mktemp("cluster")) as cluster:
        prepare_engine(Settings(engine=cluster.url))
        yield {"CALLTALLY_CONTROL_URL": postgresql.new_database(), "CALLTALLY_ENGINE": cluster.url}


@pytest.fixture(scope="module")
def fleet(shared: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    first, second, before = free_ports(3)
    settings = {**shared, "CALLTALLY_TRUSTED_PROXIES": "127.0.0.1", "CALLTALLY_MEMORY": "500MB"}
    with ExitStack() as stack:
        nodes = Node(folder / "first", first, settings), Node(folder / "second", second, settings)
        for node in nodes:
            node.start()
            stack.callback(node.kill)
        stack.enter_context(_proxied(folder / "nginx", nodes, before))
        yield Fleet(nodes, f"http://127.0.0.1:{before}", Commands(folder / "elsewhere", settings))


@pytest.fixture
def whole(fleet: Fleet) -> Iterator[Fleet]:
    """The fleet with both nodes at work, also after the test."""
    yield fleet
    for node in fleet.nodes:
        assert node.process
        if node.process.poll() is not None:
            node.start()


@contextmanager
def _proxied(folder: Path, nodes: tuple[Node, Node], port: int) -> Iterator[None]:
    """nginx as the documentation has it, but without its certificate."""
    if not shutil.which(COMMAND, path=f"{os.environ['PATH']}:/usr/sbin"):
        pytest.fail(MISSING)
    folder.mkdir()
    found = re.search(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    site = re.sub(r" *ssl_certificate.*\n", "", found[1]).replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    for address, node in zip(OWN, nodes, strict=True):
        assert address in site
        site = site.replace(address, f"127.0.0.1:{node.port}")
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user, site=site))
    command = [
        "setpriv",
        "--pdeathsig",
        "TERM",
        COMMAND,
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        str(folder / "errors"),
    ]
    path = {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
    with subprocess.Popen(command, env=path) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not answers(port):
                assert process.poll() is None, (folder / "errors").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def client(address: str, secret: str) -> httpx2.Client:
    """A client that sends a key."""
    return httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {secret}"}, timeout=60)
