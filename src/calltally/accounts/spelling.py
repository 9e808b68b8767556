"""The ways in which a caller's number can be written in a text of any form, to take it out of there."""

import re

import phonenumbers

__all__ = ["line_without_number", "without_number"]

BETWEEN = " \t\r\n().-/+"  # what may stand between two digits; a plus is a blank in forms
ESCAPES = rb"\\[nrt/]|\xc2\xa0|%(?:25)*C2%(?:25)*A0|\\u00a0"  # no-break space
TYPOGRAPHIC = rb"\xe2\x80[\x80-\xaf]|%(?:25)*E2%(?:25)*80%(?:25)*[89A][0-9A-F]|\\u20[0-2][0-9A-F]"  # blanks, dashes
# Digits before a number belong to it, unless they are those of an escape; so do those after it, and an exponent.
BEFORE = rb"(?:(?<![%b])|(?<=%%[0-9A-F]{2})|(?<=\\u[0-9A-F]{4})|(?<=\\[nrtbf]))"
NO_DIGIT_BEFORE, NO_WORD_BEFORE = BEFORE % b"0-9", BEFORE % b"0-9A-Z"
AFTER = rb"(?:\.0+)?(?![0-9]|\.[0-9]|e[+-]?[0-9])"


def without_number(text: bytes, number: str) -> bytes:
    """The text without a caller's number, however it is written there; what could be parsed before can be still.

    That is with or without its country's code, with blanks, dashes and parentheses, percent-encoded or escaped. Where
    it stands as a number in JSON it becomes null. What is no phone number is taken out where it stands as it is.
    """
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        word = NO_WORD_BEFORE + b"".join(map(_spelled, number)) + rb"(?![0-9A-Z])"
        return re.sub(word, b"", text, flags=re.IGNORECASE)
    country, national = str(parsed.country_code), phonenumbers.national_significant_number(parsed)
    bare = rb"(^\s*|[:\[,]\s*)-?(?:%b)?%b(?:\.0+)?(?=\s*(?:[,\]}]|$))" % (country.encode(), national.encode())
    return _written(country, national).sub(b"", re.sub(bare, rb"\1null", text))


def line_without_number(text: str, number: str) -> str:
    """A text of people's, such as a name, without a caller's number; all of it may be the number."""
    return without_number(f"|{text}".encode(), number).decode()[1:]  # with a mark before it, it is no number of JSON


def _written(country: str, national: str) -> re.Pattern[bytes]:
    between = b"(?:%b){0,6}" % b"|".join((*map(_spelled, BETWEEN), ESCAPES, TYPOGRAPHIC))
    region = phonenumbers.region_code_for_country_code(int(country))
    trunk = phonenumbers.ndd_prefix_for_region(region, True) or "0"

    def optional(*beginnings: str) -> bytes:
        return b"(?:(?:%b)%b)?" % (b"|".join(map(digits, beginnings)), between)

    def digits(text: str) -> bytes:
        return between.join(map(_spelled, text))

    beginning = b"(?:%b)?" % _spelled("(") + optional("+", "00", "011") + optional(country) + optional("0", trunk)
    return re.compile(NO_DIGIT_BEFORE + beginning + digits(national) + AFTER, re.IGNORECASE)


def _spelled(character: str) -> bytes:
    """A pattern for a character as it is, percent-encoded (once or again and again), or escaped as in JSON."""
    encoded = character.encode()
    percent = b"".join(b"%%(?:25)*%02X" % byte for byte in encoded)
    return b"(?:%b|%b|\\\\u%04x)" % (re.escape(encoded), percent, ord(character))
