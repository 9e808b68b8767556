"""A report as a chart: one specification for the page and for files, drawn in a process of its own."""

from calltally.charts.drawing import Drawer, Picture
from calltally.charts.script import VEGA_VERSION, vega_script
from calltally.charts.specification import chart

__all__ = ["VEGA_VERSION", "Drawer", "Picture", "chart", "vega_script"]
