"""PARAMETERS: everything that a report can be asked with, in the order in which problems are listed.

LISTING: what a list of calls can be asked with besides a report's filters, in the same way.
PICTURING: what a picture of a report can be asked with besides the report's parameters.
SAVING: what a report that is kept to be looked at later says besides the report's parameters.
VALUING: what the values of a dimension can be asked with besides a report's filters.
"""

from calltally.catalog.dimensions import DIMENSIONS
from calltally.catalog.fields import FIELDS
from calltally.catalog.grains import EXAMPLES
from calltally.catalog.ranges import RANGES, USUAL_RANGE
from calltally.catalog.types import (
    ChangedSince,
    Choice,
    CursorText,
    Day,
    Dimension,
    DimensionName,
    FieldKind,
    Filter,
    GrainValue,
    Instant,
    NameList,
    Operator,
    Parameter,
    ParameterType,
    Score,
    Search,
    SearchText,
    SortName,
    Text,
    Where,
    WhereNull,
    WholeNumber,
)

__all__ = ["LISTING", "PARAMETERS", "PICTURING", "SAVING", "VALUING", "where_name"]

FIELDS_BY_NAME = {field.name: field for field in FIELDS}


def _text(name: str, noun: str, example: str, kind: FieldKind = FieldKind.TEXT) -> Parameter:
    return Parameter(
        name,
        noun[0].upper() + noun[1:],
        f"Calls with this {noun}, matched exactly; several mean any of them",
        Text(normalised_as=kind),
        repeats=True,
        filter=Filter(name, Operator.ONE_OF),
        example=example,
    )


def where_name(dimension: str) -> str:
    """The parameter that keeps the calls with a value of a dimension."""
    return f"where[{dimension}]"


def _where(dimension: Dimension) -> Parameter:
    return Parameter(
        where_name(dimension.name),
        dimension.label,
        f"Calls that a report shows under this {dimension.name}; several mean any of them",
        _value_type(dimension),
        repeats=True,
        filter=Where(dimension.name),
        example=_value_example(dimension),
    )


def _value_type(dimension: Dimension) -> ParameterType:
    """What a value of a dimension is, as a row of a report has it."""
    if dimension.grain:
        return GrainValue(dimension.grain)
    field = FIELDS_BY_NAME[dimension.field]
    if field.kind is FieldKind.CHOICE:
        return Choice({choice: choice for choice in field.choices})
    return Text(normalised_as=field.kind)


def _value_example(dimension: Dimension) -> str:
    return EXAMPLES[dimension.grain] if dimension.grain else VALUE_EXAMPLES[FIELDS_BY_NAME[dimension.field].kind]


VALUE_EXAMPLES = {
    FieldKind.TEXT: "spring",
    FieldKind.STATUS: "completed",
    FieldKind.CHOICE: "inbound",
    FieldKind.PHONE: "+13055551234",
}

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
    _text("source", "source", "google"),
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
    *map(_where, DIMENSIONS),
    Parameter(
        "where_null",
        "Without a value",
        "Calls that a report shows under null of this dimension; several dimensions have to hold together",
        DimensionName(),
        repeats=True,
        filter=WhereNull(),
        example="utm_campaign",
    ),
)

LISTING = (
    Parameter(
        "updated_since",
        "Changed since",
        "Calls that this server took in or changed at this time or later, RFC 3339",
        Instant(),
        filter=ChangedSince(),
        example="2026-03-09T14:05:00Z",
    ),
    Parameter(
        "search",
        "Search",
        "Calls with this text in the caller's, the tracking or the destination number, in whatever form it is written",
        SearchText(),
        filter=Search(tuple(field.name for field in FIELDS if field.kind is FieldKind.PHONE)),
        example="(305) 555-1234",
    ),
    Parameter(
        "sort_order",
        "Sort order",
        "Newest first (desc) or oldest first (asc), by start, then by id",
        Choice({"desc": True, "asc": False}),
        default="desc",
        example="desc",
    ),
    Parameter(
        "limit",
        "Limit",
        "Most calls on a page",
        WholeNumber(1, 500),
        default="50",
        example="50",
    ),
    Parameter(
        "cursor",
        "Cursor",
        "The next_cursor of the page before; without it the first page",
        CursorText(),
    ),
)

PICTURING = (
    Parameter(
        "theme",
        "Theme",
        "Colours for a light or for a dark page",
        Choice({"light": "light", "dark": "dark"}),
        default="light",
        example="dark",
    ),
    Parameter(
        "width",
        "Width",
        "Most pixels that the picture is wide; a PNG has two for each, for sharp screens",
        WholeNumber(200, 2000),
        default="800",
        example="800",
    ),
    Parameter(
        "height",
        "Height",
        "Most pixels that the picture is high; without it as many as the chart needs",
        WholeNumber(100, 2000),
        example="400",
    ),
)

VALUING = (
    Parameter(
        "dimension",
        "Dimension",
        "The dimension whose values are listed",
        DimensionName(),
        required=True,
        example="utm_campaign",
    ),
    Parameter(
        "search",
        "Search",
        "Values that have this text in them, in whatever case",
        SearchText(),
        example="spring",
    ),
    Parameter(
        "limit",
        "Limit",
        "Most values to return",
        WholeNumber(1, 1000),
        default="20",
        example="20",
    ),
)

SAVING = (
    Parameter(
        "range",
        "Dates",
        "Dates in words, in place of start_date and end_date: the days that they mean when the report is looked at",
        Choice({row.name: row.name for row in RANGES}),
        example=USUAL_RANGE,
    ),
)
