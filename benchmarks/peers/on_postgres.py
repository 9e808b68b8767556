"""A peer on PostgreSQL: one table with indexes, two statements a report, at the same time on two connections.

`python -m benchmarks.peers.on_postgres PLACE CALLS` fills the database at an address from a CSV file of calls.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time
from typing import Any

import asyncpg
import orjson
from fastapi import FastAPI, Request, Response

from benchmarks.peers.asking import BUSINESS, CALLS, Asked, Call, asked_for, order_by

TABLE = """
    CREATE TABLE calls (
        business_id integer NOT NULL, id text NOT NULL, started_at timestamptz NOT NULL, source text, utm_source text,
        utm_medium text, utm_campaign text, utm_term text, call_flow text, tracking_number text, ai_category text,
        status text NOT NULL, direction text NOT NULL, duration_seconds integer, ai_score smallint,
        robo_score smallint, qualified boolean, value_cents integer, cost_cents integer, caller_number text
    )
"""
INDEXES = (
    "ALTER TABLE calls ADD PRIMARY KEY (business_id, id)",
    "CREATE INDEX ON calls (business_id, started_at)",
    "CREATE INDEX ON calls (business_id, source, started_at)",
    "CREATE INDEX ON calls (business_id, utm_campaign, started_at)",
    "VACUUM (ANALYZE) calls",
)
DIMENSIONS = {
    "date": "(started_at AT TIME ZONE 'UTC')::date",
    "hour_of_day": "extract(hour FROM started_at AT TIME ZONE 'UTC')::integer",
    "day_of_week": "extract(dow FROM started_at AT TIME ZONE 'UTC')::integer",
}
METRICS = {
    "count": "count(*)",
    "answered_count": "count(*) FILTER (WHERE status = 'completed')",
    "missed_count": "count(*) FILTER (WHERE status = 'no-answer')",
    "voicemail_count": "count(*) FILTER (WHERE status = 'voicemail')",
    "qualified_count": "count(*) FILTER (WHERE qualified)",
    "qualified_pct": "round(100.0 * count(*) FILTER (WHERE qualified) / nullif(count(*), 0), 1)::float8",
    "avg_duration": "round(avg(duration_seconds))::bigint",
    "total_duration": "coalesce(sum(duration_seconds), 0)",
    "avg_ai_score": "round(avg(ai_score))::bigint",
    "avg_robo_score": "round(avg(robo_score))::bigint",
    "total_value_cents": "coalesce(sum(value_cents), 0)",
    "total_cost_cents": "coalesce(sum(cost_cents), 0)",
    "unique_callers": "count(DISTINCT caller_number)",
}


@asynccontextmanager
async def lifespan(served: FastAPI) -> AsyncIterator[None]:
    """Connections for as long as the service runs."""
    async with asyncpg.create_pool(os.environ["PLACE"], min_size=4, max_size=16) as pool:
        served.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


async def report(request: Request) -> Response:
    """The rows and the totals."""
    asked = asked_for(request.query_params)
    where, values = _where(asked)
    dimensions = ", ".join(f"{DIMENSIONS.get(name, name)} AS {name}" for name in asked.dimensions)
    metrics = ", ".join(f"{METRICS[name]} AS {name}" for name in asked.metrics)
    groups = ", ".join(str(place) for place in range(1, len(asked.dimensions) + 1))
    rows, [totals] = await asyncio.gather(
        app.state.pool.fetch(
            f"SELECT {dimensions}, {metrics} FROM calls WHERE {where} GROUP BY {groups} "
            f"ORDER BY {order_by(asked)} LIMIT {asked.limit}",
            *values,
        ),
        app.state.pool.fetch(f"SELECT {metrics} FROM calls WHERE {where}", *values),
    )
    body = {"rows": list(map(dict, rows)), "totals": dict(totals)}
    return Response(orjson.dumps(body), media_type="application/json")


async def add(call: Call) -> Response:
    """Take a call."""
    sent = {**call.model_dump(), "business_id": BUSINESS, "started_at": datetime.fromisoformat(call.started_at)}
    places = ", ".join(f"${place}" for place in range(1, len(sent) + 1))
    await app.state.pool.execute(f"INSERT INTO calls ({', '.join(sent)}) VALUES ({places})", *sent.values())
    return Response(orjson.dumps({"id": call.id}), media_type="application/json")


app.add_api_route("/api/v1/analytics/calls", report)
app.add_api_route(CALLS, add, methods=["POST"])


def _where(asked: Asked) -> tuple[str, list[Any]]:
    conditions = ["business_id = $1"]
    values: list[Any] = [BUSINESS]
    for condition, day in (("started_at >=", asked.start), ("started_at <", asked.end)):
        if day:
            values.append(_midnight(day))
            conditions.append(f"{condition} ${len(values)}")
    return " AND ".join(conditions), values


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


async def load(place: str, calls: str) -> None:
    """Fill the database."""
    connection = await asyncpg.connect(place)
    await connection.execute(TABLE)
    await connection.copy_to_table("calls", source=calls, format="csv", header=True, timeout=3600)
    for statement in INDEXES:
        await connection.execute(statement, timeout=3600)
    await connection.close()


if __name__ == "__main__":
    asyncio.run(load(*sys.argv[1:]))
