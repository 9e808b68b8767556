"""JSON objects as columns, and why a text is not one."""

from collections.abc import Iterator, Sequence
from itertools import chain
from operator import itemgetter

import orjson

from calltally.ingestion.files.columns import ABSENT
from calltally.ingestion.files.gathering import Gathering

__all__ = ["JsonRow", "gathering", "object_or_reason"]

JsonRow = dict[str, object]

NOT_AN_OBJECT = "is not an object"


def gathering() -> Gathering[JsonRow]:
    """A gathering of objects, whose columns are the keys of all of them."""
    return Gathering(_names, _values)


def object_or_reason(text: bytes) -> JsonRow | str:
    """The object that the text is, or why it is none."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"is not JSON: {error.msg} (character {error.pos + 1})"
    return value if isinstance(value, dict) else NOT_AN_OBJECT


def _names(rows: list[JsonRow]) -> Sequence[str]:
    shapes = dict.fromkeys(map(tuple, rows))  # few, so that most keys are looked at once
    return tuple(dict.fromkeys(chain.from_iterable(shapes)))


def _values(rows: list[JsonRow], names: Sequence[str]) -> Iterator[Sequence[object]]:
    if len(names) > 1 and sum(map(len, rows)) == len(names) * len(rows):  # every row has every key
        yield from zip(*map(itemgetter(*names), rows), strict=True)
        return
    for name in names:
        try:
            yield list(map(itemgetter(name), rows))
        except KeyError:
            yield [row.get(name, ABSENT) for row in rows]
