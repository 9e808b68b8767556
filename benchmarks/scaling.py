"""How reports, disk and memory grow with the calls: of the embedded engine, of a cluster of two shards, and of chDB.

All have the same calls, copied by the program's own copying, and have to give the same rows before the clock runs. What
is timed is the same for all: an engine asked for a plan. All share the cores of one machine, so that what a second
shard brings cannot be seen here: only what a cluster costs.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from servers.clickhouse import Cluster, running

from benchmarks.client import COUNT
from benchmarks.columns import measure_columns
from benchmarks.commands import THREADS, run
from benchmarks.data import make_parquet
from benchmarks.figures import (
    GrowthFigure,
    ProcessFigure,
    ScalingFigures,
    ScalingReport,
    SideFigure,
    SideTime,
    SizeScaling,
)
from benchmarks.imports import BUSINESS, import_into
from benchmarks.measure import Best
from benchmarks.memory import peak_memory
from benchmarks.reports import ALL_REPORTS
from benchmarks.sides import CHDB, CLUSTER, COLUMNS, FILE, Copy, Side, answers, apart, copy, stored, timed
from calltally import __version__

__all__ = ["QUIET_SECONDS", "measure_scaling"]

SHARDS = 2
QUIET_SECONDS = 5.0  # without a merge, until all is taken for merged
# About days on which there are no calls: what a report takes before it reads any.
NOTHING = f"{COUNT}&start_date=2001-01-01&end_date=2001-01-02"
REQUESTS = tuple(request for _, request in ALL_REPORTS)
RANGE = ("start_date", "end_date")


def measure_scaling(
    sizes: Sequence[int], out: Path, scratch: Path, rounds: int, times: Sequence[int], quiet_seconds: float
) -> ScalingFigures:
    """A business of each size on all sides; of each there is how often a report of it is asked in a round."""
    found = []
    for calls, asked in zip(sizes, times, strict=True):
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            found.append(_size(calls, out, Path(folder).resolve(), rounds, asked, quiet_seconds))
    return ScalingFigures(SHARDS, tuple(found), tuple(_growth(found)))


@dataclass(frozen=True)
class _Run:
    """What is found out of the sides of one size, round by round."""

    best: dict[str, Best] = field(default_factory=dict)
    peaks: dict[str, dict[str, float]] = field(default_factory=dict)

    def take(self, side: str, ms: Sequence[float], processes: Iterable[ProcessFigure]) -> None:
        """Take the least times and the greatest memory."""
        for request, each in zip((NOTHING, *REQUESTS), ms, strict=False):
            self.best.setdefault(side, Best()).take(request, each)
        peaks = self.peaks.setdefault(side, {})
        for process in processes:
            peaks[process.name] = max(process.peak_mb, peaks.get(process.name, 0))


def _size(calls: int, out: Path, folder: Path, rounds: int, times: int, quiet_seconds: float) -> SizeScaling:
    data = folder / "files"
    imported = import_into(data, make_parquet(calls, out), calls)
    backup = run(data, "backup", str(folder / "backup"))
    shutil.rmtree(folder / "backup")
    columns, _ = measure_columns(data, BUSINESS, (), 1)
    measured = _Run()
    with _all_sides(data, folder) as (sides, cluster):
        copies = {side.name: apart(copy, side, quiet_seconds, times) for side in sides if side.place}
        ranges = _check(sides)
        for _ in range(rounds):
            for side in sides:
                found = apart(timed, side, (NOTHING, *REQUESTS), times)
                measured.take(side.name, found.ms, found.processes)
        measured.take(CLUSTER, (), _nodes(cluster))
        for name, each in copies.items():
            measured.take(name, (), each.processes)
        return SizeScaling(
            calls,
            calls / imported.seconds,
            backup.seconds,
            columns.build_seconds,
            columns.bytes_a_call,
            _reports(ranges, measured),
            tuple(_side(side, copies.get(side.name), measured, calls) for side in sides),
        )


@contextmanager
def _all_sides(data: Path, folder: Path) -> Iterator[tuple[tuple[Side, ...], Cluster]]:
    """The sides, of which those with a place have yet to get the calls."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (2 * SHARDS)
    with running(folder / "cluster", shards=SHARDS, memory=memory) as cluster:
        yield (
            (
                Side(COLUMNS, data),
                Side(FILE, data),
                Side(CLUSTER, data, cluster.url),
                Side(CHDB, data, str(folder / "chdb")),
            ),
            cluster,
        )


def _check(sides: Sequence[Side]) -> list[int]:
    """How many calls lie in the range of each report, of which all sides give the same rows and totals.

    Raises:
        RuntimeError: they do not: a benchmark of a wrong answer is worth nothing.
    """
    counting = [_counting(request) for request in REQUESTS]
    first, *others = [apart(answers, side, (*REQUESTS, *counting, NOTHING)) for side in sides]
    for side, other in zip(sides[1:], others, strict=True):
        for request, here, there in zip((*REQUESTS, *counting, NOTHING), first, other, strict=True):
            if here != there:
                raise RuntimeError(f"{request}: {here} of {sides[0].name} is not what {side.name} says: {there}")
    return [rows.totals[0] for rows in first[len(REQUESTS) : -1]]


def _counting(request: str) -> str:
    """The report that counts the calls in the range of another one."""
    return f"{COUNT}&{urlencode([(name, value) for name, value in parse_qsl(request) if name in RANGE])}"


def _reports(ranges: Sequence[int], measured: _Run) -> tuple[ScalingReport, ...]:
    return tuple(
        ScalingReport(
            title,
            request,
            calls,
            tuple(SideTime(side, best[request], _rate(calls, best[request])) for side, best in measured.best.items()),
        )
        for (title, request), calls in zip(ALL_REPORTS, ranges, strict=True)
    )


def _rate(calls: int, ms: float) -> float:
    return 1000 * calls / ms / THREADS


def _side(side: Side, copied: Copy | None, measured: _Run, calls: int) -> SideFigure:
    return SideFigure(
        side.name,
        copied.version if copied else __version__,
        measured.best[side.name][NOTHING],
        copied.tables if copied else (stored(side, calls),),
        tuple(ProcessFigure(name, peak) for name, peak in measured.peaks[side.name].items()),
        copied.copied if copied else None,
        copied.all_cores if copied else None,
    )


def _nodes(cluster: Cluster) -> Iterator[ProcessFigure]:
    for number, node in enumerate(cluster.nodes, start=1):
        assert node.process
        yield ProcessFigure(f"ClickHouse, shard {number}", peak_memory(node.process.pid))


def _growth(sizes: Sequence[SizeScaling]) -> Iterator[GrowthFigure]:
    """How much longer each report takes of the next larger business."""
    for smaller, larger in pairwise(sorted(sizes, key=lambda size: size.calls)):
        for before, after in zip(smaller.reports, larger.reports, strict=True):
            for one, other in zip(before.sides, after.sides, strict=True):
                yield GrowthFigure(
                    before.title,
                    one.side,
                    smaller.calls,
                    larger.calls,
                    after.calls / before.calls,
                    other.ms / one.ms,
                )
