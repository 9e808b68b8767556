"""Times as instants in microseconds UTC: RFC 3339, or a format that the user names."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from calltally.localtime import DAY, LocalTimeKind, OffsetTable

__all__ = ["Moment", "read_datetime", "read_format", "read_rfc3339"]

RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:([Zz])|([+-])(\d\d):(\d\d))?", re.ASCII
)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times of a clock whose offset is applied afterwards
EPOCH_DAY = date(1970, 1, 1).toordinal()
MICROSECOND = timedelta(microseconds=1)
MINUTE = 60_000_000


@dataclass(frozen=True)
class Moment:
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
