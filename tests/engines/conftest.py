"""Every engine that there is, and calls for tests that want many."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from servers.clickhouse import DATABASE, running
from servers.library import ChdbServers

from calltally.engines import Engine, open_engine, prepare_engine
from calltally.engines.clickhouse import ClickHouseEngine, Tables, create_or_extend
from calltally.folder import DataFolder
from calltally.settings import Settings
from tests import strategies
from tests.conftest import open_columns, open_file

CLUSTERS = [
    pytest.param(name, marks=[pytest.mark.cluster, pytest.mark.xdist_group(name)])
    for name in ("one server", "two shards", "newest")
]


@pytest.fixture(scope="session", params=["file", "columns", *CLUSTERS])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, kernels: Path) -> Iterator[Engine]:
    """An engine for all tests; each takes businesses of its own."""
    with ExitStack() as stack:
        opened = _opened(request.param, tmp_path_factory.mktemp("engine"), kernels, stack)
        yield stack.enter_context(closing(opened))


def _opened(kind: str, path: Path, kernels: Path, stack: ExitStack) -> Engine:
    folder, settings = DataFolder(path / "data"), Settings(memory="1GB", threads=2)
    match kind:
        case "file":
            return open_file(folder, kernels)
        case "columns":
            return open_columns(folder, kernels)
        case "one server":
            cluster = stack.enter_context(running(path, shards=1))
            settings = Settings(memory="1GB", threads=2, engine=cluster.url_of_one)
        case "two shards":
            cluster = stack.enter_context(running(path))
            settings = Settings(memory="1GB", threads=2, engine=cluster.url)
        case "newest":
            servers, tables = ChdbServers(), Tables(DATABASE)
            create_or_extend(servers, tables)
            return ClickHouseEngine(
                servers, tables, folder.staging, folder.spill, memory="1GB", most_spill="5GB", threads=2
            )
    prepare_engine(settings)
    return open_engine(folder, settings)


@pytest.fixture(scope="session")
def across(engine: Engine) -> bool:
    """Whether the engine is across a wire, where a report takes ten times as long."""
    return isinstance(engine, ClickHouseEngine)


@pytest.fixture(scope="session")
def many_records() -> list[dict[str, Any]]:
    """300 calls with few different values, so that ties abound, around the days on which clocks change."""
    draw = Random(7)
    callers = [None, "(305) 555-1234", "+13055551234", "C00001", "anonymous", "+442079460000"]
    days = [
        "2025-12-31",
        "2026-01-01",
        "2026-03-08",
        "2026-04-04",
        "2026-04-05",
        "2026-10-03",
        "2026-10-04",
        "2026-11-01",
    ]
    return [
        {
            "id": f"call-{number}",
            "started_at": f"{draw.choice(days)}T{draw.randrange(24):02}:{draw.randrange(60):02}:00Z",
            "caller_number": draw.choice(callers),
            "tracking_number": draw.choice([None, "+13055550001", "305-555-0002"]),
            "direction": draw.choice([None, "inbound", "outbound"]),
            "status": draw.choice([None, "completed", "missed", "voicemail", "busy"]),
            "duration_seconds": draw.choice([None, 0, 1, 2, 61, 10_000_000]),
            "ai_score": draw.choice([None, 0, 50, 51, 100]),
            "robo_score": draw.choice([None, 1, 2]),
            "qualified": draw.choice([None, True, False]),
            "value_cents": draw.choice([None, -5, 0, 10**12]),
            "cost_cents": draw.choice([None, 1, 25]),
            **{name: draw.choice([None, *strategies.TEXTS[:6]]) for name in TEXT_FIELDS},
        }
        for number in range(300)
    ]


TEXT_FIELDS = (
    "source",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "call_flow",
    "call_flow_id",
    "number_id",
    "ai_category",
)
