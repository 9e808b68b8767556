"""Parts of figures, and computed numbers as people read them."""

from typing import Any

__all__ = ["COMMAND", "NAMES", "Plain", "bytes_of", "duration", "gigabytes", "of_side", "rough", "short", "side_of"]

COMMAND = ".venv/bin/python -m benchmarks --only"
NAMES = {"columns": "columns in memory", "file": "the file", "cluster": "two shards", "chdb": "chDB"}

Plain = dict[str, Any]


def side_of(size: Plain, name: str) -> Plain:
    """What is known of an engine with a business's calls."""
    return next(side for side in size["sides"] if side["name"] == name)


def of_side(report: Plain, name: str) -> Plain:
    """How long a report takes on an engine."""
    return next(each for each in report["sides"] if each["side"] == name)


def bytes_of(side: Plain) -> float:
    """What a call takes on the disk."""
    return float(sum(each["bytes_a_call"] for each in side["tables"]))


def rough(number: float) -> str:
    """A computed number, which is good for two digits."""
    return f"{float(f'{number:.2g}'):,.0f}"


def short(seconds: float) -> str:
    """Seconds, or whatever they are of, in two digits."""
    return rough(seconds) if seconds >= 10 else f"{seconds:.2g}"


def gigabytes(size: float) -> str:
    """So many bytes."""
    count = size / 1e9
    return f"{rough(count)} GB" if count >= 10 else f"{count:.2g} GB"


def duration(seconds: float) -> str:
    """So many seconds, in the largest unit of which there are two."""
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{short(seconds / unit)} {name}"
    return f"{short(seconds)} s"
