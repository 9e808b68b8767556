"""A report as a Vega-Lite specification: which kind of chart suits it, and that chart with its data."""

from calltally.catalog import Dimension
from calltally.charts.bars import bars, columns
from calltally.charts.frames import Drawn, Plain, fitted, framed, header_height
from calltally.charts.heat import heat
from calltally.charts.lines import Timeline, lines, multiples, trend
from calltally.charts.matter import TIMES, Matter, matter_of
from calltally.query import Look, Report

__all__ = ["chart"]

MOST_LINES = 7
SMALL = 160  # pixels of height, below which a number says more than axes do
LARGER = 30  # pixels that a large number is higher than a title


def chart(report: Report, look: Look, currency: str) -> Plain:
    """The specification of the chart that suits the report, in the currency of its business."""
    matter = matter_of(report, look, currency)
    return framed(matter, _drawn(matter))


def _drawn(matter: Matter) -> Drawn:
    times = [d for grain in TIMES for d in matter.varying if d.grain is grain]  # finest first
    if not matter.report.rows:
        return _number(matter, "No calls match")
    if not matter.varying:
        return _number(matter, matter.text(matter.report.rows[0]))
    if times:
        return _over_time(matter, times[0])
    if len(matter.varying) > 1:
        return heat(matter)
    [dimension] = matter.varying
    return columns(matter, dimension) if dimension.grain else bars(matter, dimension)


def _over_time(matter: Matter, time: Dimension) -> Drawn:
    """As one line, several, or small multiples, apart by what has too many values for colours."""
    timeline = Timeline(matter, time)
    others = [dimension for dimension in matter.varying if dimension is not time]
    few = [dimension for dimension in others if len(matter.order(dimension)) <= MOST_LINES]
    if not others:
        small = matter.look.height is not None and matter.look.height <= SMALL
        return trend(timeline) if small else lines(timeline, None)
    if len(others) == 1 and few:
        return lines(timeline, few[0])
    series = few[0] if few and len(others) > 1 else None
    return multiples(timeline, series, [dimension for dimension in others if dimension is not series])


def _number(matter: Matter, text: str) -> Drawn:
    """A single number, or words in its place, large, and nothing else."""
    nothing = {"data": {"values": [{}]}, "mark": {"type": "point", "opacity": 0, "aria": False}}
    return Drawn("Number", fitted(matter, header_height(matter) + LARGER, nothing), number=text)
