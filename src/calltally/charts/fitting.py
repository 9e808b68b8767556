"""Texts made to fit where they stand: broken into lines."""

from collections.abc import Iterable
from itertools import accumulate
from unicodedata import category, east_asian_width

__all__ = ["text_width", "wrapped"]

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
