"""Disks that are full, and businesses that many write to."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine, acme, calltally
from tests.disks import small_disk_at

__all__ = ["SmallDisk", "acme", "calltally", "key", "small_disk"]


@dataclass(frozen=True)
class SmallDisk:
    """A disk of some megabytes that can be filled to its last byte."""

    path: Path

    @property
    def _filling(self) -> Path:
        return self.path / "filling"

    def fill(self, *, but: int = 0) -> None:
        """Leave no more than so many bytes, whatever was written meanwhile."""
        with self._filling.open("ab", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass
        if but:
            with self._filling.open("r+b") as file:
                file.truncate(max(0, self._filling.stat().st_size - but))

    def free(self) -> None:
        """Make room again."""
        self._filling.unlink(missing_ok=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk with room for more than the largest log."""
    with small_disk_at(tmp_path / "disk", 96) as disk:
        yield SmallDisk(disk)


@pytest.fixture
def key(calltally: CommandLine, acme: str) -> str:
    """A key of Acme that may do anything."""
    made: dict[str, str] = calltally.run("key", "create", acme, "--scope", "admin", "--json").json()
    return made["key"]
