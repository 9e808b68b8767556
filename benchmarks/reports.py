"""How long reports take over HTTP, beside peers on the same calls in the same run.

Before every timed request one call is sent to whoever is asked, so that no answer can be one of before. Figures of
their own are how long ours takes when it is asked again, with nothing written between, and how long when it has to
count all rows anew, as where a question is asked for the first time.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.client import Client, connected
from benchmarks.columns import measure_bandwidth, measure_columns
from benchmarks.commands import Server, run, serving
from benchmarks.correcting import measure_corrected
from benchmarks.figures import (
    ColumnsFigure,
    MonthFigure,
    PeerTime,
    RateFigure,
    ReportFigure,
    SizeReports,
    TimeZoneFigure,
)
from benchmarks.imports import BUSINESS, import_into
from benchmarks.measure import SLOW_MS, Best, median_ms
from benchmarks.memory import peak_memory
from benchmarks.peers.starting import Peer, starting_peers
from benchmarks.rates import Asked, measure_rates
from benchmarks.writing import writer
from calltally.demo import requests

__all__ = ["ALL_REPORTS", "ASKED_ON", "measure_reports"]

# Within the second to last month of the calls, so that the last one, which is not whole, is never asked for.
ASKED_ON = datetime(2025, 12, 15, tzinfo=UTC)
ALL_METRICS = (
    "count,answered_count,missed_count,voicemail_count,qualified_count,qualified_pct,avg_duration,total_duration,"
    "avg_ai_score,avg_robo_score,total_value_cents,total_cost_cents,unique_callers"
)
SIX_REPORTS = (
    *requests(ASKED_ON, "UTC"),
    (
        "Source, campaign and day",
        f"group_by=source,utm_campaign,date&metrics={ALL_METRICS}&sort_by=count&sort_order=desc&limit=1000",
    ),
)
UNIQUE_CALLERS = ("Unique callers by source", "group_by=source&metrics=unique_callers&sort_by=unique_callers")
ALL_REPORTS = (*SIX_REPORTS, UNIQUE_CALLERS)
BY_DAY = "group_by=date&metrics=count,answered_count,missed_count&sort_by=date&sort_order=asc&limit=1000"
MONTH, MONTH_BUSINESS = "2025-11", "One month"
IN_A_MONTH = SIX_REPORTS[1]
EMPTY_ROUTE = "/healthz"
AGAIN, ANEW = "asked again", "counted anew"
OURS = "Calltally"
WHOLE, ALONE = "a month of all", "a month alone"
MANY_ASKED = 100_000  # calls of the business that many connections ask about
COLUMNS = {"CALLTALLY_HOT_MEMORY": "50%"}
NO_CACHE = {"CALLTALLY_CACHE_MEGABYTES": "0"}


@dataclass(frozen=True)
class _Run:
    """What a size is measured with."""

    parquet: Path
    scratch: Path
    data: Path
    key: str
    peers: Sequence[Peer]
    best: Best
    rounds: int
    times: int


def measure_reports(
    parquet: Path, size: int, scratch: Path, rounds: int, times: int, peers: Sequence[str]
) -> SizeReports:
    """All reports, each round asking all of them so many times."""
    data = scratch / "serve"
    import_into(data, parquet, size)
    import_into(data, *_a_month(parquet, scratch / "month.parquet"), MONTH_BUSINESS)
    columns, read = measure_columns(data, BUSINESS, [request for _, request in ALL_REPORTS], rounds)
    with starting_peers(peers, parquet, scratch) as started:
        measured = _Run(parquet, scratch, data, _key(data, BUSINESS), started, Best(), rounds, times)
        beside = _asked(measured)
        _ask_anew(measured)
        rates = _rates(measured) if size <= MANY_ASKED else ()
    return _figures(size, measured.best, started, columns, read, beside, rates)


def _asked(measured: _Run) -> dict[str, Any]:
    """Ask for everything, into `best`; what else is found out on the way."""
    with serving(measured.data, settings=COLUMNS) as server, connected(server, measured.key) as client:
        client.wait_for_columns()
        for _, request in ALL_REPORTS:
            for peer in measured.peers:
                _check(request, client, peer)
        write = writer(client)
        for _ in range(measured.rounds):
            _ask_all(client, measured, write)
        peak = peak_memory(server.pid)
        corrected = measure_corrected(
            server,
            client,
            measured.key,
            write,
            SIX_REPORTS,
            measured.parquet,
            measured.scratch,
            measured.rounds,
            measured.times,
        )
    return {"peak_mb": peak, "corrected": corrected}


def _ask_anew(measured: _Run) -> None:
    """Ask a server that keeps nothing of what it has counted."""
    with (
        serving(measured.data, settings=COLUMNS | NO_CACHE) as server,
        connected(server, measured.key) as client,
    ):
        client.wait_for_columns()
        write = writer(client)
        for _ in range(measured.rounds):
            for title, request in ALL_REPORTS:
                ms = median_ms(partial(client.report_from_columns, request), measured.times, write)
                measured.best.take(f"{title}: {ANEW}", ms)
            _ask_by_day(client, measured, write)
            with _asking_about_a_month(server, measured) as (alone, write_alone):
                _ask_about_a_month(client, write, alone, write_alone, measured)


def _ask_all(client: Client, measured: _Run, write: Callable[[], None]) -> None:
    """Ours and the peers' in turn, each after a write: what is asked right after a rest is slower, on all sides."""
    best, times = measured.best, measured.times
    for title, request in ALL_REPORTS:
        best.take(title, median_ms(partial(client.report_from_columns, request), times, write))
        best.take(f"{title}: {AGAIN}", median_ms(partial(client.report, request), times))
        for peer in measured.peers:
            name = _theirs(title, peer)
            if best.get(name, 0) < SLOW_MS:  # once is enough for what takes so long
                best.take(name, median_ms(partial(peer.client.report, request), times, writer(peer.client)))
    best.take(EMPTY_ROUTE, median_ms(partial(client.get, EMPTY_ROUTE), times, write))
    best.take(f"{EMPTY_ROUTE}: {AGAIN}", median_ms(partial(client.get, EMPTY_ROUTE), times))


def _ask_by_day(client: Client, measured: _Run, write: Callable[[], None]) -> None:
    """The same calls in both time zones: a business that moves keeps its calls."""
    for zone in ("America/New_York", "UTC"):
        run(measured.data, "business", "update", BUSINESS, "--timezone", zone)
        measured.best.take(zone, median_ms(partial(client.report_from_columns, BY_DAY), measured.times, write))


@contextmanager
def _asking_about_a_month(server: Server, measured: _Run) -> Iterator[tuple[Client, Callable[[], None]]]:
    """A client of the business that has nothing but that month."""
    with connected(server, _key(measured.data, MONTH_BUSINESS)) as client:
        client.wait_for_columns()
        yield client, writer(client)


def _ask_about_a_month(
    whole: Client, write: Callable[[], None], alone: Client, write_alone: Callable[[], None], measured: _Run
) -> None:
    """The same month of a business with two years and of one without all others: what is left out costs nothing."""
    _, request = IN_A_MONTH
    if json.loads(whole.report(request))["data"]["totals"] == {}:
        raise RuntimeError("there is nothing in the month")
    for name, client, written in ((WHOLE, whole, write), (ALONE, alone, write_alone)):
        measured.best.take(name, median_ms(partial(client.report_from_columns, request), measured.times, written))


def _rates(measured: _Run) -> tuple[RateFigure, ...]:
    """Answers a second to many connections, with nothing given again."""
    with (
        serving(measured.data, settings=COLUMNS | NO_CACHE) as server,
        connected(server, measured.key) as client,
    ):
        client.wait_for_columns()
        ours = Asked(OURS, server.host, server.port, measured.key, writer(client))
        peers = [Asked(peer.name, peer.host, peer.port, "none", writer(peer.client)) for peer in measured.peers]
        found = measure_rates(ours, peers, SIX_REPORTS[:3], measured.rounds, max(1, measured.times // 6))
        for _, request in SIX_REPORTS[:3]:
            client.report_from_columns(request)
    return found


def _key(data: Path, business: str) -> str:
    """A new key that may read and write."""
    key: str = run(data, "key", "create", business, "--scope", "read", "--scope", "write").printed["key"]
    return key


def _a_month(parquet: Path, path: Path) -> tuple[Path, int]:
    """The file of the calls of the month that is asked for, and how many they are."""
    with duckdb.connect() as database:
        calls = f"FROM read_parquet(?) WHERE started_at LIKE '{MONTH}-%'"
        database.execute(f"COPY ({calls}) TO '{path}' (FORMAT parquet)", [str(parquet)])
        [found] = database.execute(f"SELECT count(*) {calls}", [str(parquet)]).fetchall()
    return path, found[0]


def _figures(
    size: int,
    best: Best,
    peers: Sequence[Peer],
    columns: ColumnsFigure,
    read: Sequence[int],
    beside: dict[str, Any],
    rates: tuple[RateFigure, ...],
) -> SizeReports:
    bandwidth = measure_bandwidth()
    pairs = zip(ALL_REPORTS, read, strict=True)
    sums = [sum(best[_theirs(title, peer)] for title, _ in SIX_REPORTS) for peer in peers]
    ours, anew = (sum(best[title + kind] for title, _ in SIX_REPORTS) for kind in ("", f": {ANEW}"))
    return SizeReports(
        calls=size,
        reports=tuple(_compared(title, request, best, peers, size, bandwidth) for (title, request), size in pairs),
        empty_route_ms=best[EMPTY_ROUTE],
        empty_route_again_ms=best[f"{EMPTY_ROUTE}: {AGAIN}"],
        sum_ratio=ours / min(sums) if sums else None,
        anew_sum_ratio=anew / min(sums) if sums else None,
        time_zones=TimeZoneFigure(
            BY_DAY, best["UTC"], best["America/New_York"], best["America/New_York"] / best["UTC"]
        ),
        month=MonthFigure(IN_A_MONTH[1], best[WHOLE], best[ALONE], best[WHOLE] / best[ALONE]),
        rates=rates,
        columns=columns,
        gigabytes_a_second=bandwidth / 1e9,
        **beside,
    )


def _compared(title: str, request: str, best: Best, peers: Sequence[Peer], read: int, bandwidth: float) -> ReportFigure:
    ours, empty = best[title], best[EMPTY_ROUTE]
    theirs = tuple(PeerTime(peer.name, best[_theirs(title, peer)]) for peer in peers)
    again, anew, least = best[f"{title}: {AGAIN}"], best[f"{title}: {ANEW}"], 1000 * read / bandwidth
    best_peer = min((each.ms for each in theirs), default=None)
    return ReportFigure(
        title,
        request,
        ms=ours,
        above_empty_ms=ours - empty,
        again_ms=again,
        again_above_empty_ms=again - best[f"{EMPTY_ROUTE}: {AGAIN}"],
        anew_ms=anew,
        peers=theirs,
        ratio=ours / best_peer if best_peer else None,
        anew_ratio=anew / best_peer if best_peer else None,
        read_mb=read / 1e6,
        least_ms=least,
        times_least=anew / least,
    )


def _theirs(title: str, peer: Peer) -> str:
    return f"{title}: {peer.name}"


def _check(request: str, client: Client, peer: Peer) -> None:
    """A benchmark of a wrong answer is worth nothing. In any order: peers sort shares once they are rounded."""
    body = json.loads(client.report(request))["data"]
    answer = json.loads(peer.client.report(request))
    ours, theirs = (
        (sorted(map(_text, rows)), _text(totals))
        for rows, totals in ((body["data"], body["totals"]), (answer["rows"], answer["totals"]))
    )
    if ours != theirs:
        raise RuntimeError(f"{request}: {ours} are not what the peer {peer.name} says: {theirs}")


def _text(row: dict[str, Any]) -> str:
    """A row as text, in which 69 and 69.0 are the same."""
    return json.dumps({name: float(value) if type(value) is int else value for name, value in sorted(row.items())})
