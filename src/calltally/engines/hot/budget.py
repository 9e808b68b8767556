"""How much memory a setting stands for."""

import os
from pathlib import Path

from calltally.settings import size_bytes

__all__ = ["budget_of", "machine_memory"]

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container


def budget_of(size: str) -> int:
    """The bytes of a size such as 2GB, of a share of the machine's memory such as 25%, or of 0."""
    if size == "0":
        return 0
    share = size.removesuffix("%")
    return size_bytes(size) if share == size else machine_memory() * int(share) // 100


def machine_memory() -> int:
    """The memory of the machine, or as much of it as this process may use."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [path.read_text().strip() for path in map(Path, LIMITS) if path.is_file()]
    return min([whole, *(int(limit) for limit in limits if limit.isdecimal())])
