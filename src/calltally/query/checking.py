"""Each parameter by itself: read as the type that the catalog gives it, with all that is wrong in words."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from calltally.catalog import (
    Catalog,
    Choice,
    CursorText,
    Day,
    DimensionName,
    FieldKind,
    GrainValue,
    Instant,
    NameList,
    Parameter,
    Score,
    SearchText,
    SortName,
    Text,
    Where,
    WhereNull,
    WholeNumber,
    nearest,
    read_day,
    read_grain,
    suggestion,
    taken,
    where_name,
)
from calltally.errors import InvalidRequest, Problem, shown
from calltally.query.cursors import Cursor, read_cursor
from calltally.query.parse import Query
from calltally.records import Reading, normal_status, read_phone, read_rfc3339

__all__ = ["Check"]

DIGITS = re.compile(r"[0-9]+")
DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
WHERE = (where_name("").removesuffix("[]"),)
IN_BRACKETS = re.compile(r"([^\[]*)\[([^\]]*)\]?")
LONGEST_NAME = 100


class Check:
    """Reads each parameter's value and gathers what is wrong on the way; `what` takes the parameters, in a word."""

    def __init__(self, query: Query, catalog: Catalog, reading: Reading, what: str) -> None:
        self.query = query
        self.catalog = catalog
        self.reading = reading
        self.what = what
        self.problems: list[Problem] = []

    def values(self) -> dict[str, Any]:
        """The value of each parameter, by its name, each looked at alone and held against the others.

        Raises:
            InvalidRequest: with every problem, in the order of the catalog, unknown parameters last.
        """
        values = {name: self._value(parameter) for name, parameter in self.catalog.parameters.items()}
        self._compare(values)
        self._unknown()
        if "sort_by" in values:
            self._sort(values)
        self._finish()
        return values

    def _finish(self) -> None:
        if self.problems:
            order = list(self.catalog.parameters)
            known = sorted((p for p in self.problems if p.param in order), key=lambda p: order.index(p.param))
            raise InvalidRequest((*known, *(p for p in self.problems if p.param not in order)))

    def _value(self, parameter: Parameter) -> Any:
        """The value, the default if none was sent, None if there is neither or it is wrong."""
        sent = self.query.values.get(parameter.name, ())
        if not sent:
            if parameter.required:
                self._wrong(parameter, f"is required: {_allowed(parameter, self.catalog)}")
            if parameter.default is None:
                return None
            return READERS[type(parameter.type)](self, parameter, (parameter.default,))
        unreadable = self.query.unreadable.get(parameter.name, ())
        self.problems += unreadable
        if len(sent) > 1 and not parameter.repeats:
            self._wrong(parameter, f"was given {len(sent)} times; give it once")
            return None
        readable = tuple(text for text in sent if text)
        if len(readable) + len(unreadable) < len(sent):
            otherwise = "" if parameter.required else ", or leave it out"
            self._wrong(parameter, f"is empty; it takes {_allowed(parameter, self.catalog)}{otherwise}")
        value = self._read(parameter, readable) if readable else None
        return value if len(readable) == len(sent) else None

    def _read(self, parameter: Parameter, sent: tuple[str, ...]) -> Any:
        """The value that was sent, or the values; None if one is wrong."""
        if parameter.repeats and not isinstance(parameter.type, Text):
            return self._each(parameter, sent)
        return READERS[type(parameter.type)](self, parameter, sent)

    def _each(self, parameter: Parameter, sent: tuple[str, ...]) -> tuple[Any, ...] | None:
        """The values of a parameter that was given several times, each once; None if one is wrong."""
        read = [READERS[type(parameter.type)](self, parameter, (text,)) for text in dict.fromkeys(sent)]
        return None if None in read else tuple(sorted(set(read)))  # any order means the same

    def _names(self, parameter: Parameter, sent: tuple[str, ...]) -> tuple[str, ...] | None:
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

    def _day(self, parameter: Parameter, sent: tuple[str, ...]) -> date | None:
        found = read_day(sent[0])
        if found is None:
            self._wrong(parameter, f"{shown(sent[0])} is not a day such as 2026-03-09")
        return found

    def _grain_value(self, parameter: Parameter, sent: tuple[str, ...]) -> int | None:
        assert isinstance(parameter.type, GrainValue)  # noqa: S101 - READERS pairs them
        found = read_grain(parameter.type.grain, sent[0])
        if found is None:
            self._wrong(parameter, f"{shown(sent[0])} is not {taken(parameter.type.grain)}")
        return found

    def _instant(self, parameter: Parameter, sent: tuple[str, ...]) -> int | None:
        found = read_rfc3339(sent[0], self.reading.local_time)
        if found is None:
            self._wrong(parameter, f"{shown(sent[0])} is not a time such as 2026-03-09T14:05:00Z")
        return found.instant if found else None

    def _texts(self, parameter: Parameter, sent: tuple[str, ...]) -> tuple[str, ...] | None:
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
            return self._phones(parameter, sent)
        return tuple(sorted(set(sent)))  # any order means the same

    def _phones(self, parameter: Parameter, sent: tuple[str, ...]) -> tuple[str, ...] | None:
        """Numbers in the form in which calls have them, and as they stand: the business may have had another region."""
        numbers = {text: read_phone(text.strip(), self.reading.region) for text in sent}
        for text, number in numbers.items():
            if not number:
                self._wrong(parameter, f"{shown(text)} means that there is no number{self._null_instead(parameter)}")
        found = {number for text, number in numbers.items() for number in (number, text.strip()) if number}
        return tuple(sorted(found)) if all(numbers.values()) else None

    def _null_instead(self, parameter: Parameter) -> str:
        """How to ask for the calls without a value instead, where that can be asked for."""
        names = [row.name for row in self.catalog.filters if isinstance(row.filter, WhereNull)]
        if not (names and isinstance(parameter.filter, Where)):
            return ""
        return f"; give {names[0]}={parameter.filter.dimension} for the calls without one"

    def _search(self, parameter: Parameter, sent: tuple[str, ...]) -> tuple[str, ...] | None:
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

    def _cursor(self, parameter: Parameter, sent: tuple[str, ...]) -> Cursor | None:
        found = read_cursor(sent[0])
        if found is None:
            self._wrong(parameter, f"{shown(sent[0])} is no next_cursor of this list; leave it out for the first page")
        return found

    def _dimension(self, parameter: Parameter, sent: tuple[str, ...]) -> str | None:
        if sent[0] in self.catalog.dimensions:
            return sent[0]
        near = _instead(sent[0], self.catalog.dimensions, "dimension")
        self._wrong(parameter, f"{shown(sent[0])} is not a dimension{near}")
        return None

    def _choice(self, parameter: Parameter, sent: tuple[str, ...]) -> object:
        assert isinstance(parameter.type, Choice)  # noqa: S101 - READERS pairs them
        values = parameter.type.values
        if sent[0] not in values:
            near = suggestion(sent[0], values) or f"; it is {_listed(list(values))}"
            self._wrong(parameter, f"{shown(sent[0])} is not allowed{near}")
            return None
        return values[sent[0]]

    def _whole(self, parameter: Parameter, sent: tuple[str, ...]) -> int | None:
        assert isinstance(parameter.type, WholeNumber)  # noqa: S101 - READERS pairs them
        lowest, highest = parameter.type.lowest, parameter.type.highest
        digits = sent[0].lstrip("0") or "0"
        # The length is looked at first: Python refuses to read numbers of thousands of digits.
        if DIGITS.fullmatch(sent[0]) and len(digits) <= len(str(highest)) and lowest <= int(digits) <= highest:
            return int(digits)
        self._wrong(parameter, f"{shown(sent[0])} is not a whole number from {lowest} to {highest}")
        return None

    def _score(self, parameter: Parameter, sent: tuple[str, ...]) -> Decimal | None:
        assert isinstance(parameter.type, Score)  # noqa: S101 - READERS pairs them
        lowest, highest = parameter.type.lowest, parameter.type.highest
        if DECIMAL.fullmatch(sent[0]) and lowest <= Decimal(sent[0]) <= highest:
            return Decimal(sent[0])
        self._wrong(parameter, f"{shown(sent[0])} is not a number from {lowest} to {highest}")
        return None

    def _sort_name(self, parameter: Parameter, sent: tuple[str, ...]) -> str | None:
        """Whether it is a name at all; whether it fits the rest is looked at by `_sort`."""
        metrics = list(self.catalog.metrics)
        names = [*metrics, *self.catalog.dimensions]
        if sent[0] in names:
            return sent[0]
        instead = suggestion(sent[0], names) or _instead(sent[0], metrics, "metric")
        self._wrong(parameter, f"{shown(sent[0])} is not a metric, nor a dimension of group_by{instead}")
        return None

    def _compare(self, values: Mapping[str, Any]) -> None:
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

    def _sort(self, values: Mapping[str, Any]) -> None:
        """A dimension to sort by has to be one that the report groups by."""
        name, groups = values["sort_by"], values["group_by"]
        if name in self.catalog.dimensions and groups is not None and name not in groups:
            allowed = f"sort by a metric or by {_listed(list(groups))}"
            sort_by = self.catalog.parameters["sort_by"]
            self._wrong(sort_by, f"{shown(name)} is a dimension that group_by lacks; {allowed}")

    def _unknown(self) -> None:
        """Parameters that there are not, so that a misspelt filter does not silently widen a report."""
        for name in self.query.values:
            if name not in self.catalog.parameters:
                cut = name[:LONGEST_NAME]
                near = self._near(name)
                self.problems.append(Problem(cut, f"{cut}: {shown(name)} is not a parameter of this {self.what}{near}"))

    def _near(self, name: str) -> str:
        """What may have been meant by an unknown parameter, or else all that there are but those of dimensions."""
        dimensions = self.catalog.dimensions
        asked = IN_BRACKETS.fullmatch(name)
        if asked and nearest(asked[1], WHERE):
            near = nearest(asked[2], dimensions)
            return f"; did you mean '{where_name(near)}'?" if near else f"; the dimensions are {', '.join(dimensions)}"
        rows = self.catalog.parameters.values()
        names = [row.name for row in rows if not isinstance(row.filter, Where | WhereNull)]
        others = [row.name for row in rows if isinstance(row.filter, WhereNull)]
        if near := suggestion(name, names) or suggestion(name, others):
            return near
        if others and (dimension := nearest(name, dimensions)):
            return f"; did you mean '{where_name(dimension)}'?"
        return f"; it takes {', '.join(names)}"

    def _wrong(self, parameter: Parameter, message: str) -> None:
        self.problems.append(Problem(parameter.name, f"{parameter.name}: {message}"))


READERS: dict[type, Callable[[Check, Parameter, tuple[str, ...]], Any]] = {
    NameList: Check._names,
    Day: Check._day,
    Text: Check._texts,
    Choice: Check._choice,
    WholeNumber: Check._whole,
    Score: Check._score,
    SortName: Check._sort_name,
    GrainValue: Check._grain_value,
    DimensionName: Check._dimension,
    Instant: Check._instant,
    SearchText: Check._search,
    CursorText: Check._cursor,
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
