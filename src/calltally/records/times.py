"""Times as instants in microseconds UTC: RFC 3339, RFC 2822, or a format that the user names."""

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from calltally.localtime import DAY, FIRST_INSTANT, LAST_INSTANT, LocalTimeKind, OffsetTable, day_number, microseconds
from calltally.records.arrays import between, matching, number, only

__all__ = ["Moment", "read_datetime", "read_format", "read_rfc2822", "read_rfc3339", "usual_times"]

RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:([Zz])|([+-])(\d\d):(\d\d))?", re.ASCII
)
# The shapes that nearly all times come in; these Arrow reads alike, a whole column at once. No leap seconds or days.
USUAL_CLOCK = (
    r"[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{3}(?:[0-9]{3})?)?"
)
USUAL_OFFSET = r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
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
        days = day_number(date.fromisoformat(day))
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


def read_rfc2822(text: str) -> int | None:
    """The instant of a time such as `Mon, 09 Mar 2026 14:05:00 +0000`, in UTC without an offset; None: it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def usual_times(times: pa.Array, local_time: OffsetTable) -> pa.Array:
    """The instants of a column of texts or timestamps; null for those that have to be looked at by themselves."""
    if pa.types.is_string(times.type):
        instants = matching(times, USUAL_CLOCK + USUAL_OFFSET).cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        if instants.null_count == times.null_count:
            return _in_range(instants)
        clocks = matching(times, USUAL_CLOCK).cast(pa.timestamp("us")).cast(pa.int64())
        return _in_range(pc.coalesce(instants, _usual_instants(clocks, local_time)))
    if not pa.types.is_timestamp(times.type) or times.type.unit != "us":
        return pa.nulls(len(times), pa.int64())
    clocks = times.cast(pa.int64())
    return _in_range(clocks if times.type.tz else _usual_instants(clocks, local_time))


def _in_range(instants: pa.Array) -> pa.Array:
    return only(instants, between(instants, FIRST_INSTANT, LAST_INSTANT - 1))


def _usual_instants(clocks: pa.Array, local_time: OffsetTable) -> pa.Array:
    """The instants of local times; null where the clock changes within a day, or no call can start."""
    instants = pa.nulls(len(clocks), pa.int64())
    first, last = pc.min_max(clocks).as_py().values()
    if first is None:
        return instants
    for start, end, offset in local_time.segments():
        if start <= last and first < end:
            moved = pc.subtract(clocks, number(offset))
            instants = pc.if_else(between(clocks, start + DAY, end - DAY - 1), moved, instants)
    return instants


def read_format(text: str, time_format: str, local_time: OffsetTable) -> Moment | None:
    """The moment that a text means in a format of `datetime.strptime`, or None; without an offset it is local."""
    try:
        return read_datetime(datetime.strptime(text, time_format), local_time)  # noqa: DTZ007 - local is meant
    except ValueError:
        return None


def read_datetime(moment: datetime, local_time: OffsetTable) -> Moment:
    """The moment of a datetime; without an offset it is local."""
    if moment.tzinfo is None:
        return Moment(*local_time.instant(microseconds(moment.replace(tzinfo=UTC))))
    return Moment(microseconds(moment))  # also where UTC is in year 0 or 10000
