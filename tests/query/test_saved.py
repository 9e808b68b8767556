"""Requests that are kept: one form for all spellings, and the days that their words mean on a day."""

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.catalog import RANGES, USUAL_RANGE
from calltally.errors import InvalidRequest
from calltally.query import LONGEST_REQUEST, Timing, ask, asked_at, normal_request, range_of
from tests import strategies

NOW = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)
ACME = Business("acme", "Acme", "America/New_York", "US", "USD", 1, NOW)
Params = list[tuple[str, str]]

# What each range means on an ordinary day, and on days at the edges of months and years.
MEANT = {
    "today": ("2026-03-09 2026-03-09", "2024-02-29 2024-02-29", "2026-01-01 2026-01-01", "2025-12-31 2025-12-31"),
    "7-days": ("2026-03-03 2026-03-09", "2024-02-23 2024-02-29", "2025-12-26 2026-01-01", "2025-12-25 2025-12-31"),
    "30-days": ("2026-02-08 2026-03-09", "2024-01-31 2024-02-29", "2025-12-03 2026-01-01", "2025-12-02 2025-12-31"),
    "90-days": ("2025-12-10 2026-03-09", "2023-12-02 2024-02-29", "2025-10-04 2026-01-01", "2025-10-03 2025-12-31"),
    "month": ("2026-03-01 2026-03-09", "2024-02-01 2024-02-29", "2026-01-01 2026-01-01", "2025-12-01 2025-12-31"),
    "last-month": ("2026-02-01 2026-02-28", "2024-01-01 2024-01-31", "2025-12-01 2025-12-31", "2025-11-01 2025-11-30"),
    "year": ("2026-01-01 2026-03-09", "2024-01-01 2024-02-29", "2026-01-01 2026-01-01", "2025-01-01 2025-12-31"),
    "all": ("", "", "", ""),
}
TODAYS = (date(2026, 3, 9), date(2024, 2, 29), date(2026, 1, 1), date(2025, 12, 31))


def problems(request: str) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        normal_request(request, ACME)
    return [problem.param for problem in refused.value.problems]


def with_dates(params: Params) -> Params:
    dated = {"start_date", "end_date"} & {name for name, _ in params}
    return params if dated else [*params, ("range", "all")]


def test_what_each_range_means() -> None:
    assert [row.name for row in RANGES] == list(MEANT)
    for row in RANGES:
        for today, meant in zip(TODAYS, MEANT[row.name], strict=True):
            assert " ".join(day.isoformat() for day in row.days(today) or ()) == meant, (row.name, today)


@pytest.mark.parametrize(
    ("zone", "now", "today"),
    [
        ("America/New_York", datetime(2026, 3, 9, 3, 59, tzinfo=UTC), "2026-03-08"),
        ("America/New_York", datetime(2026, 3, 9, 4, 0, tzinfo=UTC), "2026-03-09"),
        ("Pacific/Kiritimati", datetime(2026, 3, 9, 10, 0, tzinfo=UTC), "2026-03-10"),
        ("Australia/Lord_Howe", datetime(2026, 12, 31, 13, 0, tzinfo=UTC), "2027-01-01"),
    ],
)
def test_today_is_that_of_the_business(zone: str, now: datetime, today: str) -> None:
    business = Business("acme", "Acme", zone, "US", "USD", 1, NOW)
    asked = dict(parse_qsl(asked_at("group_by=source&range=today", business, now).decode()))
    assert asked == {"group_by": "source", "start_date": today, "end_date": today}


@given(
    params=strategies.requests(), moment=st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
)
def test_what_is_kept_asks_the_same_as_what_was_given(params: Params, moment: datetime) -> None:
    kept = normal_request(urlencode(with_dates(params)), ACME)
    asked = asked_at(kept, ACME, moment)
    assert ask(asked, ACME, Timing()).fingerprint == ask(urlencode(params).encode(), ACME, Timing()).fingerprint
    assert normal_request(kept, ACME) == kept
    assert normal_request(f"?{urlencode(with_dates(params))}", ACME) == kept


@given(params=strategies.requests(), named=st.sampled_from(RANGES), today=st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_words_become_days_and_nothing_else_changes(params: Params, named: object, today: date) -> None:
    [row] = [each for each in RANGES if each == named]
    rest = [(name, value) for name, value in params if name not in {"start_date", "end_date"}]
    days = zip(("start_date", "end_date"), row.days(today) or (), strict=False)
    wanted = urlencode([*rest, *((name, day.isoformat()) for name, day in days)])
    kept = normal_request(urlencode([*rest, ("range", row.name)]), ACME)
    asked = asked_at(kept, ACME, datetime(today.year, today.month, today.day, 17, tzinfo=UTC))
    assert ask(asked, ACME, Timing()).fingerprint == ask(wanted.encode(), ACME, Timing()).fingerprint
    assert range_of(kept) == row


def test_without_dates_it_is_about_those_that_the_page_shows() -> None:
    kept = normal_request("metrics=count&group_by=source", ACME)
    assert kept == f"group_by=source&metrics=count&range={USUAL_RANGE}"


@pytest.mark.parametrize(
    ("request_", "wrong"),
    [
        ("", ["group_by"]),
        ("range=month", ["group_by"]),
        ("group_by=source&range=yesteryear", ["range"]),
        ("group_by=source&range=", ["range"]),
        ("group_by=source&range=month&range=year", ["range"]),
        ("group_by=source&range=month&end_date=2026-03-09", ["range"]),
        ("group_by=sorce&limit=0&x=1", ["group_by", "limit", "x"]),
        ("group_by=source&theme=dark", ["theme"]),
        ("group_by=source&where[source]=%ff", ["where[source]"]),
        ("group_by=source" + "".join(f"&source={n}{'x' * 500}" for n in range(20)), ["request"]),
    ],
)
def test_what_is_not_kept(request_: str, wrong: list[str]) -> None:
    assert problems(request_) == wrong


def test_what_is_kept_is_not_too_long_for_an_address() -> None:
    values = "&".join(f"source={n}{'x' * 500}" for n in range(15))
    assert 7500 < len(normal_request(f"group_by=source&{values}", ACME)) <= LONGEST_REQUEST


def test_words_that_are_known_no_more_are_refused_and_widen_nothing() -> None:
    asked = asked_at("group_by=source&range=fortnight", ACME, NOW)
    with pytest.raises(InvalidRequest, match="'range' is not a parameter"):
        ask(asked, ACME, Timing())
