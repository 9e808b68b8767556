"""`python -m benchmarks`: measure everything or some parts, print tables, write the figures as JSON."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks.data import make_calls, make_parquet
from benchmarks.demo import IDLE_SECONDS, measure_demo
from benchmarks.figures import Figures, Machine, SizeImports, SizeReports, write_figures
from benchmarks.imports import measure_imports
from benchmarks.lists import measure_lists
from benchmarks.pages import measure_pages
from benchmarks.peers.starting import PEERS
from benchmarks.reports import measure_reports
from benchmarks.scaling import QUIET_SECONDS, measure_scaling
from benchmarks.sending import measure_writing
from benchmarks.table import print_figures

__all__ = ["main"]

EXAMPLES = """\
examples:
  python -m benchmarks
  python -m benchmarks --only reports --calls 100000 1000000
  python -m benchmarks --only reports --calls 1000000 --peers duckdb
  python -m benchmarks --only writing lists
  python -m benchmarks --only scaling --scaling 1000000 10000000 100000000
  python -m benchmarks --quick
"""
SIZES = [100_000, 1_000_000, 10_000_000]
SCALING = [1_000_000, 10_000_000]
WRITTEN, CORRECTED, LISTED, VIEWED = 1_000_000, 3_000_000, 10_000_000, 1_000_000
POSTS = 20_000
MANY = 5_000_000  # calls of which an import takes minutes, and a report too long to ask it dozens of times
QUICK_CALLS, QUICK_POSTS, QUICK_ROUNDS, QUICK_TIMES = 10_000, 300, 1, 3
QUICK_IDLE = QUICK_QUIET = 1.0  # seconds
OUT = Path("benchmarks/out")
WIDTH = 130  # of tables that go to a file

Measure = Callable[[Figures, argparse.Namespace, Path, Console], Figures]


def main(arguments: Sequence[str]) -> None:
    """Measure as the arguments say."""
    options = _parser().parse_args(arguments)
    if options.quick:
        options.calls, options.rounds, options.times = [QUICK_CALLS], QUICK_ROUNDS, QUICK_TIMES
        options.written = options.corrected = options.listed = options.viewed = QUICK_CALLS
        options.posts, options.scaling = QUICK_POSTS, [QUICK_CALLS]
    options.out.mkdir(parents=True, exist_ok=True)
    console, figures = Console(stderr=True), Figures(Machine(), options.rounds)
    for name, measure in PARTS.items():
        if name in options.only:
            with tempfile.TemporaryDirectory(dir=options.out) as scratch:
                figures = measure(figures, options, Path(scratch), console)
            write_figures(figures, options.out / "figures.json")  # at once, for the next may break off
    print_figures(figures, Console(width=None if sys.stdout.isatty() else WIDTH))


def _imports(figures: Figures, options: argparse.Namespace, scratch: Path, console: Console) -> Figures:
    def measured(count: int) -> SizeImports:
        console.print(f"{count:,} calls: imports ...")
        return measure_imports(make_calls(count, options.out), scratch, options.rounds if count < MANY else 1)

    return replace(figures, imports=tuple(map(measured, options.calls)))


def _reports(figures: Figures, options: argparse.Namespace, scratch: Path, console: Console) -> Figures:
    def measured(count: int) -> SizeReports:
        console.print(f"{count:,} calls: reports ...")
        times = options.times if count < MANY else options.times // 3
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            parquet = make_parquet(count, options.out)
            return measure_reports(parquet, count, Path(folder), options.rounds, times, options.peers)

    return replace(figures, reports=tuple(map(measured, options.calls)))


def _writing(figures: Figures, options: argparse.Namespace, scratch: Path, console: Console) -> Figures:
    console.print("Calls over HTTP ...")
    sizes = options.written, options.corrected, options.posts
    return replace(figures, writing=measure_writing(*sizes, options.out, scratch, options.rounds, options.times))


def _lists(figures: Figures, options: argparse.Namespace, scratch: Path, console: Console) -> Figures:
    console.print(f"{options.listed:,} calls: lists ...")
    return replace(figures, lists=measure_lists(options.listed, options.out, scratch, options.rounds, options.times))


def _pages(figures: Figures, options: argparse.Namespace, scratch: Path, console: Console) -> Figures:
    console.print(f"{options.viewed:,} calls: pages ...")
    times = max(options.times // 6, 1)
    return replace(figures, pages=measure_pages(options.viewed, options.out, scratch, options.rounds, times))


def _demo(figures: Figures, options: argparse.Namespace, scratch: Path, console: Console) -> Figures:
    console.print("Demo: idle memory ...")
    return replace(figures, demo=measure_demo(scratch, QUICK_IDLE if options.quick else IDLE_SECONDS))


def _scaling(figures: Figures, options: argparse.Namespace, scratch: Path, console: Console) -> Figures:
    console.print(f"{', '.join(f'{calls:,}' for calls in options.scaling)} calls: on all engines ...")
    times = [options.times if calls < MANY else options.times // 3 for calls in options.scaling]
    quiet = QUICK_QUIET if options.quick else QUIET_SECONDS
    found = measure_scaling(options.scaling, options.out, scratch, options.rounds, times, quiet)
    return replace(figures, scaling=found)


PARTS: dict[str, Measure] = {
    "imports": _imports,
    "reports": _reports,
    "writing": _writing,
    "lists": _lists,
    "pages": _pages,
    "demo": _demo,
    "scaling": _scaling,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure imports, reports, writing, lists, pages, memory and growth with made-up calls (on Linux).",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--only",
        nargs="+",
        choices=PARTS,
        default=[*PARTS],
        metavar="PART",
        help=f"of {', '.join(PARTS)}; the rest of figures.json stays as it is",
    )
    add(
        "--calls", type=int, nargs="+", default=SIZES, metavar="N", help="sizes of the business for imports and reports"
    )
    add(
        "--peers",
        nargs="*",
        choices=PEERS,
        default=[*PEERS],
        metavar="PEER",
        help=f"of {', '.join(PEERS)}, to compare reports with; none where no name follows",
    )
    add("--written", type=int, default=WRITTEN, metavar="N", help="size of the business that calls are sent to")
    add("--corrected", type=int, default=CORRECTED, metavar="N", help="size of the business whose calls are corrected")
    add("--listed", type=int, default=LISTED, metavar="N", help="size of the business whose calls are listed")
    add("--viewed", type=int, default=VIEWED, metavar="N", help="size of the business whose reports a browser shows")
    add("--scaling", type=int, nargs="+", default=SCALING, metavar="N", help="sizes of the business on all engines")
    add("--posts", type=int, default=POSTS, metavar="N", help="how many calls are sent one by one in a round")
    add("--rounds", type=int, default=3, metavar="N", help="how often all is done; the best counts")
    add("--times", type=int, default=30, metavar="N", help="how often a report or a page is asked in a round")
    add("--out", type=Path, default=OUT, metavar="FOLDER", help="for files, scratch and figures.json")
    add("--quick", action="store_true", help=f"one small round, {QUICK_CALLS:,} calls, to see that it runs")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
