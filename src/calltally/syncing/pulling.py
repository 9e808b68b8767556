"""A round of pulling: all that a vendor has changed, page by page, so that it can be broken off anywhere.

What is kept of a round says how far it is, and is kept only once the calls of a page are durable. So a round that was
killed goes on with the page that comes next, and at worst takes one page twice, which changes nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from calltally.accounts import Business, Control, Round, SyncState, find_sync, keep_sync
from calltally.catalog import CATALOG
from calltally.engines import Engine, Outcome
from calltally.errors import CalltallyError, Problem
from calltally.ingestion import Delivered, Delivery, RejectedRow, Rejects, deliver
from calltally.localtime import FIRST_INSTANT, LAST_INSTANT, OffsetTable, microseconds, offset_table
from calltally.records import read_rfc3339
from calltally.syncing.source import CursorLost, Page, Source

__all__ = ["PullProgress", "PullSummary", "pull"]

OVERLAP = timedelta(minutes=10)  # a round goes back so far before the last one: clocks differ, and databases lag
MOST_REPEATS = 3  # of a cursor, before it is a circle
NAMES_OF_START = (CATALOG.fields["started_at"].name, *CATALOG.fields["started_at"].aliases)
NO_OBJECT = Problem("", "this is no call, but another JSON value")


@dataclass(frozen=True)
class PullProgress:
    """How far a round is."""

    pages: int
    calls: int


@dataclass
class PullSummary:
    """What a round came to: read = all outcomes together. `failure` says why rejected calls could not be written down.

    `since` is the moment since which the vendor was asked for changes, None where it was for all. A round that was
    `resumed` counts only what came since.
    """

    since: datetime | None
    resumed: bool
    pages: int = 0
    read: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    dropped_fields: Counter[str] = field(default_factory=Counter)
    first_day: date | None = None  # local days of the calls of the whole round: the first and the last of them
    last_day: date | None = None
    failure: CalltallyError | None = None


def pull(
    source: Source,
    business: Business,
    engine: Engine,
    control: Control,
    rejects: Rejects,
    *,
    full: bool = False,
    on_progress: Callable[[PullProgress], None] = lambda _: None,
) -> PullSummary:
    """Bring all that was changed at the vendor since the last round into the business; everything, if `full`.

    Raises:
        Refused, Unavailable: the vendor gives no answer; what came before is in, and the next round goes on there.
        NotFound: the business was cleared or deleted meanwhile.
        Unavailable, StorageFull: the calls could not be put in now.
    """
    state = SyncState() if full else find_sync(control, business, source.vendor, source.address)
    begun = state.round
    summary = _new_summary(begun, state.complete_at)
    taking = _Taking(business, engine, rejects, summary)
    began_at = begun.began_at if begun else None
    for page in _pages(source, summary.since, begun.cursor if begun else None):
        began_at = began_at or page.began_at
        taking.take(page)
        now = SyncState(began_at)
        if page.next_cursor:
            so_far = Round(began_at, summary.since, page.next_cursor, summary.first_day, summary.last_day)
            now = SyncState(state.complete_at, so_far)
        keep_sync(control, business, source.vendor, source.address, now)
        on_progress(PullProgress(summary.pages, summary.read))
    return summary


def _new_summary(begun: Round | None, complete_at: datetime | None) -> PullSummary:
    """The summary of a round that is about to begin, or to go on."""
    if begun:
        return PullSummary(begun.since, resumed=True, first_day=begun.first_day, last_day=begun.last_day)
    return PullSummary(complete_at - OVERLAP if complete_at else None, resumed=False)


def _pages(source: Source, since: datetime | None, cursor: str | None) -> Iterator[Page]:
    """The pages from a cursor on; where that leads nowhere, all of them from the first on, which is tried once."""
    try:
        yield from _pages_from(source, since, cursor)
    except CursorLost:
        yield from _pages_from(source, since, None)


def _pages_from(source: Source, since: datetime | None, cursor: str | None) -> Iterator[Page]:
    seen: Counter[str] = Counter()
    while True:
        page = source.page(since, cursor)
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
        seen[cursor] += 1
        if seen[cursor] > MOST_REPEATS:
            raise CursorLost(f"The pages of {source.name} go round in circles: one led to itself again and again")


class _Taking:
    """Puts pages into a business, and sums up what became of their calls."""

    def __init__(self, business: Business, engine: Engine, rejects: Rejects, summary: PullSummary) -> None:
        self._business = business
        self._engine = engine
        self._rejects = rejects
        self._summary = summary
        self._local_time = offset_table(business.timezone)

    def take(self, page: Page) -> None:
        """Put the calls of a page in; they are durable when this returns, and the rejected ones written down."""
        version = microseconds(page.asked_at)
        records = [record for record in page.calls if isinstance(record, dict)]
        found = iter(deliver([Delivery(record, version) for record in records], self._business, self._engine))
        rejected = []
        for place, record in enumerate(page.calls, self._summary.read + 1):
            if isinstance(record, dict):
                became = next(found)
                self._count(record, became)
                if became.outcome is Outcome.REJECTED:
                    rejected.append(RejectedRow(place, became.problems, record))
            else:
                self._summary.outcomes[Outcome.REJECTED] += 1
                rejected.append(RejectedRow(place, (NO_OBJECT,), {"value": record}))
        self._summary.pages += 1
        self._summary.read += len(page.calls)
        self._write(rejected)

    def _count(self, record: Mapping[str, object], became: Delivered) -> None:
        self._summary.outcomes[became.outcome] += 1
        self._summary.dropped_fields.update(became.dropped)
        if day := _day(record, self._local_time):
            self._summary.first_day = min(self._summary.first_day or day, day)
            self._summary.last_day = max(self._summary.last_day or day, day)

    def _write(self, rejected: list[RejectedRow]) -> None:
        """Write rejected calls down; where that fails it is said at the end, as it should stop nothing."""
        if not rejected or self._summary.failure:
            return
        try:
            with self._rejects:
                for row in rejected:
                    self._rejects.write(row)
        except CalltallyError as failure:
            self._summary.failure = failure


def _day(record: Mapping[str, object], local_time: OffsetTable) -> date | None:
    """The local day of a call, as far as it says when it started."""
    said = next((record[name] for name in NAMES_OF_START if record.get(name) is not None), None)
    moment = read_rfc3339(said.strip(), local_time) if isinstance(said, str) else None
    if moment is None or not FIRST_INSTANT <= moment.instant < LAST_INSTANT:
        return None
    return local_time.day(moment.instant)
