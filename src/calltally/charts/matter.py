"""What a chart shows of a report: the number that is drawn, the dimensions that tell its groups apart, what is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from calltally.catalog import Dimension, Grain, Metric, Ratio, Unit, grain_count
from calltally.charts.texts import called, labels, number_text, short_text
from calltally.charts.themes import THEMES, Theme
from calltally.query import Cell, Look, Report

__all__ = ["TIMES", "Matter", "matter_of"]

TIMES = (Grain.DATE, Grain.WEEK, Grain.MONTH)  # finest first


@dataclass(frozen=True)
class Matter:
    """A report as one chart shows it."""

    report: Report
    metric: Metric
    currency: str
    look: Look
    varying: tuple[Dimension, ...]  # the dimensions that have more than one value
    names: Mapping[str, Mapping[Cell, str]]  # the label of each value, by dimension

    @property
    def theme(self) -> Theme:
        """The colours."""
        return THEMES[self.look.theme]

    @property
    def unit(self) -> Unit:
        """What the number counts."""
        return self.metric.unit

    @property
    def whole(self) -> bool:
        """Whether every group that there is has its row; not sure where the limit is reached."""
        return self.report.query.whole(len(self.report.rows))

    @property
    def missing(self) -> int | None:
        """What a group without a row stands for: 0 if there are no such calls and 0 is their number, else nothing."""
        known = self.whole and not self.report.query.filters.times
        return 0 if known and not isinstance(self.metric.expression, Ratio) else None

    @property
    def adds_up(self) -> bool:
        """Whether the numbers of groups are parts of a whole."""
        return not isinstance(self.metric.expression, Ratio)

    def number(self, row: Mapping[str, Cell]) -> int | float | None:
        """What is drawn of a row."""
        value = row[self.metric.name]
        return value if isinstance(value, int | float) else None

    def name(self, dimension: Dimension, row: Mapping[str, Cell]) -> str:
        """The label of a row's value."""
        return self.names[dimension.name][row[dimension.name]]

    def where(self, labels: Mapping[str, str]) -> dict[str, Cell]:
        """The values behind the labels of dimensions, by name: what to filter by for the calls under a mark."""
        return {name: self._values[name][label] for name, label in labels.items()}

    @cached_property
    def _values(self) -> dict[str, dict[str, Cell]]:
        return {name: {label: value for value, label in known.items()} for name, known in self.names.items()}

    def row_name(self, row: Mapping[str, Cell]) -> str:
        """The labels of a row's values."""
        return ", ".join(self.name(dimension, row) for dimension in self.report.query.dimensions)

    def written(self, number: Cell) -> str:
        """A number of the metric, as people read it."""
        return number_text(number, self.unit, self.currency)

    def short(self, number: Cell) -> str:
        """The same where there is little room."""
        return short_text(number, self.unit, self.currency)

    def text(self, row: Mapping[str, Cell]) -> str:
        """What is drawn of a row, as people read it."""
        return self.written(row[self.metric.name])

    def order(self, dimension: Dimension) -> list[str]:
        """The labels of a dimension in the order in which they are drawn; those of hours and weekdays all."""
        return list(self.names[dimension.name].values())

    def title(self) -> str:
        """What the chart shows, in a line."""
        money = f" ({self.currency})" if self.unit is Unit.CENTS else ""
        *first, last = (called(dimension.label) for dimension in self.varying) if self.varying else ("",)
        by = f"{', '.join(first)} and {last}" if first else last
        return f"{self.metric.label}{money} by {by}" if by else f"{self.metric.label}{money}"

    def facts(self) -> tuple[str, ...]:
        """What has to be known beside the chart: the total, which calls it is about, what is not shown."""
        total = self.written(self.report.totals[self.metric.name])
        found = [f"{total} in all" if self.adds_up else f"{total} overall", *self._constant(), *self._days()]
        filters = self.report.query.filters
        if filters.conditions or filters.times:
            found.append("filtered")
        if not self.whole:
            limit = self.report.query.limit
            found.append(f"limit of {limit:,} {'row' if limit == 1 else 'rows'} reached")
        return tuple(found)

    def _constant(self) -> list[str]:
        """The dimensions that have one value."""
        dimensions = self.report.query.dimensions
        same = [dimension for dimension in dimensions if dimension not in self.varying]
        return [f"{dimension.label}: {self.name(dimension, row)}" for row in self.report.rows[:1] for dimension in same]

    def _days(self) -> list[str]:
        match self.report.query.filters.first_day, self.report.query.filters.last_day:
            case None, None:
                return []
            case first, None:
                return [f"from {first}"]
            case None, last:
                return [f"up to {last}"]
            case first, last:
                return [f"{first} to {last}" if first != last else f"{first}"]


def matter_of(report: Report, look: Look, currency: str) -> Matter:
    """What a chart of the report shows: the metric that the report is sorted by, or else its first."""
    query = report.query
    [metric] = [metric for metric in query.metrics if metric == query.sort_by] or query.metrics[:1]
    values = {dimension.name: _values(report.rows, dimension) for dimension in query.dimensions}
    varying = tuple(dimension for dimension in query.dimensions if len(values[dimension.name]) > 1)
    names = {
        dimension.name: labels(
            dimension, _filled(dimension, values[dimension.name]) if dimension in varying else values[dimension.name]
        )
        for dimension in query.dimensions
    }
    return Matter(report, metric, currency, look, varying, names)


def _values(rows: Sequence[Mapping[str, Cell]], dimension: Dimension) -> list[Cell]:
    """The values of a dimension: times in their order, others as the report has them."""
    found = list(dict.fromkeys(row[dimension.name] for row in rows))
    return sorted(found, key=str) if dimension.grain in TIMES else found


def _filled(dimension: Dimension, values: list[Cell]) -> list[Cell]:
    """Every hour or weekday that there is, and the values of any other dimension."""
    most = grain_count(dimension.grain)
    return list(range(most)) if most else values
