"""How much memory another process holds, as Linux says it."""

import re
from pathlib import Path

__all__ = ["held_memory", "peak_memory"]


def held_memory(pid: int) -> float:
    """What it holds now, in MB."""
    return _status(pid, "VmRSS")


def peak_memory(pid: int) -> float:
    """The most that it has held since it was started, in MB; 0 once it has ended."""
    # The kernel's figure for a child that was waited for is of no use: it counts the parent's memory at the start too.
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except ProcessLookupError:
        return 0.0
    found = re.search(rf"^{name}:\s*(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else 0.0
