"""JSON as it was sent: orjson reads a whole number of more than 64 bits as a fraction, without its last digits."""

import re
from contextlib import suppress

import orjson

__all__ = ["read_json"]

LEAST_DIGITS = 19  # of a whole number that may have more than 64 bits
LONG_NUMBER = b"0" * LEAST_DIGITS
DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
LOWEST, HIGHEST = -(1 << 63), (1 << 64) - 1  # of those that are read as they are
# A string without an end goes on to the end of the text, which is then looked through once.
STRING = rb'"(?:[^"\\]|\\.)*+"?'
NUMBER = rb"-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?(?!\s*:)"  # none can be a name
STRING_OR_NUMBER = re.compile(STRING + b"|" + NUMBER, re.DOTALL)
WHOLE = re.compile(rb"-?[1-9][0-9]*")


def read_json(text: bytes) -> object:
    """What the JSON says; a whole number of more than 64 bits is given as a string of its digits.

    Raises:
        orjson.JSONDecodeError: it is not JSON, or not UTF-8.
    """
    # To look for long numbers in this way takes less than half the time of reading; a search by a pattern, three times.
    if LONG_NUMBER in text.translate(DIGITS_AS_ZEROS):
        with suppress(orjson.JSONDecodeError):  # which is raised below, with the place in the text as it is
            return orjson.loads(STRING_OR_NUMBER.sub(_as_read, text))
    return orjson.loads(text)


def _as_read(found: re.Match[bytes]) -> bytes:
    """A string or number as it stands, or as a string where it would be rounded."""
    said = found[0]
    if len(said) < LEAST_DIGITS or not WHOLE.fullmatch(said):
        return said
    is_long = len(said) > len(str(LOWEST)) or not LOWEST <= int(said) <= HIGHEST
    return b'"%b"' % said if is_long else said
