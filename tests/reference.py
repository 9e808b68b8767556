"""A slow, plain reading of the analytics contract, against which the real engines are compared.

Nothing here is shared with the server: each rule is written out once more, in the most direct way there is.
"""

import json
import math
import re
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers

zoneinfo.reset_tzpath(())
ZoneInfo.clear_cache()

Call = dict[str, Any]
Params = Sequence[tuple[str, str]]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_START = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_STARTS = datetime(2101, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


# --- One raw record -------------------------------------------------------------------------------------------------


class Bad(Exception):
    """A value that the contract does not allow in its field."""


@dataclass
class Normalised:
    """What one raw record says: stored values by canonical name, its version, and what was wrong with it."""

    values: dict[str, Any] = field(default_factory=dict)
    version: int | None = None
    dropped: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    ambiguous: bool = False
    skipped: bool = False


# Every name under which a field may come, the winning one first.
NAMES: dict[str, list[str]] = {
    "id": ["id", "call_id", "uuid"],
    "started_at": ["started_at", "start_time", "created_at"],
    "updated_at": ["updated_at"],
    "caller_number": ["caller_number", "from"],
    "tracking_number": ["tracking_number", "to"],
    "destination_number": ["destination_number"],
    "direction": ["direction"],
    "status": ["status"],
    "duration_seconds": ["duration_seconds", "duration"],
    "source": ["source"],
    "utm_source": ["utm_source"],
    "utm_medium": ["utm_medium"],
    "utm_campaign": ["utm_campaign"],
    "utm_term": ["utm_term"],
    "utm_content": ["utm_content"],
    "call_flow": ["call_flow", "call_flow_name"],
    "call_flow_id": ["call_flow_id"],
    "number_id": ["number_id"],
    "number_group_id": ["number_group_id"],
    "ai_score": ["ai_score"],
    "robo_score": ["robo_score", "robo_risk_score"],
    "ai_category": ["ai_category"],
    "qualified": ["qualified", "qualified_ai"],
    "value_cents": ["value_cents"],
    "cost_cents": ["cost_cents"],
}

# The least and greatest value of each whole number.
RANGES: dict[str, tuple[int, int]] = {
    "duration_seconds": (0, 10_000_000),
    "ai_score": (0, 100),
    "robo_score": (0, 100),
    "value_cents": (-(10**12), 10**12),
    "cost_cents": (-(10**12), 10**12),
}

# The fields that a stored call has; `updated_at` is the version of the others rather than a value of its own.
STORED = [name for name in NAMES if name != "updated_at"]


def normalise(record: dict[str, object], *, time_zone: str, region: str) -> Normalised:
    """What a raw record of a file says: null and empty text say nothing."""
    said = Normalised()
    chosen = choose_names(record)
    said.dropped = [key for key in record if key not in chosen.values()]
    for name, key in chosen.items():
        try:
            value = stored_value(name, record[key], said, time_zone, region)
        except Bad:
            said.errors.append(name)
            continue
        if name == "updated_at":
            said.version = value
        elif value is not None:
            said.values[name] = value
    return said


def choose_names(record: dict[str, object]) -> dict[str, str]:
    """For each canonical field that is present, the key that wins: its own name, else the first alias present."""
    chosen = {}
    for name, candidates in NAMES.items():
        present = [candidate for candidate in candidates if candidate in record]
        if present:
            chosen[name] = present[0]
    return chosen


def stored_value(name: str, raw: object, said: Normalised, time_zone: str, region: str) -> Any:
    """The stored value of one field, None for null; tells `said` of a start that occurs twice or not at all."""
    match name:
        case "id":
            return text_value(raw, longest=128)
        case "started_at":
            return start_value(raw, said, ZoneInfo(time_zone))
        case "updated_at":
            return version_value(raw, ZoneInfo(time_zone))
        case "caller_number" | "tracking_number" | "destination_number":
            return phone_value(raw, region)
        case "direction":
            return direction_value(raw)
        case "status":
            return status_value(raw)
        case "duration_seconds" | "ai_score" | "robo_score" | "value_cents" | "cost_cents":
            return whole_value(raw, *RANGES[name])
        case "qualified":
            return flag_value(raw)
        case _:
            return text_value(raw, longest=512)


def plain_text(raw: object) -> str | None:
    """The text of a raw value with the blanks at both ends cut, or None where nothing is left."""
    if raw is None:
        return None
    if isinstance(raw, bool):
        raise Bad
    if isinstance(raw, int | float):
        return str(whole_number(raw))
    if not isinstance(raw, str) or "\0" in raw or any("\ud800" <= letter <= "\udfff" for letter in raw):
        raise Bad
    return raw.strip() or None


def whole_number(raw: float) -> int:
    """A number that has no fraction, as an int."""
    if isinstance(raw, float) and not raw.is_integer():
        raise Bad
    return int(raw)


def text_value(raw: object, *, longest: int) -> str | None:
    """Text of at most `longest` characters."""
    text = plain_text(raw)
    if text is not None and len(text) > longest:
        raise Bad
    return text


def direction_value(raw: object) -> str | None:
    """`inbound` or `outbound`."""
    text = plain_text(raw)
    if text not in (None, "inbound", "outbound"):
        raise Bad
    return text


def status_value(raw: object) -> str | None:
    """A status in its one spelling."""
    text = text_value(raw, longest=512)
    if text is None:
        return None
    word = "".join("-" if letter.isspace() or letter == "_" else letter for letter in text.lower())
    if word == "answered":
        return "completed"
    if word == "missed":
        return "no-answer"
    return word


def whole_value(raw: object, least: int, most: int) -> int | None:
    """A whole number within a range, both ends included."""
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    number = whole_number_of(raw)
    if not least <= number <= most:
        raise Bad
    return number


def whole_number_of(raw: object) -> int:
    """A whole number given as a number or as text."""
    if isinstance(raw, bool):
        raise Bad
    if isinstance(raw, int | float):
        return whole_number(raw)
    if isinstance(raw, str):
        found = re.fullmatch(r"([+-]?)0*([0-9]{1,30})(\.0+)?", raw.strip())
        if found:
            return int(found[1] + found[2])
    raise Bad


def flag_value(raw: object) -> bool | None:
    """True or false, given as such, as 1 or 0, or in words."""
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int | float):
        word = str(whole_number(raw))
    elif isinstance(raw, str):
        word = raw.strip().lower()
    else:
        raise Bad
    if word in ("true", "yes", "1", "t"):
        return True
    if word in ("false", "no", "0", "f"):
        return False
    raise Bad


# --- Times ----------------------------------------------------------------------------------------------------------

TIME = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
    r"(:(?P<second>[0-9]{2})(\.(?P<fraction>[0-9]+))?)?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


def parse_time(text: str) -> tuple[datetime, timedelta | None]:
    """The time as it is written, without a zone, and its offset from UTC if it says one."""
    found = TIME.fullmatch(text)
    if not found:
        raise Bad
    second = int(found["second"] or 0)
    fraction = int(((found["fraction"] or "") + "000000")[:6])
    if second > 60:
        raise Bad
    try:
        day = date.fromisoformat(found["day"])
        minute = datetime(day.year, day.month, day.day, int(found["hour"]), int(found["minute"]))  # noqa: DTZ001
        written = minute + timedelta(seconds=second, microseconds=fraction)
    except (ValueError, OverflowError):
        raise Bad from None
    return written, parse_offset(found["offset"])


def parse_offset(text: str | None) -> timedelta | None:
    """The offset from UTC that `Z` or `+hh:mm` means."""
    if text is None:
        return None
    if text in "Zz":
        return timedelta(0)
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise Bad
    size = timedelta(hours=hours, minutes=minutes)
    return -size if text[0] == "-" else size


def offset_at(written: datetime, zone: ZoneInfo, fold: int) -> timedelta:
    """The zone's offset at a local time; fold 0 means the first of two, or the offset before a gap."""
    offset = written.replace(tzinfo=zone, fold=fold).utcoffset()
    assert offset is not None
    return offset


def microseconds(written: datetime, offset: timedelta) -> int:
    """Microseconds since 1970-01-01 UTC of a time written with an offset."""
    return (written.replace(tzinfo=UTC) - EPOCH - offset) // MICROSECOND


def version_value(raw: object, zone: ZoneInfo) -> int | None:
    """A version as microseconds since 1970-01-01 UTC."""
    text = plain_text(raw)
    if text is None:
        return None
    written, offset = parse_time(text)
    return microseconds(written, offset_at(written, zone, 0) if offset is None else offset)


def start_value(raw: object, said: Normalised, zone: ZoneInfo) -> int | None:
    """A call's start as microseconds since 1970-01-01 UTC."""
    text = plain_text(raw)
    if text is None:
        return None
    written, offset = parse_time(text)
    start = microseconds(written, offset_at(written, zone, 0) if offset is None else offset)
    if not microseconds_of(FIRST_START) <= start < microseconds_of(END_OF_STARTS):
        raise Bad
    if offset is None:
        said.skipped = local_time(start, zone).replace(tzinfo=None) != written
        said.ambiguous = not said.skipped and offset_at(written, zone, 0) != offset_at(written, zone, 1)
    return start


def microseconds_of(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC of a time that has a zone."""
    return (moment - EPOCH) // MICROSECOND


def local_time(start: int, zone: ZoneInfo) -> datetime:
    """What the clock in a zone shows at an instant."""
    moment = datetime.fromtimestamp(start // 1_000_000, UTC) + timedelta(microseconds=start % 1_000_000)
    return moment.astimezone(zone)


# --- Phone numbers --------------------------------------------------------------------------------------------------

NO_NUMBER = ["anonymous", "restricted", "private", "unknown", "unavailable", "blocked"]
EXTENSION = re.compile(r"\s*(;ext=|extension|ext\.|ext|x|#)\s*[0-9]+", re.IGNORECASE)


def phone_value(raw: object, region: str) -> str | None:
    """A phone number as E.164 where it is written as a full number, else the text as it is."""
    text = plain_text(raw)
    if text is None or text.lower() in NO_NUMBER:
        return None
    number = full_number(without_extension(text), region)
    if number is not None:
        return number
    if len(text) > 512:
        raise Bad
    return text


def without_extension(text: str) -> str:
    """The text before an extension at its end."""
    for place in range(len(text)):
        if EXTENSION.fullmatch(text, place):
            return text[:place]
    return text


def full_number(text: str, region: str) -> str | None:
    """E.164 for text that is written as a number and possible as a full number of its country, else None."""
    if not all(letter in "+0123456789().-/" or letter.isspace() for letter in text):
        return None
    digits = "".join(letter for letter in text if letter in "0123456789")
    if not 7 <= len(digits) <= 15 or text.count("+") > 1:
        return None
    if "+" in text and text.index("+") > text.index(digits[0]):
        return None
    try:
        number = phonenumbers.parse("+" + digits if "+" in text else digits, region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


# --- Files and versions ---------------------------------------------------------------------------------------------

Identity = tuple[Any, ...]


@dataclass
class Summary:
    """What became of the rows of one file; `dropped_fields` has the number of rows that had each name."""

    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    ambiguous_times: int = 0
    skipped_times: int = 0
    dropped_fields: dict[str, int] = field(default_factory=dict)


@dataclass
class Stored:
    """A field's value and the version it was set with, None for unversioned."""

    value: Any
    version: int | None
    final: bool = False  # erased: nothing replaces it


class Business:
    """The calls of one business as they stand after the files applied so far."""

    def __init__(self, time_zone: str, region: str) -> None:
        self.time_zone = time_zone
        self.region = region
        self._calls: dict[Identity, dict[str, Stored]] = {}
        self._held: dict[Identity, dict[str, Stored]] = {}
        self._deleted: set[Identity] = set()
        self._erased: set[str] = set()

    def deliver(self, record: dict[str, object], version: int, *, null_clears: bool) -> str:
        """What becomes of a record that comes in by itself: over the API (null clears), by webhook or by pull."""
        row = normalise(record, time_zone=self.time_zone, region=self.region)
        row.version = version if row.version is None else row.version
        cleared = [name for name in choose_names(record) if null_clears and name not in row.values]
        if row.errors or "id" not in row.values or "started_at" in cleared:
            return "rejected"
        identity = ("given", row.values["id"])
        if identity in self._deleted:
            return "unchanged"
        for name in cleared:
            if name not in ("id", "updated_at"):
                row.values[name] = None
        self._leave_out_erased(row)
        return self._take(identity, row)

    def delete(self, call_id: str) -> bool:
        """Whether there was such a call, or something held for one; it never comes back."""
        identity = ("given", call_id)
        there = self._calls.pop(identity, None) or self._held.pop(identity, None)
        if there is not None:
            self._deleted.add(identity)
        return there is not None

    def erase(self, caller_number: str) -> int:
        """How many calls the number was taken out of, for ever."""
        self._erased.add(caller_number)
        found = 0
        for place in (self._held, self._calls):
            having = [s for s in place.values() if "caller_number" in s and s["caller_number"].value == caller_number]
            for stored in having:
                stored["caller_number"] = Stored(None, None, final=True)
            found = len(having)
        return found

    def _take(self, identity: Identity, row: Normalised) -> str:
        is_call = identity in self._calls
        stored = self._calls[identity] if is_call else self._held.setdefault(identity, {})
        before = values_of(stored)
        merge(stored, row)
        if is_call:
            return "unchanged" if values_of(stored) == before else "updated"
        if len(stored) == 1:  # nothing but the id was said
            del self._held[identity]
        if "started_at" not in stored:
            return "held"
        self._calls[identity] = self._held.pop(identity)
        return "added"

    def _leave_out_erased(self, row: Normalised) -> None:
        if row.values.get("caller_number") in self._erased:
            del row.values["caller_number"]

    def apply(self, record: dict[str, object], *, as_of: int | None = None) -> Summary:
        """The summary of a file of one row."""
        return self.apply_file([record], as_of=as_of)

    def apply_file(self, records: Sequence[dict[str, object]], *, as_of: int | None = None) -> Summary:
        """The summary of a file; `as_of` is the version of its rows that have none, as for `--as-of TIME`."""
        rows = [normalise(record, time_zone=self.time_zone, region=self.region) for record in records]
        for row in rows:
            row.version = as_of if row.version is None else row.version
        accepted = self._identified(rows)
        before = {identity: values_of(stored) for identity, stored in self._calls.items()}
        created = {identity for identity, row in accepted if "started_at" in row.values}
        for identity, row in accepted:
            self._leave_out_erased(row)
            if identity in self._deleted:
                continue
            if identity in created and identity in self._held:
                self._calls[identity] = self._held.pop(identity)
            merge(self._calls.setdefault(identity, {}), row)
        after = {identity: values_of(stored) for identity, stored in self._calls.items()}
        summary = Summary(read=len(rows), rejected=len(rows) - len(accepted))
        count_dropped(summary, rows)
        count_times(summary, accepted)
        count_outcomes(summary, accepted, before, after)
        return summary

    def calls(self) -> list[Call]:
        """Every call with all its fields, None where unset; `id` is None where no file gave one."""
        return [values_of(stored) for stored in self._calls.values()]

    def _identified(self, rows: list[Normalised]) -> list[tuple[Identity, Normalised]]:
        """The rows that are accepted, each with the identity of its call."""
        good = [row for row in rows if not row.errors]
        created = {row.values.get("id") for row in good if "started_at" in row.values}
        seen: list[Identity] = []
        accepted: list[tuple[Identity, Normalised]] = []
        for row in rows:
            given = row.values.get("id")
            if row.errors:
                if given is None and "started_at" in row.values and not {"id", *LIKENESS} & set(row.errors):
                    seen.append(likeness_of(row))  # a rejected twin keeps its turn, so that mending it moves no other
            elif given is not None:
                if ("given", given) in {*self._calls, *self._deleted} or given in created:
                    accepted.append((("given", given), row))
            elif "started_at" in row.values:
                likeness = likeness_of(row)
                seen.append(likeness)
                accepted.append((("derived", likeness, seen.count(likeness)), row))
        return accepted


LIKENESS = ("started_at", "caller_number", "tracking_number", "destination_number", "direction")


def likeness_of(row: Normalised) -> Identity:
    """What rows without an id are matched by."""
    said = row.values
    return (
        said["started_at"],
        said.get("caller_number"),
        said.get("tracking_number"),
        said.get("destination_number"),
        said.get("direction", "inbound"),
    )


def merge(stored: dict[str, Stored], row: Normalised) -> None:
    """Set the fields of a call that the row may set."""
    for name, value in row.values.items():
        if name not in stored or may_replace(stored[name], value, row.version):
            stored[name] = Stored(value, row.version)


def may_replace(old: Stored, value: Any, version: int | None) -> bool:
    """Whether a value with a version replaces a stored one; a cleared field has the value None."""
    if old.final:
        return False
    if old.version is None:
        return True
    if version is None:
        return False
    if version == old.version:
        return value is not None and (old.value is None or bool(value > old.value))
    return version > old.version


def values_of(stored: dict[str, Stored]) -> Call:
    """A call's values by canonical name, None where unset."""
    call = {name: stored[name].value if name in stored else None for name in STORED}
    if call["direction"] is None:
        call["direction"] = "inbound"
    return call


def count_dropped(summary: Summary, rows: list[Normalised]) -> None:
    """Count the rows that had each dropped name."""
    for row in rows:
        for name in row.dropped:
            summary.dropped_fields[name] = summary.dropped_fields.get(name, 0) + 1


def count_times(summary: Summary, accepted: list[tuple[Identity, Normalised]]) -> None:
    """Count the starts that occur twice and those that do not occur."""
    summary.ambiguous_times = sum(row.ambiguous for _, row in accepted)
    summary.skipped_times = sum(row.skipped for _, row in accepted)


def count_outcomes(
    summary: Summary,
    accepted: list[tuple[Identity, Normalised]],
    before: dict[Identity, Call],
    after: dict[Identity, Call],
) -> None:
    """Count each accepted row as added, updated or unchanged."""
    previous: dict[Identity, Normalised] = {}
    for identity, row in accepted:
        outcome = outcome_of(identity, before, after)
        if identity in previous and outcome != "unchanged":
            earlier = previous[identity]
            same = (row.values, row.version) == (earlier.values, earlier.version)
            outcome = "unchanged" if same else "updated"
        previous[identity] = row
        match outcome:
            case "added":
                summary.added += 1
            case "updated":
                summary.updated += 1
            case _:
                summary.unchanged += 1


def outcome_of(identity: Identity, before: dict[Identity, Call], after: dict[Identity, Call]) -> str:
    """What the file as a whole did to a call."""
    if identity not in after:  # it was deleted before
        return "unchanged"
    if identity not in before:
        return "added"
    return "unchanged" if before[identity] == after[identity] else "updated"


# --- Reports --------------------------------------------------------------------------------------------------------


def text_of(name: str) -> Callable[[Call, datetime], Any]:
    """A dimension that is a stored text."""
    return lambda call, _: call.get(name)


def monday_of(day: date) -> date:
    """The Monday that starts the week of a day."""
    while day.strftime("%u") != "1":
        day -= timedelta(days=1)
    return day


# Each is given the call and the local time at which it started.
DIMENSIONS: dict[str, Callable[[Call, datetime], Any]] = {
    "source": text_of("source"),
    "utm_source": text_of("utm_source"),
    "utm_medium": text_of("utm_medium"),
    "utm_campaign": text_of("utm_campaign"),
    "utm_term": text_of("utm_term"),
    "call_flow": text_of("call_flow"),
    "call_flow_id": text_of("call_flow_id"),
    "tracking_number": text_of("tracking_number"),
    "number_id": text_of("number_id"),
    "ai_category": text_of("ai_category"),
    "status": text_of("status"),
    "direction": text_of("direction"),
    "date": lambda _, local: local.date().isoformat(),
    "week": lambda _, local: monday_of(local.date()).isoformat(),
    "month": lambda _, local: local.date().isoformat()[:7],
    "hour_of_day": lambda _, local: local.hour,
    "day_of_week": lambda _, local: int(local.strftime("%w")),
}


def known(calls: list[Call], name: str) -> list[Any]:
    """The values of a field over the calls that have one."""
    return [call[name] for call in calls if call.get(name) is not None]


def mean(values: list[int]) -> Fraction | None:
    """The exact mean, None of no values."""
    return Fraction(sum(values), len(values)) if values else None


def having(calls: list[Call], name: str, value: object) -> int:
    """How many calls have this value in a field."""
    return len([call for call in calls if call.get(name) == value])


def percentage(part: int, whole: int) -> Fraction | None:
    """The exact percentage, None of nothing."""
    return Fraction(100 * part, whole) if whole else None


Exact = int | Fraction | None

METRICS: dict[str, Callable[[list[Call]], Exact]] = {
    "count": len,
    "avg_duration": lambda calls: mean(known(calls, "duration_seconds")),
    "total_duration": lambda calls: sum(known(calls, "duration_seconds")),
    "avg_ai_score": lambda calls: mean(known(calls, "ai_score")),
    "qualified_count": lambda calls: having(calls, "qualified", True),
    "qualified_pct": lambda calls: percentage(having(calls, "qualified", True), len(calls)),
    "total_value_cents": lambda calls: sum(known(calls, "value_cents")),
    "unique_callers": lambda calls: len(set(known(calls, "caller_number"))),
    "answered_count": lambda calls: having(calls, "status", "completed"),
    "missed_count": lambda calls: having(calls, "status", "no-answer"),
    "voicemail_count": lambda calls: having(calls, "status", "voicemail"),
    "avg_robo_score": lambda calls: mean(known(calls, "robo_score")),
    "total_cost_cents": lambda calls: sum(known(calls, "cost_cents")),
}


def round_half_away(exact: Fraction) -> int:
    """The nearest whole number; of two as near the one farther from zero."""
    nearest = math.floor(abs(exact) + Fraction(1, 2))
    return -nearest if exact < 0 else nearest


def shown(name: str, exact: Exact) -> int | float | None:
    """A metric's value as the answer shows it."""
    if exact is None or isinstance(exact, int):
        return exact
    if name != "qualified_pct":
        return round_half_away(exact)
    tenths = round_half_away(exact * 10)
    return tenths // 10 if tenths % 10 == 0 else float(f"{tenths // 10}.{tenths % 10}")


def text_filter(name: str) -> Callable[[Call, datetime, list[str]], bool]:
    """A filter for any of some texts, matched exactly."""
    return lambda call, _, wanted: call.get(name) is not None and call[name] in wanted


def status_filter(call: Call, _: datetime, wanted: list[str]) -> bool:
    """Whether the status is any of those wanted, however they are spelt."""
    return call.get("status") is not None and call["status"] in [status_value(text) for text in wanted]


# Each is given the call, the local time at which it started, and the values of the parameter.
FILTERS: dict[str, Callable[[Call, datetime, list[str]], bool]] = {
    "start_date": lambda _, local, wanted: local.date() >= date.fromisoformat(wanted[0]),
    "end_date": lambda _, local, wanted: local.date() <= date.fromisoformat(wanted[0]),
    "status": status_filter,
    "source": text_filter("source"),
    "direction": text_filter("direction"),
    "call_flow_id": text_filter("call_flow_id"),
    "number_id": text_filter("number_id"),
    "number_group_id": text_filter("number_group_id"),
    "min_ai_score": lambda call, _, wanted: (
        call.get("ai_score") is not None and call["ai_score"] >= Fraction(wanted[0])
    ),
    "max_ai_score": lambda call, _, wanted: (
        call.get("ai_score") is not None and call["ai_score"] <= Fraction(wanted[0])
    ),
    "ai_category": text_filter("ai_category"),
    "qualified": lambda call, _, wanted: call.get("qualified") is {"true": True, "false": False}[wanted[0]],
    "min_duration": lambda call, _, wanted: (
        call.get("duration_seconds") is not None and call["duration_seconds"] >= int(wanted[0])
    ),
}


# Whether a call's value of a dimension is the one that a text means.
MEANT: dict[str, Callable[[Any, str, str], bool]] = {
    "status": lambda value, text, _: value is not None and value == status_value(text),
    "tracking_number": lambda value, text, region: value is not None and value == phone_value(text, region),
    "hour_of_day": lambda value, text, _: value == int(text),
    "day_of_week": lambda value, text, _: value == int(text),
}


def same_text(value: Any, text: str, _: str) -> bool:
    """Whether the text is the value."""
    return bool(value == text)


def shown_as_asked(call: Call, local: datetime, asked: dict[str, list[str]], region: str) -> bool:
    """Whether a report shows the call under what `where` and `where_null` say of its dimensions."""
    for name, dimension in DIMENSIONS.items():
        texts, null = asked.get(f"where[{name}]", []), name in asked.get("where_null", [])
        if not texts and not null:
            continue
        value = dimension(call, local)
        meant = MEANT.get(name, same_text)
        if not (null and value is None) and not any(meant(value, text, region) for text in texts):
            return False
    return True


@dataclass
class Group:
    """One row before it is shown: its dimension values and exact metrics by name."""

    dimensions: dict[str, Any]
    metrics: dict[str, Exact]


def report(calls: list[Call], time_zone: str, params: Params, region: str = "US") -> dict[str, Any]:
    """The whole answer to a valid request over these calls."""
    asked = {name: [value for other, value in params if other == name] for name, _ in params}
    group_by = names_in(asked["group_by"][0])
    metrics = list(dict.fromkeys(names_in(asked.get("metrics", ["count"])[0])))
    matching = matching_calls(calls, ZoneInfo(time_zone), asked, region)
    groups = grouped(matching, ZoneInfo(time_zone), group_by)
    groups = in_order(groups, asked.get("sort_by", ["count"])[0], asked.get("sort_order", ["desc"])[0])
    groups = groups[: int(asked.get("limit", ["100"])[0])]
    rows = [group.dimensions | {name: shown(name, group.metrics[name]) for name in metrics} for group in groups]
    totals = {name: shown(name, METRICS[name](matching)) for name in metrics}
    return {"data": {"data": rows, "totals": totals, "count": len(rows)}}


def names_in(text: str) -> list[str]:
    """The names in a comma-separated list."""
    return [name.strip() for name in text.split(",")]


def matching_calls(calls: list[Call], zone: ZoneInfo, asked: dict[str, list[str]], region: str) -> list[Call]:
    """The calls that every filter lets through."""
    return [
        call
        for call in calls
        if all(
            FILTERS[name](call, local_time(call["started_at"], zone), wanted)
            for name, wanted in asked.items()
            if name in FILTERS
        )
        and shown_as_asked(call, local_time(call["started_at"], zone), asked, region)
    ]


def listed(calls: list[Call], time_zone: str, params: Params, region: str = "US") -> list[Call]:
    """All calls of a list, in its order; those of one start go by id."""
    asked = {name: [value for other, value in params if other == name] for name, _ in params}
    matching = [
        call
        for call in matching_calls(calls, ZoneInfo(time_zone), asked, region)
        if "search" not in asked or has_number(call, asked["search"][0], region)
    ]
    newest_first = asked.get("sort_order", ["desc"])[0] == "desc"
    return sorted(matching, key=lambda call: (call["started_at"], call["id"] or ""), reverse=newest_first)


def has_number(call: Call, text: str, region: str) -> bool:
    """Whether a text, as it is or as a phone number, is in one of the call's numbers, in whatever case."""
    wanted = [text.strip(), phone_value(text, region) or text.strip()]
    numbers = [call[name] or "" for name in ("caller_number", "tracking_number", "destination_number")]
    return any(part.lower() in number.lower() for part in wanted for number in numbers)


def grouped(calls: list[Call], zone: ZoneInfo, group_by: list[str]) -> list[Group]:
    """The groups of the calls, in no particular order."""
    members: dict[tuple[Any, ...], list[Call]] = {}
    for call in calls:
        local = local_time(call["started_at"], zone)
        members.setdefault(tuple(DIMENSIONS[name](call, local) for name in group_by), []).append(call)
    return [
        Group(dict(zip(group_by, key, strict=True)), {name: metric(group) for name, metric in METRICS.items()})
        for key, group in members.items()
    ]


def in_order(groups: list[Group], sort_by: str, sort_order: str) -> list[Group]:
    """The groups in the order of the answer, relying on sorts that keep the order of equals."""
    groups = sorted(groups, key=lambda group: [(value is None, value or 0) for value in tie_values(group)])
    valued = [group for group in groups if sort_value(group, sort_by) is not None]
    nulls = [group for group in groups if sort_value(group, sort_by) is None]
    return sorted(valued, key=lambda group: sort_value(group, sort_by), reverse=sort_order == "desc") + nulls


def tie_values(group: Group) -> list[Any]:
    """The values that break ties, the first one first."""
    return list(group.dimensions.values())


def sort_value(group: Group, sort_by: str) -> Any:
    """The exact value that a group is sorted by."""
    return group.dimensions[sort_by] if sort_by in group.dimensions else group.metrics[sort_by]


def encode(answer: dict[str, Any]) -> bytes:
    """The body of an answer: compact JSON, UTF-8 unescaped."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
