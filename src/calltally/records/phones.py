"""Phone numbers as E.164, where they are written as numbers; everything else stays as it is."""

import re

import phonenumbers

__all__ = ["NO_NUMBER", "read_phone"]

NO_NUMBER = frozenset({"anonymous", "restricted", "private", "unknown", "unavailable", "blocked"})

# Digits and what stands between them, one + at most and before all digits, then perhaps an extension.
WRITTEN_AS_NUMBER = re.compile(
    r"(?P<number>[\s().\-/]*\+?[0-9\s().\-/]+?)\s*(?:(?:;\s*ext\s*=|ext(?:ension)?\.?|x|#)\s*[0-9]+)?", re.IGNORECASE
)
NOT_DIGITS = re.compile(r"[^0-9]")
FEWEST_DIGITS, MOST_DIGITS = 7, 15


def read_phone(text: str, region: str) -> str | None:
    """A caller's or line's number: E.164 by the region's rules, null where it says that there is none.

    `(305) 555-1234` in the US is `+13055551234`; `555-1234` is local only, and `C00001` no number: both stay.
    """
    if text.lower() in NO_NUMBER:
        return None
    written = WRITTEN_AS_NUMBER.fullmatch(text)
    if not written:
        return text
    number = written["number"]
    if not FEWEST_DIGITS <= len(NOT_DIGITS.sub("", number)) <= MOST_DIGITS:
        return text
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return text
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return text
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
