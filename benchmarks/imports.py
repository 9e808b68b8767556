"""How fast files go into a new business through the command line, and how much memory that takes."""

import shutil
from dataclasses import replace
from pathlib import Path

from benchmarks.commands import Finished, run
from benchmarks.data import Calls
from benchmarks.figures import ImportFigure, SizeImports

__all__ = ["BUSINESS", "import_into", "measure_imports"]

BUSINESS = "Benchmark"


def measure_imports(calls: Calls, scratch: Path, rounds: int) -> SizeImports:
    """Each kind of file, into a fresh data folder every time."""
    best: dict[str, ImportFigure] = {}
    for _ in range(rounds):
        for file in (calls.csv, calls.ndjson, calls.parquet):
            data = scratch / "import"
            done = _figure(file, calls.count, import_into(data, file, calls.count), rounds)
            best[file.suffix] = _better(best.get(file.suffix, done), done)
            shutil.rmtree(data)
    return SizeImports(calls.count, tuple(best.values()))


def import_into(data: Path, file: Path, count: int, business: str = BUSINESS) -> Finished:
    """Import a file into a new business of a data folder.

    Raises:
        RuntimeError: not every call of it was added.
    """
    run(data, "business", "create", business)
    done = run(data, "import", str(file), "--business", business)
    if done.printed["added"] != count:
        raise RuntimeError(f"{file}: {count:,} calls were to be added: {done.printed}")
    return done


def _figure(file: Path, count: int, done: Finished, rounds: int) -> ImportFigure:
    return ImportFigure(file.suffix.removeprefix("."), count / done.seconds, done.seconds, done.peak_mb, rounds)


def _better(one: ImportFigure, other: ImportFigure) -> ImportFigure:
    best = min(one, other, key=lambda figure: figure.seconds)
    return replace(best, peak_mb=max(one.peak_mb, other.peak_mb))
