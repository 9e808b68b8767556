"""The table of offset changes against `zoneinfo` itself."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.localtime import (
    DAY,
    FIRST_INSTANT,
    HOUR,
    LAST_INSTANT,
    PROBED,
    LocalTimeKind,
    Period,
    microseconds,
    offset_table,
    shared_periods,
    time_zone_problem,
    united_periods,
)

# Among them: half-hour shifts, a change across midnight, a skipped day (Apia), offsets of seconds (Monrovia, 1971).
ZONES = (
    "UTC",
    "America/New_York",
    "America/St_Johns",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Africa/Monrovia",
    "Pacific/Apia",
)
instants = st.integers(FIRST_INSTANT, LAST_INSTANT - 1)
# Half of them near a change of some zone, which random instants hardly ever are.
near_changes = st.builds(
    lambda zone, place, away: max(
        FIRST_INSTANT, offset_table(zone).starts[place % len(offset_table(zone).starts)] + away
    ),
    st.sampled_from(ZONES),
    st.integers(0, 1000),
    st.integers(-2 * HOUR, 2 * HOUR),
)


def moment(instant: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)


@given(zone=st.sampled_from(ZONES), instant=instants | near_changes)
def test_local_time_is_that_of_zoneinfo(zone: str, instant: int) -> None:
    expected = moment(instant).astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    assert offset_table(zone).local(instant) == microseconds(expected)


# The shortest that an offset ever held: Recife, Gaza and Boa Vista a week, Tucuman twelve days, Fortaleza two weeks.
@pytest.mark.parametrize(
    "zone", ["America/Recife", "Asia/Gaza", "America/Boa_Vista", "America/Argentina/Tucuman", "UTC"]
)
def test_no_change_is_missed(zone: str) -> None:
    table = offset_table(zone)
    for instant in range(FIRST_INSTANT, LAST_INSTANT, DAY):
        offset = moment(instant).astimezone(ZoneInfo(zone)).utcoffset()
        assert offset == timedelta(microseconds=table.local(instant) - instant)
    assert all(later - earlier > PROBED for earlier, later in pairwise(table.starts[1:]))


@given(zone=st.sampled_from(ZONES), instant=near_changes)
def test_a_local_time_means_the_first_instant_or_moves_forward(zone: str, instant: int) -> None:
    local = moment(instant).replace(tzinfo=None)
    first, second = local.replace(tzinfo=ZoneInfo(zone), fold=0), local.replace(tzinfo=ZoneInfo(zone), fold=1)
    back = first.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if back != local:
        expected = LocalTimeKind.NEVER
    elif first.utcoffset() != second.utcoffset():
        expected = LocalTimeKind.TWICE
    else:
        expected = LocalTimeKind.ONCE
    assert offset_table(zone).instant(instant) == (microseconds(first), expected)


@given(
    zone=st.sampled_from(ZONES),
    instant=instants | near_changes,
    first=st.none() | st.integers(-3, 3),
    last=st.none() | st.integers(-3, 3),
)
def test_periods_hold_just_the_instants_of_their_days(
    zone: str, instant: int, first: int | None, last: int | None
) -> None:
    day = moment(instant).astimezone(ZoneInfo(zone)).date()
    first_day = None if first is None else day + timedelta(days=first)
    last_day = None if last is None else day + timedelta(days=last)
    inside = (first is None or first <= 0) and (last is None or last >= 0)
    periods = offset_table(zone).periods(first_day, last_day)
    assert inside == any(period.start <= instant < period.end for period in periods)


@given(
    some=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=6),
    others=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=6),
)
def test_periods_are_united_and_shared_as_sets_are(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> None:
    united = [united_periods(Period(start, start + length) for start, length in each) for each in (some, others)]
    wanted = [{n for start, length in each for n in range(start, start + length)} for each in (some, others)]
    shared = shared_periods(*united)
    for periods, instants in ((united[0], wanted[0]), (shared, wanted[0] & wanted[1])):
        assert {n for period in periods for n in range(period.start, period.end)} == instants
        assert all(a.end < b.start for a, b in pairwise(united[0]))
        assert list(periods) == sorted(periods, key=lambda period: period.start)


def test_days_across_which_clocks_went_back_are_several_periods() -> None:
    # On 2010-11-07 St. John's went from 00:01 back to 23:01 of the day before.
    periods = offset_table("America/St_Johns").periods(date(2010, 11, 7), date(2010, 11, 7))
    assert [(moment(p.start).isoformat(), moment(p.end).isoformat()) for p in periods] == [
        ("2010-11-07T02:30:00+00:00", "2010-11-07T02:31:00+00:00"),
        ("2010-11-07T03:30:00+00:00", "2010-11-08T03:30:00+00:00"),
    ]


def test_the_ends_of_the_calendar_are_no_error() -> None:
    table = offset_table("Pacific/Apia")
    assert table.periods(date(1, 1, 1), date(9999, 12, 31)) == table.periods(None, None)
    assert table.periods(date(1, 1, 1), date(1969, 12, 30)) == ()
    assert table.periods(date(2101, 1, 2), None) == ()


@given(zone=st.sampled_from(ZONES), first=instants, length=st.integers(0, 400 * DAY), share=st.floats(0, 1))
def test_a_narrowed_table_gives_the_same_local_times(zone: str, first: int, length: int, share: float) -> None:
    table = offset_table(zone)
    instant = first + int(length * share)
    assert table.between(first, first + length).local(instant) == table.local(instant)


@pytest.mark.parametrize("name", ["", "New_York", "EST5", "../etc/passwd", "America", "america/new_york"])
def test_unknown_time_zones_are_named(name: str) -> None:
    problem = time_zone_problem(name)
    assert problem is not None
    assert f"'{name}'" in problem.message


def test_known_time_zones_are_no_problem() -> None:
    assert [zone for zone in ZONES if time_zone_problem(zone)] == []
