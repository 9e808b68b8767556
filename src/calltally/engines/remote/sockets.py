"""The socket of a data folder: how it is reached, and who may be at its other end."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calltally.errors import FolderUnusable

__all__ = ["bound", "connected", "trusted"]

LONGEST = 100  # bytes of a path that every system takes for a socket
WAITING = 64  # connections that may wait until they are accepted
CONNECT_SECONDS = 5.0
ROOT = 0


def bound(path: Path) -> socket.socket:
    """A socket that listens at the path, in place of what a killed owner left; only its user can open it.

    Raises:
        OSError: there can be none.
    """
    path.parent.chmod(0o700)
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    try:
        with _reachable(path) as name:
            listening.bind(name)
        path.chmod(0o600)
        listening.listen(WAITING)
    except OSError:
        listening.close()
        raise
    return listening


def connected(path: Path) -> socket.socket | None:
    """A connection to whoever listens at the path; None: nobody does.

    Raises:
        FolderUnusable: somebody who is not trusted does.
    """
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(CONNECT_SECONDS)  # where a process that is paused listens, there may be no place
    try:
        with _reachable(path) as name:
            connection.connect(name)
        if trusted(connection, path.parent):
            return connection
    except OSError:
        connection.close()
        return None
    connection.close()
    raise FolderUnusable(f"{path} cannot be used: another user listens there")


def trusted(connection: socket.socket, folder: Path) -> bool:
    """Whether the process at the other end is run by the user of this one, by the folder's, or by root."""
    if not hasattr(socket, "SO_PEERCRED"):  # here the mode of the folder alone keeps others out
        return True
    _, user, _ = struct.unpack(
        "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    )
    return user in {ROOT, os.geteuid(), folder.stat().st_uid}


@contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """A name of the path that is short enough for a socket: Linux gives one to whatever lies in an open folder."""
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
