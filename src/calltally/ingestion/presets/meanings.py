"""What a vendor's values mean: a text as the text that our own field would have."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from calltally.catalog import CATALOG
from calltally.ingestion.presets.types import Elapsed, Meaning, Money, Part, Preset, Said, Seconds, Taken, Times, Words
from calltally.localtime import moment
from calltally.records import BadValue, Moment, Reading, read_value

__all__ = ["EXPECTED", "Converter", "converter", "elapsed", "expected", "part"]

Converter = Callable[[str], str]

AMOUNT = re.compile(
    r"(?P<sign>[+-]?)\s*[$€£]?\s*(?P<minus>-?)(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.(?P<part>[0-9]*))?"
)
NO_AMOUNT = re.compile(r"[-–—\s]+")
CLOCK = re.compile(r"(?:(?P<hours>[0-9]{1,6}):)?(?P<minutes>[0-9]{1,6}):(?P<seconds>[0-5]?[0-9])")
PARTS = re.compile(
    r"(?=[0-9])(?:(?P<hours>[0-9]{1,6})\s*h(?:(?:ou)?rs?)?)?[\s,]*+"
    r"(?:(?P<minutes>[0-9]{1,6})\s*m(?:in(?:ute)?s?)?)?[\s,]*+"
    r"(?:(?P<seconds>[0-9]{1,8})\s*s(?:ec(?:ond)?s?)?)?",
    re.IGNORECASE,
)
EXPECTED: dict[type, str] = {Money: "an amount such as 1,234.50", Seconds: "a length such as 184 or 1:02:03"}
LONGEST_AMOUNT = 40  # characters
ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:[.][0-9]+)?(?P<offset>[Zz]|[+-][0-9:]+)?"
)
UTC_BY_NAME = re.compile(r"(?<!\s)\s*+\b(?:UTC|GMT)\b")  # blanks are looked at from the first of them only


def converter(meaning: Meaning) -> Converter:
    """What turns one text, not blank, into the other. A text that it cannot read stays, for its field to reject."""
    match meaning:
        case Words():
            return _words(meaning)
        case Said():
            return lambda _: meaning.word
        case Money():
            return lambda text: _cents(text, negated=meaning.negated)
        case Seconds():
            return _lengths(meaning)
        case Times():
            return lambda text: _time(text, meaning.formats, utc=meaning.utc)
        case Elapsed():
            return lambda text: _time(text, meaning.formats)


def expected(preset: Preset, mapped: Collection[str], columns: Collection[str]) -> dict[str, str]:
    """By field what a preset reads it from, where that is no whole number.

    Not of fields that are left to somebody's own words, `mapped`, or to a column that is called exactly like one.
    """
    return {
        row.field: EXPECTED[type(source.meaning)]
        for row in preset.fields
        if row.field not in mapped and (row.field not in columns or row.field in _read(row))
        for source in row.sources
        if type(source.meaning) in EXPECTED
    }


def elapsed(start: str, end: str, reading: Reading) -> str:
    """The whole seconds from one time to another, '' where that cannot be said."""
    first, last = (_moment(text, reading) for text in (start, end))
    if first is None or last is None or last.instant < first.instant:
        return ""
    return str((last.instant - first.instant) // 1_000_000)


def part(facts: Mapping[str, str], reading: Reading) -> Part:
    """What a leg says of itself, by the names of our fields; nothing where it cannot be read."""
    start, status, seconds = (_value(name, facts, reading) for name in ("started_at", "status", "duration_seconds"))
    return Part(
        facts["id"],
        moment(start.instant).replace(tzinfo=None) if isinstance(start, Moment) else None,
        status if isinstance(status, str) else None,
        seconds if isinstance(seconds, int) else None,
    )


def _read(row: Taken) -> set[str]:
    return {source.column for source in row.sources}


def _words(meaning: Words) -> Converter:
    meanings = {word.casefold(): other for word, other in meaning.meanings.items()}
    return lambda text: meanings.get(text.casefold(), "" if meaning.only else text)


def _cents(text: str, *, negated: bool) -> str:
    if len(text) > LONGEST_AMOUNT:
        return text
    found = AMOUNT.fullmatch(text)
    if not found or not (found["whole"] or found["part"]):
        return "" if NO_AMOUNT.fullmatch(text) else text
    part = f"{found['part'] or '':0<3}"
    cents = int(found["whole"].replace(",", "") or 0) * 100 + int(part[:2]) + (part[2] >= "5")
    below_zero = (found["sign"] == "-" or found["minus"] == "-") != negated
    return str(-cents if below_zero else cents)


def _lengths(meaning: Seconds) -> Converter:
    nothing = {word.casefold() for word in meaning.nothing}
    return lambda text: "" if text.casefold() in nothing else _seconds(text)


def _seconds(text: str) -> str:
    found = CLOCK.fullmatch(text) or PARTS.fullmatch(text)
    if not found:
        return text
    hours, minutes, seconds = (int(found[name] or 0) for name in ("hours", "minutes", "seconds"))
    return str((hours * 60 + minutes) * 60 + seconds)


def _time(text: str, formats: tuple[str, ...], *, utc: bool = False) -> str:
    if found := ISO.fullmatch(text):
        return f"{text}Z" if utc and not found["offset"] else text
    written = UTC_BY_NAME.sub(" +0000", text)
    for each in formats:
        try:
            return _written(datetime.strptime(written, each), utc=utc)  # noqa: DTZ007 - without an offset local is meant
        except ValueError:
            continue
    return text


def _moment(text: str, reading: Reading) -> Moment | None:
    found = _value("started_at", {"started_at": text}, reading)
    return found if isinstance(found, Moment) else None


def _written(time: datetime, *, utc: bool) -> str:
    return f"{time.isoformat()}Z" if utc and time.tzinfo is None else time.isoformat()


def _value(name: str, texts: Mapping[str, str], reading: Reading) -> object:
    """A text as the value of a field; None: it is none, or there is no text."""
    try:
        return read_value(CATALOG.fields[name], texts[name], reading)
    except BadValue:
        return None
