"""Clusters for tests: servers of the oldest version, each a process, and the newest version inside one of ours."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from clickhouse_driver.util.escape import escape_params

from calltally.engines import prepare_engine
from calltally.engines.clickhouse import Server
from calltally.engines.clickhouse.sessions import SETTINGS
from calltally.engines.clickhouse.spelling import bound
from calltally.engines.sql import Statement
from calltally.errors import Unavailable
from calltally.settings import Settings
from tests.api.conftest import serving
from tests.cli.conftest import CommandLine
from tests.ports import free_ports

COMMAND = "clickhouse-server"
MISSING = f"This test needs {COMMAND}; on Debian: apt-get install {COMMAND}"
ZOOKEEPER = "/usr/share/java/zookeeper.jar"
PATIENCE = 30.0
DATABASE = "calltally"
CLUSTER = "calls"

CONFIG = """<yandex>
<logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
<tcp_port>{port}</tcp_port><interserver_http_port>{between}</interserver_http_port>
<interserver_http_host>127.0.0.1</interserver_http_host><listen_host>127.0.0.1</listen_host>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><format_schema_path>{folder}/format/</format_schema_path>
<mark_cache_size>16777216</mark_cache_size><timezone>Asia/Kathmandu</timezone>
<users_config>{folder}/users.xml</users_config><default_profile>default</default_profile>
<default_database>default</default_database>{keeper}
<remote_servers><{cluster}>{shards}</{cluster}></remote_servers>
</yandex>"""
USERS = """<yandex><profiles><default><max_memory_usage>500000000</max_memory_usage></default></profiles>
<users><calltally><password>a:b@c/d</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
<quota>default</quota></calltally></users><quotas><default/></quotas></yandex>"""
REPLICA = (
    "<replica><host>127.0.0.1</host><port>{port}</port><user>calltally</user><password>a:b@c/d</password></replica>"
)


@dataclass
class Node:
    """A server of a cluster: a process that can be killed, frozen and started again."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = ["setpriv", "--pdeathsig", "KILL", COMMAND, f"--config-file={self.folder}/config.xml"]
        with (self.folder / "out").open("wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, cwd=self.folder)
        deadline = time.monotonic() + PATIENCE
        while not answers(self.port):
            assert self.process.poll() is None, (self.folder / "errors").read_text()
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as a loss of power would."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """Let it stand still: connections to it open, and nothing is answered."""
        assert self.process
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process
        os.kill(self.process.pid, signal.SIGCONT)


@dataclass(frozen=True)
class Cluster:
    """Servers that know each other; `seen` are the ports under which they know each other."""

    nodes: tuple[Node, ...]

    @property
    def url(self) -> str:
        """The setting that names the cluster."""
        return f"{self._url(self.nodes)}?cluster={CLUSTER}"

    @property
    def url_of_one(self) -> str:
        """The setting that names the first server alone."""
        return self._url(self.nodes[:1])

    def _url(self, nodes: Sequence[Node]) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        return f"clickhouse://calltally:a%3Ab%40c%2Fd@{hosts}/{DATABASE}"


def answers(port: int) -> bool:
    """Whether somebody listens on a port."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


@contextmanager
def running(
    folder: Path, *, shards: int = 2, replicas: int = 1, seen: Mapping[int, int] | None = None, keeper: int = 0
) -> Iterator[Cluster]:
    """A cluster of so many servers; `seen` gives, by the number of a server, another port under which others see it."""
    if not shutil.which(COMMAND):
        pytest.fail(MISSING)
    ports = free_ports(2 * shards * replicas)
    nodes = tuple(Node(folder / f"node{i}", ports[2 * i]) for i in range(shards * replicas))
    known = [(seen or {}).get(i, node.port) for i, node in enumerate(nodes)]
    layout = "".join(
        "<shard><internal_replication>true</internal_replication>"
        + "".join(REPLICA.format(port=known[shard * replicas + replica]) for replica in range(replicas))
        + "</shard>"
        for shard in range(shards)
    )
    zookeeper = (
        f"<zookeeper><node><host>127.0.0.1</host><port>{keeper}</port></node>"
        "<session_timeout_ms>2000</session_timeout_ms></zookeeper>"
        if keeper
        else ""
    )
    try:
        for i, node in enumerate(nodes):
            for name in ("data", "tmp", "format"):
                (node.folder / name).mkdir(parents=True)
            (node.folder / "users.xml").write_text(USERS)
            (node.folder / "config.xml").write_text(
                CONFIG.format(
                    folder=node.folder,
                    port=node.port,
                    between=ports[2 * i + 1],
                    cluster=CLUSTER,
                    shards=layout,
                    keeper=zookeeper,
                )
            )
            node.start()
        yield Cluster(nodes)
    finally:
        for node in nodes:
            if node.process:
                node.kill()


def keeps(port: int) -> bool:
    """Whether ZooKeeper is at work there: it listens before that."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as asked:
        asked.sendall(b"srvr")
        asked.shutdown(socket.SHUT_WR)
        return b"Mode: " in b"".join(iter(lambda: asked.recv(4096), b""))
    return False


@contextmanager
def keeping(folder: Path) -> Iterator[int]:
    """ZooKeeper, by which replicas agree: its port."""
    if not Path(ZOOKEEPER).is_file() or not shutil.which("java"):
        pytest.fail("This test needs ZooKeeper; on Debian: apt-get install zookeeper")
    folder.mkdir()
    [port] = free_ports(1)
    (folder / "zoo.cfg").write_text(
        f"tickTime=500\ndataDir={folder}/data\nclientPort={port}\nclientPortAddress=127.0.0.1\n"
        "admin.enableServer=false\nmaxClientCnxns=0\n4lw.commands.whitelist=srvr\n"
    )
    command = ["setpriv", "--pdeathsig", "KILL", "java", "-Xmx128m", "-cp", ZOOKEEPER]
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    with (
        (folder / "out").open("wb") as out,
        subprocess.Popen([*command, main, str(folder / "zoo.cfg")], stdout=out, stderr=out) as process,
    ):
        deadline = time.monotonic() + PATIENCE
        while not keeps(port):
            assert time.monotonic() < deadline, (folder / "out").read_text()
            time.sleep(0.1)
        try:
            yield port
        finally:
            process.kill()


# --- Servers that do not reach each other ---------------------------------------------------------------------------


class Wire:
    """A port that leads to another one, until it is cut: then connections stay open, and nothing comes through."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.to = 0
        self.cut = threading.Event()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                one = self._listening.accept()[0]
                try:
                    other = socket.create_connection(("127.0.0.1", self.to))
                except OSError:  # nobody listens there now
                    one.close()
                    continue
                self._sockets += [one, other]
                for here, there in ((one, other), (other, one)):
                    threading.Thread(target=self._carry, args=(here, there), daemon=True).start()

    def _carry(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while said := here.recv(65536):
                if not self.cut.is_set():
                    there.sendall(said)
            there.shutdown(socket.SHUT_RDWR)


@contextmanager
def wired(folder: Path) -> Iterator[tuple[Cluster, Wire]]:
    """A cluster, made ready, whose second server the first one and we reach by a wire."""
    wire = Wire()
    with running(folder, seen={1: wire.port}) as cluster:
        wire.to = cluster.nodes[1].port
        prepare_engine(Settings(engine=cluster.url))
        yield cluster, wire
    wire.close()


# --- Through the front door -----------------------------------------------------------------------------------------


@contextmanager
def front_door(folder: Path, url: str, seconds: float) -> Iterator[httpx2.Client]:
    """A client, with an administrator's key, of a server whose calls are on a cluster; reports may take so long."""
    calltally = CommandLine(folder / "data")
    variables = {"CALLTALLY_ENGINE": url, "CALLTALLY_REPORT_SECONDS": str(seconds)}
    business = calltally.process("business", "create", "Acme", "--json", **variables).json()["id"]
    key = calltally.process("key", "create", business, "--scope", "admin", "--json", **variables).json()["key"]
    with (
        serving(calltally.data, **variables) as server,
        httpx2.Client(
            base_url=server.address, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
        ) as client,
    ):
        yield client


# --- The newest version ---------------------------------------------------------------------------------------------


class ChdbServers:
    """See `calltally.engines.clickhouse.Servers`: the database as a library, in a process of its own."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("chdb_child.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._lock = threading.Lock()
        known = {name for (name,) in self.rows(Statement("SELECT name FROM system.settings"))}
        for name, value in SETTINGS.items():
            if name in known:
                self._asked(f"SET {name} = '{value}'")

    @contextmanager
    def session(self) -> Iterator["ChdbServers"]:
        yield self

    def asked(self, work: Callable[["ChdbServers"], Any]) -> Any:
        return work(self)

    def each(self) -> Sequence[Server]:
        return (Server("this process", 0),)

    @contextmanager
    def session_with(self, server: Server) -> Iterator["ChdbServers"]:
        yield self

    def rows(self, statement: Statement, *, unhurried: bool = False) -> list[tuple[Any, ...]]:
        sql, values = bound(statement)
        answer = self._asked(sql % escape_params(values, None))
        if not answer:
            return []
        if not answer.startswith("{"):  # which is how it writes totals of nothing: before the rest
            found = re.search(r'"totals": (\[.*?\])\{', answer)
            assert found, answer
            return [tuple(json.loads(found[1]))]
        read = json.loads(answer)
        return [tuple(row) for row in [*read["data"], *([read["totals"]] if "totals" in read else [])]]

    def batches(self, statement: Statement) -> Iterator[list[tuple[Any, ...]]]:
        rows = self.rows(statement)
        return (rows[first : first + 1000] for first in range(0, len(rows), 1000))

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        rows = ", ".join(str(escape_params({"row": row}, None)["row"]) for row in zip(*columns.values(), strict=True))
        self._asked(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {rows}")

    def interrupt(self) -> None:
        """It cannot be interrupted."""

    def close(self) -> None:
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.close()
        self._child.wait()
        self._child.stdout.close()

    def _asked(self, sql: str) -> str:
        assert self._child.stdin
        assert self._child.stdout
        with self._lock:
            self._child.stdin.write(json.dumps(sql).encode() + b"\n")
            self._child.stdin.flush()
            kind, text = json.loads(self._child.stdout.readline())
        if kind == "error":
            raise Unavailable(text)
        return str(text)
