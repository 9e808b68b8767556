"""Files that are on the disk, and not only on their way there, when a function returns."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

__all__ = ["copy_synced", "sha256_of", "write_synced"]

CHUNK = 1 << 20
PRIVATE_FILE = 0o600


def copy_synced(source: Path, target: Path) -> str:
    """Copy a file; the SHA-256 of what was read."""
    digest = hashlib.sha256()
    with source.open("rb") as taken, _new(target) as given:
        while chunk := taken.read(CHUNK):
            digest.update(chunk)
            given.write(chunk)
        given.flush()
        os.fsync(given.fileno())
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_synced(path: Path, content: bytes) -> None:
    """Write a new file."""
    with _new(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _new(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE), "wb")
