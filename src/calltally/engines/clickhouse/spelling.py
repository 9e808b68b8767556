"""Values and words as ClickHouse's driver takes them."""

from typing import Any

from calltally.engines.sql import Statement

__all__ = ["bound", "text"]


def bound(statement: Statement) -> tuple[str, dict[str, Any]]:
    """The text of a statement with a name for each `?`, and the values by their names, which the driver escapes."""
    names = [f"p{place}" for place in range(len(statement.params))]
    first, *rest = statement.sql.replace("%", "%%").split("?")
    sql = first + "".join(f"%({name})s{piece}" for name, piece in zip(names, rest, strict=True))
    return sql, {name: _plain(value) for name, value in zip(names, statement.params, strict=True)}


def text(word: str) -> str:
    """A text literal, for words of the catalog."""
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _plain(value: object) -> object:
    return int(value) if isinstance(value, bool) else value  # there is no other type for it on old servers
