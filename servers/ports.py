"""Ports for servers."""

import random
import socket
from contextlib import ExitStack, suppress

__all__ = ["free_ports"]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; of those that the system gives to no connection, which might be faster."""
    found: list[int] = []
    with ExitStack() as stack:
        while len(found) < count:
            port = random.SystemRandom().randrange(12_000, 32_000)
            tried = stack.enter_context(socket.socket())
            with suppress(OSError):  # somebody has it
                tried.bind(("127.0.0.1", port))
                found.append(port)
    return found
