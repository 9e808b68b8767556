"""What corrections of calls, a thousand a second, do to reports meanwhile."""

import json
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import duckdb

from benchmarks.client import Client
from benchmarks.clients import clients, posted
from benchmarks.commands import Server
from benchmarks.figures import BesideReport, CorrectedFigure
from benchmarks.measure import Best, median_ms
from benchmarks.poster import Posting

__all__ = ["measure_corrected"]

BATCH, A_SECOND = 100, 10.0  # corrections in an array, and arrays
CONNECTIONS = 4
DIFFERENT = 50_000  # calls that are corrected, at random
SETTLE_SECONDS = 1.0


def measure_corrected(
    server: Server,
    client: Client,
    key: str,
    write: Callable[[], None],
    reports: Sequence[tuple[str, str]],
    parquet: Path,
    scratch: Path,
    rounds: int,
    times: int,
) -> CorrectedFigure:
    """Each report, a call written before each, so that none is given again: alone, then while corrections come in."""
    corrections = _corrections(parquet, scratch / "corrections.ndjson")
    posting = Posting(server.host, server.port, key, str(corrections), "", CONNECTIONS, batch=BATCH, a_second=A_SECOND)
    idle, busy, came, rates, shares = Best(), Best(), [], [], []

    def ask(request: str) -> None:
        client.report(request)
        came.append(client.came_from_columns())

    for _ in range(rounds):
        for title, request in reports:
            idle.take(title, median_ms(partial(client.report, request), times, write))
        with clients(posting) as process:
            time.sleep(SETTLE_SECONDS)
            for title, request in reports:
                busy.take(title, median_ms(partial(ask, request), times, write))
            done = posted(process, now=True)
        rates.append(done.calls / done.seconds)
        shares.append(done.client_share)
    corrections.unlink()
    return CorrectedFigure(
        min(rates),
        max(shares),
        sum(came) / len(came),
        tuple(BesideReport(title, idle[title], busy[title], busy[title] / idle[title]) for title, _ in reports),
    )


def _corrections(parquet: Path, path: Path) -> Path:
    """A file of scores for calls that are there."""
    with duckdb.connect() as database:
        sample = f"SELECT id FROM read_parquet(?) USING SAMPLE {DIFFERENT} (reservoir, 7)"
        ids = [row[0] for row in database.execute(sample, [str(parquet)]).fetchall()]
    chance = random.Random(DIFFERENT)
    lines = [json.dumps({"id": call_id, "ai_score": chance.randrange(101)}) for call_id in ids]
    path.write_text("\n".join(lines))
    return path
