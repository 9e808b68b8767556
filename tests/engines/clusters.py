"""Clusters whose servers do not reach each other, and what stands before a cluster."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
from servers.clickhouse import Cluster, running

from calltally.engines import prepare_engine
from calltally.settings import Settings
from tests.api.conftest import serving
from tests.cli.conftest import CommandLine


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
