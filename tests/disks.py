"""Disks that are soon full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk_at(path: Path, megabytes: int) -> Iterator[Path]:
    """A disk of so many megabytes, mounted there; skips the test where the system lets nobody but root mount one."""
    if os.geteuid():
        pytest.skip("to mount a disk that is soon full takes root")
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
