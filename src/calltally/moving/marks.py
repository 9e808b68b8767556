"""How far the move of each business has come: a small file in the data folder, on the disk before a move goes on."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from calltally.errors import FolderUnusable
from calltally.folder import DataFolder, sync_folder

__all__ = ["Mark", "forget_mark", "keep_mark", "read_mark"]

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


@dataclass(frozen=True)
class Mark:
    """A move that has begun; it can be gone on with as long as the source has the version that it had then."""

    source: str  # where from and where to, without passwords
    target: str
    source_version: str
    token: str  # see `calltally.engines.whole.Taking`
    version: str  # that the target has once all is there, until it is next written to
    parts: int
    done: int = 0  # parts that are there
    rows: int = 0  # that these have


def read_mark(folder: DataFolder, calls: str) -> Mark | None:
    """The mark of a store; None: no move has begun.

    Raises:
        FolderUnusable: it cannot be read.
    """
    path = _path(folder, calls)
    if not path.exists():
        return None
    try:
        return Mark(**orjson.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise FolderUnusable(f"{path} is damaged; remove it to begin that move anew") from error


def keep_mark(folder: DataFolder, calls: str, mark: Mark) -> None:
    """Keep a mark in the place of the one before."""
    folder.moving.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    path = _path(folder, calls)
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE_FILE), "wb") as file:
        file.write(orjson.dumps(asdict(mark)))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_folder(folder.moving)


def forget_mark(folder: DataFolder, calls: str) -> None:
    """Keep no mark of a store, so that the next move of it begins anew; none there is fine."""
    _path(folder, calls).unlink(missing_ok=True)


def _path(folder: DataFolder, calls: str) -> Path:
    return folder.moving / f"{calls}.json"
