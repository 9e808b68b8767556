"""Time on an axis: an area or a line, several lines, or small multiples of them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from calltally.catalog import Dimension, Grain, read_grain, show_grain
from calltally.charts.frames import Drawn, Plain, fitted, header_height, plot_width
from calltally.charts.matter import TIMES, Matter
from calltally.charts.texts import width_of
from calltally.charts.themes import PADDING
from calltally.charts.ticks import Ticks, milliseconds, number_ticks, time_ticks

__all__ = ["Timeline", "lines", "multiples", "trend"]

Number = int | float | None

DOT_WIDTH = 14  # pixels from one to the next that keep dots apart
MOST_VIEWS = 12
VIEW_WIDTH, VIEW_HEIGHT = 220, 96
LEAST_VIEW_HEIGHT = 50
VIEW_GAP, VIEW_LABELS = 22, 46  # between views, and what is above and below each
TICK_WIDTH = 64
OVERHANG = 22  # of the last tick's text
LEAST_LABEL, MOST_LABEL, SYMBOL = 40, 180, 34  # of a legend, and what is before and behind each label


class Timeline:
    """A report along days, weeks or months: its points, and the axes on which they lie."""

    def __init__(self, matter: Matter, dimension: Dimension) -> None:
        assert dimension.grain in TIMES  # noqa: S101 - others are categories
        self.matter = matter
        self.dimension = dimension
        self.grain: Grain = dimension.grain
        self._step = 7 if self.grain is Grain.WEEK else 1
        self._places = {text: self._place(text) for text in matter.names[dimension.name]}
        self.first, self.last = min(self._places.values()), max(self._places.values())

    def _place(self, text: object) -> int:
        place = read_grain(self.grain, str(text))
        assert place is not None  # noqa: S101 - reports show what can be read again
        return place

    def points(self, keys: Sequence[Dimension]) -> Iterator[tuple[tuple[str, ...], list[tuple[int, Number]]]]:
        """The labels of each different combination of other dimensions' values, and its points, gaps filled.

        A gap is filled at both its ends, which is enough to draw it. Where the other dimension is a time itself, what
        lies outside of it is no gap.
        """
        found: dict[tuple[str, ...], dict[int, Number]] = {}
        for row in self.matter.report.rows:
            name = tuple(self.matter.name(key, row) for key in keys)
            found.setdefault(name, {})[self._places[row[self.dimension.name]]] = self.matter.number(row)
        apart = any(key.grain in TIMES for key in keys)
        for name, numbers in found.items():
            yield name, self._filled(numbers, None if apart else self.matter.missing)

    def _filled(self, numbers: dict[int, Number], missing: Number) -> list[tuple[int, Number]]:
        filled = dict(numbers)
        step = self._step
        for before, after in pairwise([self.first - step, *sorted(numbers), self.last + step]):
            if after - before > step:
                filled |= {before + step: missing, after - step: missing}
        return sorted(filled.items())

    def data(
        self, labels: Mapping[str, str], points: Sequence[tuple[int, Number]], width: float, **more: str
    ) -> Iterator[Plain]:
        """What is drawn of the points under these labels of dimensions.

        They have dots where a plot of this width has room, or where no line is.
        """
        name, where = ", ".join(labels.values()), self.matter.where(labels)
        numbers = [None, *(number for _, number in points), None]
        few = ((self.last - self.first) // self._step + 1) * DOT_WIDTH <= width
        for index, (place, number) in enumerate(points):
            alone = numbers[index] is None and numbers[index + 2] is None
            when, text = str(show_grain(self.grain, place)), self.matter.written(number)
            yield {
                "x": milliseconds(self.grain, place),
                "v": number,
                "t": text,
                "n": when,
                "d": f"{name}, {when}: {text}" if name else f"{when}: {text}",
                "w": {**where, self.dimension.name: when},
                "dot": few or alone,
                **more,
            }

    def x(self, width: float) -> Plain:
        """The axis of time, for a plot of this width."""
        ticks = time_ticks(self.grain, self.first, self.last, max(int(width / TICK_WIDTH), 2))
        axis = {
            "title": None,
            "grid": False,
            "labelFlush": False,
            "labelOverlap": False,
            **ticks.axis("datum.value"),
        }
        # Milliseconds on a plain scale: of times Vega-Lite makes text to be run as code, which no page of ours does.
        ends = [milliseconds(self.grain, place) for place in (self.first, self.last)]
        scale = {"domain": ends, "nice": False, "zero": False}
        return {"field": "x", "type": "quantitative", "scale": scale, "axis": axis}

    def y(self, ticks: Ticks) -> Plain:
        """The axis of numbers."""
        scale = {"domain": [ticks.values[0], ticks.values[-1]], "nice": False}
        axis = {"title": None, **ticks.axis("datum.value")}
        return {"field": "v", "type": "quantitative", "scale": scale, "axis": axis}

    def tooltip(self, series: Dimension | None) -> list[Plain]:
        """What a point says when it is pointed at."""
        named = [{"field": "s", "type": "nominal", "title": series.label}] if series else []
        return [
            *named,
            {"field": "n", "type": "nominal", "title": self.dimension.label},
            {"field": "t", "type": "nominal", "title": self.matter.metric.label},
        ]

    def ticks(self, data: Sequence[Plain], most: int) -> Ticks:
        """Round numbers for the axis of these points."""
        known = [datum["v"] for datum in data if datum["v"] is not None]
        return number_ticks(min(known, default=0), max(known, default=0), most, self.matter.unit, self.matter.currency)


def lines(timeline: Timeline, series: Dimension | None) -> Drawn:
    """An area or a line, or one line for each value of a dimension."""
    matter = timeline.matter
    keys = [series] if series else []
    data = [
        datum
        for name, points in timeline.points(keys)
        for datum in timeline.data(_labelled(keys, name), points, matter.look.width, s="".join(name))
    ]
    ticks = timeline.ticks(data, 5)
    labels = _labels(ticks)
    views = {"data": {"values": data}, **_plot(timeline, series, ticks, plot_width(matter, labels), labels)}
    height = min(max(matter.look.width // 2, 260), 400)
    return Drawn("Line chart", fitted(matter, height, views))


def _labelled(keys: Sequence[Dimension], labels: Sequence[str]) -> dict[str, str]:
    return {key.name: label for key, label in zip(keys, labels, strict=True)}


def _labels(ticks: Ticks) -> float:
    return width_of(text for texts in ticks.texts for text in texts) + 8


def _plot(timeline: Timeline, series: Dimension | None, ticks: Ticks, width: float, labels: float) -> Plain:
    """A plot of this width beside labels of that: its axes and colours, and what is drawn on it."""
    colours = _coloured(timeline.matter, series, labels)
    return {
        "encoding": {"x": timeline.x(width), "y": timeline.y(ticks), **colours},
        "layer": _layers(timeline, series, area=not series and timeline.matter.adds_up),
    }


def _layers(timeline: Timeline, series: Dimension | None, *, area: bool) -> list[Plain]:
    """The area below a line, the line, and its points, which can be pointed at whether they are seen or not."""
    colour = {} if series else {"color": timeline.matter.theme.series[0]}
    below = {"mark": {"type": "area", "opacity": 0.14, "aria": False, **colour}}
    line = {
        "mark": {"type": "line", "strokeWidth": 2, "strokeJoin": "round", "strokeCap": "round", "aria": False, **colour}
    }
    seen = {"condition": {"test": "datum.dot", "value": 1}, "value": 0}
    points = {
        "mark": {"type": "point", "filled": True, "size": 34, **colour},
        "encoding": {"opacity": seen, "tooltip": timeline.tooltip(series), "description": {"field": "d"}},
    }
    return [below, line, points] if area else [line, points]


def _coloured(matter: Matter, series: Dimension | None, labels: float) -> Plain:
    """Colours of the values of a dimension, told above a plot that stands beside labels of this width."""
    if series is None:
        return {}
    names = matter.order(series)
    room = matter.look.width - 2 * PADDING - labels
    limit = max(min(MOST_LABEL, room - SYMBOL), LEAST_LABEL)
    across = max(int(room / (min(width_of(names), limit) + SYMBOL)), 1)
    legend = {"orient": "top", "direction": "horizontal", "columns": across, "labelLimit": limit}
    scale = {"domain": names, "range": list(matter.theme.series)}
    return {"color": {"field": "s", "type": "nominal", "scale": scale, "legend": legend}}


def multiples(timeline: Timeline, series: Dimension | None, apart: Sequence[Dimension]) -> Drawn:
    """A small chart for each combination of values of the dimensions `apart`, all with the same axes."""
    matter = timeline.matter
    across = max((matter.look.width - 2 * PADDING) // (VIEW_WIDTH + VIEW_GAP), 1)
    grouped: dict[str, list[Plain]] = {}
    keys = [*apart, series] if series else list(apart)
    for name, points in timeline.points(keys):
        label = " · ".join(name[: len(apart)])
        more = {"f": label, "s": name[-1] if series else ""}
        grouped.setdefault(label, []).extend(timeline.data(_labelled(keys, name), points, VIEW_WIDTH, **more))
    shown = list(grouped)[: _most_views(matter, across)]
    notes = (f"first {len(shown):,} of {len(grouped):,} shown",) if len(shown) < len(grouped) else ()
    data = [datum for label in shown for datum in grouped[label]]
    ticks = timeline.ticks(data, 3)
    across = min(across, len(shown))
    labels = _labels(ticks)
    width = int((plot_width(matter, labels + OVERHANG) - VIEW_GAP * (across - 1)) / across)
    height = _view_height(matter, -(-len(shown) // across), notes)
    spec = {"width": width, "height": height, **_plot(timeline, series, ticks, width, labels)}
    header = {"labelLimit": width}
    facet = {"field": "f", "type": "nominal", "sort": shown, "header": header}
    views = {"data": {"values": data}, "facet": facet, "columns": across, "spacing": VIEW_GAP, "spec": spec}
    return Drawn("Small multiples", views, notes)


def _most_views(matter: Matter, across: int) -> int:
    if matter.look.height is None:
        return MOST_VIEWS
    left = matter.look.height - header_height(matter, ("first of all shown",)) - VIEW_LABELS
    return max(left // (LEAST_VIEW_HEIGHT + VIEW_LABELS), 1) * across


def _view_height(matter: Matter, rows: int, notes: Sequence[str]) -> int:
    if matter.look.height is None:
        return VIEW_HEIGHT
    left = matter.look.height - header_height(matter, notes) - VIEW_LABELS
    return max(left // rows - VIEW_LABELS, 20)


def trend(timeline: Timeline) -> Drawn:
    """The total large, and how it came about over time as a line below it."""
    matter = timeline.matter
    [(_, points)] = timeline.points([])
    data = list(timeline.data({}, points, 0))
    ticks = timeline.ticks(data, 5)
    encoding = {"x": {**timeline.x(matter.look.width), "axis": None}, "y": {**timeline.y(ticks), "axis": None}}
    layers = _layers(timeline, None, area=matter.adds_up)
    views = {"data": {"values": data}, "encoding": encoding, "layer": layers}
    total = matter.written(matter.report.totals[matter.metric.name])
    return Drawn("Number with its trend", fitted(matter, 0, views), number=total)
