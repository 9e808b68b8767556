"""The rival: plain SQL on one flat DuckDB table with text columns, through the Python driver, without HTTP.

It says how fast a report could be had by somebody who has nothing but the calls and the database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import duckdb

from benchmarks.commands import THREADS

__all__ = ["Rival", "RivalReport", "rival_report", "starting_rival"]

# Local days are those of UTC: the rival has no business, so no time zone.
DIMENSIONS = {
    "source": "source",
    "utm_campaign": "utm_campaign",
    "date": "started_at::DATE",
    "hour_of_day": "hour(started_at)",
    "day_of_week": "dayofweek(started_at)",
}
METRICS = {
    "count": "count(*)",
    "answered_count": "count(*) FILTER (WHERE status = 'completed')",
    "missed_count": "count(*) FILTER (WHERE status = 'no-answer')",
    "qualified_count": "count(*) FILTER (WHERE qualified)",
    "qualified_pct": "round(100 * count(*) FILTER (WHERE qualified) / count(*), 1)",
    "avg_duration": "round(avg(duration_seconds))",
    "avg_ai_score": "round(avg(ai_score))",
    "total_value_cents": "coalesce(sum(value_cents), 0)",
    "unique_callers": "count(DISTINCT caller_number)",
}
DEFAULT_LIMIT = "100"
# What files have is brought to what reports count by: a number spelled in two ways is one caller.
LOAD = """
    CREATE TABLE calls AS
    SELECT * REPLACE (
        started_at::TIMESTAMPTZ AT TIME ZONE 'UTC' AS started_at,
        CASE WHEN caller_number LIKE '(%' THEN '+1' || regexp_replace(caller_number, '[^0-9]', '', 'g')
            ELSE caller_number END AS caller_number
    )
    FROM read_parquet(?) ORDER BY started_at, id
"""


@dataclass(frozen=True)
class RivalReport:
    """The two statements of a report, and the names of what they give."""

    rows: str
    totals: str
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]


class Rival:
    """A table of calls and an open connection to it."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._database = database

    def answer(self, report: RivalReport) -> tuple[list[Any], list[Any]]:
        """The rows of both statements, as the driver gives them."""
        return self._database.execute(report.rows).fetchall(), self._database.execute(report.totals).fetchall()


@contextmanager
def starting_rival(parquet: Path, scratch: Path) -> Iterator[Rival]:
    """The rival with the calls of a file, as a file of its own for as long as the block runs."""
    path = scratch / "rival.duckdb"
    with duckdb.connect(str(path), config={"threads": THREADS}) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute(LOAD, [str(parquet)])
        database.execute("CHECKPOINT")
        yield Rival(database)
    path.unlink()


def rival_report(request: str) -> RivalReport:
    """What somebody would write for a request, given as its query string."""
    asked = {name: values[0] for name, values in parse_qs(request).items()}
    dimensions = tuple(asked["group_by"].split(","))
    metrics = tuple(asked["metrics"].split(","))
    keys = ", ".join(f"{DIMENSIONS[name]} AS {name}" for name in dimensions)
    found = ", ".join(f"{METRICS[name]} AS {name}" for name in metrics)
    calls = f"FROM calls{_where(asked)}"
    order = ", ".join((f"{_sorted_by(asked)} {asked.get('sort_order', 'desc')} NULLS LAST", *dimensions))
    rows = f"SELECT {keys}, {found} {calls} GROUP BY ALL ORDER BY {order} LIMIT {asked.get('limit', DEFAULT_LIMIT)}"
    return RivalReport(rows, f"SELECT {found} {calls}", dimensions, metrics)


def _sorted_by(asked: dict[str, str]) -> str:
    name = asked.get("sort_by", "count")
    return name if name in DIMENSIONS else METRICS[name]


def _where(asked: dict[str, str]) -> str:
    if "start_date" not in asked:
        return ""
    after = date.fromisoformat(asked["end_date"]) + timedelta(days=1)
    return f" WHERE started_at >= TIMESTAMP '{asked['start_date']}' AND started_at < TIMESTAMP '{after}'"
