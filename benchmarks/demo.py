"""How much memory a server with the demo's calls holds while nobody asks."""

import time
from pathlib import Path

from benchmarks.commands import serving
from benchmarks.figures import DemoFigures
from benchmarks.memory import held_memory

__all__ = ["measure_demo"]

IDLE_SECONDS = 10  # by then memory that is not used any more has gone back to the system


def measure_demo(scratch: Path) -> DemoFigures:
    """Once having made the calls, and once started again."""
    return DemoFigures(*(_idle_memory(scratch / "demo") for _ in range(2)))


def _idle_memory(data: Path) -> float:
    with serving(data, "demo") as server:
        time.sleep(IDLE_SECONDS)
        return held_memory(server.pid)
