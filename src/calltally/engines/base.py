"""What an engine is asked and what it gives back. Whether SQL is behind it is its own affair.

A report is a `Plan`: a question that is known to be valid, in exact sums and counts, with the business's store and
its table of local time made explicit. Calls come in through a `Load`. Errors of a driver never leave the engine:
they become those of `calltally.errors`.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa

from calltally.catalog import Aggregate, Dimension, Grain, Ratio
from calltally.engines.erasure import Erasure
from calltally.errors import Unavailable
from calltally.localtime import OffsetTable, Period

__all__ = [
    "AtLeast",
    "AtMost",
    "ChangedSince",
    "Condition",
    "Contains",
    "Engine",
    "EngineStatus",
    "Group",
    "Load",
    "LoadSummary",
    "LocalTimeIs",
    "OneOf",
    "Order",
    "Outcome",
    "Page",
    "Place",
    "Plan",
    "Rows",
    "ServerStatus",
    "Snapshot",
    "Stop",
    "StoreFacts",
    "Unplaced",
    "Value",
]

Value = str | int | bool | None


@dataclass(frozen=True)
class OneOf:
    """Calls whose `field` is one of `values`, and with `or_none` also those that have no value in it."""

    field: str
    values: tuple[str | bool, ...]
    or_none: bool = False


@dataclass(frozen=True)
class AtLeast:
    """Calls that have a value of `lowest` or more in `field`."""

    field: str
    lowest: int


@dataclass(frozen=True)
class AtMost:
    """Calls that have a value of `highest` or less in `field`."""

    field: str
    highest: int


@dataclass(frozen=True)
class LocalTimeIs:
    """Calls that start in one of these days, weeks, months, hours or weekdays, as numbers (see `catalog.grains`)."""

    grain: Grain
    values: tuple[int, ...]
    local_time: OffsetTable


@dataclass(frozen=True)
class Contains:
    """Calls that have one of `texts`, in whatever case, somewhere in one of `fields`."""

    fields: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class ChangedSince:
    """Calls of which this server last changed a value at `instant` (microseconds UTC) or later."""

    instant: int


Condition = OneOf | AtLeast | AtMost | LocalTimeIs | Contains | ChangedSince


@dataclass(frozen=True)
class Order:
    """Rows go by the exact value of `by`, nulls last; ties by the dimensions, ascending, nulls last."""

    by: Dimension | Aggregate | Ratio
    descending: bool


@dataclass(frozen=True)
class Plan:
    """One report: the only thing that an engine answers."""

    calls: str  # the store of one business's calls, taken from the key's business, never from the request
    dimensions: tuple[Dimension, ...]
    aggregates: tuple[Aggregate, ...]  # what to find for each group, and for all calls together
    conditions: tuple[Condition, ...]  # all of them hold for the calls counted
    periods: tuple[Period, ...] | None  # the call starts in one of these; None: at any time
    local_time: OffsetTable
    order: Order
    limit: int


class Place(NamedTuple):
    """Where a call stands in a list: by start (microseconds UTC), then by id."""

    started_at: int
    id: str


@dataclass(frozen=True)
class Page:
    """One page of a list of calls, in the order of their places."""

    calls: str
    conditions: tuple[Condition, ...]
    periods: tuple[Period, ...] | None
    after: Place | None  # it begins behind this place; None: with the first call
    descending: bool
    limit: int


class Group(NamedTuple):
    """One row: dimension values (a grain as its number, see `catalog.grains`), and the plan's aggregates in order."""

    values: tuple[Value, ...]
    aggregates: tuple[int, ...]


@dataclass(frozen=True)
class Rows:
    """The answer to a plan: the first `limit` groups in order, and the aggregates over every matching call."""

    groups: tuple[Group, ...]
    totals: tuple[int, ...]
    path: str = field(default="", compare=False)  # which way they were found, of an engine that has several


class Stop:
    """Asked from one thread, heeded in another: the work is no longer wanted.

    An engine passes what stops it (an interrupt of its driver) to `during`; `ask` calls it. A caller that wants to be
    sure calls `ask` until the work has ended, since an interrupt that comes before a statement has begun is lost.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupt: Callable[[], None] | None = None
        self.asked = False

    def ask(self) -> None:
        """Say that the work is no longer wanted; may be called again and again."""
        with self._lock:
            self.asked = True
            if self._interrupt:
                self._interrupt()

    @contextmanager
    def during(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Let `ask` call `interrupt` while this block runs.

        Raises:
            Unavailable: it was asked already.
        """
        with self._lock:
            self.check()
            self._interrupt = interrupt
        try:
            yield
        finally:
            with self._lock:
                self._interrupt = None

    def check(self) -> None:
        """Raise Unavailable if it was asked."""
        if self.asked:
            raise Unavailable("The report was stopped before it was done")


@dataclass(frozen=True)
class Unplaced:
    """A row that updates a call which does not exist: its place in the file and the record as it was read (JSON)."""

    place: int
    record: str


@dataclass(frozen=True)
class LoadSummary:
    """What a load did, in rows: each accepted row is one of these."""

    added: int
    updated: int
    unchanged: int
    unplaced: int  # rows that update a call which does not exist


class Outcome(StrEnum):
    """What became of a delivery."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"  # also of a call that was deleted
    HELD = "held"  # kept until its call comes
    REJECTED = "rejected"


class Load(Protocol):
    """Rows on their way into one business's calls: nothing of them is seen before `finish`, all of them after."""

    def add(self, rows: pa.RecordBatch) -> None:
        """Take rows of `calltally.engines.rows.ROW_SCHEMA`, in the order of the file."""

    def finish(self, *, dry_run: bool = False) -> LoadSummary:
        """Put all rows in at once, durably, by the contract's rules of versions; or only count what would change.

        Loads into one store take turns here.

        Raises:
            NotFound: the store was removed meanwhile.
            Unavailable: `stop` was called before the rows were in; nothing was changed.
        """

    def unplaced(self) -> Iterator[Unplaced]:
        """After `finish`: the rows that found no call, in the order of the file."""

    def stop(self) -> None:
        """From another thread: let `finish` end early; like `Stop.ask`, to be called until it has."""


@dataclass(frozen=True)
class StoreFacts:
    """What is known of a store once every byte of it was read."""

    schema: int  # the version of its tables
    calls: int
    first_start: int | None  # microseconds UTC; None: no calls
    last_start: int | None


@dataclass(frozen=True)
class Snapshot:
    """A consistent copy of a store, as a file in the staging folder."""

    path: Path
    facts: StoreFacts


@dataclass(frozen=True)
class ServerStatus:
    """A server that keeps calls: the part of them that is its, and what it has to do. A problem: it does not answer."""

    name: str
    shard: int
    replica: int
    version: str = ""
    rows: int = 0  # of calls, those that were replaced and not yet merged away among them
    parts: int = 0
    bytes: int = 0
    merges: int = 0  # under way
    waiting: int = 0  # what its replica has not yet
    problem: str | None = None


@dataclass(frozen=True)
class EngineStatus:
    """What an engine is made of; no servers: it is embedded."""

    engine: str
    servers: tuple[ServerStatus, ...]


class Engine(Protocol):
    """Where calls are stored and counted. A store that was never written to is one without calls."""

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        """The rows of a report, from one consistent snapshot.

        Raises:
            Unavailable: `stop` was asked, or the engine cannot answer now.
        """

    def page(self, page: Page, stop: Stop) -> pa.RecordBatch:
        """The calls of a page, of `calltally.engines.rows.EXPORT_SCHEMA`, from one consistent snapshot.

        Raises:
            Unavailable: `stop` was asked, or the engine cannot answer now.
        """

    def version(self, calls: str) -> str:
        """What stays the same exactly as long as the calls do: a committed change gives it a new value, used once.

        Asked before a report, it is that of the report's calls or of older ones, never of newer ones.

        Raises:
            Unavailable: the store cannot be opened.
        """

    def known_version(self, calls: str) -> str | None:
        """The version where it can be told without waiting; None: it takes `version`, which may open a file."""

    def answer_at_once(self, plan: Plan) -> Rows | None:
        """What `answer` gives, if it takes no longer now than to have another thread do it, a millisecond or two.

        Waits for nothing. None: it would, or it would take longer.
        """

    def load(self, calls: str) -> AbstractContextManager[Load]:
        """A load into a store of calls, which is made if it is new; left unfinished, it leaves no trace.

        Raises:
            NotFound: the store was removed.
        """

    def apply(self, calls: str, deliveries: pa.RecordBatch) -> Sequence[Outcome]:
        """What became of each of these deliveries (`DELIVERY_SCHEMA`), put in durably, in order, all or none.

        One that has no call yet nor creates one is held until its call comes, by a delivery or a load.

        Raises:
            NotFound: the store was removed.
            StorageFull: there is no room for it; nothing was changed.
        """

    def call(self, calls: str, call_id: str) -> pa.RecordBatch | None:
        """The one call that has an id, as `export` gives it; None where there is none."""

    def delete(self, calls: str, call_id: str) -> bool:
        """Delete a call, or what is held for one, for ever: nothing that comes in brings it back. False: there is none.

        Raises:
            NotFound: the store was removed.
            StorageFull: there is no room to note it; nothing was changed.
        """

    def erase(self, calls: str, *caller_numbers: str) -> int:
        """How many calls a caller's number, however stored, was taken out of; they stay without a caller for ever.

        The number is kept nowhere: what held it is written anew. A keyed hash of it remains, by which it is left out
        of all that comes in.

        Raises:
            StorageFull: there is no room; the message says whether the calls have the number still, or what held it
                could not be written anew. Run it again once there is room.
        """

    def erasure(self, calls: str) -> Erasure:
        """The callers whose numbers were erased: what is kept of a body that is no call has to be without them.

        Raises:
            Unavailable: the store cannot be opened.
        """

    def export(
        self,
        calls: str,
        conditions: tuple[Condition, ...],
        periods: tuple[Period, ...] | None,
        stop: Stop | None = None,
    ) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        """The calls that match, of `calltally.engines.rows.EXPORT_SCHEMA`, from one consistent snapshot.

        In the order in which they are stored: by start within each load.

        Raises:
            Unavailable: `stop` was asked, or the engine cannot answer now.
        """

    def snapshot(self, calls: str) -> AbstractContextManager[Snapshot | None]:
        """A copy of a store while reports and loads go on; it is there as long as the context. None: no store yet.

        Raises:
            NotFound: the store was removed.
            StorageFull: there is no room for it.
        """

    def check(self, calls: str) -> StoreFacts:
        """What a store holds, every byte of it read; changes nothing.

        Raises:
            Damaged: it is damaged; the message names the file and says how.
            CallsUnreadable: it cannot be read, such as without the right to; the message says so too.
            FolderUnusable: it was written by a newer release.
        """

    def remove(self, calls: str) -> None:
        """Remove a store of calls and all that belongs to it, for ever; none there is fine.

        A load into it that is under way ends with NotFound.
        """

    def ready(self) -> None:
        """Return if a query can be answered, raise Unavailable otherwise."""

    def close(self) -> None:
        """Stop what runs, which ends with Unavailable, and let go of every file."""
