"""The data folder: where everything lies, and which one process owns it at a time.

Ownership is a lock of the operating system on the file `lock`: it ends with its process however that ends, so that
nothing is ever left locked. What the file says of its owner is only read while the lock is held.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Literal

from calltally.errors import FolderInUse, FolderUnusable

__all__ = ["DataFolder", "Owned", "Owner", "Role", "require_folder", "sync_folder"]

Role = Literal[
    "serve", "import", "business", "export", "backup", "restore", "check", "erase", "sync", "dead-letters", "migrate"
]

USERS = {  # role -> who uses the folder, and what to do about it
    "serve": ("a running server", "stop it first, or use another folder"),
    "import": ("an import", "wait until it has finished, or stop it"),
    "business": ("a 'calltally business' command", "try again when it has finished"),
    "export": ("an export", "wait until it has finished, or stop it"),
    "backup": ("a backup", "wait until it has finished, or stop it"),
    "restore": ("a restore", "try again when it has finished"),
    "erase": ("a 'calltally erase' command", "try again when it has finished"),
    "dead-letters": ("a 'calltally dead-letters' command", "try again when it has finished"),
    "check": ("a check", "wait until it has finished, or stop it"),
    "sync": ("a sync", "wait until it has finished, or stop it"),
    "migrate": ("a 'calltally migrate' command", "wait until it has finished, or stop it"),
}
ANYONE = ("another process", "stop it first, or use another folder")

CALLS = "calls"
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
PATIENCE = 0.5  # seconds: longer than a look at the owner (a shared lock for the moment) takes
PAUSE = 0.01
MOST_PID = 2**31 - 1


@dataclass(frozen=True)
class Owner:
    """Who owns a folder now. What the process has not said (yet) is None, its role then `unknown`."""

    role: str
    pid: int | None = None
    address: str | None = None


class Owned:
    """A folder while this process owns it."""

    def __init__(self, file: FileIO, role: Role) -> None:
        self._file = file
        self._role = role

    def announce(self, address: str | None) -> None:
        """Tell those who ask for the owner under which address it answers."""
        said = {"role": self._role, "pid": os.getpid(), "address": address}
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(said).encode())


class DataFolder:
    """The folder at `path`, made if it is not there, for its owner's eyes only."""

    def __init__(self, path: Path, *, only_read: bool = False) -> None:
        """Make what is missing, unless it is only read; what is there already keeps its modes.

        Raises:
            FolderUnusable: there is something else at the path, or it cannot be read and written.
        """
        self.path = path.absolute()
        self.control = self.path / "control.sqlite"
        self.calls = self.path / CALLS
        self.staging = self.path / "staging"
        self.spill = self.path / "spill"
        self.lock = self.path / "lock"
        self.run = self.path / "run"
        self.socket = self.run / "socket"  # where other processes reach its owner
        self.cache = self.path / "cache"  # what can be made again; whoever keeps something there makes it
        self.moving = self.path / "moving"  # how far moves to another engine have come; made by whoever needs it
        self.demo_key = self.path / "demo-key"
        if not only_read:
            self._make()

    def _make(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self.path, self.calls, self.staging, self.spill, self.run):
                folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        except FileExistsError as error:
            why = f"{error.filename} is a file, not a folder"
            raise FolderUnusable(f"The data folder {self.path} cannot be made: {why}") from error
        except OSError as error:
            raise FolderUnusable(f"The data folder {self.path} cannot be made: {_reason(error)}") from error
        for folder in (self.path, self.calls, self.staging, self.spill, self.run):
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise FolderUnusable(f"The data folder {self.path} cannot be used: no permission to write in {folder}")

    @contextmanager
    def own(self, role: Role) -> Iterator[Owned]:
        """Own the folder while the context lasts; what killed owners left half-done is removed first.

        Raises:
            FolderInUse: another process owns it.
        """
        with self._open_lock() as file:
            if not _locked_within(file, PATIENCE):
                raise FolderInUse(self._in_use(_told_by(file)))
            try:
                owned = Owned(file, role)
                owned.announce(None)
                self._remove_leftovers()
                yield owned
            finally:
                file.truncate(0)
                fcntl.flock(file, fcntl.LOCK_UN)

    def remove_files_of(self, store: str) -> None:
        """Remove all files of a store of calls, which nobody has open, and of moves of it; none there is fine."""
        for path in (*self.calls.glob(f"{store}.*"), *self.moving.glob(f"{store}.*")):
            path.unlink(missing_ok=True)

    def owner(self) -> Owner | None:
        """Who owns the folder at this moment, if anyone does."""
        deadline = time.monotonic() + PATIENCE
        with self._open_lock() as file:
            while not _lock(file, fcntl.LOCK_SH):
                owner = _told_by(file)
                # A process that has just taken over may not have written yet: what is read can be its killed
                # predecessor's. (Where that one's process cannot be seen, as from another container, time tells.)
                if (owner.pid is not None and _runs(owner.pid)) or time.monotonic() > deadline:
                    return owner
                time.sleep(PAUSE)
        return None

    def _open_lock(self) -> FileIO:
        try:
            return os.fdopen(
                os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE), "r+b", buffering=0
            )
        except OSError as error:
            raise FolderUnusable(f"The data folder {self.path} cannot be used: {_reason(error)}") from error

    def _in_use(self, owner: Owner) -> str:
        user, advice = USERS.get(owner.role, ANYONE)
        facts = [owner.address] if owner.address else []
        facts += [f"process {owner.pid}"] if owner.pid else []
        known = f" ({', '.join(facts)})" if facts else ""
        return f"The data folder {self.path} is in use by {user}{known}; {advice}"

    def _remove_leftovers(self) -> None:
        for folder in (self.staging, self.spill):
            for left in folder.iterdir():
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left)
                else:
                    left.unlink()


def _lock(file: FileIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _locked_within(file: FileIO, seconds: float) -> bool:
    """Whether the lock could be had; tried for a while, as a process that asks for the owner holds it briefly."""
    deadline = time.monotonic() + seconds
    while not _lock(file, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


def _told_by(file: FileIO) -> Owner:
    """What the lock file says; it may be read while it is being written."""
    file.seek(0)
    try:
        said = json.loads(file.read())
    except ValueError:
        return Owner("unknown")
    match said:
        case {"role": str(role), "pid": int(pid), "address": str() | None as address} if 0 < pid <= MOST_PID:
            return Owner(role, pid, address)
        case _:
            return Owner("unknown")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True


def _reason(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or error}{where}"


def require_folder(path: Path) -> None:
    """Nothing, and nothing is made, if a data folder is at `path`.

    Raises:
        FolderUnusable: there is none.
    """
    if not (path / CALLS).is_dir():
        raise FolderUnusable(f"There is no data folder {path}; name one with --data or CALLTALLY_DATA")


def sync_folder(path: Path) -> None:
    """Return once the names in a folder are on the disk, without which files that are there are lost."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
