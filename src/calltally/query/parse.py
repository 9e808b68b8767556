"""What was sent: the query string as parameters with their values, undecodable ones set aside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl

from calltally.errors import Problem, shown

__all__ = ["Query", "parse"]

Item = TypeVar("Item")


@dataclass(frozen=True)
class Query:
    """Each parameter's values in the order sent, '' for what could not be read at all, and what to say of that."""

    values: Mapping[str, tuple[str, ...]]
    unreadable: Mapping[str, tuple[Problem, ...]]


def parse(query_string: bytes) -> Query:
    """The parameters of a query string; never fails."""
    values: dict[str, list[str]] = {}
    unreadable: dict[str, list[Problem]] = {}
    # Latin-1 both ways keeps every byte, so that each value can be decoded, or refused, on its own.
    for raw_name, raw_value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, encoding="latin-1"):
        name = raw_name.encode("latin-1").decode("utf-8", errors="replace")
        value = _decoded(raw_value)
        if value is None:
            given = shown(raw_value.encode("latin-1").decode("utf-8", errors="replace"))
            message = f"{name}: {given} is not valid UTF-8 text without NUL characters"
            unreadable.setdefault(name, []).append(Problem(name, message))
        values.setdefault(name, []).append(value or "")
    return Query(_frozen(values), _frozen(unreadable))


def _frozen(lists: Mapping[str, list[Item]]) -> dict[str, tuple[Item, ...]]:
    return {name: tuple(items) for name, items in lists.items()}


def _decoded(raw: str) -> str | None:
    try:
        value = raw.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\x00" in value else value
