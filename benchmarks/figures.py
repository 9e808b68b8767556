"""What was measured, as data: of the machine, of each size of business, and of the demo."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb

from benchmarks.commands import THREADS
from calltally import __version__

__all__ = ["Figures", "ImportFigure", "Machine", "ReportFigure", "SizeFigures", "TimeZoneFigure", "write_figures"]


@dataclass(frozen=True)
class Machine:
    """What the figures hold for; `load` is how busy it was with other things when the run began."""

    cores: int = THREADS
    system: str = field(default_factory=platform.platform)
    python: str = field(default_factory=platform.python_version)
    duckdb: str = duckdb.__version__
    calltally: str = __version__
    load: float = field(default_factory=lambda: os.getloadavg()[0])


@dataclass(frozen=True)
class ImportFigure:
    """One kind of file imported by the command line, its start and end included: the best of so many rounds."""

    format: str
    calls_a_second: float
    seconds: float
    peak_mb: float  # the highest of the rounds
    rounds: int


@dataclass(frozen=True)
class ReportFigure:
    """One report's round trip beside the rival's two statements: the best medians of the rounds."""

    title: str
    request: str
    ms: float  # right after a call was written
    rival_ms: float
    ratio: float
    above_rival_ms: float
    again_ms: float  # with nothing written since it was last asked
    again_above_empty_ms: float


@dataclass(frozen=True)
class TimeZoneFigure:
    """The same report by local day, with the business in UTC and in New York."""

    request: str
    utc_ms: float
    new_york_ms: float
    ratio: float


@dataclass(frozen=True)
class SizeFigures:
    """All about one business of so many calls."""

    calls: int
    imports: tuple[ImportFigure, ...]
    reports: tuple[ReportFigure, ...]
    empty_route_ms: float
    time_zones: TimeZoneFigure
    serving_peak_mb: float


@dataclass(frozen=True)
class DemoFigures:
    """What a server with the demo's calls holds while nobody asks: having made them, and started again."""

    calls_made_mb: float
    started_again_mb: float


@dataclass(frozen=True)
class Figures:
    """A whole run."""

    machine: Machine
    rounds: int
    sizes: tuple[SizeFigures, ...]
    demo: DemoFigures


def write_figures(figures: Figures, path: Path) -> None:
    """Write them as JSON."""
    path.write_text(json.dumps(asdict(figures), indent=2) + "\n")
