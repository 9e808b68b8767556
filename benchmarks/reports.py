"""How long reports take over HTTP, beside the rival on the same calls in the same run.

Before every timed request one call is written to the business, so that no answer can come from a cache; how long the
same question takes when it is asked again, with nothing written between, is a figure of its own.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.client import Client, connected
from benchmarks.commands import run, serving
from benchmarks.data import Calls
from benchmarks.figures import ReportFigure, SizeReports, TimeZoneFigure
from benchmarks.imports import BUSINESS, import_into
from benchmarks.measure import Best, median_ms
from benchmarks.memory import peak_memory
from benchmarks.rival import Rival, rival_report, starting_rival
from benchmarks.writing import writing
from calltally.demo import requests

__all__ = ["ASKED_ON", "measure_reports"]

# Within the second to last month of the calls, so that the last one, which is not whole, is never asked for.
ASKED_ON = datetime(2025, 12, 15, tzinfo=UTC)
UNIQUE_CALLERS = ("Unique callers by source", "group_by=source&metrics=unique_callers&sort_by=unique_callers")
BY_DAY = "group_by=date&metrics=count,answered_count,missed_count&sort_by=date&sort_order=asc&limit=1000"
ALL_REPORTS = (*requests(ASKED_ON, "UTC"), UNIQUE_CALLERS)
WRITTEN_AT = "2025-11-15T12:00:00Z"  # within the month that is asked for
EMPTY_ROUTE = "/healthz"
AGAIN = "asked again"
RIVAL = "rival"
# Averages and shares are rounded by different rules in a database; that the counts agree says enough.
ROUNDED = ("avg_", "_pct")


def measure_reports(calls: Calls, scratch: Path, rounds: int, times: int) -> SizeReports:
    """All reports, each round asking all of them so many times."""
    data = scratch / "serve"
    import_into(data, calls.parquet, calls.count)
    key = run(data, "key", "create", BUSINESS).printed["key"]
    with serving(data) as server, connected(server, key) as client, starting_rival(calls.parquet, scratch) as rival:
        for _, request in ALL_REPORTS:
            _check(request, client, rival)
        best = Best()
        with writing(data, BUSINESS, WRITTEN_AT) as write:
            for _ in range(rounds):
                _ask_all(client, rival, write, best, times)
                _ask_by_day(data, client, write, best, times)
        return SizeReports(
            calls.count,
            tuple(_compared(title, request, best) for title, request in ALL_REPORTS),
            best[EMPTY_ROUTE],
            TimeZoneFigure(BY_DAY, best["UTC"], best["America/New_York"], best["America/New_York"] / best["UTC"]),
            peak_memory(server.pid),
        )


def _ask_all(client: Client, rival: Rival, write: Callable[[], None], best: Best, times: int) -> None:
    """Ours and the rival's in turn, each after a write: what is asked right after a rest is slower, on both sides."""
    for title, request in ALL_REPORTS:
        ask = partial(client.report, request)
        best.take(title, median_ms(ask, times, before=write))
        best.take(f"{title}: {AGAIN}", median_ms(ask, times))
        theirs = partial(rival.answer, rival_report(request))
        best.take(f"{title}: {RIVAL}", median_ms(theirs, times, before=write))
    best.take(EMPTY_ROUTE, median_ms(partial(client.get, EMPTY_ROUTE), times))


def _ask_by_day(data: Path, client: Client, write: Callable[[], None], best: Best, times: int) -> None:
    """The same calls in both time zones: a business that moves keeps its calls."""
    for zone in ("America/New_York", "UTC"):
        run(data, "business", "update", BUSINESS, "--timezone", zone)
        best.take(zone, median_ms(partial(client.report, BY_DAY), times, before=write))


def _compared(title: str, request: str, best: Best) -> ReportFigure:
    ours, again, rival = best[title], best[f"{title}: {AGAIN}"], best[f"{title}: {RIVAL}"]
    return ReportFigure(title, request, ours, rival, ours / rival, ours - rival, again, again - best[EMPTY_ROUTE])


def _check(request: str, client: Client, rival: Rival) -> None:
    """A benchmark of a wrong answer is worth nothing. In any order: the rival sorts shares once they are rounded."""
    body = json.loads(client.report(request))["data"]
    report = rival_report(request)
    rows, totals = rival.answer(report)
    ours = (_ours(body["data"], report.dimensions + report.metrics), _ours([body["totals"]], report.metrics))
    theirs = (_rivals(rows, report.dimensions + report.metrics), _rivals(totals, report.metrics))
    if ours != theirs:
        raise RuntimeError(f"{request}: {ours} is not the rival's {theirs}")


def _ours(rows: list[dict[str, Any]], names: tuple[str, ...]) -> list[list[str]]:
    return sorted([str(row[name]) for name in names if _is_exact(name)] for row in rows)


def _rivals(rows: list[Any], names: tuple[str, ...]) -> list[list[str]]:
    return sorted([str(value) for name, value in zip(names, row, strict=True) if _is_exact(name)] for row in rows)


def _is_exact(name: str) -> bool:
    return not any(part in name for part in ROUNDED)
