"""The records that one request sent, and what became of them: counted, and told one by one."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from calltally.accounts import Business
from calltally.api.arrivals import Arrivals
from calltally.engines import Outcome
from calltally.errors import Problem
from calltally.ingestion import Delivered, Delivery, ReadDeliveries, read_columns, read_deliveries, shown_text
from calltally.ingestion.files import uniform_columns

__all__ = ["Batch", "NoRecord", "Sent", "Tally", "named"]

Plain = dict[str, Any]

MOST_NAMES, LONGEST_NAME = 1000, 128  # of dropped fields, so that an answer ends
OTHER_NAMES = "..."
OUTCOMES = {outcome: outcome.value for outcome in Outcome}  # to go through an enumeration takes ten times as long


@dataclass(frozen=True)
class NoRecord:
    """What was sent where a record belongs, and why it is none."""

    given: object
    reason: str


Sent = dict[str, object] | NoRecord


class Batch:
    """Records that were sent together: read at once as columns where they are alike, else one by one.

    `lines` are the records as so many lines of JSON, if that is a form in which they can be had.
    """

    def __init__(self, lines: bytes, count: int, one_by_one: Callable[[], list[Sent]]) -> None:
        self._columns = uniform_columns(lines, count) if lines else None
        self._count = None if self._columns is None else count  # None: it takes to read each
        self._one_by_one = one_by_one
        self._sent: list[Sent] | None = None

    @property
    def sent(self) -> list[Sent]:
        """Each record."""
        if self._sent is None:
            self._sent = self._one_by_one()
        return self._sent

    def __len__(self) -> int:
        return len(self.sent) if self._count is None else self._count

    def read(self, arrivals: Arrivals, business: Business) -> ReadDeliveries:
        """The records as an engine takes them; a null in them clears its field. Once."""
        versions = arrivals.of(len(self))
        columns, self._columns = self._columns, None  # which take as much memory as what is made of them
        if columns is None:
            return read_deliveries(self.deliveries(versions), business)
        read = read_columns(columns, versions, business)
        if not read.problems:
            self._one_by_one = _forgotten  # only records that are rejected are shown
        return read

    def deliveries(self, versions: range) -> list[Delivery]:
        """The records, each with its version."""
        return [
            Delivery(record, version, null_clears=True)
            for record, version in zip(self.sent, versions, strict=True)
            if not isinstance(record, NoRecord)
        ]

    def ends(self, delivered: Sequence[Delivered]) -> Sequence[Delivered]:
        """What became of each that was sent, if this became of those that are records."""
        if self._count is not None:
            return delivered
        found = iter(delivered)
        return [_refused(record) if isinstance(record, NoRecord) else next(found) for record in self.sent]


@dataclass
class Tally:
    """What became of the records so far."""

    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    dropped: dict[str, int] = field(default_factory=dict)
    count: int = 0

    def add(self, batch: Batch, delivered: Sequence[Delivered], listed: frozenset[Outcome]) -> list[Plain]:
        """Take note of the next records, of which this became; those to be listed, as they are told."""
        ends = batch.ends(delivered)
        first = self.count
        found = self.note([end.outcome for end in ends])
        dropped = [end.dropped for end in ends if end.dropped]
        for names, times in Counter(dropped).items() if dropped else ():
            self._drop(names, times)
        if listed.isdisjoint(found):
            return []
        return [_result(first + place, batch, place, end) for place, end in enumerate(ends) if end.outcome in listed]

    def note(self, outcomes: Sequence[Outcome]) -> Collection[Outcome]:
        """Take note of the next records, of which this became and nothing was dropped; which outcomes there are."""
        found = {outcome: times for outcome in OUTCOMES if (times := outcomes.count(outcome))}  # sooner than one by one
        for outcome, times in found.items():
            self.outcomes[outcome] += times
        self.count += len(outcomes)
        return found

    def summary(self) -> Plain:
        """How many came to which end, and how often fields of which names were dropped."""
        counts = {name: self.outcomes[outcome] for outcome, name in OUTCOMES.items()}
        return {**counts, "dropped_fields": self.dropped}

    def _drop(self, names: Sequence[str], times: int) -> None:
        for name in names:
            cut = named(name)
            known = cut in self.dropped or len(self.dropped) < MOST_NAMES
            counted = cut if known else OTHER_NAMES
            self.dropped[counted] = self.dropped.get(counted, 0) + times


def _forgotten() -> list[Sent]:
    raise AssertionError("records of which none was rejected are not shown")


def named(name: str) -> str:
    """The name of a dropped field, cut where it is long."""
    return name[:LONGEST_NAME]


def _refused(record: NoRecord) -> Delivered:
    return Delivered(None, Outcome.REJECTED, (Problem("record", f"record: {record.reason}"),))


def _result(index: int, batch: Batch, place: int, end: Delivered) -> Plain:
    result: Plain = {"index": index, "id": end.id, "outcome": end.outcome}
    if end.outcome is Outcome.REJECTED:
        record = batch.sent[place]
        result["errors"] = [{"param": problem.param, "message": problem.message} for problem in end.problems]
        result |= _shown(record.given if isinstance(record, NoRecord) else record)
    return result


def _shown(given: object) -> Plain:
    """What was sent whole, or its text without its end or depths and the fact that it was cut."""
    text, is_cut = shown_text(given)
    return {"record": text, "cut": True} if is_cut else {"record": given}
