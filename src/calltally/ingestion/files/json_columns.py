"""JSON objects as columns, and why a text is not one."""

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter

import orjson

from calltally.exact_json import read_json
from calltally.ingestion.files.columns import ABSENT
from calltally.ingestion.files.gathering import Gathering, Spread

__all__ = ["JsonRow", "gathering", "object_or_reason", "objects_of", "same_columns", "why_no_json"]

JsonRow = dict[str, object]

NOT_AN_OBJECT = "is not an object"


def gathering() -> Gathering[JsonRow]:
    """A gathering of objects, whose columns are the keys of all of them."""
    return Gathering(_columns)


def object_or_reason(text: bytes) -> JsonRow | str:
    """The object that the text is, or why it is none."""
    try:
        value = read_json(text)
    except orjson.JSONDecodeError as error:
        return why_no_json(text, error)
    return value if isinstance(value, dict) else NOT_AN_OBJECT


def objects_of(texts: Sequence[bytes]) -> list[JsonRow] | None:
    """The objects that the texts are, read at once; None: one of them is none."""
    try:
        values = list(map(read_json, texts))
    except orjson.JSONDecodeError:
        return None
    objects = [value for value in values if isinstance(value, dict)]
    return objects if len(objects) == len(values) else None


def why_no_json(text: bytes, error: orjson.JSONDecodeError) -> str:
    """What is wrong with a text that is not JSON, and where."""
    try:
        text.decode()
    except UnicodeDecodeError as wrong:  # of which orjson says less, and of no place
        return f"is not UTF-8 (byte {wrong.start + 1:,}: {text[wrong.start : wrong.start + 1].hex()})"
    return f"is not JSON: {error.msg} (character {error.pos + 1})"


def _columns(rows: list[JsonRow]) -> Spread:
    return same_columns(rows) or _all_columns(rows)


def same_columns(rows: Sequence[Mapping[str, object]]) -> Spread | None:
    """The columns if every row has the keys of the first, in any order, and no others."""
    names = tuple(rows[0])
    if len(names) < 2 or sum(map(len, rows)) != len(names) * len(rows):
        return None
    try:
        return names, tuple(zip(*map(itemgetter(*names), rows), strict=True))
    except KeyError:
        return None


def _all_columns(rows: list[JsonRow]) -> Spread:
    shapes = dict.fromkeys(map(tuple, rows))  # few, so that most keys are looked at once
    names = tuple(dict.fromkeys(chain.from_iterable(shapes)))
    return names, (_values(rows, name) for name in names)


def _values(rows: list[JsonRow], name: str) -> list[object]:
    try:
        return list(map(itemgetter(name), rows))
    except KeyError:
        return [row.get(name, ABSENT) for row in rows]
