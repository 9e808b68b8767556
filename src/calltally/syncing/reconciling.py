"""Our totals beside the vendor's own, day by day: whether what was pulled is what the vendor counts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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

# By whose days the vendor may count: one for each offset that many have, with summer time where it is usual.
ZONES = (
    "UTC",
    *(f"America/{city}" for city in ("New_York", "Chicago", "Denver", "Phoenix", "Los_Angeles", "Anchorage")),
    *("Pacific/Honolulu", "America/Halifax", "America/Sao_Paulo"),
    *(f"Europe/{city}" for city in ("London", "Berlin", "Athens", "Istanbul")),
    *(f"Asia/{city}" for city in ("Dubai", "Karachi", "Kolkata", "Dhaka", "Bangkok", "Shanghai", "Tokyo")),
    *("Australia/Brisbane", "Australia/Sydney", "Pacific/Auckland"),
)

ByDay = Mapping[str, Mapping[str, object]]


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
    theirs = {day: row for piece in _pieces(*days) for day, row in _by_day(source.report(_question(*piece))).items()}
    found = _differences(_ours(business, engine, days), theirs, days)
    zone, left = _by_another_zone(found, theirs, business, engine, days) if _counted(found) else (None, found)
    hints: Iterable[str] = _hints(left, source, today)
    if zone:
        alike = f"By days of {zone} {'less would differ' if left else 'all would agree'}"
        hints = (f"{alike}: is the time zone at {source.name} also {business.timezone}?", *hints)
    return Reconciliation(*days, found, tuple(hints))


def _pieces(first_day: date, last_day: date) -> Iterator[tuple[date, date]]:
    """The days, in pieces that have no more than a report has rows."""
    first = first_day
    while first <= last_day:
        last = min(first + timedelta(days=MOST_ROWS - 1), last_day)
        yield first, last
        first = last + timedelta(days=1)


def _ours(business: Business, engine: Engine, days: tuple[date, date]) -> ByDay:
    found: dict[str, Mapping[str, object]] = {}
    for piece in _pieces(*days):
        question = ask(urlencode(_question(*piece)).encode(), business, Timing())
        found |= _by_day(answer(question, engine, Stop(), Timing()).rows)
    return found


def _differences(ours: ByDay, theirs: ByDay, days: tuple[date, date]) -> tuple[Difference, ...]:
    first, last = days
    found: list[Difference] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        here, there = (side.get(day.isoformat(), OF_NO_CALLS) for side in (ours, theirs))
        found += [
            Difference(day, name, here.get(name), there.get(name))
            for name in CATALOG.metrics
            if here.get(name) != there.get(name)
        ]
    return tuple(found)


def _by_another_zone(
    found: Sequence[Difference], theirs: ByDay, business: Business, engine: Engine, days: tuple[date, date]
) -> tuple[str | None, Sequence[Difference]]:
    """The zone by whose days at most half as much differs, and what differs then; None: the days are not what does.

    How many calls the days have together would not tell: at both ends some are of a day that is not compared.
    """
    tried = [
        (zone, _differences(_ours(replace(business, timezone=zone), engine, days), theirs, days)) for zone in ZONES
    ]
    zone, left = min(tried, key=lambda each: len(each[1]))
    return (zone, left) if 2 * len(left) <= len(found) else (None, found)


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


def _by_day(rows: Sequence[Mapping[str, object]]) -> ByDay:
    return {str(row.get(DAY)): row for row in rows}


def _counted(found: Sequence[Difference]) -> dict[date, int]:
    """The days that have more calls here, or fewer, and by how many."""
    return {each.day: _number(each.ours) - _number(each.theirs) for each in found if each.metric == CALLS}


def _hints(found: Sequence[Difference], source: Source, today: date) -> Iterator[str]:
    """What may be the reason of the differences, the likeliest first."""
    counted = _counted(found)
    alike = [each for each in found if each.day not in counted]
    if any(more > 0 for more in counted.values()):
        yield f"More calls here: they came another way too, or are no longer at {source.name}"
    if any(more < 0 for more in counted.values()):
        yield "Fewer calls here: some were rejected, or deleted here; --full pulls everything again"
    if any(each.metric in DIFFERENT for each in alike):
        yield "Other callers of as many calls: here different spellings of a number are one caller"
    if any(each.metric not in DIFFERENT for each in alike):
        yield "Other values of as many calls: they were changed here, or since; --full pulls everything again"
    if any(each.day >= today for each in found):
        yield "Of today: calls go on while the two are counted"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
