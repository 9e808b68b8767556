"""OPENING: what the page of reports shows first, each a report that can be changed there."""

from dataclasses import dataclass

from calltally.catalog.types import Grain

__all__ = ["CALL_COLUMNS", "COURSES", "LARGE", "LATEST_COLUMNS", "OPENING", "Panel"]


@dataclass(frozen=True)
class Panel:
    """A report of the opening page; `metrics` in the order of the columns; `height`: of its picture, in pixels.

    Without a height it is shown as a table.
    """

    title: str
    group_by: tuple[str, ...]
    metrics: tuple[str, ...]
    sort_by: str
    sort_order: str = "desc"
    limit: int = 8
    height: int | None = None


# The metrics that are shown large, each with its course over time.
LARGE = ("count", "answered_count", "missed_count", "qualified_pct", "total_value_cents", "unique_callers")

# That course, drawn by the first of these that has room for all of the time.
COURSES = tuple(
    Panel(f"Calls by {name}", (grain.value,), LARGE, grain.value, limit=1000, height=280)
    for name, grain in (("day", Grain.DATE), ("week", Grain.WEEK), ("month", Grain.MONTH))
)
OPENING = (
    Panel("Sources", ("source",), ("count", "qualified_pct"), "count"),
    Panel("Campaigns", ("utm_campaign",), ("count", "qualified_pct"), "count"),
    Panel(
        "Hours of the week",
        (Grain.DAY_OF_WEEK.value, Grain.HOUR_OF_DAY.value),
        ("count",),
        "count",
        limit=168,
        height=330,
    ),
)

# What lists of calls show of each; all other fields are shown of one call.
CALL_COLUMNS = (
    "started_at",
    "caller_number",
    "source",
    "utm_campaign",
    "tracking_number",
    "status",
    "duration_seconds",
    "qualified",
    "value_cents",
)
LATEST_COLUMNS = ("started_at", "caller_number", "source", "status", "duration_seconds")
