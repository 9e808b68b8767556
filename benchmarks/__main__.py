"""`python -m benchmarks`: measure everything, print a table, write the figures as JSON."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.data import make_calls
from benchmarks.demo import measure_demo
from benchmarks.figures import Figures, Machine, SizeFigures, write_figures
from benchmarks.imports import measure_imports
from benchmarks.reports import measure_reports
from benchmarks.table import print_figures

__all__ = ["main"]

EXAMPLES = """\
examples:
  python -m benchmarks
  python -m benchmarks --calls 100000 1000000
  python -m benchmarks --quick
"""
SIZES = [100_000, 1_000_000, 10_000_000]
MANY = 5_000_000  # calls of which an import takes minutes, and a report too long to ask it dozens of times
QUICK_CALLS, QUICK_ROUNDS, QUICK_TIMES = 50_000, 1, 5


def main(arguments: Sequence[str]) -> None:
    """Measure as the arguments say."""
    options = _parser().parse_args(arguments)
    if options.quick:
        options.calls, options.rounds, options.times = [QUICK_CALLS], QUICK_ROUNDS, QUICK_TIMES
    options.out.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True)
    machine = Machine()
    sizes = tuple(_measure(count, options, console) for count in options.calls)
    console.print("Demo: idle memory ...")
    with tempfile.TemporaryDirectory(dir=options.out) as scratch:
        figures = Figures(machine, options.rounds, sizes, measure_demo(Path(scratch)))
    write_figures(figures, options.out / "figures.json")
    print_figures(figures, Console())


def _measure(count: int, options: argparse.Namespace, console: Console) -> SizeFigures:
    console.print(f"{count:,} calls: files ...")
    calls = make_calls(count, options.out)
    with tempfile.TemporaryDirectory(dir=options.out) as folder:
        scratch = Path(folder)
        console.print(f"{count:,} calls: imports ...")
        imports = measure_imports(calls, scratch, options.rounds if count < MANY else 1)
        console.print(f"{count:,} calls: reports ...")
        served = measure_reports(calls, scratch, options.rounds, options.times if count < MANY else options.times // 3)
    return SizeFigures(count, imports, served.reports, served.empty_route_ms, served.time_zones, served.peak_mb)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure imports, reports and memory with made-up calls (on Linux).",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--calls",
        type=int,
        nargs="+",
        default=[100_000, 1_000_000, 10_000_000],
        metavar="N",
        help="sizes of the business",
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often all is done; the best counts")
    parser.add_argument("--times", type=int, default=30, metavar="N", help="how often a report is asked in a round")
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/out"), metavar="FOLDER", help="for files, scratch and figures.json"
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"one small round, {QUICK_CALLS:,} calls, to see that it runs"
    )
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
