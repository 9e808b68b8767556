"""Columns in memory themselves: how soon they are built, what they take, and how much of them each report has to read.

What a report has to read at least is every column that it is about, once, where its calls are: by that and by how fast
the machine reads memory there is a least time, which no report can beat.
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np

from benchmarks.commands import THREADS
from benchmarks.figures import ColumnsFigure, PartFigure
from calltally.accounts import Business, find_business
from calltally.catalog import Aggregate, Count, CountDistinct, Dimension, IsSet, Sum, ValueIs
from calltally.cli.options import opened
from calltally.engines import Plan, open_engine
from calltally.engines.hot import HotEngine
from calltally.engines.hot.columns import NUMBERS, Columns, Segment
from calltally.query import Timing, ask
from calltally.settings import Settings

__all__ = ["measure_bandwidth", "measure_columns"]

STARTS = "started_at"
BANDWIDTH_BYTES, BANDWIDTH_TIMES = 2**30, 5
CALLER = "caller_number"


def measure_columns(data: Path, business: str, requests: Iterable[str], rounds: int) -> tuple[ColumnsFigure, list[int]]:
    """What the columns of a business are like, and how many bytes of them each report has to read."""
    with (
        opened(str(data)) as on,
        closing(open_engine(on.folder, Settings(hot_memory="80%", threads=THREADS))) as engine,
    ):
        if not isinstance(engine, HotEngine):
            raise RuntimeError("columns need numba: install calltally[fast]")
        found = find_business(on.control, business)
        columns, seconds = _built(engine, found, rounds)
        plans = [ask(request.encode(), found, Timing()).plan for request in requests]
        return _figure(columns, seconds), [_bytes_read(plan, columns) for plan in plans]


def measure_bandwidth() -> float:
    """How fast the machine reads memory, all cores together, in bytes a second: numbers that are added up."""
    numbers = np.ones(BANDWIDTH_BYTES // 8, np.int64)
    parts = np.array_split(numbers, THREADS)
    with ThreadPoolExecutor(THREADS) as threads:
        return max(_bytes_a_second(threads, parts) for _ in range(BANDWIDTH_TIMES))


def _bytes_a_second(threads: ThreadPoolExecutor, parts: Sequence[np.ndarray]) -> float:
    start = time.perf_counter()
    sum(threads.map(np.sum, parts))
    return BANDWIDTH_BYTES / (time.perf_counter() - start)


def _built(engine: HotEngine, business: Business, rounds: int) -> tuple[Columns, float]:
    """The columns, and the least seconds that they took, once the kernels were there."""
    seconds = []
    for _ in range(rounds + 1):  # before the first one, kernels are read
        if engine._holding:
            engine._holding.forget(business.calls)
        start = time.perf_counter()
        if not engine.prepare(business.calls):
            raise RuntimeError("there is no room for the columns")
        seconds.append(time.perf_counter() - start)
    assert engine._holding
    columns = engine._holding._held[business.calls].columns
    assert columns
    return columns, min(seconds[1:])


def _figure(columns: Columns, seconds: float) -> ColumnsFigure:
    parts: Counter[str] = Counter()
    for segment in columns.segments:
        parts["start"] += segment.starts.nbytes
        parts["finding it by its id"] += segment.hashes.nbytes + segment.places.nbytes
        for name, codes in segment.codes.items():
            parts[_part_of(name)] += codes.nbytes
        parts["numbers"] += sum(numbers.nbytes for numbers in segment.numbers.values())
    parts["the texts themselves"] += sum(each.nbytes for each in columns.dictionaries.values())
    parts["what is no call any more"] += sum(each.nbytes for each in columns.gone)
    if parts.total() != columns.nbytes:
        raise RuntimeError(f"{parts} are not the {columns.nbytes:,} bytes of the columns")
    shares = tuple(PartFigure(name, size / columns.rows) for name, size in parts.items() if size)
    return ColumnsFigure(columns.rows, seconds, columns.nbytes / columns.rows, shares)


def _part_of(field: str) -> str:
    return "caller" if field == CALLER else "codes of texts"


def _bytes_read(plan: Plan, columns: Columns) -> int:
    fields = {_of_dimension(dimension) for dimension in plan.dimensions}
    fields |= {name for aggregate in plan.aggregates for name in _of_aggregate(aggregate)}
    return sum(_bytes_of(segment, plan, fields) for segment in columns.segments)


def _bytes_of(segment: Segment, plan: Plan, fields: set[str]) -> int:
    first, end = segment.rows(plan.periods)
    return (end - first) * sum(_column(segment, name).itemsize for name in fields)


def _column(segment: Segment, name: str) -> np.ndarray:
    if name == STARTS:
        return segment.starts
    # Asked for by name, since some segments make a column only then.
    return segment.numbers[name] if name in NUMBERS else segment.codes[name]


def _of_dimension(dimension: Dimension) -> str:
    return STARTS if dimension.grain is not None else dimension.field


def _of_aggregate(aggregate: Aggregate) -> Iterable[str]:
    match aggregate:
        case Count(None):
            return ()
        case Count(IsSet(field) | ValueIs(field, _)):
            return (field,)
        case Sum(field) | CountDistinct(field):
            return (field,)
    raise AssertionError(aggregate)
