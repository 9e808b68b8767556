"""Memory that goes back to the system: of itself glibc keeps what was freed, in case it is wanted again."""

import ctypes

__all__ = ["give_back", "keep_little"]

# What glibc calls M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, with the bytes of each, and M_ARENA_MAX.
KEPT = {-1: 8 * 1024 * 1024, -3: 2 * 1024 * 1024, -8: 2}

_LIBRARY = ctypes.CDLL(None)


def keep_little() -> None:
    """Let large pieces, such as calls on their way in, go back as soon as they are free.

    Of itself glibc keeps pieces as large as any that was freed before, and more of them than are ever used again.
    """
    mallopt = getattr(_LIBRARY, "mallopt", None)  # other libraries have none
    if mallopt:
        for name, size in KEPT.items():
            mallopt(name, size)


def give_back() -> None:
    """Give back what lies free between pieces that are in use; takes milliseconds, in which others go on."""
    trim = getattr(_LIBRARY, "malloc_trim", None)
    if trim:
        trim(0)
