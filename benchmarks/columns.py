"""`python -m benchmarks.columns`: reports of the engine alone, from the file and from columns, in the same process.

For each report the best median of some rounds, of both ways in turn; how long it takes to make the columns, their
bytes a call, and how long the first report after a write takes.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.data import make_parquet
from benchmarks.reports import ALL_REPORTS
from calltally.accounts import Business
from calltally.engines import Engine, Plan, Stop, open_engine
from calltally.engines.hot import HotEngine
from calltally.folder import DataFolder
from calltally.ingestion import ImportOptions, import_file, import_records
from calltally.query import Timing, ask
from calltally.settings import Settings

ROUNDS, TIMES = 3, 15
HEAVY = (
    ("Unique callers by source, all time", "group_by=source&metrics=unique_callers&sort_by=unique_callers"),
    ("Source, all time", "group_by=source&metrics=count,qualified_pct,avg_ai_score"),
    ("Source, campaign and day", "group_by=source,utm_campaign,date&metrics=count,qualified_pct,avg_ai_score"),
    ("Day, campaign and term", "group_by=date,utm_campaign,utm_term&metrics=count,qualified_pct&sort_by=qualified_pct"),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out"))
    options = parser.parse_args()
    parquet = make_parquet(options.calls, options.out)
    business = Business("b", "B", "America/New_York", "US", "USD", 1, datetime(2026, 1, 1, tzinfo=UTC))
    with tempfile.TemporaryDirectory(dir=options.out) as scratch:
        folder = DataFolder(Path(scratch) / "data")
        with closing(open_engine(folder, Settings(hot_memory="0"))) as file:
            import_file(parquet, business, file, ImportOptions())
        with closing(open_engine(folder, Settings(hot_memory="0"))) as file:
            slow = {title: _measured(file, _plan(request, business)) for title, request in (*ALL_REPORTS, *HEAVY)}
        with closing(open_engine(folder, Settings(hot_memory="80%"))) as engine:
            assert isinstance(engine, HotEngine)
            _compare(engine, business, slow)


def _compare(engine: HotEngine, business: Business, slow: dict[str, float]) -> None:
    assert engine.prepare(business.calls)
    columns = engine._holding._held[business.calls].columns  # type: ignore[union-attr]
    assert columns
    engine._holding.forget(business.calls)  # type: ignore[union-attr]
    print(f"made in {_seconds(partial(engine.prepare, business.calls)):.2f} s", end=", ")
    print(f"{columns.nbytes / columns.rows:.1f} bytes a call, {len(columns.segments)} segments")
    for title, request in (*ALL_REPORTS, *HEAVY):
        plan = _plan(request, business)
        found = engine.answer(plan, Stop())
        assert found == engine._file.answer(plan, Stop()), title
        fast = _measured(engine, plan)
        print(f"{title:45} file {slow[title]:9.2f} ms   {found.path} {fast:8.2f} ms   {slow[title] / fast:6.1f}x")
    title, request = ALL_REPORTS[0]
    times = [_after_a_write(engine, business, _plan(request, business), number) for number in range(TIMES)]
    print(f"{title}, after a write: {statistics.median(times):.2f} ms")


def _plan(request: str, business: Business) -> Plan:
    return ask(request.encode(), business, Timing())[1]


def _measured(engine: Engine, plan: Plan) -> float:
    """Milliseconds: the best median."""
    ask_it = partial(engine.answer, plan, Stop())
    times = 3 if _seconds(ask_it) > 0.5 else TIMES
    return min(statistics.median(_seconds(ask_it) for _ in range(times)) for _ in range(ROUNDS)) * 1000


def _after_a_write(engine: HotEngine, business: Business, plan: Plan, number: int) -> float:
    call = {"id": f"written-{number}", "started_at": "2025-11-15T12:00:00Z", "source": "google"}
    import_records([call], business, engine)
    seconds = _seconds(partial(engine.answer, plan, Stop()))
    assert engine.answer(plan, Stop()).path == "columns"
    return seconds * 1000


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
