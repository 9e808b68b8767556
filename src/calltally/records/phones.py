"""Phone numbers as E.164, where they are written as numbers; everything else stays as it is."""

import re

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from calltally.records.arrays import matching

__all__ = ["NO_NUMBER", "read_phone", "usual_phones"]

NO_NUMBER = frozenset({"anonymous", "restricted", "private", "unknown", "unavailable", "blocked"})

# Digits and what stands between them, one + at most and before all digits, then perhaps an extension. It never goes
# back to try in another way, for which a long text of blanks would take hours.
WRITTEN_AS_NUMBER = re.compile(
    r"(?P<number>(?:[\s().\-/]*+\+)?+[0-9\s().\-/]++)(?:(?:;\s*+ext\s*+=|ext(?:ension)?\.?|x|#)\s*+[0-9]+)?+",
    re.IGNORECASE,
)
NOT_DIGITS = re.compile(r"[^0-9]")
# North American numbers are possible whenever they have ten digits, none of which can be a prefix to cut off if the
# first is 2 to 9: their E.164 form needs no look at the library's tables, which would take ten times as long.
NORTH_AMERICAN_INTERNATIONAL = re.compile(r"\+1[2-9][0-9]{9}")
NORTH_AMERICAN_NATIONAL = re.compile(r"\(?([2-9][0-9]{2})\)?[ .-]?([0-9]{3})[ .-]?([0-9]{4})")
NORTH_AMERICAN_REGIONS = frozenset({"US", "CA"})
FEWEST_DIGITS, MOST_DIGITS = 7, 15


def read_phone(text: str, region: str) -> str | None:
    """A caller's or line's number: E.164 by the region's rules, null where it says that there is none.

    `(305) 555-1234` in the US is `+13055551234`; `555-1234` is local only, and `C00001` no number: both stay. What
    comes back reads as itself: a call that is exported and imported again has the same caller.
    """
    if NORTH_AMERICAN_INTERNATIONAL.fullmatch(text):
        return text
    if region in NORTH_AMERICAN_REGIONS and (national := NORTH_AMERICAN_NATIONAL.fullmatch(text)):
        return f"+1{national[1]}{national[2]}{national[3]}"
    return None if text.lower() in NO_NUMBER else _by_tables(text, region)


def usual_phones(texts: pa.Array, region: str) -> pa.Array:
    """Those of a column that `read_phone` needs no tables for, null for the others."""
    international = matching(texts, NORTH_AMERICAN_INTERNATIONAL.pattern)
    if international.null_count == texts.null_count or region not in NORTH_AMERICAN_REGIONS:
        return international
    national = matching(texts, NORTH_AMERICAN_NATIONAL.pattern)
    return pc.coalesce(
        international, pc.replace_substring_regex(national, NORTH_AMERICAN_NATIONAL.pattern, r"+1\1\2\3")
    )


def _by_tables(text: str, region: str) -> str:
    written = WRITTEN_AS_NUMBER.fullmatch(text)
    if not written:
        return text
    number = written["number"].rstrip()
    if not FEWEST_DIGITS <= len(NOT_DIGITS.sub("", number)) <= MOST_DIGITS:
        return text
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return text
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return text
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    # `0003999734` loses a zero each time that it is read, of which the last is Germany's prefix.
    return _by_tables(number, region) if number != text and _has_prefix(number, parsed.country_code or 0) else number


def _has_prefix(number: str, country_code: int) -> bool:
    """Whether something is left, in an E.164 number, of what is dialled before numbers within its country."""
    region = phonenumbers.region_code_for_country_code(country_code)
    rules = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    prefix = rules.national_prefix_for_parsing if rules else None
    return bool(prefix and re.match(prefix, number.removeprefix(f"+{country_code}")))
