"""One category: bars beside one another, in the order of the report; hours and weekdays upright, in their own order."""

from calltally.catalog import Dimension
from calltally.charts.fitting import axis_labels
from calltally.charts.frames import WIDER, Drawn, Plain, fitted, header_height, plot_width
from calltally.charts.matter import Matter
from calltally.charts.texts import width_of
from calltally.charts.ticks import number_ticks

__all__ = ["bars", "columns"]

BAR, LEAST_BAR = 25, 19  # pixels from one to the next
MOST = 50
COLUMNS_HEIGHT = 320


def bars(matter: Matter, dimension: Dimension) -> Drawn:
    """Bars from left to right, each with its value; those for which there is no room are told of."""
    rows = matter.report.rows[: _most(matter)]
    cut = len(rows) < len(matter.report.rows)
    notes = (f"first {len(rows):,} of {len(matter.report.rows):,} shown",) if cut else ()
    data = [_datum(matter, dimension, matter.name(dimension, row), matter.number(row)) for row in rows]
    names = [matter.name(dimension, row) for row in rows]
    limit = min(matter.look.width * 0.34, 260)
    labels = min(width_of(names), limit)
    plot = plot_width(matter, labels * (1 + WIDER))
    texts = [matter.short(matter.number(row)) for row in rows]
    low, high = _span([matter.number(row) for row in rows], width_of(texts) + 12, plot)
    y = {
        "field": "n",
        "type": "nominal",
        "scale": {"domain": names, "paddingInner": 0.3, "paddingOuter": 0.1},
        "axis": {"title": None, "labelColor": matter.theme.ink, "grid": False, **axis_labels(names, limit)},
    }
    scale = {"domain": [low, high], "nice": False, "zero": False}
    x = {"field": "v", "type": "quantitative", "axis": None, "scale": scale}
    views = {
        "data": {"values": data},
        "encoding": {"y": y, "tooltip": _tooltip(dimension, matter), "description": {"field": "d"}},
        "layer": [
            {"mark": {"type": "bar", "cornerRadiusEnd": 2}, "encoding": {"x": x}},
            _ends(x),
        ],
    }
    return Drawn("Bar chart", fitted(matter, header_height(matter, notes) + BAR * len(rows), views, labels), notes)


def _most(matter: Matter) -> int:
    height = matter.look.height
    return max((height - header_height(matter, ("first of all shown",))) // LEAST_BAR, 1) if height else MOST


def _span(values: list[int | float | None], text: float, plot: float) -> tuple[float, float]:
    """The ends of the scale, with room for a text behind the longest bar."""
    known = [value for value in values if value is not None]
    low, high = min([*known, 0]), max([*known, 0])
    size = (high - low or 1) / (1 - min(text / plot, 0.6))
    return low, low + size


def _ends(x: Plain) -> Plain:
    """The texts to the right of the bars; to the right of 0 where a bar goes left."""
    return {
        "transform": [{"calculate": "max(datum.v, 0)", "as": "at"}],
        "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 5, "aria": False},
        "encoding": {"x": {**x, "field": "at"}, "text": {"field": "t"}},
    }


def _tooltip(dimension: Dimension, matter: Matter) -> list[Plain]:
    return [
        {"field": "n", "type": "nominal", "title": dimension.label},
        {"field": "t", "type": "nominal", "title": matter.metric.label},
    ]


def columns(matter: Matter, dimension: Dimension) -> Drawn:
    """Bars from below to above, one for each hour or weekday that there is, with values where they fit."""
    numbers = {matter.name(dimension, row): matter.number(row) for row in matter.report.rows}
    names = matter.order(dimension)
    data = [_datum(matter, dimension, name, numbers.get(name, matter.missing)) for name in names]
    known = [datum["v"] for datum in data if datum["v"] is not None]
    ticks = number_ticks(min(known, default=0), max(known, default=0), 5, matter.unit, matter.currency)
    labels = width_of(text for texts in ticks.texts for text in texts)
    band = plot_width(matter, labels) / len(names)
    apart = next((step for step in (1, 2, 3, 6) if band * step > width_of(names) + 6), 6)
    axis = {"title": dimension.label, "values": names[::apart], "labelAngle": 0, "grid": False}
    x = {"field": "n", "type": "nominal", "scale": {"domain": names, "paddingInner": 0.2}, "axis": axis}
    scale = {"domain": [ticks.values[0], ticks.values[-1]], "nice": False}
    y = {"field": "v", "type": "quantitative", "scale": scale, "axis": {"title": None, **ticks.axis("datum.value")}}
    layers: list[Plain] = [{"mark": {"type": "bar", "cornerRadiusEnd": 2}}]
    if band > width_of(datum["t"] for datum in data) + 4:
        above = {"type": "text", "baseline": "bottom", "dy": -4, "aria": False}
        layers.append({"mark": above, "encoding": {"text": {"field": "t"}}})
    encoding = {"x": x, "y": y, "tooltip": _tooltip(dimension, matter), "description": {"field": "d"}}
    views = {"data": {"values": data}, "encoding": encoding, "layer": layers}
    return Drawn("Column chart", fitted(matter, COLUMNS_HEIGHT, views))


def _datum(matter: Matter, dimension: Dimension, name: str, number: int | float | None) -> Plain:
    told = f"{name}: {matter.written(number)}"
    where = matter.where({dimension.name: name})
    return {"n": name, "v": number, "t": matter.short(number), "d": told, "w": where}
