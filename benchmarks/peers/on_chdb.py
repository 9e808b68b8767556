"""A peer on chDB, ClickHouse as a library: one table in the order of time, one statement a report, or two.

`python -m benchmarks.peers.on_chdb PLACE CALLS` makes the folder from a Parquet file of calls.
"""

import os
import sys
from typing import Any, Protocol, cast

import orjson
from chdb.session import Session
from fastapi import FastAPI, Request, Response

from benchmarks.peers.asking import BUSINESS, CALLS, Asked, Call, asked_for, order_by

TEXT = "LowCardinality(Nullable(String))"
TABLE = f"""
    CREATE TABLE db.calls (
        business_id UInt32, id String, started_at DateTime64(6, 'UTC'), source {TEXT}, utm_source {TEXT},
        utm_medium {TEXT}, utm_campaign {TEXT}, utm_term {TEXT}, call_flow {TEXT}, tracking_number {TEXT},
        ai_category {TEXT}, status LowCardinality(String), direction LowCardinality(String),
        duration_seconds Nullable(UInt32), ai_score Nullable(UInt8), robo_score Nullable(UInt8),
        qualified Nullable(Bool), value_cents Nullable(Int32), cost_cents Nullable(Int32),
        caller_number String
    )
    ENGINE = MergeTree ORDER BY (business_id, started_at)
"""
DIMENSIONS = {
    "date": "toDate(started_at)",
    "hour_of_day": "toHour(started_at)",
    "day_of_week": "toDayOfWeek(started_at) % 7",
}
METRICS = {
    "count": "count()",
    "answered_count": "countIf(status = 'completed')",
    "missed_count": "countIf(status = 'no-answer')",
    "voicemail_count": "countIf(status = 'voicemail')",
    "qualified_count": "countIf(qualified)",
    "qualified_pct": "floor(1000 * countIf(qualified) / count() + 0.5) / 10",
    "avg_duration": "floor(avg(duration_seconds) + 0.5)",
    "total_duration": "ifNull(sum(duration_seconds), 0)",
    "avg_ai_score": "floor(avg(ai_score) + 0.5)",
    "avg_robo_score": "floor(avg(robo_score) + 0.5)",
    "total_value_cents": "ifNull(sum(value_cents), 0)",
    "total_cost_cents": "ifNull(sum(cost_cents), 0)",
    "unique_callers": "uniqExactIf(caller_number, caller_number != '')",
}
MANY_DIMENSIONS = 3
SETTINGS = "SETTINGS output_format_json_quote_64bit_integers = 0"


class Found(Protocol):
    """What a statement gives."""

    def bytes(self) -> bytes:
        """The text."""


class Database(Protocol):
    """What there is of a session; its own methods have no types."""

    def query(self, sql: str, fmt: str = "CSV") -> Found:
        """What a statement gives, in a format."""

    def close(self) -> None:
        """End it."""


def opened(place: str) -> Database:
    """The database of a folder."""
    return cast("Database", Session(place))  # type: ignore[no-untyped-call]


app = FastAPI()
database = opened(os.environ["PLACE"]) if "PLACE" in os.environ else None


def report(request: Request) -> Response:
    """The rows and the totals."""
    asked = asked_for(request.query_params)
    dimensions = ", ".join(f"{DIMENSIONS.get(name, name)} AS {name}" for name in asked.dimensions)
    metrics = ", ".join(f"{METRICS[name]} AS {name}" for name in asked.metrics)
    calls = f"FROM db.calls WHERE {_where(asked)}"
    # Joining what a great many groups have found takes longer than to read all calls once more.
    together = len(asked.dimensions) < MANY_DIMENSIONS
    rows = _found(
        f"SELECT {dimensions}, {metrics} {calls} GROUP BY {', '.join(asked.dimensions)} "
        f"{'WITH TOTALS' if together else ''} ORDER BY {order_by(asked)} LIMIT {asked.limit}"
    )
    totals = rows["totals"] if together else _found(f"SELECT {metrics} {calls}")["data"][0]
    body = {"rows": rows["data"], "totals": {name: totals[name] for name in asked.metrics}}
    return Response(orjson.dumps(body), media_type="application/json")


def add(call: Call) -> Response:
    """Take a call."""
    sent = {**call.model_dump(), "business_id": BUSINESS, "caller_number": call.caller_number or ""}
    assert database
    written = orjson.dumps(sent).decode()
    database.query(f"INSERT INTO db.calls SETTINGS date_time_input_format = 'best_effort' FORMAT JSONEachRow {written}")
    return Response(orjson.dumps({"id": call.id}), media_type="application/json")


app.add_api_route("/api/v1/analytics/calls", report)
app.add_api_route(CALLS, add, methods=["POST"])


def _found(statement: str) -> dict[str, Any]:
    assert database
    found: dict[str, Any] = orjson.loads(database.query(f"{statement} {SETTINGS}", "JSON").bytes())
    return found


def _where(asked: Asked) -> str:
    conditions = [f"business_id = {BUSINESS}"]
    if asked.start:
        conditions.append(f"started_at >= '{asked.start} 00:00:00'")
    if asked.end:
        conditions.append(f"started_at < '{asked.end} 00:00:00'")
    return " AND ".join(conditions)


def load(place: str, calls: str) -> None:
    """Make the folder."""
    made = opened(place)
    made.query("CREATE DATABASE db ENGINE = Atomic")
    made.query(TABLE)
    made.query(f"INSERT INTO db.calls SELECT * FROM file('{calls}', Parquet)")  # no value where there can be none: ''
    made.query("OPTIMIZE TABLE db.calls FINAL")
    made.close()


if __name__ == "__main__":
    load(*sys.argv[1:])
