"""The types that presets are written in: which columns a vendor's files have, and what their values mean.

A preset holds facts, no behaviour. `applying` reads a file by it, `detecting` finds out which one a file needs, `legs`
puts rows together that are one call.

Columns are named as the vendor names them; case, blanks and punctuation make no difference (`folded`), so `Start Time`
is `start_time` and `startTime` too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from calltally.catalog import CATALOG

__all__ = [
    "Elapsed",
    "From",
    "Layout",
    "Legs",
    "Meaning",
    "Money",
    "Part",
    "Parts",
    "Preset",
    "Said",
    "Seconds",
    "Taken",
    "Times",
    "Words",
    "any_case",
    "folded",
    "taken",
]

BETWEEN_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Words:
    """Each word stands for another, in any case. One that is not listed stays, unless `only` those are meant."""

    meanings: Mapping[str, str]
    only: bool = False


@dataclass(frozen=True)
class Said:
    """Whatever stands there, that something does means this word."""

    word: str


@dataclass(frozen=True)
class Money:
    """A decimal such as `-0.0085` or `$1,234.50` as whole cents, half away from zero; `negated`: paid is below 0.

    Dashes alone say nothing.
    """

    negated: bool = False


@dataclass(frozen=True)
class Seconds:
    """A length such as `1:02:03`, `2m 15s` or `62s` as seconds. The words of `nothing` say nothing, in any case."""

    nothing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Times:
    """A time in one of these formats of `datetime.strptime`; RFC 3339 stays as it is.

    Without an offset it is local to the business, or UTC, if it is said to be.
    """

    formats: tuple[str, ...] = ()
    utc: bool = False


@dataclass(frozen=True)
class Elapsed:
    """A time at which the call ended, as whole seconds since the one in the column `since`."""

    since: str
    formats: tuple[str, ...] = ()


Meaning = Words | Said | Money | Seconds | Times | Elapsed


@dataclass(frozen=True)
class From:
    """A column that a field is taken from.

    `where` and `unless` name columns: only rows that say something there are meant, or only those that do not.
    """

    column: str
    meaning: Meaning | None = None  # None: the value as it stands
    where: str | None = None
    unless: str | None = None


@dataclass(frozen=True)
class Taken:
    """A field and where it is taken from: of several columns the first that says something in a row."""

    field: str
    sources: tuple[From, ...]


@dataclass(frozen=True)
class Layout:
    """The columns of a file without a header, by position."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class Parts:
    """Rows that are but legs of a call which has a row of its own: those that say something in the column `of`.

    `fields` are facts about a leg itself, of which the call gets none: its id, its start, its status and its duration.
    """

    of: str
    fields: tuple[Taken, ...]


@dataclass(frozen=True)
class Part:
    """What a row says of itself that is but a leg of a call."""

    id: str
    started_at: datetime | None
    status: str | None
    duration_seconds: int | None


@dataclass(frozen=True)
class Legs:
    """How rows that are one call become it: those of one id, and those that another row names in the column `other`.

    Each field is what the leg that started first says of it, or else the next. Those in `by_best` are what the best
    leg says: one with the first of the statuses `best` that any has, and of several the longest. Those in `summed` are
    added up. Where there are `parts`, the best leg is one of them, and without the row of the call itself nothing is
    added up: the sum would lack what that row says.
    """

    best: tuple[str, ...] = ()
    by_best: tuple[str, ...] = ()
    summed: tuple[str, ...] = ()
    other: str | None = None
    parts: Parts | None = None


@dataclass(frozen=True)
class Preset:
    """How one vendor's files are read. Without `fields` they are read as any file, by the names of our own fields.

    `signs`: a header that has all columns of one of these is the vendor's. `others` are columns that it also has.
    Files without a header have one of `layouts`; in each column of `shapes` a value matches its regular expression.
    """

    name: str
    vendor: str
    about: str
    fields: tuple[Taken, ...] = ()
    signs: tuple[tuple[str, ...], ...] = ()
    others: tuple[str, ...] = ()
    layouts: tuple[Layout, ...] = ()
    shapes: Mapping[str, str] = field(default_factory=dict)
    legs: Legs | None = None


def taken(field_name: str, *sources: str | From) -> Taken:
    """A field and its columns; one that is only named is taken as it stands."""
    return Taken(field_name, tuple(From(each) if isinstance(each, str) else each for each in sources))


def any_case(field_name: str) -> Words:
    """The choices of a field, written in any case."""
    return Words({choice: choice for choice in CATALOG.fields[field_name].choices})


def folded(column: str) -> str:
    """The name of a column without what makes no difference: `Duration (seconds)` is `durationseconds`."""
    return BETWEEN_WORDS.sub("", column).casefold()
