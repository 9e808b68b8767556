"""Raw values as the values that are stored, by the kind of their field. The contract's section "A call record"."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from calltally.catalog import CallField, FieldKind
from calltally.errors import shown
from calltally.localtime import FIRST_INSTANT, LAST_INSTANT, OffsetTable, can_be_written, offset_table
from calltally.records.phones import read_phone
from calltally.records.times import Moment, read_datetime, read_format, read_rfc3339

__all__ = ["BadValue", "Reading", "Stored", "normal_status", "read_value"]

Stored = str | int | bool | Moment

MOST_EXACT = 2**53  # of the whole numbers that are written as fractions
# Without leading zeros, a number of 40 digits is out of every range.
WHOLE = re.compile(r"([+-]?)(?=[0-9])0*+([0-9]{0,40})(?:\.0+)?")
TRUE = frozenset({"true", "yes", "1", "t"})
FALSE = frozenset({"false", "no", "0", "f"})
BLANK_OR_UNDERSCORE = re.compile(r"[\s_]")
SAME_STATUS = {"answered": "completed", "missed": "no-answer"}


class BadValue(Exception):
    """A value that its field cannot take; the message completes 'FIELD: '."""


@dataclass(frozen=True)
class Reading:
    """What reading depends on: a business's region and local time, and the file's own formats of time.

    `expected` says of whole numbers that a file writes in another way what was expected, by the field.
    """

    region: str
    local_time: OffsetTable
    time_formats: tuple[str, ...] = ()
    expected: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, region: str, timezone: str, time_formats: tuple[str, ...] = ()) -> "Reading":
        """How a business with this region and time zone is read."""
        return cls(region, offset_table(timezone), time_formats)


def read_value(field: CallField, raw: object, reading: Reading) -> Stored | None:
    """The value to store, or None where nothing was said.

    Raises:
        BadValue: the field cannot take it.
    """
    if raw is None:
        return None
    return READERS[field.kind](field, raw, reading)


def normal_status(text: str) -> str:
    """A status in the one form in which it is stored and looked for; '' if it is blank."""
    word = BLANK_OR_UNDERSCORE.sub("-", text.strip().lower())
    return SAME_STATUS.get(word, word)


def _text(field: CallField, raw: object, _: Reading) -> str | None:
    text = _as_text(raw)
    _require_short(field, text, len(text))
    if "\x00" in text:
        raise BadValue(f"{shown(text)} has a NUL character, which text cannot have")
    return text or None


def _require_short(field: CallField, text: str, length: int) -> None:
    if length > field.highest:
        raise BadValue(f"{shown(text)} has {length} characters, at most {field.highest} are allowed")


def _as_text(raw: object) -> str:
    if isinstance(raw, str):
        return raw.strip()
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw)
    if isinstance(raw, float) and raw.is_integer():
        if abs(raw) > MOST_EXACT:  # 1e20, or of a column of fractions: others may be read as the same
            raise BadValue(f"{shown(raw)} is a number of too many digits to be kept as it was given; send it as text")
        return str(int(raw))
    raise BadValue(f"{shown(raw)} is not text")


def _status(field: CallField, raw: object, reading: Reading) -> str | None:
    text = _text(field, raw, reading)
    if not text:
        return None
    status = normal_status(text)
    _require_short(field, text, len(status))  # in lower case it may have more: 'İ' has two
    return status


def _phone(field: CallField, raw: object, reading: Reading) -> str | None:
    text = _text(field, raw, reading)
    return read_phone(text, reading.region) if text else None


def _choice(field: CallField, raw: object, _: Reading) -> str | None:
    if not isinstance(raw, str) or (raw.strip() and raw.strip() not in field.choices):
        raise BadValue(f"{shown(raw)} is not {' or '.join(field.choices)}")
    return raw.strip() or None


def _whole(field: CallField, raw: object, reading: Reading) -> int | None:
    number = _as_whole(field, raw, reading)
    if number is not None and not field.lowest <= number <= field.highest:
        raise BadValue(f"{shown(raw)} is not from {field.lowest} to {field.highest}")
    return number


def _as_whole(field: CallField, raw: object, reading: Reading) -> int | None:
    match raw:
        case bool():
            pass
        case int():
            return raw
        case float() if raw.is_integer():
            return int(raw)
        case str():
            text = raw.strip()
            if found := WHOLE.fullmatch(text):
                return int(f"{found[1]}{found[2] or 0}")
            if not text:
                return None
    expected = reading.expected.get(field.name, f"a whole number from {field.lowest} to {field.highest}")
    raise BadValue(f"{shown(raw)} is not {expected}")


def _boolean(_: CallField, raw: object, __: Reading) -> bool | None:
    if isinstance(raw, bool):
        return raw
    word = raw.strip().lower() if isinstance(raw, str) else None
    if word in TRUE or (isinstance(raw, int | float) and raw == 1):
        return True
    if word in FALSE or (isinstance(raw, int | float) and raw == 0):
        return False
    if word == "":
        return None
    raise BadValue(f"{shown(raw)} is not true or false")


def _time(field: CallField, raw: object, reading: Reading) -> Moment | None:
    if isinstance(raw, datetime):
        moment: Moment | None = read_datetime(raw, reading.local_time)
    elif isinstance(raw, str):
        if not raw.strip():
            return None
        moment = _written_time(raw.strip(), reading)
    else:
        moment = None
    if moment is None:
        expected = " or ".join(("a time such as 2026-03-09T14:05:00Z", *reading.time_formats))
        raise BadValue(f"{shown(raw)} is not {expected}")
    if field.stored and not FIRST_INSTANT <= moment.instant < LAST_INSTANT:
        raise BadValue(f"{shown(raw)} is not from 1970 to 2100")
    if not can_be_written(moment.instant):  # it could not be written again, in UTC
        raise BadValue(f"{shown(raw)} is not from the year 1 to 9999 in UTC")
    return moment


def _written_time(text: str, reading: Reading) -> Moment | None:
    for time_format in reading.time_formats:
        if moment := read_format(text, time_format, reading.local_time):
            return moment
    return read_rfc3339(text, reading.local_time)


READERS: dict[FieldKind, Callable[[CallField, object, Reading], Stored | None]] = {
    FieldKind.ID: _text,
    FieldKind.TIME: _time,
    FieldKind.PHONE: _phone,
    FieldKind.TEXT: _text,
    FieldKind.STATUS: _status,
    FieldKind.CHOICE: _choice,
    FieldKind.WHOLE: _whole,
    FieldKind.BOOLEAN: _boolean,
}
