"""What the peers have in common: what a request asks for, and the call that a write brings; nothing about databases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fastapi import HTTPException
from pydantic import BaseModel

__all__ = ["BUSINESS", "CALLS", "DIMENSIONS", "METRICS", "Asked", "Call", "asked_for", "order_by"]

CALLS = "/api/v1/calls"
BUSINESS = 1
TIMES = ("date", "hour_of_day", "day_of_week")
DIMENSIONS = (
    "source",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "call_flow",
    "tracking_number",
    "ai_category",
    "status",
    "direction",
    *TIMES,
)
METRICS = (
    "count",
    "avg_duration",
    "total_duration",
    "avg_ai_score",
    "qualified_count",
    "qualified_pct",
    "total_value_cents",
    "unique_callers",
    "answered_count",
    "missed_count",
    "voicemail_count",
    "avg_robo_score",
    "total_cost_cents",
)


class Call(BaseModel):
    """A call as it is sent in."""

    id: str
    started_at: str
    caller_number: str | None = None
    source: str | None = None
    utm_campaign: str | None = None
    status: str = "completed"
    direction: str = "inbound"
    duration_seconds: int | None = None
    ai_score: int | None = None


@dataclass(frozen=True)
class Asked:
    """A report; `end` is the day after the last one."""

    dimensions: Sequence[str]
    metrics: Sequence[str]
    start: date | None
    end: date | None
    sort_by: str
    descending: bool
    limit: int


def asked_for(params: Mapping[str, Any]) -> Asked:
    """What the parameters of a request ask for.

    Raises:
        HTTPException: they are wrong.
    """
    try:
        asked = Asked(
            _names(params["group_by"], DIMENSIONS),
            _names(params.get("metrics", "count"), METRICS),
            date.fromisoformat(params["start_date"]) if "start_date" in params else None,
            date.fromisoformat(params["end_date"]) + timedelta(days=1) if "end_date" in params else None,
            params.get("sort_by", "count"),
            {"asc": False, "desc": True}[params.get("sort_order", "desc")],
            int(params.get("limit", "100")),
        )
    except (ValueError, KeyError) as error:
        raise HTTPException(400, str(error)) from error
    if asked.sort_by not in (*asked.dimensions, *asked.metrics) or not 1 <= asked.limit <= 1000:
        raise HTTPException(400, "sort by what is shown, at most 1000 rows")
    return asked


def order_by(asked: Asked) -> str:
    """The order of the rows, in the SQL of all of them."""
    first = f"{asked.sort_by} {'DESC' if asked.descending else 'ASC'} NULLS LAST"
    return ", ".join((first, *(f"{name} ASC NULLS LAST" for name in asked.dimensions if name != asked.sort_by)))


def _names(text: str, known: Sequence[str]) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(known):
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    return names
