"""How long the steps of a request took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Timing"]


class Timing:
    """Named durations in seconds, in the order in which the steps ended."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        self._said: dict[str, str] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure this block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.steps[name] = time.perf_counter() - start

    def say(self, name: str, what: str) -> None:
        """Describe a step; nothing where there is nothing to say."""
        if what:
            self._said[name] = f';desc="{what}"'

    def header(self) -> str:
        """The steps as a `Server-Timing` header, milliseconds."""
        steps = self.steps.items()
        return ", ".join(f"{name};dur={seconds * 1000:.2f}{self._said.get(name, '')}" for name, seconds in steps)
