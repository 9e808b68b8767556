"""Our totals beside the vendor's own, day by day: whether what was pulled is what the vendor counts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from calltally.accounts import Business
from calltally.catalog import CATALOG, Count, CountDistinct, Grain, WholeNumber, aggregates_of, values_of
from calltally.engines import Engine, Stop
from calltally.query import Timing, answer, ask
from calltally.syncing.source import Source

__all__ = ["Difference", "Reconciliation", "days_to_compare", "reconcile"]

DAY = Grain.DATE.value
LIMIT = CATALOG.parameters["limit"].type
assert isinstance(LIMIT, WholeNumber)  # noqa: S101 - as the catalog declares it
MOST_ROWS = LIMIT.highest
OF_NO_CALLS = {
    name: values_of(metric.expression, [[0]] * len(aggregates_of(metric.expression)))[0]
    for name, metric in CATALOG.metrics.items()
}
CALLS = next(name for name, metric in CATALOG.metrics.items() if metric.expression == Count())
DIFFERENT = {name for name, metric in CATALOG.metrics.items() if isinstance(metric.expression, CountDistinct)}


@dataclass(frozen=True)
class Difference:
    """A metric of a day of which the two do not say the same."""

    day: date
    metric: str
    ours: object
    theirs: object


@dataclass(frozen=True)
class Reconciliation:
    """What was compared, all days from the first to the last, where it differs, and what may be the reason."""

    first_day: date
    last_day: date
    differences: tuple[Difference, ...]
    hints: tuple[str, ...]


def days_to_compare(touched: tuple[date | None, date | None], most: int, today: date) -> tuple[date, date] | None:
    """The first and the last of the days that calls came for, at most so many, none in the future; None: no day."""
    first, last = touched
    if first is None or last is None:
        return None
    last = min(last, today)
    first = max(first, last - timedelta(days=most - 1))
    return (first, last) if first <= last else None


def reconcile(
    source: Source, business: Business, engine: Engine, days: tuple[date, date], today: date
) -> Reconciliation:
    """Compare every metric of every day from the first to the last, both included.

    Raises:
        Refused, Unavailable: the vendor gives no report, or the engine does not.
    """
    found = [
        difference for first, last in _pieces(*days) for difference in _compared(source, business, engine, first, last)
    ]
    return Reconciliation(*days, tuple(found), tuple(_hints(found, business, source, today)))


def _pieces(first_day: date, last_day: date) -> Iterator[tuple[date, date]]:
    """The days, in pieces that have no more than a report has rows."""
    first = first_day
    while first <= last_day:
        last = min(first + timedelta(days=MOST_ROWS - 1), last_day)
        yield first, last
        first = last + timedelta(days=1)


def _compared(source: Source, business: Business, engine: Engine, first: date, last: date) -> Iterator[Difference]:
    question = _question(first, last)
    theirs = _by_day(source.report(question))
    query, plan = ask(urlencode(question).encode(), business, Timing())
    ours = _by_day(answer(query, plan, engine, Stop(), Timing()).rows)
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        here, there = (side.get(day.isoformat(), OF_NO_CALLS) for side in (ours, theirs))
        yield from (
            Difference(day, name, here.get(name), there.get(name))
            for name in CATALOG.metrics
            if here.get(name) != there.get(name)
        )


def _question(first: date, last: date) -> dict[str, str]:
    """Every metric by day, for the vendor and for us."""
    return {
        "group_by": DAY,
        "metrics": ",".join(CATALOG.metrics),
        "start_date": first.isoformat(),
        "end_date": last.isoformat(),
        "sort_by": DAY,
        "sort_order": "asc",
        "limit": str(MOST_ROWS),
    }


def _by_day(rows: Sequence[Mapping[str, object]]) -> dict[str, Mapping[str, object]]:
    return {str(row.get(DAY)): row for row in rows}


def _hints(found: Sequence[Difference], business: Business, source: Source, today: date) -> Iterator[str]:
    """What may be the reason of the differences, the likeliest first."""
    counted = {each.day: _number(each.ours) - _number(each.theirs) for each in found if each.metric == CALLS}
    alike = [each for each in found if each.day not in counted]
    if counted and sum(counted.values()) == 0:
        yield f"Together the days have as many calls: is the time zone at {source.name} also {business.timezone}?"
    elif any(more > 0 for more in counted.values()):
        yield f"More calls here: they came another way too, or are no longer at {source.name}"
    if any(more < 0 for more in counted.values()) and sum(counted.values()) != 0:
        yield "Fewer calls here: some were rejected, or deleted here; --full pulls everything again"
    if any(each.metric in DIFFERENT for each in alike):
        yield "Other callers of as many calls: here different spellings of a number are one caller"
    if any(each.metric not in DIFFERENT for each in alike):
        yield "Other values of as many calls: they were changed here, or since; --full pulls everything again"
    if any(each.day >= today for each in found):
        yield "Of today: calls go on while the two are counted"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
