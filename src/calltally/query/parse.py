"""What was sent: the query string as parameters with their values, undecodable ones set aside."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from calltally.errors import Problem, shown

__all__ = ["Query", "parse"]


@dataclass(frozen=True)
class Query:
    """Each parameter's values in the order sent, and what could not be read at all, by parameter."""

    values: Mapping[str, tuple[str, ...]]
    unreadable: Mapping[str, Problem]


def parse(query_string: bytes) -> Query:
    """The parameters of a query string; never fails."""
    values: dict[str, list[str]] = {}
    unreadable: dict[str, Problem] = {}
    # Latin-1 both ways keeps every byte, so that each value can be decoded, or refused, on its own.
    for raw_name, raw_value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, encoding="latin-1"):
        name = raw_name.encode("latin-1").decode("utf-8", errors="replace")
        value = _decoded(raw_value)
        if value is None:
            given = shown(raw_value.encode("latin-1").decode("utf-8", errors="replace"))
            unreadable[name] = Problem(name, f"{name}: {given} is not valid UTF-8 text without NUL characters")
        values.setdefault(name, []).append(value or "")
    return Query({name: tuple(given) for name, given in values.items()}, unreadable)


def _decoded(raw: str) -> str | None:
    try:
        value = raw.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\x00" in value else value
