"""Clusters of ClickHouse of the oldest version: servers that can be killed, frozen and started again."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.ports import free_ports

__all__ = ["CLUSTER", "DATABASE", "FORMER", "Cluster", "Node", "answers", "running"]

COMMAND = "clickhouse-server"
MISSING = f"This needs {COMMAND}; on Debian: apt-get install {COMMAND}"
PATIENCE = 30.0
DATABASE = "calltally"
CLUSTER, FORMER = "calls", "former"
MEMORY = 500_000_000  # bytes

CONFIG = """<yandex>
<logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
<tcp_port>{port}</tcp_port><interserver_http_port>{between}</interserver_http_port>
<interserver_http_host>127.0.0.1</interserver_http_host><listen_host>127.0.0.1</listen_host>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><format_schema_path>{folder}/format/</format_schema_path>
<mark_cache_size>16777216</mark_cache_size><timezone>Asia/Kathmandu</timezone>
<users_config>{folder}/users.xml</users_config><default_profile>default</default_profile>
<default_database>default</default_database>{keeper}
<remote_servers>{clusters}</remote_servers>
</yandex>"""
USERS = """<yandex><profiles><default><max_memory_usage>{memory}</max_memory_usage></default></profiles>
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
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server does not start: {(self.folder / 'errors').read_text()}")
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
    """Servers that know each other."""

    nodes: tuple[Node, ...]

    @property
    def url(self) -> str:
        """The setting that names the cluster."""
        return self.url_of(CLUSTER, DATABASE)

    def url_of(self, cluster: str, database: str) -> str:
        """The setting that names a database of a cluster that these servers know."""
        return f"{self._url(self.nodes, database)}?cluster={cluster}"

    @property
    def url_of_one(self) -> str:
        """The setting that names the first server alone."""
        return self._url(self.nodes[:1])

    def _url(self, nodes: Sequence[Node], database: str = DATABASE) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        return f"clickhouse://calltally:a%3Ab%40c%2Fd@{hosts}/{database}"


def answers(port: int) -> bool:
    """Whether somebody listens on a port."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


@contextmanager
def running(
    folder: Path,
    *,
    shards: int = 2,
    replicas: int = 1,
    seen: Mapping[int, int] | None = None,
    keeper: int = 0,
    former: int = 0,
    memory: int = MEMORY,
) -> Iterator[Cluster]:
    """A cluster of so many servers; `seen` gives, by the number of a server, another port under which others see it.

    `keeper` is the port of ZooKeeper, and `memory` the most bytes that a server may take for one question. They know
    another cluster too, of the first so many shards, where `former` says so.

    Raises:
        RuntimeError: the package is missing, or a server does not start.
    """
    if not shutil.which(COMMAND):
        raise RuntimeError(MISSING)
    ports = free_ports(2 * shards * replicas)
    nodes = tuple(Node(folder / f"node{i}", ports[2 * i]) for i in range(shards * replicas))
    known = [(seen or {}).get(i, node.port) for i, node in enumerate(nodes)]
    layout = [
        "<shard><internal_replication>true</internal_replication>"
        + "".join(REPLICA.format(port=known[shard * replicas + replica]) for replica in range(replicas))
        + "</shard>"
        for shard in range(shards)
    ]
    clusters = {CLUSTER: layout, **({FORMER: layout[:former]} if former else {})}
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
            (node.folder / "users.xml").write_text(USERS.format(memory=memory))
            (node.folder / "config.xml").write_text(
                CONFIG.format(
                    folder=node.folder,
                    port=node.port,
                    between=ports[2 * i + 1],
                    clusters="".join(f"<{name}>{''.join(some)}</{name}>" for name, some in clusters.items()),
                    keeper=zookeeper,
                )
            )
            node.start()
        yield Cluster(nodes)
    finally:
        for node in nodes:
            if node.process:
                node.kill()
