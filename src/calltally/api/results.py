"""What became of the records that one request sent: counted, and told one by one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from calltally.engines import Outcome
from calltally.errors import Problem
from calltally.ingestion import Delivered, Delivery

__all__ = ["NoRecord", "Sent", "Tally", "deliveries_of", "named"]

Plain = dict[str, Any]

MOST_SHOWN = 64 * 1024  # bytes of a rejected record
MOST_NAMES, LONGEST_NAME = 1000, 128  # of dropped fields, so that an answer ends
OTHER_NAMES = "..."


@dataclass(frozen=True)
class NoRecord:
    """What was sent where a record belongs, and why it is none."""

    given: object
    reason: str


Sent = dict[str, object] | NoRecord


def deliveries_of(sent: Sequence[Sent], versions: range) -> list[Delivery]:
    """The records among what was sent, each with its version."""
    return [
        Delivery(record, version, null_clears=True)
        for record, version in zip(sent, versions, strict=True)
        if not isinstance(record, NoRecord)
    ]


@dataclass
class Tally:
    """What became of the records so far."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    count: int = 0

    def add(self, sent: Sequence[Sent], delivered: Iterable[Delivered], listed: frozenset[Outcome]) -> Iterator[Plain]:
        """Take note of the next records, of whose deliveries this is what became; those to be listed, as they are told.

        The iterator has to be read to its end.
        """
        found = iter(delivered)
        for index, record in enumerate(sent, self.count):
            end = _refused(record) if isinstance(record, NoRecord) else next(found)
            self.outcomes[end.outcome] += 1
            if end.dropped:
                self._drop(end.dropped)
            if end.outcome in listed:
                yield _result(index, record, end)
        self.count += len(sent)

    def summary(self) -> Plain:
        """How many came to which end, and how often fields of which names were dropped."""
        return {outcome.value: self.outcomes[outcome] for outcome in Outcome} | {"dropped_fields": dict(self.dropped)}

    def _drop(self, names: Sequence[str]) -> None:
        for name in names:
            cut = named(name)
            known = cut in self.dropped or len(self.dropped) < MOST_NAMES
            self.dropped[cut if known else OTHER_NAMES] += 1


def named(name: str) -> str:
    """The name of a dropped field, cut where it is long."""
    return name[:LONGEST_NAME]


def _refused(record: NoRecord) -> Delivered:
    return Delivered(None, Outcome.REJECTED, (Problem("record", f"record: {record.reason}"),))


def _result(index: int, record: Sent, end: Delivered) -> Plain:
    result: Plain = {"index": index, "id": end.id, "outcome": end.outcome.value}
    if end.outcome is Outcome.REJECTED:
        result["errors"] = [{"param": problem.param, "message": problem.message} for problem in end.problems]
        result |= _shown(record.given if isinstance(record, NoRecord) else record)
    return result


def _shown(given: object) -> Plain:
    """What was sent whole, or the beginning of its text and the fact that it was cut."""
    text = given.encode() if isinstance(given, str) else orjson.dumps(given)
    if len(text) <= MOST_SHOWN:
        return {"record": given}
    return {"record": text[:MOST_SHOWN].decode(errors="ignore"), "cut": True}
