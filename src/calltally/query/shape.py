"""The report from what an engine found: metrics worked out and rounded, values as people read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calltally.catalog import Dimension, Metric, aggregates_of, show_grain, value_of
from calltally.engines import Plan, Rows
from calltally.query.validate import ValidQuery

__all__ = ["Report", "shape"]

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Report:
    """The answer: a row for each group, the metrics over every matching call, and the question behind it."""

    rows: tuple[Mapping[str, Cell], ...]
    totals: Mapping[str, Cell]
    query: ValidQuery


def shape(query: ValidQuery, plan: Plan, found: Rows) -> Report:
    """The report of a query."""
    sources = tuple((metric, _places(metric, plan)) for metric in query.metrics)
    rows = tuple(
        {
            **{d.name: _shown(d, value) for d, value in zip(plan.dimensions, group.values, strict=True)},
            **_metrics(sources, group.aggregates),
        }
        for group in found.groups
    )
    return Report(rows, _metrics(sources, found.totals), query)


def _shown(dimension: Dimension, value: Cell) -> Cell:
    if dimension.grain is None or not isinstance(value, int):
        return value
    return show_grain(dimension.grain, value)


def _places(metric: Metric, plan: Plan) -> tuple[int, ...]:
    """Where the parts of a metric stand among the aggregates of a row."""
    return tuple(plan.aggregates.index(part) for part in aggregates_of(metric.expression))


def _metrics(sources: Sequence[tuple[Metric, Sequence[int]]], aggregates: Sequence[int]) -> dict[str, Cell]:
    return {
        metric.name: value_of(metric.expression, [aggregates[place] for place in places]) for metric, places in sources
    }
