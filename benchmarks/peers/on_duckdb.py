"""A peer on DuckDB: one table in a file, two statements a report, each request a cursor of its own.

`python -m benchmarks.peers.on_duckdb PLACE CALLS` makes the file from a Parquet file of calls.
"""

import os
import sys
from datetime import datetime
from typing import Any

import duckdb
import orjson
from fastapi import FastAPI, Request, Response

from benchmarks.peers.asking import BUSINESS, CALLS, Asked, Call, asked_for, order_by

DIMENSIONS = {
    "date": "started_at::DATE",
    "hour_of_day": "hour(started_at)",
    "day_of_week": "dayofweek(started_at)",
}
METRICS = {
    "count": "count(*)",
    "answered_count": "count(*) FILTER (status = 'completed')",
    "missed_count": "count(*) FILTER (status = 'no-answer')",
    "voicemail_count": "count(*) FILTER (status = 'voicemail')",
    "qualified_count": "count(*) FILTER (qualified)",
    "qualified_pct": "round(1000.0 * count(*) FILTER (qualified) / count(*)) / 10",
    "avg_duration": "round(avg(duration_seconds))::BIGINT",
    "total_duration": "coalesce(sum(duration_seconds), 0)::BIGINT",
    "avg_ai_score": "round(avg(ai_score))::BIGINT",
    "avg_robo_score": "round(avg(robo_score))::BIGINT",
    "total_value_cents": "coalesce(sum(value_cents), 0)::BIGINT",
    "total_cost_cents": "coalesce(sum(cost_cents), 0)::BIGINT",
    "unique_callers": "count(DISTINCT caller_number)",
}
Row = dict[str, Any]

app = FastAPI()
database = duckdb.connect(os.environ.get("PLACE", ":memory:"))


def report(request: Request) -> Response:
    """The rows and the totals."""
    asked = asked_for(request.query_params)
    where, values = _where(asked)
    dimensions = ", ".join(f"{DIMENSIONS.get(name, name)} AS {name}" for name in asked.dimensions)
    metrics = ", ".join(f"{METRICS[name]} AS {name}" for name in asked.metrics)
    rows = _fetched(
        f"SELECT {dimensions}, {metrics} FROM calls WHERE {where} GROUP BY ALL "
        f"ORDER BY {order_by(asked)} LIMIT {asked.limit}",
        values,
    )
    [totals] = _fetched(f"SELECT {metrics} FROM calls WHERE {where}", values)
    return Response(orjson.dumps({"rows": rows, "totals": totals}), media_type="application/json")


def add(call: Call) -> Response:
    """Take a call."""
    sent = {**call.model_dump(), "business_id": BUSINESS, "started_at": datetime.fromisoformat(call.started_at)}
    with database.cursor() as cursor:
        places = ", ".join(["?"] * len(sent))
        cursor.execute(f"INSERT INTO calls ({', '.join(sent)}) VALUES ({places})", list(sent.values()))
    return Response(orjson.dumps({"id": call.id}), media_type="application/json")


app.add_api_route("/api/v1/analytics/calls", report)
app.add_api_route(CALLS, add, methods=["POST"])


def _where(asked: Asked) -> tuple[str, list[Any]]:
    conditions = {"business_id = ?": BUSINESS, "started_at >= ?": asked.start, "started_at < ?": asked.end}
    given = {condition: value for condition, value in conditions.items() if value is not None}
    return " AND ".join(given), list(given.values())


def _fetched(statement: str, values: list[Any]) -> list[Row]:
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def load(place: str, calls: str) -> None:
    """Make the file."""
    with duckdb.connect(place) as made:
        made.execute("CREATE TABLE calls AS FROM read_parquet(?) ORDER BY started_at", [calls])
        made.execute("CHECKPOINT")


if __name__ == "__main__":
    load(*sys.argv[1:])
