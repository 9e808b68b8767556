"""A report as a chart: one specification for the page and for files, drawn in a process of its own."""

from calltally.charts.drawing import Drawer, Picture
from calltally.charts.specification import chart

__all__ = ["Drawer", "Picture", "chart"]
