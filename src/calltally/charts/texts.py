"""Numbers and the values of dimensions as people read them in a chart."""

import re
from collections.abc import Callable, Iterable
from unicodedata import bidirectional

from calltally.catalog import Dimension, Grain, Unit, currency_digits
from calltally.query import Cell

__all__ = ["called", "labels", "number_text", "plain_text", "short_text", "tick_text", "width_of"]

Number = int | float

LONGEST = 12  # characters of a number that is written out where there is little room
LARGE = ((10**12, "T"), (10**9, "B"), (10**6, "M"))
WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
# What XML cannot hold kills whoever draws it; other control characters would tear a label apart, or turn it around.
UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
UNFIT_SHOWN = "\ufffd"
INVISIBLE = "\u200b"
LEFTWARDS = {"R", "AL"}  # letters that are read from right to left, as Unicode names them
ISOLATED = "\u2068{}\u2069"
CHARACTER_WIDTH = 6.3  # pixels, of the usual character of a label


def number_text(value: Cell, unit: Unit, currency: str) -> str:
    """A metric's value: `1,234`, `0:03:04`, `1,234.50`, `74.7%`; `no value` where there is none."""
    return _text(value, unit, currency) if isinstance(value, int | float) else "no value"


def short_text(value: Cell, unit: Unit, currency: str) -> str:
    """The same where there is little room: `1.23B` for what is long, and `–` where there is none."""
    if not isinstance(value, int | float):
        return "–"
    text = _text(value, unit, currency)
    return text if len(text) <= LONGEST else _large(value / 100 if unit is Unit.CENTS else value)


def tick_text(value: Number, unit: Unit, currency: str) -> str:
    """The same beside an axis, whose numbers are round: `2M`, `1,000`, `0:05:00`, `60%`."""
    if unit in {Unit.SECONDS, Unit.PERCENT}:
        return TEXTS[unit](value)
    shown = value / 100 if unit is Unit.CENTS else value
    if abs(shown) >= LARGE[-1][0]:
        return _large(shown)
    return _money(value, currency) if unit is Unit.CENTS else f"{shown:,.2f}".removesuffix(".00")


def _text(value: Number, unit: Unit, currency: str) -> str:
    return _money(value, currency) if unit is Unit.CENTS else TEXTS[unit](value)


def _large(value: Number) -> str:
    for size, letter in LARGE:
        if size <= abs(value) < 1000 * size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}" if abs(value) >= 1000 * LARGE[0][0] else f"{value:,.0f}"


def _counted(value: Number) -> str:
    return f"{value:,}"


def _clock(value: Number) -> str:
    hours, seconds = divmod(int(value), 3600)
    return f"{hours:,}:{seconds // 60:02d}:{seconds % 60:02d}"


def _money(value: Number, currency: str) -> str:
    """Cents as an amount in a currency, half away from zero; without a fraction where it is a whole number of units."""
    digits = currency_digits(currency)
    parts = (abs(int(value)) * 10**digits + 50) // 100
    units, fraction = divmod(parts, 10**digits)
    sign = "-" if value < 0 < parts else ""
    return f"{sign}{units:,}.{fraction:0{digits}d}" if fraction else f"{sign}{units:,}"


def _percent(value: Number) -> str:
    return f"{value:g}%"


TEXTS: dict[Unit, Callable[[Number], str]] = {
    Unit.CALLS: _counted,
    Unit.CALLERS: _counted,
    Unit.SECONDS: _clock,
    Unit.PERCENT: _percent,
    Unit.SCORE: _counted,
}


def labels(dimension: Dimension, values: Iterable[Cell]) -> dict[Cell, str]:
    """A label for each value, no two alike, so that no two groups become one; null is `no source`."""
    found: dict[Cell, str] = {}
    taken: set[str] = set()
    for value in values:
        label = _label(dimension, value)
        while label in taken:
            label += INVISIBLE
        taken.add(label)
        found[value] = label
    return found


def _label(dimension: Dimension, value: Cell) -> str:
    if value is None:
        return f"no {called(dimension.label)}"
    if dimension.grain is Grain.DAY_OF_WEEK and isinstance(value, int):
        return WEEKDAYS[value]
    text = plain_text(str(value))
    return ISOLATED.format(text) if any(bidirectional(letter) in LEFTWARDS for letter in text) else text


def plain_text(text: str) -> str:
    """A text whose control characters are shown in place of being obeyed."""
    return UNFIT.sub(UNFIT_SHOWN, text)


def called(label: str) -> str:
    """A label inside a sentence: `source`, but `UTM source`."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def width_of(texts: Iterable[str]) -> float:
    """About how many pixels the widest of some texts takes."""
    return max((len(text) for text in texts), default=0) * CHARACTER_WIDTH
