"""Texts made to fit where they stand: broken into lines, or shortened so that they stay apart."""

import json
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any
from unicodedata import category, east_asian_width

from calltally.charts.themes import LABEL_SIZE

__all__ = ["axis_labels", "kept_apart", "text_width", "wrapped"]

# How wide characters are in a wide one of the usual fonts, as parts of the size of the font.
WIDTHS = {
    **dict.fromkeys(" !',.:;I|ijl·", 0.34),
    **dict.fromkeys('"()-/[]frt', 0.42),
    **dict.fromkeys("ckszvxyJ", 0.59),
    **dict.fromkeys("%@MWmw—…", 1.0),
}
OF_CATEGORIES = {"Lu": 0.79, "Mn": 0.0, "Me": 0.0, "Cf": 0.0, "So": 1.3}
USUAL, SQUARE = 0.64, 1.0
ELLIPSIS = "…"
SURELY_SHOWN = 0.8  # of the room: what is drawn there before a text is cut, in any font
SURELY_WHOLE = 0.9  # of the room: what is this wide is not cut once more
START = 0.4  # of the room: what is shown of the start of a text whose middle is cut


def text_width(text: str, size: float) -> float:
    """About how many pixels a text takes in a font of this size, rather more than fewer."""
    return sum(map(_width, text)) * size


def _width(character: str) -> float:
    if character in WIDTHS:
        return WIDTHS[character]
    usual = SQUARE if east_asian_width(character) in "WF" else USUAL
    return OF_CATEGORIES.get(category(character), usual)


def wrapped(text: str, room: float, size: float, most: int) -> list[str]:
    """The lines of a text, at most so many; words longer than a line are broken, and `…` ends what is cut."""
    lines = list(_lines(text, room, size))
    if len(lines) <= most:
        return lines
    last = _start(lines[most - 1], room - text_width(ELLIPSIS, size), size)
    return [*lines[: most - 1], last.rstrip() + ELLIPSIS]


def _lines(text: str, room: float, size: float) -> Iterable[str]:
    line = ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if line and text_width(word, size) <= room < text_width(joined, size):
            yield line
            line = word
            continue
        line = joined
        while text_width(line, size) > room:
            begun = _start(line, room, size) or line[0]
            yield begun.rstrip()
            line = line[len(begun) :]
    if line:
        yield line


def _start(text: str, room: float, size: float) -> str:
    """As much of the start of a text as there is room for."""
    widths = accumulate(_width(character) * size for character in text)
    return text[: sum(width <= room for width in widths)]


def _end(text: str, room: float, size: float) -> str:
    return _start(text[::-1], room, size)[::-1]


def axis_labels(names: Sequence[str], limit: float) -> dict[str, Any]:
    """What an axis says of names, which it cuts at so many pixels, but so that those that begin alike stay apart."""
    shown, places = (json.dumps(texts, ensure_ascii=False) for texts in (kept_apart(names, limit, LABEL_SIZE), names))
    return {"labelLimit": limit, "labelExpr": f"{shown}[indexof({places}, datum.value)]"}


def kept_apart(texts: Sequence[str], room: float, size: float) -> list[str]:
    """The texts as they are, but for those that would look alike were their ends cut: of these the middle is cut."""
    starts = [_start(text, SURELY_SHOWN * room, size) for text in texts]
    alike: dict[str, list[str]] = {}
    for start, text in zip(starts, texts, strict=True):
        alike.setdefault(start, []).append(text)
    return [
        _shortened(text, alike[start], SURELY_WHOLE * room, size) for start, text in zip(starts, texts, strict=True)
    ]


def _shortened(text: str, alike: Sequence[str], room: float, size: float) -> str:
    if len(alike) == 1 or text_width(text, size) <= room:
        return text
    return _without_middle(text, _same(alike), room, size)


def _same(texts: Sequence[str]) -> int:
    """How many characters at their start texts have in common."""
    first, last = min(texts), max(texts)
    return next((place for place, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), len(first))


def _without_middle(text: str, same: int, room: float, size: float) -> str:
    """Start and end of a text; where all of the end is the same in others too, from where it begins to differ."""
    start = _start(text, START * room, size).rstrip()
    left = room - text_width(start + ELLIPSIS, size)
    end = _end(text, left, size)
    if len(text) - len(end) > same:
        end = _start(text[same:], left - text_width(ELLIPSIS, size), size) + ELLIPSIS
    return start + ELLIPSIS + end.lstrip()
