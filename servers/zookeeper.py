"""ZooKeeper, by which replicas agree."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from servers.ports import free_ports

__all__ = ["keeping"]

ZOOKEEPER = "/usr/share/java/zookeeper.jar"
PATIENCE = 30.0


@contextmanager
def keeping(folder: Path) -> Iterator[int]:
    """ZooKeeper, by which replicas agree: its port.

    Raises:
        RuntimeError: the package is missing, or it does not start.
    """
    if not Path(ZOOKEEPER).is_file() or not shutil.which("java"):
        raise RuntimeError("This needs ZooKeeper; on Debian: apt-get install zookeeper")
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
        while not _keeps(port):
            if time.monotonic() > deadline:
                raise RuntimeError(f"ZooKeeper does not start: {(folder / 'out').read_text()}")
            time.sleep(0.1)
        try:
            yield port
        finally:
            process.kill()


def _keeps(port: int) -> bool:
    """Whether ZooKeeper is at work there: it listens before that."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as asked:
        asked.sendall(b"srvr")
        asked.shutdown(socket.SHUT_WR)
        return b"Mode: " in b"".join(iter(lambda: asked.recv(4096), b""))
    return False
