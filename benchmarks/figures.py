"""What was measured, as data: of the machine, of each size of business, and of the demo."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.commands import THREADS
from calltally import __version__

__all__ = [
    "BatchesFigure",
    "BesideFigure",
    "BesideReport",
    "ColumnsFigure",
    "CopiedFigure",
    "CorrectedFigure",
    "CorrectionsFigure",
    "DemoFigures",
    "Figures",
    "GrowthFigure",
    "ImportFigure",
    "ListFigure",
    "ListFigures",
    "Machine",
    "MonthFigure",
    "PageFigure",
    "PagesFigures",
    "PartFigure",
    "PeerRate",
    "PeerTime",
    "PostsFigure",
    "ProcessFigure",
    "RateFigure",
    "ReportFigure",
    "ScalingFigures",
    "ScalingReport",
    "SideFigure",
    "SideTime",
    "SizeImports",
    "SizeReports",
    "SizeScaling",
    "StreamFigure",
    "TableFigure",
    "TimeZoneFigure",
    "WritingFigures",
    "write_figures",
]

Plain = dict[str, Any]


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
class PeerTime:
    """The best median of a peer."""

    name: str
    ms: float


@dataclass(frozen=True)
class ReportFigure:
    """One report's round trip beside those of the peers: the best medians of the rounds."""

    title: str
    request: str
    ms: float  # right after a call was written
    above_empty_ms: float
    again_ms: float  # with nothing written since it was last asked
    again_above_empty_ms: float
    anew_ms: float  # as `ms`, but where nothing is kept of what was counted before
    peers: tuple[PeerTime, ...]
    ratio: float | None  # to the best of them
    anew_ratio: float | None
    read_mb: float  # the columns that it is about, where its calls are
    least_ms: float  # by how fast the machine reads so much memory
    times_least: float  # counted anew


@dataclass(frozen=True)
class TimeZoneFigure:
    """The same report by local day, with the business in UTC and in New York."""

    request: str
    utc_ms: float
    new_york_ms: float
    ratio: float


@dataclass(frozen=True)
class SizeImports:
    """All kinds of files of so many calls."""

    calls: int
    files: tuple[ImportFigure, ...]


@dataclass(frozen=True)
class PostsFigure:
    """Single calls that many connections post at once; the times are from a post to its answer.

    What clients take of the machine, `client_share`, is a part of one core, here and below.
    """

    into: str  # what is in the business before
    connections: int
    calls_a_second: float
    median_ms: float
    p99_ms: float
    client_share: float


@dataclass(frozen=True)
class BatchesFigure:
    """Arrays of so many calls."""

    batch: int
    connections: int
    calls_a_second: float
    client_share: float


@dataclass(frozen=True)
class StreamFigure:
    """One body of NDJSON."""

    calls: int
    calls_a_second: float
    peak_mb: float  # of the server, over all rounds
    client_share: float


@dataclass(frozen=True)
class CorrectionsFigure:
    """One array of changes to calls that a business of so many calls has, from its post to its answer."""

    calls: int
    corrections: int
    ms: float


@dataclass(frozen=True)
class BesideReport:
    """A report while calls are posted, and while they are not."""

    title: str
    idle_ms: float
    busy_ms: float
    ratio: float


@dataclass(frozen=True)
class MonthFigure:
    """The same report about one month, of a business with two years and of one with nothing but that month."""

    request: str
    whole_ms: float
    alone_ms: float
    ratio: float


@dataclass(frozen=True)
class PeerRate:
    """The most answers a second of a peer."""

    name: str
    answers_a_second: float


@dataclass(frozen=True)
class RateFigure:
    """One report that many connections ask for at once, with nothing given again."""

    title: str
    connections: int
    answers_a_second: float
    client_share: float
    peers: tuple[PeerRate, ...]
    ratio: float | None  # to the best of them


@dataclass(frozen=True)
class PartFigure:
    """A part of the columns in memory."""

    name: str
    bytes_a_call: float


@dataclass(frozen=True)
class ColumnsFigure:
    """The columns in memory of a business."""

    calls: int
    build_seconds: float
    bytes_a_call: float
    parts: tuple[PartFigure, ...]


@dataclass(frozen=True)
class CorrectedFigure:
    """Reports while calls are corrected, so many a second."""

    corrections_a_second: float  # the fewest of the rounds
    client_share: float
    from_columns: float  # the share of reports meanwhile that came from columns
    reports: tuple[BesideReport, ...]


@dataclass(frozen=True)
class SizeReports:
    """All reports about one business of so many calls."""

    calls: int
    reports: tuple[ReportFigure, ...]
    empty_route_ms: float  # right after a call was written, as the reports
    empty_route_again_ms: float  # with nothing written
    sum_ratio: float | None  # of all but the last report together, to the best peer's
    anew_sum_ratio: float | None
    time_zones: TimeZoneFigure
    month: MonthFigure
    corrected: CorrectedFigure
    rates: tuple[RateFigure, ...]  # of a small business only
    columns: ColumnsFigure
    gigabytes_a_second: float  # that the machine reads of memory
    peak_mb: float


@dataclass(frozen=True)
class BesideFigure:
    """Reports beside posts of single calls, so many a second."""

    calls: int
    connections: int
    posts_a_second: float  # the fewest of the rounds
    client_share: float
    reports: tuple[BesideReport, ...]


@dataclass(frozen=True)
class WritingFigures:
    """Calls that are sent in over HTTP."""

    posts: tuple[PostsFigure, ...]
    batches: BatchesFigure
    stream: StreamFigure
    corrections: CorrectionsFigure
    beside: BesideFigure


@dataclass(frozen=True)
class ListFigure:
    """The first page of a list of calls, beside the same SQL on the same file without a server."""

    title: str
    request: str
    ms: float
    rival_ms: float
    ratio: float


@dataclass(frozen=True)
class ListFigures:
    """Pages of the calls of one business of so many."""

    calls: int
    page: int
    lists: tuple[ListFigure, ...]


@dataclass(frozen=True)
class PageFigure:
    """What the page of reports shows: milliseconds from a navigation or a change of filter until all is painted."""

    title: str
    address: str
    first_ms: float
    again_ms: float  # with scripts and styles from the browser's cache
    filtered_ms: float


@dataclass(frozen=True)
class PagesFigures:
    """The page of reports about one business of so many calls; sizes are of what is sent, compressed, in kB."""

    calls: int
    pages: tuple[PageFigure, ...]
    own_kb: float
    vega_kb: float


@dataclass(frozen=True)
class DemoFigures:
    """What a server with the demo's calls holds while nobody asks: having made them, and started again.

    And once it has answered reports: from columns, from the database with columns switched off, and without Numba.
    """

    calls_made_mb: float
    started_again_mb: float
    columns_mb: float
    switched_off_mb: float
    without_numba_mb: float


@dataclass(frozen=True)
class SideTime:
    """A report on one side: the best median, and the calls in its range by second and core of the machine."""

    side: str
    ms: float
    rows_a_second_a_core: float


@dataclass(frozen=True)
class ScalingReport:
    """A report on all sides, which have given the same rows and totals."""

    title: str
    request: str
    calls: int  # that lie in its range
    sides: tuple[SideTime, ...]


@dataclass(frozen=True)
class TableFigure:
    """A file or a table on the disk, of all servers together."""

    name: str
    bytes_a_call: float
    parts: int


@dataclass(frozen=True)
class ProcessFigure:
    """The most memory that a process held, copying and merging included."""

    name: str
    peak_mb: float


@dataclass(frozen=True)
class CopiedFigure:
    """Rows that were copied from the file, and how long their servers went on merging afterwards."""

    rows: int
    seconds: float
    rows_a_second: float
    merging_seconds: float


@dataclass(frozen=True)
class SideFigure:
    """One engine with the calls of a business; not copied: the file itself, or columns of it."""

    name: str
    version: str
    nothing_ms: float  # a report about days without calls
    tables: tuple[TableFigure, ...]
    processes: tuple[ProcessFigure, ...]
    copied: CopiedFigure | None
    all_cores: float | None  # how many times as fast a server reads its own part with all cores as with one


@dataclass(frozen=True)
class SizeScaling:
    """A business of so many calls on all sides."""

    calls: int
    import_calls_a_second: float
    backup_seconds: float
    columns_seconds: float  # until they are built
    columns_bytes_a_call: float  # in memory
    reports: tuple[ScalingReport, ...]
    sides: tuple[SideFigure, ...]


@dataclass(frozen=True)
class GrowthFigure:
    """How many times as many calls lie in a report's range in a larger business, and how much longer it takes."""

    title: str
    side: str
    from_calls: int
    to_calls: int
    more_calls: float
    more_time: float


@dataclass(frozen=True)
class ScalingFigures:
    """Businesses of several sizes; the cluster has so many shards, all on one machine."""

    shards: int
    sizes: tuple[SizeScaling, ...]
    growth: tuple[GrowthFigure, ...]


@dataclass(frozen=True)
class Figures:
    """A run; None: that part was left out."""

    machine: Machine
    rounds: int
    imports: tuple[SizeImports, ...] | None = None
    reports: tuple[SizeReports, ...] | None = None
    writing: WritingFigures | None = None
    lists: ListFigures | None = None
    pages: PagesFigures | None = None
    demo: DemoFigures | None = None
    scaling: ScalingFigures | None = None


def write_figures(figures: Figures, path: Path) -> None:
    """Write them as JSON; parts that were left out stay as they are in the file if it is of the same machine."""
    new = asdict(figures)
    former = _former(path)
    if former is not None and _same(former, new):
        new = {**new, **{part: former[part] for part, found in new.items() if found is None}}
    path.write_text(json.dumps(new, indent=2) + "\n")


def _former(path: Path) -> Plain | None:
    try:
        former: Plain = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    known = {row.name: None for row in fields(Figures)}
    return known | former if former.keys() <= known.keys() else None


def _same(former: Plain, new: Plain) -> bool:
    """Whether both are of one machine, with the same versions and as many rounds; its load may differ."""
    of = [{**figures["machine"], "load": 0, "rounds": figures["rounds"]} for figures in (former, new)]
    return of[0] == of[1]
