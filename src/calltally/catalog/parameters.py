"""PARAMETERS: everything that a report can be asked with, in the order in which problems are listed."""

from calltally.catalog.types import (
    Choice,
    Day,
    FieldKind,
    Filter,
    NameList,
    Operator,
    Parameter,
    Score,
    SortName,
    Text,
    WholeNumber,
)

__all__ = ["PARAMETERS"]


def _text(name: str, noun: str, example: str, kind: FieldKind = FieldKind.TEXT) -> Parameter:
    return Parameter(
        name,
        noun[0].upper() + noun[1:],
        f"Calls with this {noun}, matched exactly; several mean any of them",
        Text(normalised_as=kind),
        filter=Filter(name, Operator.ONE_OF),
        example=example,
    )


PARAMETERS = (
    Parameter(
        "group_by",
        "Group by",
        "1 to 3 dimensions, comma-separated; their order is that of the keys in each row",
        NameList("dimension", most=3, distinct=True),
        required=True,
        example="source",
    ),
    Parameter(
        "metrics",
        "Metrics",
        "Metrics, comma-separated; their order is that of the keys in each row",
        NameList("metric"),
        default="count",
        example="count,qualified_pct",
    ),
    Parameter(
        "start_date",
        "From",
        "First local day, included; without it from the first call on",
        Day(),
        filter=Filter("started_at", Operator.FIRST_DAY),
        at_most="end_date",
        example="2026-03-01",
    ),
    Parameter(
        "end_date",
        "To",
        "Last local day, included; without it up to the last call",
        Day(),
        filter=Filter("started_at", Operator.LAST_DAY),
        example="2026-03-31",
    ),
    _text("status", "status", "completed", FieldKind.STATUS),
    _text("source", "traffic source", "google"),
    _text("call_flow_id", "call flow id", "flow-1"),
    _text("number_id", "number id", "num-1"),
    _text("number_group_id", "number group id", "group-1"),
    _text("ai_category", "AI category", "lead"),
    Parameter(
        "direction",
        "Direction",
        "Calls in this direction",
        Choice({"inbound": "inbound", "outbound": "outbound"}),
        filter=Filter("direction", Operator.ONE_OF),
        example="inbound",
    ),
    Parameter(
        "qualified",
        "Qualified",
        "Calls judged qualified (true) or not qualified (false); a call not yet judged matches neither",
        Choice({"true": True, "false": False}),
        filter=Filter("qualified", Operator.ONE_OF),
        example="true",
    ),
    Parameter(
        "min_ai_score",
        "Lowest AI score",
        "Calls with at least this AI score",
        Score(0, 100),
        filter=Filter("ai_score", Operator.AT_LEAST),
        at_most="max_ai_score",
        example="50",
    ),
    Parameter(
        "max_ai_score",
        "Highest AI score",
        "Calls with at most this AI score",
        Score(0, 100),
        filter=Filter("ai_score", Operator.AT_MOST),
        example="90",
    ),
    Parameter(
        "min_duration",
        "Shortest duration",
        "Calls that lasted at least so many seconds",
        WholeNumber(0, 10_000_000),
        filter=Filter("duration_seconds", Operator.AT_LEAST),
        example="60",
    ),
    Parameter(
        "sort_by",
        "Sort by",
        "Any metric, requested or not, or a dimension of group_by",
        SortName(),
        default="count",
        example="count",
    ),
    Parameter(
        "sort_order",
        "Sort order",
        "desc or asc; nulls come last in both",
        Choice({"desc": True, "asc": False}),
        default="desc",
        example="desc",
    ),
    Parameter(
        "limit",
        "Limit",
        "Most rows to return",
        WholeNumber(1, 1000),
        default="100",
        example="100",
    ),
)
