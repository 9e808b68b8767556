"""What surrounds every chart: size, title, facts, colours, and the sentence for those who cannot see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from calltally.charts.fitting import wrapped
from calltally.charts.matter import Matter
from calltally.charts.themes import FACT_LINE, FACT_SIZE, PADDING, TITLE_SIZE

__all__ = ["WIDER", "Drawn", "Plain", "fitted", "framed", "header_height", "plot_width"]

Plain = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
WIDER = 0.15  # by which letters of one machine are wider than those of another
BOLDER = 1.1  # by which the letters of a title are wider, which is bold
TITLE_LINE, AROUND = 18, 26
MOST_LINES = 4
MOST_NAMED = 5
MOST_LARGE = 40  # pixels


@dataclass(frozen=True)
class Drawn:
    """A chart without what surrounds it: of which kind it is, its views, and what it does not show, in words."""

    kind: str
    views: Plain
    notes: tuple[str, ...] = ()
    number: str = ""  # what stands large above it, in place of a title


def framed(matter: Matter, drawn: Drawn) -> Plain:
    """The whole specification."""
    title, facts = _title(matter), _facts(matter, drawn.notes)
    return {
        "$schema": SCHEMA,
        "description": _description(matter, drawn),
        "title": _large(matter, drawn) if drawn.number else {"text": title, "subtitle": facts},
        "config": matter.theme.config(),
        **drawn.views,
    }


def fitted(matter: Matter, height: float, views: Plain, labels: float = 0) -> Plain:
    """Views of a single chart that has the width asked for, and this height unless another was asked for.

    `labels` is about how wide the texts on the left are: the letters of whoever looks at a file may be wider than those
    with which it was laid out.
    """
    size: Plain = {"width": matter.look.width, "height": matter.look.height or round(height)}
    if labels:
        size["padding"] = {"left": PADDING + round(WIDER * labels), "right": PADDING, "top": PADDING, "bottom": PADDING}
    return {**size, "autosize": {"type": "fit", "contains": "padding"}, **views}


def plot_width(matter: Matter, labels: float) -> float:
    """About how wide a plot is beside labels of this width."""
    return max(matter.look.width - 2 * PADDING - labels - 10, 80)


def header_height(matter: Matter, notes: Sequence[str] = ()) -> int:
    """About how high title and facts are, with what is above and below them."""
    return 2 * PADDING + AROUND + TITLE_LINE * len(_title(matter)) + FACT_LINE * len(_facts(matter, tuple(notes)))


def _large(matter: Matter, drawn: Drawn) -> Plain:
    """A title that is a number, with what it is below it."""
    size = min(MOST_LARGE, int(1.6 * (matter.look.width - 2 * PADDING) / len(drawn.number)))
    facts = (*matter.facts()[1:], *drawn.notes)  # the first is the number
    below = [*_title(matter), *_lines(" · ".join(facts), matter, FACT_SIZE)]
    return {"text": drawn.number, "subtitle": below, "fontSize": size, "offset": 8}


def _title(matter: Matter) -> list[str]:
    return _lines(matter.title(), matter, BOLDER * TITLE_SIZE)


def _facts(matter: Matter, notes: tuple[str, ...]) -> list[str]:
    return _lines(" · ".join((*matter.facts(), *notes)), matter, FACT_SIZE)


def _lines(text: str, matter: Matter, size: float) -> list[str]:
    return wrapped(text, matter.look.width - 2 * PADDING, size, MOST_LINES)


def _description(matter: Matter, drawn: Drawn) -> str:
    """What the chart says, for a screen reader: its kind, title and facts, and its first groups."""
    rows = matter.report.rows[:MOST_NAMED]
    named = [f"{matter.row_name(row)}: {matter.text(row)}" for row in rows]
    more = len(matter.report.rows) - len(rows)
    listed = "; ".join([*named, f"and {more:,} more"] if more else named)
    return ". ".join(part for part in (drawn.kind, matter.title(), *matter.facts(), *drawn.notes, listed) if part)
