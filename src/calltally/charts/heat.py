"""Two categories: a heat map; of three, one for each value of the third."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from calltally.catalog import Dimension, Grain
from calltally.charts.fitting import axis_labels
from calltally.charts.frames import Drawn, Plain, fitted, header_height, plot_width
from calltally.charts.matter import Matter
from calltally.charts.texts import tick_text, width_of
from calltally.charts.themes import PADDING

__all__ = ["heat"]

ROW, LEAST_ROW = 27, 18  # pixels from one to the next
LEAST_DAY = 10  # of weekdays, which are few: a week is told of whole wherever it can be
LEAST_COLUMN = 15
MOST_ROWS, MOST_VIEWS = 50, 6
VIEW_WIDTH, GAP = 380, 24
OVERHANG = 12  # of what stands beside the views
LEGEND, LEVEL_LABELS, SLANTED_LABELS, AXIS_TITLE = 44, 22, 84, 26
SLANTED_APART = 20  # pixels that keep slanted labels apart
LABEL_LIMIT = 110
MOST_LEGEND = 160  # pixels
DARK_FROM = 0.55  # of the way from the least to the greatest number


@dataclass(frozen=True)
class Grid:
    """Which dimension goes across and which down, and the labels for which there is room."""

    matter: Matter
    across: Dimension
    down: Dimension
    columns: Sequence[str]
    rows: Sequence[str]
    width: float  # of a column
    height: float  # of a row

    @property
    def level(self) -> bool:
        """Whether labels fit below their columns as they are."""
        return self.across.grain is not None or width_of(self.columns) + 6 <= self.width

    @property
    def below(self) -> int:
        """How high all is that stands below the rows of one map."""
        return LEVEL_LABELS + AXIS_TITLE if self.level else SLANTED_LABELS + AXIS_TITLE


def heat(matter: Matter) -> Drawn:
    """A heat map of two dimensions; of three, several, apart by the one that has the fewest values."""
    dimensions = sorted(matter.varying, key=lambda dimension: len(matter.order(dimension)))
    apart = dimensions[0] if len(dimensions) > 2 else None
    across, down = _placed([dimension for dimension in matter.varying if dimension is not apart])
    views = matter.order(apart)[:MOST_VIEWS] if apart else [""]
    beside = max((matter.look.width - 2 * PADDING) // VIEW_WIDTH, 1) if apart else 1
    grid = _grid(matter, across, down, min(beside, len(views)), -(-len(views) // beside))
    notes = tuple(_left_out(matter, grid, apart, views))
    cells = [cell for view in views for cell in _cells(grid, apart, view)]
    layers = _layers(grid, cells, [dimension for dimension in (apart, down, across) if dimension])
    if apart is None:
        labels = min(width_of(grid.rows), _label_limit(matter))
        height = header_height(matter, notes) + ROW * len(grid.rows) + grid.below + LEGEND
        return Drawn("Heat map", fitted(matter, height, {"data": {"values": cells}, **layers}, labels), notes)
    spec = {"width": int(grid.width * len(grid.columns)), "height": int(grid.height * len(grid.rows)), **layers}
    facet = {"field": "f", "type": "nominal", "sort": views, "header": {"labelLimit": spec["width"]}}
    several = {"data": {"values": cells}, "facet": facet, "columns": beside, "spacing": GAP, "spec": spec}
    return Drawn("Heat maps", several, notes)


def _placed(dimensions: Sequence[Dimension]) -> tuple[Dimension, Dimension]:
    """Which of two dimensions goes across, and which down: hours and weekdays across, for they are few and short."""
    first, second = dimensions
    for grain in (Grain.HOUR_OF_DAY, Grain.DAY_OF_WEEK):
        if first.grain is grain:
            return first, second
        if second.grain is grain:
            return second, first
    return second, first


def _grid(matter: Matter, across: Dimension, down: Dimension, beside: int, stacked: int) -> Grid:
    columns, rows = matter.order(across), matter.order(down)
    room = (plot_width(matter, OVERHANG) - GAP * (beside - 1)) / beside
    plot = max(room - min(width_of(rows), _label_limit(matter)), 60)
    if across.grain is None:
        columns = columns[: max(int(plot / LEAST_COLUMN), 1)]
    sized = Grid(matter, across, down, columns, rows, plot / len(columns), ROW)
    if matter.look.height is None:
        return Grid(matter, across, down, columns, rows[:MOST_ROWS], sized.width, ROW)
    left = (matter.look.height - header_height(matter, ("first of all shown",)) - LEGEND) / stacked - sized.below
    least = LEAST_DAY if down.grain else LEAST_ROW
    rows = rows[: max(int(left / least), 1)]
    return Grid(matter, across, down, columns, rows, sized.width, max(left / len(rows), least))


def _label_limit(matter: Matter) -> float:
    return min(matter.look.width * 0.3, 220)


def _left_out(matter: Matter, grid: Grid, apart: Dimension | None, views: Sequence[str]) -> Iterator[str]:
    """What there was no room for, in words."""
    for dimension, shown in ((grid.down, grid.rows), (grid.across, grid.columns), (apart, views)):
        if dimension and len(shown) < len(matter.order(dimension)):
            yield f"{dimension.label}: first {len(shown):,} of {len(matter.order(dimension)):,} shown"


def _cells(grid: Grid, apart: Dimension | None, view: str) -> Iterator[Plain]:
    """A cell for each row and column, whether the report has it or not."""
    matter = grid.matter
    numbers = {
        (matter.name(grid.down, row), matter.name(grid.across, row)): matter.number(row)
        for row in matter.report.rows
        if apart is None or matter.name(apart, row) == view
    }
    for row in grid.rows:
        for column in grid.columns:
            number = numbers.get((row, column), matter.missing)
            text = matter.written(number)
            name = ", ".join(part for part in (view, row, column) if part)
            labels = {grid.across.name: column, grid.down.name: row, **({apart.name: view} if apart else {})}
            told = {"t": text, "d": f"{name}: {text}", "w": matter.where(labels)}
            yield {"x": column, "y": row, "f": view, "v": number, **told}


def _layers(grid: Grid, cells: Sequence[Plain], named: Sequence[Dimension]) -> Plain:
    matter, theme = grid.matter, grid.matter.theme
    known = [cell["v"] for cell in cells if cell["v"] is not None]
    low, high = min(known, default=0), max(known, default=0)
    low = min(low, 0)
    high = high if high > low else low + 1
    fields = {"f": 0, "y": -2, "x": -1} if len(named) > 2 else {"y": 0, "x": 1}
    tooltip = [{"field": field, "type": "nominal", "title": named[place].label} for field, place in fields.items()]
    tooltip.append({"field": "t", "type": "nominal", "title": matter.metric.label})
    colour = {
        "condition": {"test": "datum.v === null", "value": theme.nothing},
        "field": "v",
        "type": "quantitative",
        "scale": {"domain": [low, high], "range": list(theme.scale), "nice": False},
        "legend": _legend(matter, low, high, min(MOST_LEGEND, int(grid.width * len(grid.columns) * 0.9))),
    }
    cell = {
        "mark": {
            "type": "rect",
            "invalid": "show",
            "stroke": theme.background,
            "strokeWidth": 2 if grid.width > LEAST_COLUMN else 1,
            "cornerRadius": 3,
        }
    }
    layers = [{**cell, "encoding": {"color": colour, "tooltip": tooltip, "description": {"field": "d"}}}]
    if texts := _texts(grid, cells, low, high):
        layers.append(texts)
    return {"encoding": {"x": _x(grid), "y": _y(grid)}, "layer": layers}


def _texts(grid: Grid, cells: Sequence[Plain], low: float, high: float) -> Plain | None:
    """The number in each cell, if all of them fit."""
    theme = grid.matter.theme
    for cell in cells:
        cell["c"] = grid.matter.short(cell["v"])
    if width_of(cell["c"] for cell in cells) + 8 > grid.width:
        return None
    dark = f"datum.v !== null && datum.v >= {low + (high - low) * DARK_FROM}"
    ink = {"condition": {"test": dark, "value": theme.ink_on_many}, "value": theme.ink_on_few}
    return {"mark": {"type": "text", "aria": False}, "encoding": {"text": {"field": "c"}, "color": ink}}


def _legend(matter: Matter, low: float, high: float, length: int) -> Plain:
    least, most = (tick_text(number, matter.unit, matter.currency) for number in (low, high))
    ends = f"datum.value <= {low} ? '{least}' : '{most}'"
    return {
        "orient": "bottom",
        "direction": "horizontal",
        "gradientLength": length,
        "gradientThickness": 8,
        "values": [low, high],
        "labelExpr": ends,
    }


def _x(grid: Grid) -> Plain:
    apart = next((step for step in (1, 2, 3, 6) if grid.width * step > width_of(grid.columns) + 6), 6)
    angle = -40 if grid.width > SLANTED_APART else -90
    slanted = {"labelAngle": angle, "labelAlign": "right", **axis_labels(grid.columns, LABEL_LIMIT)}
    slant = {"labelAngle": 0} if grid.level else slanted
    shown = grid.columns[::apart] if grid.level else grid.columns
    axis = {"title": grid.across.label, "values": list(shown), "grid": False, **slant}
    return {"field": "x", "type": "nominal", "scale": {"domain": list(grid.columns), "padding": 0}, "axis": axis}


def _y(grid: Grid) -> Plain:
    labels = axis_labels(grid.rows, _label_limit(grid.matter))
    axis = {"title": None, "labelColor": grid.matter.theme.ink, "grid": False, **labels}
    return {"field": "y", "type": "nominal", "scale": {"domain": list(grid.rows), "padding": 0}, "axis": axis}
