"""Whether what was sent holds: names, types, ranges, and parameters against one another; all problems at once."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from calltally.catalog import (
    Catalog,
    Choice,
    Day,
    Dimension,
    FieldKind,
    Filter,
    Metric,
    NameList,
    Operator,
    Parameter,
    Score,
    SortName,
    Text,
    WholeNumber,
    suggestion,
)
from calltally.engines import AtLeast, AtMost, Condition, OneOf
from calltally.errors import InvalidRequest, Problem, shown
from calltally.query.parse import Query
from calltally.records import normal_status

__all__ = ["ValidFilters", "ValidQuery", "validate", "validate_filters"]

DIGITS = re.compile(r"[0-9]+")
DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
LONGEST_NAME = 100


@dataclass(frozen=True)
class ValidFilters:
    """Which calls are meant: the first and the last of their days, and what else holds for each."""

    first_day: date | None
    last_day: date | None
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class ValidQuery:
    """A report that can be asked: everything named, every default filled in."""

    dimensions: tuple[Dimension, ...]
    metrics: tuple[Metric, ...]
    first_day: date | None
    last_day: date | None
    conditions: tuple[Condition, ...]
    sort_by: Dimension | Metric
    descending: bool
    limit: int


def validate(query: Query, catalog: Catalog) -> ValidQuery:
    """The report that was asked for.

    Raises:
        InvalidRequest: with every problem, in the order of the parameter table, unknown parameters last.
    """
    check = _Check(query, catalog)
    values = check.values()
    check.sort(values)
    check.finish()
    return _valid(values, catalog)


def validate_filters(query: Query, catalog: Catalog) -> ValidFilters:
    """The filters that were asked for, where the catalog's parameters are filters alone, under whatever names.

    Raises:
        InvalidRequest: with every problem, in the order of the catalog.
    """
    check = _Check(query, catalog)
    values = check.values()
    check.finish()
    return _filters(values, catalog)


def _valid(values: Mapping[str, Any], catalog: Catalog) -> ValidQuery:
    dimensions = tuple(catalog.dimensions[name] for name in values["group_by"])
    by_name: dict[str, Dimension | Metric] = {**catalog.metrics, **{d.name: d for d in dimensions}}
    filters = _filters(values, catalog)
    return ValidQuery(
        dimensions,
        tuple(catalog.metrics[name] for name in dict.fromkeys(values["metrics"])),
        filters.first_day,
        filters.last_day,
        filters.conditions,
        by_name[values["sort_by"]],
        values["sort_order"],
        values["limit"],
    )


def _filters(values: Mapping[str, Any], catalog: Catalog) -> ValidFilters:
    given = [(row.filter, values[row.name]) for row in catalog.filters if row.filter and values[row.name] is not None]
    days = {row.operator: value for row, value in given}
    conditions = [_condition(row, value) for row, value in given]
    return ValidFilters(
        days.get(Operator.FIRST_DAY),
        days.get(Operator.LAST_DAY),
        tuple(condition for condition in conditions if condition),
    )


def _condition(row: Filter, value: Any) -> Condition | None:
    match row.operator:
        case Operator.ONE_OF:
            return OneOf(row.field, value if isinstance(value, tuple) else (value,))
        case Operator.AT_LEAST:
            return AtLeast(row.field, int(Decimal(value).to_integral_value(ROUND_CEILING)))
        case Operator.AT_MOST:
            return AtMost(row.field, int(Decimal(value).to_integral_value(ROUND_FLOOR)))
        case Operator.FIRST_DAY | Operator.LAST_DAY:
            return None  # days become periods, which need the business's time zone


class _Check:
    """Reads each parameter's value and gathers what is wrong on the way."""

    def __init__(self, query: Query, catalog: Catalog) -> None:
        self.query = query
        self.catalog = catalog
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
        elif len(sent) > 1 and not isinstance(parameter.type, Text):
            self._wrong(parameter, f"was given {len(sent)} times; give it once")
        elif "" in sent:
            otherwise = "" if parameter.required else ", or leave it out"
            self._wrong(parameter, f"is empty; it takes {_allowed(parameter, self.catalog)}{otherwise}")
        else:
            return READERS[type(parameter.type)](self, parameter, sent)
        return None

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
        try:
            if DATE.fullmatch(sent[0]):
                return date.fromisoformat(sent[0])
        except ValueError:
            pass  # no such day: said below
        self._wrong(parameter, f"{shown(sent[0])} is not a day such as 2026-03-09")
        return None

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
        return tuple(sorted(set(sent)))  # any order means the same

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
                near = suggestion(name, self.catalog.parameters) or f"; it takes {', '.join(self.catalog.parameters)}"
                cut = name[:LONGEST_NAME]
                self.problems.append(Problem(cut, f"{cut}: {shown(name)} is not a parameter of this report{near}"))

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
