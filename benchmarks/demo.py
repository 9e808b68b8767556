"""How much memory a server with the demo's calls holds while nobody asks."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.client import connected
from benchmarks.commands import WITHOUT_NUMBA, serving
from benchmarks.figures import DemoFigures
from benchmarks.memory import held_memory
from calltally.demo import requests
from calltally.folder import DataFolder

__all__ = ["IDLE_SECONDS", "measure_demo"]

IDLE_SECONDS = 10  # by then memory that is not used any more has gone back to the system
COLUMNS, NO_COLUMNS = {"CALLTALLY_HOT_MEMORY": "25%"}, {"CALLTALLY_HOT_MEMORY": "0"}
REPORTS = requests(datetime.now(UTC), "UTC")


def measure_demo(scratch: Path, idle: float = IDLE_SECONDS) -> DemoFigures:
    """Once having made the calls, and once started again; then having answered reports, each way that there is."""
    data = scratch / "demo"
    made, again = (_idle_memory(data, idle) for _ in range(2))
    return DemoFigures(
        made,
        again,
        _memory_after_reports(data, idle, COLUMNS, columns=True),
        _memory_after_reports(data, idle, NO_COLUMNS),
        _memory_after_reports(data, idle, COLUMNS, WITHOUT_NUMBA),
    )


def _idle_memory(data: Path, idle: float) -> float:
    with serving(data, "demo") as server:
        time.sleep(idle)
        return held_memory(server.pid)


def _memory_after_reports(
    data: Path,
    idle: float,
    settings: Mapping[str, str],
    program: tuple[str, ...] | None = None,
    *,
    columns: bool = False,
) -> float:
    """The memory once all reports were asked for, from columns or from the database alone."""
    key = json.loads(DataFolder(data).demo_key.read_text())["key"]
    running = serving(data, "serve", settings, program) if program else serving(data, "serve", settings)
    with running as server, connected(server, key) as client:
        if columns:
            client.wait_for_columns()
        for _, request in REPORTS:
            client.report(request)
            if client.came_from_columns() != columns:
                raise RuntimeError(f"{request}: it was to come from {'columns' if columns else 'the database'}")
        time.sleep(idle)
        return held_memory(server.pid)
