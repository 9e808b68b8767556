"""THEMES: the colours of charts, and how their parts look in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["FACT_LINE", "FACT_SIZE", "LABEL_SIZE", "PADDING", "THEMES", "TITLE_SIZE", "Theme"]

FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
TITLE_SIZE, FACT_SIZE, LABEL_SIZE = 15, 12, 11  # of their fonts in pixels
FACT_LINE = 16  # pixels
PADDING = 16


@dataclass(frozen=True)
class Theme:
    """Colours: those of series differ for the colour-blind too, those of numbers go from few to many in one hue."""

    background: str
    ink: str
    muted: str
    faint: str
    nothing: str  # where there is no value
    series: tuple[str, ...]
    scale: tuple[str, ...]
    ink_on_many: str
    ink_on_few: str

    def config(self) -> dict[str, Any]:
        """The `config` of a specification."""
        return {
            "background": self.background,
            "font": FONT,
            "padding": PADDING,
            "view": {"stroke": None},
            "axis": {
                "domain": False,
                "ticks": False,
                "gridColor": self.faint,
                "labelColor": self.muted,
                "labelFontSize": LABEL_SIZE,
                "labelPadding": 8,
                "titleColor": self.muted,
                "titleFontSize": LABEL_SIZE,
                "titleFontWeight": "normal",
                "titlePadding": 10,
            },
            "title": {
                "anchor": "start",
                "frame": "bounds",
                "color": self.ink,
                "fontSize": TITLE_SIZE,
                "fontWeight": 600,
                "offset": 14,
                "subtitleColor": self.muted,
                "subtitleFontSize": FACT_SIZE,
                "subtitleLineHeight": FACT_LINE,
                "subtitlePadding": 5,
            },
            "header": {
                "labelColor": self.ink,
                "labelFontSize": LABEL_SIZE,
                "labelFontWeight": 600,
                "labelAnchor": "start",
                "title": None,
            },
            "legend": {
                "labelColor": self.ink,
                "labelFontSize": LABEL_SIZE,
                "title": None,
                "symbolType": "circle",
                "symbolSize": 70,
            },
            "bar": {"fill": self.series[0]},
            "text": {"fill": self.ink, "fontSize": LABEL_SIZE},
        }


THEMES: Mapping[str, Theme] = {
    "light": Theme(
        background="#ffffff",
        ink="#1c2430",
        muted="#5b6675",
        faint="#e6eaef",
        nothing="#ffffff",
        series=("#0072b2", "#d55e00", "#009e73", "#b8568f", "#b98300", "#3fa3dc", "#4d4d4d"),
        scale=("#e3edf7", "#bfd9ee", "#83b8dd", "#3f8cc2", "#0f5c96", "#073a63"),
        ink_on_many="#ffffff",
        ink_on_few="#1c2430",
    ),
    "dark": Theme(
        background="#12161c",
        ink="#e8ecf1",
        muted="#9aa6b5",
        faint="#262d37",
        nothing="#12161c",
        series=("#56b4e9", "#f0883e", "#2fbf93", "#e29bc4", "#f0e442", "#9d8df1", "#c9ced6"),
        scale=("#1a2735", "#1d415f", "#286b9c", "#449bd3", "#8bc8ef", "#dbf0fe"),
        ink_on_many="#12161c",
        ink_on_few="#e8ecf1",
    ),
}
