"""Hypothesis strategies for raw call records, files of them, and valid report requests.

Values come from small pools, so that ties, repeats and shared identities are common.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from tests import reference

Record = dict[str, object]
Params = list[tuple[str, str]]

TIME_ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe")

# --- Pools ----------------------------------------------------------------------------------------------------------

TEXTS = (
    "google",
    "Google",
    "bing",
    "direct",
    "  google  ",
    "google ads",
    "münchen",
    "e\u0301",
    "\u00e9",
    "\uff5e",
    "🚀",
    "𝒜🇦🇹",
    'say "hi"',
    "O'Brien; DROP TABLE calls",
    "a,b",
    "two\nlines",
    "tab\there",
    "back\\slash",
    "<img src=x>",
    "100%_",
    "=1+1",
    "null",
    "0",
)
EMPTY_TEXTS = (None, "", "   ")
IDENTIFIERS = ("f-1", "f-2", "F-1", "9b2d6c1e-0000-4000-8000-000000000001", "ñ-7", "📞", "12")
CATEGORIES = ("lead", "spam", "Lead", "existing customer", "🤖", "<img src=x>")
CALL_IDS = ("c-1", "c-1", "c-1", "C-1", "C-1", "42", "📞-5,b")
STATUSES = (
    "completed",
    "Answered",
    " ANSWERED ",
    "no-answer",
    "no_answer",
    "No Answer",
    "missed",
    "Missed",
    "voicemail",
    "VoiceMail",
    "busy",
    "failed",
    "in progress",
    "In_Progress",
    "ÜBERLAUF",
)
PHONES = (
    "(305) 555-1234",
    "+13055551234",
    "305.555.1234",
    "1 305 555 1234",
    "305-555-1234 x12",
    "+1 305 555 1234 ext. 7",
    "+1-305-555-1235",
    "3055551235;ext=9",
    "(212)/555/0100",
    "+44 20 7946 0958",
    "011 44 20 7946 0958",
    "+442079460958",
    "555-1234",
    "C00001",
    "c00001",
    "sip:alice@example.com",
    "+999 123 4567",
    "123456",
    "<img src=x>",
)
NO_PHONES = (None, "", "anonymous", "Restricted", "PRIVATE", " unknown ", "Unavailable", "blocked")

# Moments at which something happens to the calendar, as the clock in UTC or in a zone of TIME_ZONES shows them.
TURNS = (
    datetime(2024, 12, 31, 23, 59),  # noqa: DTZ001
    datetime(2025, 12, 31, 23, 59),  # noqa: DTZ001
    datetime(2026, 1, 1, 5, 0),  # noqa: DTZ001
    datetime(2026, 12, 31, 13, 0),  # noqa: DTZ001
    datetime(2024, 2, 29, 0, 0),  # noqa: DTZ001
    datetime(2026, 3, 9, 0, 0),  # noqa: DTZ001
    datetime(2026, 3, 8, 2, 0),  # noqa: DTZ001
    datetime(2026, 3, 8, 7, 0),  # noqa: DTZ001
    datetime(2026, 11, 1, 1, 0),  # noqa: DTZ001
    datetime(2026, 11, 1, 6, 0),  # noqa: DTZ001
    datetime(2026, 4, 5, 1, 30),  # noqa: DTZ001
    datetime(2026, 4, 4, 15, 0),  # noqa: DTZ001
    datetime(2026, 10, 4, 2, 0),  # noqa: DTZ001
    datetime(2026, 10, 3, 15, 30),  # noqa: DTZ001
)
FEW_TIMES = ("2026-03-08T07:30:00Z", "2026-03-08T02:30:00", "2026-11-01 01:30", "2026-03-09T00:00:00.000001Z")
VERSIONS = (
    "2026-01-01T00:00:00Z",
    "2026-01-01T01:00:00+01:00",
    "2026-01-01T00:00:00.000001Z",
    "2026-02-01 00:00:00Z",
    "2025-12-31T19:00:00",
)
DAYS = tuple(sorted({turn.date() + timedelta(days=away) for turn in TURNS for away in (-1, 0, 1)}))

# --- Raw values -----------------------------------------------------------------------------------------------------


def raw_times() -> st.SearchStrategy[str]:
    """Times in every form allowed: near the turns of the calendar, spread over 2024 to 2026, and a few that repeat."""
    minutes = st.sampled_from((-61, -60, -31, -30, -1, 0, 0, 1, 29, 30, 31, 59, 60, 61, 90))
    near = st.builds(lambda turn, away: turn + timedelta(minutes=away), st.sampled_from(TURNS), minutes)
    spread = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31, 23, 59))  # noqa: DTZ001
    return st.one_of(st.sampled_from(FEW_TIMES), st.builds(written_time, st.one_of(near, spread), *time_styles()))


def time_styles() -> tuple[st.SearchStrategy[str], st.SearchStrategy[str], st.SearchStrategy[str]]:
    """What stands between day and hour, after the minute, and for the offset."""
    return (
        st.sampled_from(("T", "t", " ")),
        st.sampled_from(("", ":00", ":00", ":59.999999", ":59.9999999", ":30.5", ":60")),
        st.sampled_from(("Z", "Z", "z", "", "", "+00:00", "-05:00", "-04:00", "+10:30", "+11:00", "+05:45")),
    )


def written_time(moment: datetime, between: str, seconds: str, offset: str) -> str:
    """A time as text."""
    return f"{moment:%Y-%m-%d}{between}{moment:%H:%M}{seconds}{offset}"


def raw_numbers(numbers: Sequence[int]) -> st.SearchStrategy[object]:
    """Whole numbers in every form allowed, and nulls."""
    forms: tuple[Callable[[int], object], ...] = (int, float, str, lambda n: f" {n}.0 ", lambda n: f"{n:+d}")
    said = st.builds(lambda number, form: form(number), st.sampled_from(numbers), st.sampled_from(forms))
    return st.one_of(said, said, st.sampled_from((None, "")))


def raw_texts(pool: Sequence[object]) -> st.SearchStrategy[object]:
    """Texts of a pool, and nulls."""
    return st.one_of(st.sampled_from(pool), st.sampled_from(pool), st.sampled_from(pool), st.sampled_from(EMPTY_TEXTS))


def raw_phones() -> st.SearchStrategy[object]:
    """Phone numbers in many spellings, a number given as such, and words that mean none."""
    return st.one_of(st.sampled_from(PHONES), st.sampled_from(PHONES), st.sampled_from((3055551234, *NO_PHONES)))


SCORES = (0, 1, 49, 50, 51, 99, 100)
DURATIONS = (0, 1, 59, 60, 61, 600, 10_000_000)
CENTS = (0, 1, -1, 5, 4999, -250, 10**12, -(10**12), 10**12 - 1)
FLAGS = (True, False, None, "true", "FALSE", "Yes", "no", "t", "F", "1", 0, 1, " true ", "")

# For each field the names it may come under, and its raw values.
RAW_FIELDS: dict[str, tuple[tuple[str, ...], st.SearchStrategy[object]]] = {
    "caller_number": (("caller_number", "caller_number", "from"), raw_phones()),
    "tracking_number": (("tracking_number", "tracking_number", "to"), raw_phones()),
    "destination_number": (("destination_number",), raw_phones()),
    "direction": (("direction",), st.sampled_from(("inbound", "inbound", "outbound", " outbound ", None, ""))),
    "status": (("status",), raw_texts(STATUSES)),
    "duration_seconds": (("duration_seconds", "duration"), raw_numbers(DURATIONS)),
    "source": (("source",), raw_texts(TEXTS)),
    "utm_source": (("utm_source",), raw_texts(TEXTS)),
    "utm_medium": (("utm_medium",), raw_texts(TEXTS)),
    "utm_campaign": (("utm_campaign",), raw_texts(TEXTS)),
    "utm_term": (("utm_term",), raw_texts(TEXTS)),
    "utm_content": (("utm_content",), raw_texts(TEXTS)),
    "call_flow": (("call_flow", "call_flow_name"), raw_texts(TEXTS)),
    "call_flow_id": (("call_flow_id",), raw_texts(IDENTIFIERS)),
    "number_id": (("number_id",), raw_texts((*IDENTIFIERS, 12, 12.0))),
    "number_group_id": (("number_group_id",), raw_texts(IDENTIFIERS)),
    "ai_score": (("ai_score",), raw_numbers(SCORES)),
    "robo_score": (("robo_score", "robo_risk_score"), raw_numbers(SCORES)),
    "ai_category": (("ai_category",), raw_texts(CATEGORIES)),
    "qualified": (("qualified", "qualified_ai"), st.sampled_from(FLAGS)),
    "value_cents": (("value_cents",), raw_numbers(CENTS)),
    "cost_cents": (("cost_cents",), raw_numbers(CENTS)),
}

# One bad value each; every one of them rejects its record.
FAULTS: tuple[tuple[str, object], ...] = (
    ("id", "x" * 129),
    ("id", True),
    ("started_at", "2026-02-30T00:00:00Z"),
    ("started_at", "1969-12-31T23:59:59.999999Z"),
    ("started_at", "2101-01-01T00:00:00Z"),
    ("started_at", "yesterday"),
    ("updated_at", "2026-01-01"),
    ("caller_number", "C" * 513),
    ("direction", "Inbound"),
    ("status", "comp\0leted"),
    ("duration_seconds", -1),
    ("duration_seconds", 10_000_001),
    ("source", "y" * 513),
    ("source", False),
    ("source", 1.5),
    ("ai_score", 101),
    ("ai_score", "69.5"),
    ("robo_score", True),
    ("qualified", "maybe"),
    ("qualified", 2),
    ("value_cents", 10**12 + 1),
    ("cost_cents", "1e3"),
)

# --- Records and files ----------------------------------------------------------------------------------------------


@st.composite
def records(draw: st.DrawFn, fewest: int = 8) -> Record:
    """A raw record that creates a call: a start, and at least `fewest` more fields; at times a name that is dropped."""
    record: Record = {
        draw(st.sampled_from(("started_at", "started_at", "start_time", "created_at"))): draw(raw_times())
    }
    if draw(st.booleans()):
        record[draw(st.sampled_from(("id", "call_id", "uuid")))] = draw(st.sampled_from(CALL_IDS))
    if draw(st.integers(0, 3)) == 0:
        record["updated_at"] = draw(st.sampled_from((*VERSIONS, None, "")))
    for name in draw(st.lists(st.sampled_from(sorted(RAW_FIELDS)), unique=True, min_size=fewest)):
        names, values = RAW_FIELDS[name]
        record[draw(st.sampled_from(names))] = draw(values)
    if draw(st.integers(0, 9)) == 0:
        record[draw(st.sampled_from(("notes", "Source", "recording url", "📞")))] = draw(st.sampled_from(TEXTS))
    if draw(st.integers(0, 9)) == 0:
        record.setdefault("created_at", "this alias loses")
    return record


@st.composite
def updates(draw: st.DrawFn) -> Record:
    """A raw record that has an id and no start."""
    record = draw(records(fewest=0))
    for name in ("started_at", "start_time", "created_at", "id", "call_id", "uuid"):
        record.pop(name, None)
    return {"id": draw(st.sampled_from(CALL_IDS)), **record}


@st.composite
def faulty_records(draw: st.DrawFn) -> Record:
    """A raw record that is rejected for a bad value."""
    name, value = draw(st.sampled_from(FAULTS))
    return {**draw(records()), name: value}


@st.composite
def twins(draw: st.DrawFn) -> Record:
    """A raw record without an id, often matched by another one."""
    record: Record = {"started_at": draw(st.sampled_from(FEW_TIMES)), "from": draw(st.sampled_from(PHONES[:3]))}
    for name in draw(st.lists(st.sampled_from(("direction", "status", "ai_score", "source")), unique=True)):
        record[name] = draw(RAW_FIELDS[name][1])
    return record


@st.composite
def file_rows(draw: st.DrawFn, faulty: bool) -> Record:
    """One row of a file, of any kind."""
    common = [records(), records(), records(fewest=0), records(fewest=0), updates(), updates(), twins(), twins()]
    return draw(draw(st.sampled_from([*common, faulty_records()] if faulty else common)))


def files_of_records(*, faulty: bool = True, min_size: int = 0, max_size: int = 12) -> st.SearchStrategy[list[Record]]:
    """Files: rows that share ids, with and without versions or starts, twins without an id, and faulty rows."""
    return st.lists(file_rows(faulty), min_size=min_size, max_size=max_size)


def as_of_times() -> st.SearchStrategy[int]:
    """What `--as-of` says of a file, in microseconds UTC: a time among those of the versions, or far from them."""
    among = [reference.microseconds_of(datetime.fromisoformat(text)) for text in VERSIONS[:4]]
    return st.sampled_from([*among, -1, 4_102_444_800_000_000])


# --- Requests -------------------------------------------------------------------------------------------------------

DIMENSION_NAMES = tuple(reference.DIMENSIONS)
METRIC_NAMES = tuple(reference.METRICS)
SCORE_FORMS = ("0", "0.0", "1", "49.999999999999999999999", "50", "050.5", "050", "50.50", "99", "100", "100.000")
LIMITS = ("1", "2", "3", "007", "50", "100", "1000")


def list_texts(names: st.SearchStrategy[list[str]]) -> st.SearchStrategy[str]:
    """Comma-separated lists, with and without blanks around the names."""
    return st.builds(lambda comma, listed: comma.join(listed), st.sampled_from((",", ",", ", ", " ,")), names)


def text_filters(name: str, pool: Sequence[str]) -> st.SearchStrategy[Params]:
    """A text filter given one to three times."""
    stored = sorted({text.strip() for text in pool} | {"nothing has this"})
    return st.lists(st.sampled_from(stored), min_size=1, max_size=3).map(lambda texts: [(name, text) for text in texts])


def one_of_texts(name: str, pool: Sequence[str]) -> st.SearchStrategy[Params]:
    """A parameter given once."""
    return st.sampled_from(pool).map(lambda text: [(name, text)])


def date_filters(days: Sequence[date]) -> st.SearchStrategy[Params]:
    """A first day, a last day, or both."""
    pool = [date(1, 1, 1), *days, *days, date(9999, 12, 31)]
    return bounds("start_date", "end_date", [day.isoformat() for day in pool], date.fromisoformat)


def score_filters() -> st.SearchStrategy[Params]:
    """A least score, a greatest score, or both."""
    return bounds("min_ai_score", "max_ai_score", SCORE_FORMS, Fraction)


def bounds(lower: str, upper: str, pool: Sequence[str], order: Callable[[str], Any]) -> st.SearchStrategy[Params]:
    """A lower bound, an upper one, or both in the right order."""
    both = st.tuples(st.sampled_from(pool), st.sampled_from(pool)).map(lambda pair: sorted(pair, key=order))
    return st.one_of(
        one_of_texts(lower, pool),
        one_of_texts(upper, pool),
        both.map(lambda pair: [(lower, pair[0]), (upper, pair[1])]),
    )


def all_filters(days: Sequence[date]) -> list[st.SearchStrategy[Params]]:
    """Every filter, those that go together as one."""
    return [
        date_filters(days),
        score_filters(),
        text_filters("status", STATUSES),
        text_filters("source", TEXTS),
        text_filters("call_flow_id", IDENTIFIERS),
        text_filters("number_id", IDENTIFIERS),
        text_filters("number_group_id", IDENTIFIERS),
        text_filters("ai_category", CATEGORIES),
        one_of_texts("direction", ("inbound", "outbound")),
        one_of_texts("qualified", ("true", "false")),
        one_of_texts("min_duration", ("0", "1", "60", "00061", "10000000")),
        dimension_filters(days),
        dimension_filters(days),
    ]


def where_texts(name: str, days: Sequence[date]) -> st.SearchStrategy[str]:
    """A value of a dimension as it is asked for, which calls may have or not."""
    mondays = [reference.monday_of(day).isoformat() for day in days]
    pools: dict[str, Sequence[str]] = {
        "call_flow_id": IDENTIFIERS,
        "number_id": IDENTIFIERS,
        "ai_category": CATEGORIES,
        "tracking_number": PHONES,
        "status": STATUSES,
        "direction": ("inbound", "outbound"),
        "date": [day.isoformat() for day in (*days, date(1, 1, 1), date(9999, 12, 31))],
        "week": [*mondays, "0001-01-01", "9999-12-27"],
        "month": [*(day.isoformat()[:7] for day in days), "0001-01", "9999-12"],
        "hour_of_day": [str(hour) for hour in range(24)],
        "day_of_week": [str(day) for day in range(7)],
    }
    return st.sampled_from(pools.get(name, [text for text in TEXTS if text.strip()]))


@st.composite
def dimension_filters(draw: st.DrawFn, days: Sequence[date] = DAYS) -> Params:
    """Values of one to three dimensions, or null of them, or both."""
    params: Params = []
    for name in draw(st.lists(st.sampled_from(DIMENSION_NAMES), min_size=1, max_size=3, unique=True)):
        most = draw(st.sampled_from((0, 1, 1, 2, 3, 20)))
        texts = draw(st.lists(where_texts(name, days), min_size=most and 1, max_size=most))
        params += [(f"where[{name}]", text) for text in texts]
        if not texts or draw(st.integers(0, 3)) == 0:
            params.append(("where_null", name))
    return params


@st.composite
def requests(draw: st.DrawFn, days: Sequence[date] = DAYS) -> Params:
    """The parameters of a valid request, in any order; its dates come from `days`."""
    group_by = draw(st.lists(st.sampled_from(DIMENSION_NAMES), min_size=1, max_size=3, unique=True))
    params: Params = [("group_by", draw(list_texts(st.just(group_by))))]
    if draw(st.integers(0, 4)) > 0:
        names = st.lists(st.sampled_from(METRIC_NAMES), min_size=1, max_size=14)
        params.append(("metrics", draw(list_texts(st.one_of(names, st.permutations(METRIC_NAMES))))))
    filters = all_filters(days)
    most = draw(st.sampled_from((0, 0, 1, 1, 1, 2, 3)))
    for place in draw(st.lists(st.integers(0, len(filters) - 1), unique=True, max_size=most)):
        params += draw(filters[place])
    if draw(st.booleans()):
        params.append(("sort_by", draw(st.one_of(st.sampled_from(METRIC_NAMES), st.sampled_from(group_by)))))
    if draw(st.booleans()):
        params.append(("sort_order", draw(st.sampled_from(("asc", "desc")))))
    if draw(st.integers(0, 2)) == 0:
        params.append(("limit", draw(st.sampled_from(LIMITS))))
    return draw(st.permutations(params))
