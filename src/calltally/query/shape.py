"""The report from what an engine found: metrics worked out and rounded, values as people read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calltally.catalog import Dimension, Metric, aggregates_of, show_grain, values_of
from calltally.engines import Plan, Rows
from calltally.query.validate import ValidQuery

__all__ = ["Cell", "Report", "shape", "shown_values"]

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Report:
    """The answer: a row for each group, the metrics over every matching call, and the question behind it."""

    rows: tuple[Mapping[str, Cell], ...]
    totals: Mapping[str, Cell]
    query: ValidQuery


def shape(query: ValidQuery, plan: Plan, found: Rows) -> Report:
    """The report of a query."""
    dimensions = [shown_values(d, [g.values[i] for g in found.groups]) for i, d in enumerate(plan.dimensions)]
    counted = list(zip(*[group.aggregates for group in found.groups], strict=True)) or [()] * len(plan.aggregates)
    metrics = [_metric(metric, plan, counted) for metric in query.metrics]
    names = [*(d.name for d in plan.dimensions), *(metric.name for metric in query.metrics)]
    # A column at a time, which takes half as long as a row at a time.
    rows = tuple(dict(zip(names, cells, strict=True)) for cells in zip(*dimensions, *metrics, strict=True))
    all_counted = [(total,) for total in found.totals]
    totals = {metric.name: _metric(metric, plan, all_counted)[0] for metric in query.metrics}
    return Report(rows, totals, query)


def shown_values(dimension: Dimension, values: list[Cell]) -> list[Cell]:
    """A dimension's values as people read them."""
    grain = dimension.grain
    if grain is None:
        return values
    return [show_grain(grain, value) if isinstance(value, int) else value for value in values]


def _metric(metric: Metric, plan: Plan, counted: Sequence[Sequence[int]]) -> list[int | float | None]:
    """A metric for each row, of which each aggregate was counted."""
    parts = [counted[plan.aggregates.index(part)] for part in aggregates_of(metric.expression)]
    return values_of(metric.expression, parts)
