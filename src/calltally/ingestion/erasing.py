"""A caller's number out of everything that is kept, at a person's request, and out of what comes later."""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from urllib.parse import parse_qsl, unquote_plus

import orjson
import phonenumbers

from calltally.accounts import (
    Business,
    Control,
    redact_dead_letters,
    redact_saved_reports,
    redact_shares,
    without_number,
)
from calltally.catalog import CATALOG
from calltally.engines import Engine, Erasure
from calltally.errors import CallsUnreadable, FolderUnusable, InvalidRequest, Problem, shown
from calltally.exact_json import read_json
from calltally.records import BadValue, Reading, read_phone, read_value

__all__ = ["erase_caller", "known_erasure", "require_caller", "without_erased"]

FIELD = CATALOG.fields["caller_number"]
# What may be a caller that is no phone number.
WORD = re.compile(r"[\w+-]+")
QUOTED = re.compile(r'"([^"]*)"')
ABROAD = re.compile(r"\A(?:00|011)")  # how a number of another country begins where it is dialled
LONGEST = 1000  # characters of what is looked at: a caller has fewer
BLANKS = re.compile(r"\s+")


def erase_caller(caller_number: str, business: Business, control: Control, engine: Engine) -> int:
    """How many calls had the number, read as that of a record or as it stands: they stay, without a caller for ever.

    As it stands, because calls that came when the business had another region may have it so.
    The number is taken out of the calls, of what is held for calls to come, of dead letters, and of names and filters
    of reports that are saved or shared. What comes in later is taken without it. Backups and exports that were made
    before are not reached.

    Raises:
        InvalidRequest: it is no number that a call can have.
        StorageFull: there is no room to write the calls anew; the same request finishes the work once there is.
    """
    numbers = sorted({_number(caller_number, business), caller_number.strip()})
    erased = engine.erase(business.calls, *numbers)  # first: what comes from here on is kept without it
    for number in numbers:
        redact_dead_letters(control, business, partial(without_number, number=number))
        redact_saved_reports(control, business, number)
        redact_shares(control, business, number)
    return erased


def require_caller(caller_number: str, business: Business) -> None:
    """Nothing, if it is a number that a call of this business can have.

    Raises:
        InvalidRequest: it is none.
    """
    _number(caller_number, business)


def known_erasure(business: Business, engine: Engine) -> Erasure:
    """Who was erased: nobody while the calls cannot be read, of which nobody can tell.

    Raises:
        Unavailable: it cannot be told now.
    """
    try:
        return engine.erasure(business.calls)
    except (CallsUnreadable, FolderUnusable):
        return Erasure()


def without_erased(text: bytes, business: Business, erasure: Erasure) -> bytes:
    """A text, such as a body that is kept whole, without the callers who were erased before it came."""
    if erasure.hashes:
        found = {each.strip() for each in _written_in(text, business.region) if len(each) <= LONGEST}
        for written in sorted(found, key=len, reverse=True):  # the whole of what stands there before a part of it
            for number in {written, ABROAD.sub("+", written)}:
                caller = read_phone(number, business.region) or ""
                if erasure.has(caller) or erasure.has(number):
                    text = without_number(without_number(text, written), caller)
    return text


def _written_in(text: bytes, region: str) -> Iterator[str]:
    """Whatever may be a caller in a text: its values, if it has any, words, and phone numbers in any spelling."""
    plain = text.decode(errors="replace")
    readings = {plain, unquote_plus(plain), unquote_plus(unquote_plus(plain))}
    values = [value for _, value in parse_qsl(plain, True, errors="replace")]
    with suppress(orjson.JSONDecodeError):  # it need not be JSON
        values += _texts_of(read_json(text))
    yield from values
    quoted = set(QUOTED.findall(plain))  # what stands so is found there: to look for numbers takes long
    for reading in {*readings, *(value for value in values if len(value) <= LONGEST and value not in quoted)}:
        yield from QUOTED.findall(reading)
        yield from WORD.findall(reading)
        for match in phonenumbers.PhoneNumberMatcher(BLANKS.sub(" ", reading), region, phonenumbers.Leniency.POSSIBLE):
            yield match.raw_string
            yield phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)


def _texts_of(found: object) -> Iterator[str]:
    """The texts and numbers within a JSON value, however deep."""
    left = [found]
    while left:
        match left.pop():
            case dict() as values:
                left += values.values()
            case list() as values:
                left += values
            case str() | int() | float() as value:
                yield str(value)


def _number(caller_number: str, business: Business) -> str:
    try:
        number = read_value(FIELD, caller_number, Reading.of(business.region, business.timezone))
    except BadValue as bad:
        raise InvalidRequest((Problem(FIELD.name, f"{FIELD.name}: {bad}"),)) from bad
    if not isinstance(number, str):
        message = f"{FIELD.name}: {shown(caller_number)} stands for no number; give that of the caller"
        raise InvalidRequest((Problem(FIELD.name, message),))
    return number
