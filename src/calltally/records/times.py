"""Times as instants in microseconds UTC: RFC 3339, or a format that the user names."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from calltally.localtime import DAY, FIRST_INSTANT, LAST_INSTANT, LocalTimeKind, OffsetTable

__all__ = ["Moment", "read_datetime", "read_format", "read_rfc3339", "read_usual"]

RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:([Zz])|([+-])(\d\d):(\d\d))?", re.ASCII
)
# The shapes that nearly all times come in; these Arrow reads alike, a whole column at once.
USUAL = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3}([0-9]{3})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times of a clock whose offset is applied afterwards
EPOCH_DAY = date(1970, 1, 1).toordinal()
MICROSECOND = timedelta(microseconds=1)
MINUTE = 60_000_000


class Moment(NamedTuple):
    """An instant, and how often the local time that it was written as occurs."""

    instant: int
    kind: LocalTimeKind = LocalTimeKind.ONCE


def read_rfc3339(text: str, local_time: OffsetTable) -> Moment | None:
    """The moment that a text means, or None if it is no such time; without an offset it is local.

    A blank may stand for T, seconds may be missing, what is finer than a microsecond is cut off. Second 60, a leap
    second, is the start of the next minute.
    """
    found = RFC3339.fullmatch(text)
    if not found:
        return None
    day, hour, minute, second, fraction, utc, sign, offset_hour, offset_minute = found.groups()
    try:
        days = date.fromisoformat(day).toordinal() - EPOCH_DAY
    except ValueError:
        return None
    seconds = int(second or 0)
    if int(hour) > 23 or int(minute) > 59 or seconds > 60:
        return None
    clock = days * DAY + (int(hour) * 60 + int(minute)) * MINUTE + seconds * 1_000_000
    clock += int(f"{fraction:0<6}"[:6]) if fraction else 0
    if utc:
        return Moment(clock)
    if not sign:
        return Moment(*local_time.instant(clock))
    if int(offset_hour) > 23 or int(offset_minute) > 59:
        return None
    offset = (int(offset_hour) * 60 + int(offset_minute)) * MINUTE
    return Moment(clock + offset if sign == "-" else clock - offset)


def read_usual(texts: Sequence[str]) -> list[Moment] | None:
    """The moments of a column of times with offsets, or None if any of it has to be looked at by itself."""
    column = pa.array(texts, pa.string())
    if not pc.all(pc.match_substring_regex(column, USUAL)).as_py():
        return None
    try:
        instants = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    except pa.ArrowInvalid:
        return None  # a leap second, or no such day
    extremes = pc.min_max(instants).as_py()
    if extremes["min"] < FIRST_INSTANT or extremes["max"] >= LAST_INSTANT:
        return None
    return [Moment(instant) for instant in instants.to_pylist()]


def read_format(text: str, time_format: str, local_time: OffsetTable) -> Moment | None:
    """The moment that a text means in a format of `datetime.strptime`, or None; without an offset it is local."""
    try:
        return read_datetime(datetime.strptime(text, time_format), local_time)  # noqa: DTZ007 - local is meant
    except ValueError:
        return None


def read_datetime(moment: datetime, local_time: OffsetTable) -> Moment:
    """The moment of a datetime; without an offset it is local."""
    if moment.tzinfo is None:
        return Moment(*local_time.instant((moment - EPOCH) // MICROSECOND))
    return Moment((moment.astimezone(UTC).replace(tzinfo=None) - EPOCH) // MICROSECOND)
