"""What the catalog is written in: frozen rows for call fields, dimensions, metrics and parameters.

Rows hold facts, no behaviour; `catalog.CATALOG` checks them against one another when it is built.
"""

from dataclasses import dataclass, field
from enum import Enum, StrEnum

from calltally.catalog.expressions import MetricExpression

__all__ = [
    "CallField",
    "ChangedSince",
    "Choice",
    "CursorText",
    "Day",
    "Dimension",
    "DimensionName",
    "FieldKind",
    "Filter",
    "Grain",
    "GrainValue",
    "Instant",
    "Metric",
    "NameList",
    "Operator",
    "Parameter",
    "ParameterType",
    "Score",
    "Search",
    "SearchText",
    "Selector",
    "SortName",
    "Text",
    "Unit",
    "Where",
    "WhereNull",
    "WholeNumber",
]


class Unit(Enum):
    """What a number counts."""

    CALLS = "calls"
    CALLERS = "callers"
    SECONDS = "seconds"
    CENTS = "cents"
    PERCENT = "percent"
    SCORE = "score"


class FieldKind(StrEnum):
    """How a raw value of a call field is read (`calltally.records.values`) and stored."""

    ID = "id"
    TIME = "time"
    PHONE = "phone number"
    TEXT = "text"
    STATUS = "status"
    CHOICE = "choice"
    WHOLE = "whole number"
    BOOLEAN = "true or false"


@dataclass(frozen=True)
class CallField:
    """A field of a call record. `stored` is false for what only steers how the record is applied."""

    name: str
    kind: FieldKind
    label: str
    description: str
    aliases: tuple[str, ...] = ()
    lowest: int = 0
    highest: int = 0
    choices: tuple[str, ...] = ()
    default: str | None = None  # what a report reads where nothing was ever said
    stored: bool = True
    unit: Unit | None = None  # of a number


class Grain(Enum):
    """A part of local time that calls are grouped by."""

    DATE = "date"
    WEEK = "week"
    MONTH = "month"
    HOUR_OF_DAY = "hour_of_day"
    DAY_OF_WEEK = "day_of_week"


@dataclass(frozen=True)
class Dimension:
    """Something to group calls by: the text of a call field, or a grain of the local time of its start."""

    name: str
    label: str
    description: str
    field: str
    grain: Grain | None = None


@dataclass(frozen=True)
class Metric:
    """A number about the calls of a group; `expression` is its whole meaning, on every engine."""

    name: str
    label: str
    description: str
    unit: Unit
    expression: MetricExpression


class Operator(Enum):
    """How a filter's value is held against a call."""

    ONE_OF = "is one of"
    AT_LEAST = "is at least"
    AT_MOST = "is at most"
    FIRST_DAY = "is on this day or later"
    LAST_DAY = "is on this day or earlier"


@dataclass(frozen=True)
class Filter:
    """Which calls a parameter keeps: those whose `field` stands in this relation to the value."""

    field: str
    operator: Operator


@dataclass(frozen=True)
class Where:
    """Which calls a parameter keeps: those that a report shows under this value of the dimension."""

    dimension: str


@dataclass(frozen=True)
class WhereNull:
    """Which calls a parameter keeps: those that a report shows under null of the dimensions that it names."""


@dataclass(frozen=True)
class Search:
    """Which calls a parameter keeps: those that have its text, in whatever case, somewhere in one of `fields`."""

    fields: tuple[str, ...]


@dataclass(frozen=True)
class ChangedSince:
    """Which calls a parameter keeps: those that this server last changed at this time or later."""


Selector = Filter | Where | WhereNull | Search | ChangedSince


@dataclass(frozen=True)
class NameList:
    """Comma-separated names; `most` of them, each once where `distinct`."""

    of: str  # "dimension" or "metric"
    most: int | None = None
    distinct: bool = False


@dataclass(frozen=True)
class Day:
    """A day, `YYYY-MM-DD`."""


@dataclass(frozen=True)
class Text:
    """Text of 1 to `longest` characters, in the form in which a field of this kind has it."""

    longest: int = 512
    normalised_as: FieldKind = FieldKind.TEXT


@dataclass(frozen=True)
class Choice:
    """One of a few words, each standing for a value."""

    values: dict[str, object] = field(hash=False)


@dataclass(frozen=True)
class WholeNumber:
    """Digits only, from `lowest` to `highest`."""

    lowest: int
    highest: int


@dataclass(frozen=True)
class Score:
    """Digits with an optional point, from `lowest` to `highest`, compared exactly."""

    lowest: int
    highest: int


@dataclass(frozen=True)
class SortName:
    """Any metric, or a dimension that the report groups by."""


@dataclass(frozen=True)
class GrainValue:
    """A value of a time dimension, as a report shows it."""

    grain: Grain


@dataclass(frozen=True)
class DimensionName:
    """The name of a dimension."""


@dataclass(frozen=True)
class Instant:
    """A time, RFC 3339; without an offset it is local to the business."""


@dataclass(frozen=True)
class SearchText:
    """Text of 1 to `longest` characters, looked for as it is and, where it is a phone number, in its one form."""

    longest: int = 512


@dataclass(frozen=True)
class CursorText:
    """What the page before gave to ask for the next one."""


ParameterType = (
    NameList
    | Day
    | Text
    | Choice
    | WholeNumber
    | Score
    | SortName
    | GrainValue
    | DimensionName
    | Instant
    | SearchText
    | CursorText
)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a report or a list; the order of the table is the order in which problems are listed."""

    name: str
    label: str
    description: str
    type: ParameterType
    default: str | None = None
    required: bool = False
    repeats: bool = False  # may be given several times, and means any of its values
    filter: Selector | None = None
    at_most: str | None = None  # the parameter whose value this one's may not pass
    example: str = ""
