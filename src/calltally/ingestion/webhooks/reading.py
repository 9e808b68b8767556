"""What a vendor has sent, as a record of a call: by the table of the vendor, and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from calltally.accounts import Business
from calltally.catalog import CATALOG
from calltally.engines import SUPPOSED, Outcome
from calltally.errors import InvalidBody, shown
from calltally.ingestion.deliveries import Delivered, Delivery, ReadDeliveries, read_deliveries
from calltally.ingestion.presets import EXPECTED, as_text, converter
from calltally.ingestion.webhooks.bodies import unreadable
from calltally.ingestion.webhooks.vendor import Vendor
from calltally.localtime import FIRST_INSTANT, LAST_INSTANT, can_be_written, moment
from calltally.records import BadValue, Reading, read_value

__all__ = ["Notice", "outcome_of", "read_notice"]

Record = dict[str, object]

SECOND = 1_000_000  # microseconds
MOST_FIRST = (Outcome.ADDED, Outcome.UPDATED, Outcome.HELD)


@dataclass(frozen=True)
class Notice:
    """What a body says: an event, a record of the call, and when it happened (microseconds UTC; None: it does not say).

    Without a record nothing is to be done about the event. `start` is the same call with the start that it is supposed
    to have had until somebody says when that was. `expected` says of its fields what the vendor writes, where that is
    no whole number.
    """

    event: str
    record: Mapping[str, object] | None
    happened_at: int | None = None
    start: Mapping[str, object] | None = None
    expected: tuple[tuple[str, str], ...] = ()

    def deliveries(self, version: int, business: Business) -> ReadDeliveries | None:
        """What is to be delivered, all at once, where this is the version of what the record says; None: nothing.

        Raises:
            InvalidBody: the record cannot be taken, so that nothing is to be.
        """
        if self.record is None:
            return None
        said = [Delivery(self.record, version)]
        said += [] if self.start is None else [Delivery(self.start, SUPPOSED)]
        read = read_deliveries(said, business, self.expected)
        for problems in read.problems.values():
            raise InvalidBody(problems)
        return read


def outcome_of(delivered: Sequence[Delivered]) -> Delivered:
    """What became of a notice whose deliveries came to this: what is most."""
    return next((each for outcome in MOST_FIRST for each in delivered if each.outcome is outcome), delivered[0])


def read_notice(vendor: Vendor, body: bytes, business: Business) -> Notice:
    """What a body says to a business.

    Raises:
        InvalidBody: nothing can be made of it; the message says why.
    """
    said = _said(vendor, vendor.read(body))
    event = _event(vendor, said)
    if vendor.event and event not in vendor.events:
        return Notice(event, None)
    notice = partial(Notice, event, expected=tuple(_expected(vendor)))
    reading = Reading.of(business.region, business.timezone)
    happened_at = _happened_at(vendor, said, reading)
    if vendor.leg and vendor.leg.of in said:
        return notice(dict(_named(vendor.leg.names, said)), happened_at)
    stated = dict(said if vendor.names is None else _named(vendor.names, said))
    record = {**stated, **_implied(vendor, said, stated)}
    if happened_at is None or _first(record, "started_at") is not None:
        return notice(record, happened_at)
    seconds = _seconds(record, reading)
    start = _written(happened_at - SECOND * (seconds or 0))
    if seconds is None:  # it may be known by what was said before, or will be, which this must not move
        if not FIRST_INSTANT <= happened_at < LAST_INSTANT:
            raise unreadable("started_at", f"{shown(start)} is not from 1970 to 2100")
        return notice(record, happened_at, _identified(record) | {"started_at": start})
    return notice(record | {"started_at": start}, happened_at)


def _said(vendor: Vendor, values: Mapping[str, object]) -> Record:
    """The values that say something, as what they mean."""
    meant = {
        name: converter(meaning)(text)
        for name, meaning in vendor.meanings.items()
        if (text := as_text(values.get(name)))
    }
    return {name: value for name, value in {**values, **meant}.items() if not _is_nothing(value)}


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _expected(vendor: Vendor) -> Iterator[tuple[str, str]]:
    """By field what the vendor writes, where that is no whole number."""
    for field, candidates in (vendor.names or {}).items():
        for name in candidates:
            if type(vendor.meanings.get(name)) in EXPECTED:
                yield field, EXPECTED[type(vendor.meanings[name])]


def _event(vendor: Vendor, said: Mapping[str, object]) -> str:
    if vendor.event is None:
        return ""
    event = said.get(vendor.event)
    if not isinstance(event, str):
        raise unreadable(vendor.event, "is missing" if event is None else f"{shown(event)} is not text")
    return event.strip()


def _happened_at(vendor: Vendor, said: Mapping[str, object], reading: Reading) -> int | None:
    given = said.get(vendor.happened or "")
    if vendor.happened is None or given is None:
        return None
    instant = vendor.moment(given.strip(), reading.local_time) if isinstance(given, str) else None
    if instant is None or not can_be_written(instant):
        raise unreadable(vendor.happened, f"{shown(given)} is not a time as {vendor.label} writes it")
    return instant


def _named(names: Mapping[str, tuple[str, ...]], said: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """What the vendor says of the fields of a call, each by the first of its names that has a value."""
    for field, candidates in names.items():
        for name in candidates:
            if name in said:
                yield field, said[name]
                break


def _implied(vendor: Vendor, said: Mapping[str, object], stated: Mapping[str, object]) -> Record:
    """What follows from the values of a vendor for fields of which it has stated nothing itself."""
    found: Record = {}
    for implies in vendor.implies:
        given = said.get(implies.name)
        word = str(given).strip().lower() if isinstance(given, str | int) else None
        if word == implies.word and _first(stated, implies.field) is None:
            found.setdefault(implies.field, implies.value)
    return found


def _first(record: Mapping[str, object], name: str) -> object:
    """What a record says of a field, under its own name or another; None: nothing."""
    names = (name, *CATALOG.fields[name].aliases)
    return next((record[candidate] for candidate in names if candidate in record), None)


def _identified(record: Mapping[str, object]) -> Record:
    """What a record says of which call it is."""
    return {name: record[name] for name in ("id", *CATALOG.fields["id"].aliases) if name in record}


def _seconds(record: Mapping[str, object], reading: Reading) -> int | None:
    """How long the call lasted; None: nothing is said of it."""
    try:
        seconds = read_value(CATALOG.fields["duration_seconds"], _first(record, "duration_seconds"), reading)
    except BadValue as error:
        raise unreadable("duration_seconds", str(error)) from error
    return seconds if isinstance(seconds, int) else None


def _written(instant: int) -> str:
    """An instant as RFC 3339."""
    try:
        return moment(instant).isoformat()
    except OverflowError as error:
        raise unreadable("started_at", "the call would have started before all time") from error
