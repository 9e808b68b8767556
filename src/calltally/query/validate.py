"""Whether what was sent holds: names, types, ranges, and parameters against one another; all problems at once."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from calltally.catalog import (
    Catalog,
    ChangedSince,
    Choice,
    CursorText,
    Day,
    Dimension,
    DimensionName,
    FieldKind,
    Filter,
    Grain,
    GrainValue,
    Instant,
    Metric,
    NameList,
    Operator,
    Parameter,
    Score,
    Search,
    SearchText,
    Selector,
    SortName,
    Text,
    Where,
    WhereNull,
    WholeNumber,
    grain_count,
    nearest,
    read_day,
    read_grain,
    suggestion,
    taken,
    where_name,
)
from calltally.engines import AtLeast, AtMost, Condition, Contains, OneOf
from calltally.engines import ChangedSince as Changed
from calltally.errors import InvalidRequest, Problem, shown
from calltally.query.cursors import Cursor, read_cursor
from calltally.query.parse import Query
from calltally.records import Reading, normal_status, read_phone, read_rfc3339

__all__ = [
    "Look",
    "ValidFilters",
    "ValidListing",
    "ValidQuery",
    "ValidValues",
    "validate",
    "validate_filters",
    "validate_listing",
    "validate_picture",
    "validate_values",
]

DIGITS = re.compile(r"[0-9]+")
DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
WHERE = re.compile(re.escape(where_name("")).replace(r"\]", r"([^\]]*)\]?"))  # also of what is no dimension
LONGEST_NAME = 100


@dataclass(frozen=True)
class ValidFilters:
    """Which calls are meant: the first and the last of their days, what else holds for each, and when they start.

    `times` are values of time dimensions, as numbers (see `catalog.grains`): a call has one of each dimension's.
    """

    first_day: date | None
    last_day: date | None
    conditions: tuple[Condition, ...]
    times: tuple[tuple[Grain, tuple[int, ...]], ...]


@dataclass(frozen=True)
class ValidQuery:
    """A report that can be asked: everything named, every default filled in."""

    dimensions: tuple[Dimension, ...]
    metrics: tuple[Metric, ...]
    filters: ValidFilters
    sort_by: Dimension | Metric
    descending: bool
    limit: int

    def whole(self, rows: int) -> bool:
        """Whether a report of so many rows has every group: not sure at the limit, unless no other group can be."""
        counts = [grain_count(dimension.grain) for dimension in self.dimensions]
        return rows < self.limit or rows == math.prod(count or math.inf for count in counts)


@dataclass(frozen=True)
class Look:
    """How a picture of a report is to look: at most so many pixels wide and high; None: as high as it needs."""

    theme: str
    width: int
    height: int | None


@dataclass(frozen=True)
class ValidListing:
    """A page of a list of calls that can be asked for: every default filled in."""

    filters: ValidFilters
    descending: bool
    limit: int
    cursor: Cursor | None


@dataclass(frozen=True)
class ValidValues:
    """Values of a dimension that can be asked for; `search`: texts, of which a value has one in it; None: any value."""

    dimension: Dimension
    filters: ValidFilters
    search: tuple[str, ...] | None
    limit: int


def validate(query: Query, catalog: Catalog, reading: Reading) -> ValidQuery:
    """The report that was asked for; numbers and times are read as those of a record.

    Raises:
        InvalidRequest: with every problem, in the order of the parameter table, unknown parameters last.
    """
    check = _Check(query, catalog, reading, "report")
    values = check.values()
    check.sort(values)
    check.finish()
    return _valid(values, catalog)


def validate_picture(query: Query, catalog: Catalog, reading: Reading) -> tuple[ValidQuery, Look]:
    """The report that was asked for as a picture, and how it is to look, where the catalog's parameters are of both.

    Raises:
        InvalidRequest: with every problem, in the order of the catalog, unknown parameters last.
    """
    check = _Check(query, catalog, reading, "picture")
    values = check.values()
    check.sort(values)
    check.finish()
    return _valid(values, catalog), Look(values["theme"], values["width"], values["height"])


def validate_filters(query: Query, catalog: Catalog, reading: Reading) -> ValidFilters:
    """The filters that were asked for, where the catalog's parameters are filters alone, under whatever names.

    Raises:
        InvalidRequest: with every problem, in the order of the catalog, unknown parameters last.
    """
    check = _Check(query, catalog, reading, "export")
    values = check.values()
    check.finish()
    return _filters(values, catalog)


def validate_listing(query: Query, catalog: Catalog, reading: Reading) -> ValidListing:
    """The page that was asked for, where the catalog's parameters are those of a list.

    Raises:
        InvalidRequest: with every problem, in the order of the catalog, unknown parameters last.
    """
    check = _Check(query, catalog, reading, "list")
    values = check.values()
    check.finish()
    return ValidListing(_filters(values, catalog), values["sort_order"], values["limit"], values["cursor"])


def validate_values(query: Query, catalog: Catalog, reading: Reading) -> ValidValues:
    """The values that were asked for, where the catalog's parameters are those of values.

    Raises:
        InvalidRequest: with every problem, in the order of the catalog, unknown parameters last.
    """
    check = _Check(query, catalog, reading, "list of values")
    values = check.values()
    check.finish()
    dimension = catalog.dimensions[values["dimension"]]
    return ValidValues(dimension, _filters(values, catalog), values["search"], values["limit"])


def _valid(values: Mapping[str, Any], catalog: Catalog) -> ValidQuery:
    dimensions = tuple(catalog.dimensions[name] for name in values["group_by"])
    by_name: dict[str, Dimension | Metric] = {**catalog.metrics, **{d.name: d for d in dimensions}}
    return ValidQuery(
        dimensions,
        tuple(catalog.metrics[name] for name in dict.fromkeys(values["metrics"])),
        _filters(values, catalog),
        by_name[values["sort_by"]],
        values["sort_order"],
        values["limit"],
    )


def _filters(values: Mapping[str, Any], catalog: Catalog) -> ValidFilters:
    given = [(row.filter, values[row.name]) for row in catalog.filters if row.filter and values[row.name] is not None]
    days = {row.operator: value for row, value in given if isinstance(row, Filter)}
    conditions = [_condition(row, value) for row, value in given]
    shown_under = {catalog.dimensions[name]: values_or_null for name, values_or_null in _shown_under(given).items()}
    return ValidFilters(
        days.get(Operator.FIRST_DAY),
        days.get(Operator.LAST_DAY),
        (
            *(condition for condition in conditions if condition),
            *(OneOf(d.field, found, null) for d, (found, null) in shown_under.items() if not d.grain),
        ),
        # A call always has a start, so that null is none of its times.
        tuple((d.grain, found) for d, (found, _) in shown_under.items() if d.grain),
    )


def _condition(row: Selector, value: Any) -> Condition | None:
    match row:
        case Filter(field, Operator.ONE_OF):
            return OneOf(field, value if isinstance(value, tuple) else (value,))
        case Filter(field, Operator.AT_LEAST):
            return AtLeast(field, int(Decimal(value).to_integral_value(ROUND_CEILING)))
        case Filter(field, Operator.AT_MOST):
            return AtMost(field, int(Decimal(value).to_integral_value(ROUND_FLOOR)))
        case Search(fields):
            return Contains(fields, value)
        case ChangedSince():
            return Changed(value)
        case _:
            return None  # days become periods, which need the business's time zone, and dimensions have two parameters


def _shown_under(given: Sequence[tuple[Selector, Any]]) -> dict[str, tuple[tuple[Any, ...], bool]]:
    """For each dimension that is asked about: under which values calls are shown, and whether also under null."""
    values = {row.dimension: value for row, value in given if isinstance(row, Where)}
    null = [name for row, names in given if isinstance(row, WhereNull) for name in names]
    return {name: (values.get(name, ()), name in null) for name in (*values, *null)}


class _Check:
    """Reads each parameter's value and gathers what is wrong on the way; `what` takes the parameters, in a word."""

    def __init__(self, query: Query, catalog: Catalog, reading: Reading, what: str) -> None:
        self.query = query
        self.catalog = catalog
        self.reading = reading
        self.what = what
        self.problems: list[Problem] = []

    def values(self) -> dict[str, Any]:
        """The value of each parameter, by its name, each looked at alone and held against the others."""
        values = {name: self.value(parameter) for name, parameter in self.catalog.parameters.items()}
        self.compare(values)
        self.unknown()
        return values

    def finish(self) -> None:
        """Raise what was found wrong, in the order of the parameter table, unknown parameters last."""
        if self.problems:
            order = list(self.catalog.parameters)
            known = sorted((p for p in self.problems if p.param in order), key=lambda p: order.index(p.param))
            raise InvalidRequest((*known, *(p for p in self.problems if p.param not in order)))

    def value(self, parameter: Parameter) -> Any:
        """The value, the default if none was sent, None if there is neither or it is wrong."""
        sent = self.query.values.get(parameter.name, ())
        if not sent:
            if parameter.required:
                self._wrong(parameter, f"is required: {_allowed(parameter, self.catalog)}")
            if parameter.default is None:
                return None
            return READERS[type(parameter.type)](self, parameter, (parameter.default,))
        if unreadable := self.query.unreadable.get(parameter.name):
            self.problems.append(unreadable)
        elif len(sent) > 1 and not parameter.repeats:
            self._wrong(parameter, f"was given {len(sent)} times; give it once")
        elif "" in sent:
            otherwise = "" if parameter.required else ", or leave it out"
            self._wrong(parameter, f"is empty; it takes {_allowed(parameter, self.catalog)}{otherwise}")
        elif parameter.repeats and not isinstance(parameter.type, Text):
            return self.each(parameter, sent)
        else:
            return READERS[type(parameter.type)](self, parameter, sent)
        return None

    def each(self, parameter: Parameter, sent: tuple[str, ...]) -> tuple[Any, ...] | None:
        """The values of a parameter that was given several times, each once; None if one is wrong."""
        read = [READERS[type(parameter.type)](self, parameter, (text,)) for text in dict.fromkeys(sent)]
        return None if None in read else tuple(sorted(set(read)))  # any order means the same

    def names(self, parameter: Parameter, sent: tuple[str, ...]) -> tuple[str, ...] | None:
        assert isinstance(parameter.type, NameList)  # noqa: S101 - READERS pairs them
        known = self.catalog.dimensions if parameter.type.of == "dimension" else self.catalog.metrics
        names = tuple(name.strip() for name in sent[0].split(","))
        before = len(self.problems)
        for name in dict.fromkeys(names):
            if not name:
                self._wrong(parameter, f"{shown(sent[0])} has an empty name between commas")
            elif name not in known:
                self._wrong(
                    parameter, f"{shown(name)} is not a {parameter.type.of}{_instead(name, known, parameter.type.of)}"
                )
        if parameter.type.distinct:
            for name, times in Counter(names).items():
                if name in known and times > 1:
                    self._wrong(parameter, f"{shown(name)} is given {times} times; each can be given once")
        given = sum(1 for name in names if name)
        if parameter.type.most and given > parameter.type.most:
            self._wrong(parameter, f"{given} names are given; at most {parameter.type.most} are allowed")
        return names if len(self.problems) == before else None

    def day(self, parameter: Parameter, sent: tuple[str, ...]) -> date | None:
        found = read_day(sent[0])
        if found is None:
            self._wrong(parameter, f"{shown(sent[0])} is not a day such as 2026-03-09")
        return found

    def grain_value(self, parameter: Parameter, sent: tuple[str, ...]) -> int | None:
        assert isinstance(parameter.type, GrainValue)  # noqa: S101 - READERS pairs them
        found = read_grain(parameter.type.grain, sent[0])
        if found is None:
            self._wrong(parameter, f"{shown(sent[0])} is not {taken(parameter.type.grain)}")
        return found

    def instant(self, parameter: Parameter, sent: tuple[str, ...]) -> int | None:
        found = read_rfc3339(sent[0], self.reading.local_time)
        if found is None:
            self._wrong(parameter, f"{shown(sent[0])} is not a time such as 2026-03-09T14:05:00Z")
        return found.instant if found else None

    def texts(self, parameter: Parameter, sent: tuple[str, ...]) -> tuple[str, ...] | None:
        assert isinstance(parameter.type, Text)  # noqa: S101 - READERS pairs them
        if too_long := [text for text in sent if len(text) > parameter.type.longest]:
            for text in too_long:
                length = f"{len(text)} characters long; at most {parameter.type.longest} are allowed"
                self._wrong(parameter, f"{shown(text)} is {length}")
            return None
        if parameter.type.normalised_as is FieldKind.STATUS:
            sent = tuple(normal_status(text) for text in sent)
            if "" in sent:
                self._wrong(parameter, "is blank; give a status such as 'completed', or leave it out")
                return None
        if parameter.type.normalised_as is FieldKind.PHONE:
            return self.phones(parameter, sent)
        return tuple(sorted(set(sent)))  # any order means the same

    def phones(self, parameter: Parameter, sent: tuple[str, ...]) -> tuple[str, ...] | None:
        """Numbers in the form in which calls have them."""
        numbers = {text: read_phone(text.strip(), self.reading.region) for text in sent}
        for text, number in numbers.items():
            if not number:
                instead = "".join(self._null_instead(parameter))
                self._wrong(parameter, f"{shown(text)} means that there is no number{instead}")
        found = {number for number in numbers.values() if number}
        return tuple(sorted(found)) if all(numbers.values()) else None

    def _null_instead(self, parameter: Parameter) -> Iterator[str]:
        """How to ask for the calls without a value instead, where that can be asked for."""
        for row in self.catalog.filters:
            if isinstance(row.filter, WhereNull) and isinstance(parameter.filter, Where):
                yield f"; give {row.name}={parameter.filter.dimension} for the calls without one"

    def search(self, parameter: Parameter, sent: tuple[str, ...]) -> tuple[str, ...] | None:
        """The text to look for, and that in the form of a phone number if it is one."""
        assert isinstance(parameter.type, SearchText)  # noqa: S101 - READERS pairs them
        text = sent[0].strip()
        if len(sent[0]) > parameter.type.longest:
            length = f"{len(sent[0])} characters long; at most {parameter.type.longest} are allowed"
            self._wrong(parameter, f"{shown(sent[0])} is {length}")
        elif not text:
            self._wrong(parameter, "is blank; give a part of what is looked for, or leave it out")
        else:
            return tuple(sorted({text, read_phone(text, self.reading.region) or text}))
        return None

    def cursor(self, parameter: Parameter, sent: tuple[str, ...]) -> Cursor | None:
        found = read_cursor(sent[0])
        if found is None:
            self._wrong(parameter, f"{shown(sent[0])} is no next_cursor of this list; leave it out for the first page")
        return found

    def dimension(self, parameter: Parameter, sent: tuple[str, ...]) -> str | None:
        if sent[0] in self.catalog.dimensions:
            return sent[0]
        near = _instead(sent[0], self.catalog.dimensions, "dimension")
        self._wrong(parameter, f"{shown(sent[0])} is not a dimension{near}")
        return None

    def choice(self, parameter: Parameter, sent: tuple[str, ...]) -> object:
        assert isinstance(parameter.type, Choice)  # noqa: S101 - READERS pairs them
        values = parameter.type.values
        if sent[0] not in values:
            near = suggestion(sent[0], values) or f"; it is {_listed(list(values))}"
            self._wrong(parameter, f"{shown(sent[0])} is not allowed{near}")
            return None
        return values[sent[0]]

    def whole(self, parameter: Parameter, sent: tuple[str, ...]) -> int | None:
        assert isinstance(parameter.type, WholeNumber)  # noqa: S101 - READERS pairs them
        lowest, highest = parameter.type.lowest, parameter.type.highest
        digits = sent[0].lstrip("0") or "0"
        # The length is looked at first: Python refuses to read numbers of thousands of digits.
        if DIGITS.fullmatch(sent[0]) and len(digits) <= len(str(highest)) and lowest <= int(digits) <= highest:
            return int(digits)
        self._wrong(parameter, f"{shown(sent[0])} is not a whole number from {lowest} to {highest}")
        return None

    def score(self, parameter: Parameter, sent: tuple[str, ...]) -> Decimal | None:
        assert isinstance(parameter.type, Score)  # noqa: S101 - READERS pairs them
        lowest, highest = parameter.type.lowest, parameter.type.highest
        if DECIMAL.fullmatch(sent[0]) and lowest <= Decimal(sent[0]) <= highest:
            return Decimal(sent[0])
        self._wrong(parameter, f"{shown(sent[0])} is not a number from {lowest} to {highest}")
        return None

    def sort_name(self, parameter: Parameter, sent: tuple[str, ...]) -> str | None:
        """Whether it is a name at all; whether it fits the rest is looked at by `sort`."""
        names = [*self.catalog.metrics, *self.catalog.dimensions]
        if sent[0] in names:
            return sent[0]
        self._wrong(
            parameter,
            f"{shown(sent[0])} is not a metric, nor a dimension of group_by{_instead(sent[0], names, 'metric')}",
        )
        return None

    def compare(self, values: Mapping[str, Any]) -> None:
        """Lowest against highest, told under the lowest."""
        for parameter in self.catalog.parameters.values():
            if parameter.at_most is None:
                continue
            low, high = values[parameter.name], values[parameter.at_most]
            if low is not None and high is not None and low > high:
                given = self.query.values
                order = "after" if isinstance(low, date) else "above"
                self._wrong(
                    parameter,
                    f"{shown(given[parameter.name][0])} is {order} {parameter.at_most} "
                    f"{shown(given[parameter.at_most][0])}; it can be at most that",
                )

    def sort(self, values: Mapping[str, Any]) -> None:
        """A dimension to sort by has to be one that the report groups by."""
        name, groups = values["sort_by"], values["group_by"]
        if name in self.catalog.dimensions and groups is not None and name not in groups:
            allowed = f"sort by a metric or by {_listed(list(groups))}"
            sort_by = self.catalog.parameters["sort_by"]
            self._wrong(sort_by, f"{shown(name)} is a dimension that group_by lacks; {allowed}")

    def unknown(self) -> None:
        """Parameters that there are not, so that a misspelt filter does not silently widen a report."""
        for name in self.query.values:
            if name not in self.catalog.parameters:
                cut = name[:LONGEST_NAME]
                near = self._near(name)
                self.problems.append(Problem(cut, f"{cut}: {shown(name)} is not a parameter of this {self.what}{near}"))

    def _near(self, name: str) -> str:
        """What may have been meant by an unknown parameter, or else all that there are but those of dimensions."""
        dimensions = self.catalog.dimensions
        if asked := WHERE.fullmatch(name):
            near = nearest(asked[1], dimensions)
            return f"; did you mean '{where_name(near)}'?" if near else f"; the dimensions are {', '.join(dimensions)}"
        rows = self.catalog.parameters.values()
        names = [row.name for row in rows if not isinstance(row.filter, Where | WhereNull)]
        others = [row.name for row in rows if isinstance(row.filter, WhereNull)]
        return suggestion(name, names) or suggestion(name, others) or f"; it takes {', '.join(names)}"

    def _wrong(self, parameter: Parameter, message: str) -> None:
        self.problems.append(Problem(parameter.name, f"{parameter.name}: {message}"))


READERS: dict[type, Callable[[_Check, Parameter, tuple[str, ...]], Any]] = {
    NameList: _Check.names,
    Day: _Check.day,
    Text: _Check.texts,
    Choice: _Check.choice,
    WholeNumber: _Check.whole,
    Score: _Check.score,
    SortName: _Check.sort_name,
    GrainValue: _Check.grain_value,
    DimensionName: _Check.dimension,
    Instant: _Check.instant,
    SearchText: _Check.search,
    CursorText: _Check.cursor,
}


def _instead(given: str, names: Any, what: str) -> str:
    return suggestion(given, names) or f"; the {what}s are {', '.join(names)}"


def _listed(words: list[str]) -> str:
    return " or ".join(f"'{word}'" for word in words)


def _allowed(parameter: Parameter, catalog: Catalog) -> str:
    match parameter.type:
        case NameList(of, most, _):
            names = catalog.dimensions if of == "dimension" else catalog.metrics
            return f"{f'1 to {most} ' if most else ''}{of}s out of {', '.join(names)}"
        case Day():
            return "a day such as 2026-03-09"
        case Text():
            return f"text such as '{parameter.example}'"
        case Choice(values):
            return _listed(list(values))
        case WholeNumber(lowest, highest):
            return f"a whole number from {lowest} to {highest}"
        case Score(lowest, highest):
            return f"a number from {lowest} to {highest}"
        case SortName():
            return "a metric or a dimension of group_by"
        case _:
            return _allowed_of_calls(parameter, catalog)


def _allowed_of_calls(parameter: Parameter, catalog: Catalog) -> str:
    """The same where a parameter is held against calls as they are shown."""
    match parameter.type:
        case GrainValue(grain):
            return taken(grain)
        case DimensionName():
            return f"a dimension out of {', '.join(catalog.dimensions)}"
        case Instant():
            return f"a time such as {parameter.example}"
        case SearchText():
            return f"a part of a text such as {parameter.example}"
        case _:
            return "the next_cursor of the page before"
