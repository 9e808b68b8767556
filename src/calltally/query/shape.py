"""The report from what an engine found: metrics worked out and rounded, values as people read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calltally.catalog import Dimension, show_grain, value_of
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
    rows = tuple(
        {
            **{d.name: _shown(d, value) for d, value in zip(plan.dimensions, group.values, strict=True)},
            **_metrics(query, plan, group.aggregates),
        }
        for group in found.groups
    )
    return Report(rows, _metrics(query, plan, found.totals), query)


def _shown(dimension: Dimension, value: Cell) -> Cell:
    if dimension.grain is None or not isinstance(value, int):
        return value
    return show_grain(dimension.grain, value)


def _metrics(query: ValidQuery, plan: Plan, aggregates: Sequence[int]) -> dict[str, Cell]:
    found = dict(zip(plan.aggregates, aggregates, strict=True))
    return {metric.name: value_of(metric.expression, found) for metric in query.metrics}
