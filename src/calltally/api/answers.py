"""Answers that are kept to be given again: bodies by name, within so many bytes."""

import sys
from collections import OrderedDict

__all__ = ["Answers"]

ENTRY_BYTES = 250  # what an entry takes besides its name and body


class Answers:
    """The answer that was not given for longest goes first. For one thread: that of the event loop.

    Nothing here grows old: a name says of which state of the calls the answer is (see `calltally.api.analytics`), so
    that a change of the calls leaves the answers before it without anybody who asks for them.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._bodies: OrderedDict[str, bytes] = OrderedDict()

    def get(self, name: str) -> bytes | None:
        """The answer, if it is still kept."""
        body = self._bodies.get(name)
        if body is not None:
            self._bodies.move_to_end(name)
        return body

    def keep(self, name: str, body: bytes) -> None:
        """Keep an answer as long as there is room."""
        if name in self._bodies or _size(name, body) > self._most:
            return
        self._bodies[name] = body
        self._held += _size(name, body)
        while self._held > self._most:
            self._held -= _size(*self._bodies.popitem(last=False))


def _size(name: str, body: bytes) -> int:
    return sys.getsizeof(name) + sys.getsizeof(body) + ENTRY_BYTES
