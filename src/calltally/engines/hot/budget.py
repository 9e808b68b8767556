"""How much memory a setting stands for."""

import os
import re
from pathlib import Path

__all__ = ["budget_of", "machine_memory"]

UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SIZE = re.compile(r"([0-9]+)(%|[KMGT]B|)")
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container


def budget_of(size: str) -> int:
    """The bytes of a size such as 2GB, or of a share of the machine's memory such as 25%."""
    found = SIZE.fullmatch(size)
    if not found:
        raise ValueError(f"'{size}' is not a size")
    number, unit = found.groups()
    return machine_memory() * int(number) // 100 if unit == "%" else int(number) * UNITS[unit]


def machine_memory() -> int:
    """The memory of the machine, or as much of it as this process may use."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [path.read_text().strip() for path in map(Path, LIMITS) if path.is_file()]
    return min([whole, *(int(limit) for limit in limits if limit.isdecimal())])
