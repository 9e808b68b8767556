"""OPENING: what the page of reports shows first, each a report that can be changed there."""

from dataclasses import dataclass

from calltally.catalog.types import Grain

__all__ = ["LARGE", "OPENING", "Panel"]


@dataclass(frozen=True)
class Panel:
    """A report of the opening page; `metrics` in the order of the columns, the first one drawn."""

    title: str
    group_by: tuple[str, ...]
    metrics: tuple[str, ...]
    sort_by: str
    sort_order: str = "desc"
    limit: int = 8


# The metrics that are shown large, each with its course over the days.
LARGE = ("count", "answered_count", "missed_count", "qualified_pct", "total_value_cents", "unique_callers")

OPENING = (
    Panel("Calls by day", (Grain.DATE.value,), LARGE, Grain.DATE.value, limit=1000),
    Panel("Sources", ("source",), ("count", "qualified_pct"), "count"),
    Panel("Campaigns", ("utm_campaign",), ("count", "qualified_pct"), "count"),
    Panel("Hours of the week", (Grain.DAY_OF_WEEK.value, Grain.HOUR_OF_DAY.value), ("count",), "count", limit=168),
)
