"""A caller's number out of everything that is kept, at a person's request, and out of what comes later."""

import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote_plus

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
from calltally.engines import Engine
from calltally.errors import FolderUnusable, InvalidRequest, Problem, shown
from calltally.localtime import offset_table
from calltally.records import BadValue, Reading, read_value

__all__ = ["erase_caller", "without_erased"]

FIELD = CATALOG.fields["caller_number"]
WORD = re.compile(r"[\w+-]+")  # a caller that is no phone number


def erase_caller(caller_number: str, business: Business, control: Control, engine: Engine) -> int:
    """How many calls had the number, which is read as that of a record: they stay, without a caller for ever.

    The number is taken out of the calls, of what is held for calls to come, of dead letters, and of names and filters
    of reports that are saved or shared. What comes in later is taken without it. Backups and exports that were made
    before are not reached.

    Raises:
        InvalidRequest: it is no number that a call can have.
        StorageFull: there is no room to write the calls anew; the same request finishes the work once there is.
    """
    number = _number(caller_number, business)
    erased = engine.erase(business.calls, number)  # first: what comes from here on is kept without it
    redact_dead_letters(control, business, number)
    redact_saved_reports(control, business, number)
    redact_shares(control, business, number)
    return erased


def without_erased(text: bytes, business: Business, engine: Engine) -> bytes:
    """A text, such as a body that is kept whole, without the numbers of callers who were erased before it came.

    While the calls are damaged nobody knows who was: it stays as it is, or nothing could bring its call back.

    Raises:
        Unavailable: who was erased cannot be told now.
    """
    try:
        erasure = engine.erasure(business.calls)
    except FolderUnusable:
        return text
    if erasure.hashes:
        for caller in filter(erasure.has, {*_callers_in(text, business.region)}):
            text = without_number(text, caller)
    return text


def _callers_in(text: bytes, region: str) -> Iterator[str]:
    """What may be a caller in a text, as it is, percent-encoded or escaped as in JSON: numbers as E.164, and words."""
    plain = text.decode(errors="replace")
    readings = {plain, unquote_plus(plain), unquote_plus(unquote_plus(plain))}
    with suppress(orjson.JSONDecodeError):  # it need not be JSON
        readings.add(orjson.dumps(orjson.loads(text)).decode())
    for reading in readings:
        yield from WORD.findall(reading)
        for match in phonenumbers.PhoneNumberMatcher(reading, region, phonenumbers.Leniency.POSSIBLE):
            yield phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)


def _number(caller_number: str, business: Business) -> str:
    try:
        number = read_value(FIELD, caller_number, Reading(business.region, offset_table(business.timezone)))
    except BadValue as bad:
        raise InvalidRequest((Problem(FIELD.name, f"{FIELD.name}: {bad}"),)) from bad
    if not isinstance(number, str):
        message = f"{FIELD.name}: {shown(caller_number)} stands for no number; give that of the caller"
        raise InvalidRequest((Problem(FIELD.name, message),))
    return number
