"""Axes have round numbers and turns of the calendar."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.catalog import Grain, Unit, read_grain
from calltally.charts.texts import number_text, short_text, tick_text
from calltally.charts.ticks import milliseconds, number_ticks, time_ticks

FIRST, LAST = (date(year, 1, 1).toordinal() - date(1970, 1, 1).toordinal() for year in (1970, 2101))


@given(st.integers(-(10**21), 10**21), st.integers(-(10**21), 10**21), st.integers(2, 8), st.sampled_from(Unit))
def test_round_numbers_reach_from_the_lowest_to_the_highest(some: int, other: int, most: int, unit: Unit) -> None:
    low, high = sorted((some, other))
    ticks = number_ticks(low, high, most, unit, "USD")
    assert ticks.values[0] <= min(low, 0) <= max(high, 0) <= ticks.values[-1]
    assert 0 in ticks.values
    assert 2 <= len(ticks.values) <= most + 3
    assert len(set(ticks.texts)) == len(ticks.texts)


@pytest.mark.parametrize(
    ("highest", "unit", "expected"),
    [
        (238, Unit.CALLS, ["0", "50", "100", "150", "200", "250"]),
        (1, Unit.CALLS, ["0", "1"]),
        (0, Unit.CALLS, ["0", "1"]),
        (500, Unit.SECONDS, ["0:00:00", "0:02:00", "0:04:00", "0:06:00", "0:08:00", "0:10:00"]),
        (250_000_000, Unit.CENTS, ["0", "500,000", "1M", "1.5M", "2M", "2.5M"]),
        (90, Unit.PERCENT, ["0%", "20%", "40%", "60%", "80%", "100%"]),
    ],
)
def test_they_are_written_in_their_unit(highest: int, unit: Unit, expected: list[str]) -> None:
    assert [text for (text,) in number_ticks(0, highest, 5, unit, "USD").texts] == expected


@given(st.integers(FIRST, LAST), st.integers(0, 48_000), st.integers(2, 12))
def test_turns_of_the_calendar_lie_between_the_first_and_the_last_day(first: int, days: int, most: int) -> None:
    ticks = time_ticks(Grain.DATE, first, min(first + days, LAST), most)
    assert 1 <= len(ticks.values) <= most
    assert list(ticks.values) == sorted(set(ticks.values))
    assert ticks.values[-1] <= milliseconds(Grain.DATE, LAST)
    assert ticks.values[0] >= milliseconds(Grain.DATE, first)


@pytest.mark.parametrize(
    ("grain", "first", "last", "expected"),
    [
        (Grain.DATE, "2026-03-01", "2026-03-04", [("Mar 1", "2026"), ("Mar 2", ""), ("Mar 3", ""), ("Mar 4", "")]),
        (
            Grain.DATE,
            "2025-12-20",
            "2026-01-14",
            [("Dec 22", "2025"), ("Dec 29", ""), ("Jan 5", "2026"), ("Jan 12", "")],
        ),
        (Grain.WEEK, "2026-03-02", "2026-03-16", [("Mar 2", "2026"), ("Mar 9", ""), ("Mar 16", "")]),
        (Grain.MONTH, "2025-11", "2026-02", [("Nov", "2025"), ("Dec", ""), ("Jan", "2026"), ("Feb", "")]),
        (Grain.MONTH, "2020-01", "2023-01", [("2020", ""), ("2021", ""), ("2022", ""), ("2023", "")]),
    ],
)
def test_a_year_is_told_where_it_begins(grain: Grain, first: str, last: str, expected: list[tuple[str, str]]) -> None:
    numbers = [read_grain(grain, text) for text in (first, last)]
    assert numbers[0] is not None
    assert numbers[1] is not None
    assert list(time_ticks(grain, numbers[0], numbers[1], 5).texts) == expected


@pytest.mark.parametrize(
    ("value", "unit", "whole", "short"),
    [
        (None, Unit.CALLS, "no value", "–"),
        (0, Unit.SECONDS, "0:00:00", "0:00:00"),
        (4_000_000, Unit.SECONDS, "1,111:06:40", "1,111:06:40"),
        (12_345_678_901_234, Unit.CALLS, "12,345,678,901,234", "12.3T"),
        (-123_456_789_012, Unit.CENTS, "-1,234,567,890.12", "-1.23B"),
        (75, Unit.PERCENT, "75%", "75%"),
    ],
)
def test_numbers_are_written_in_their_unit(value: int | None, unit: Unit, whole: str, short: str) -> None:
    assert number_text(value, unit, "USD") == whole
    assert short_text(value, unit, "USD") == short


@pytest.mark.parametrize(
    ("currency", "value", "whole", "tick"),
    [
        ("USD", 125_000, "1,250", "1,250"),
        ("USD", 125_050, "1,250.50", "1,250.50"),
        ("JPY", 49_000_008_119_596, "490,000,081,196", "490B"),
        ("JPY", 50, "1", "1"),
        ("JPY", -149, "-1", "-1"),
        ("JPY", -49, "0", "0"),
        ("KWD", 123_456, "1,234.560", "1,234.560"),
        ("KWD", -5, "-0.050", "-0.050"),
    ],
)
def test_money_has_the_digits_of_its_currency(currency: str, value: int, whole: str, tick: str) -> None:
    assert number_text(value, Unit.CENTS, currency) == whole
    assert tick_text(value, Unit.CENTS, currency) == tick


def test_ticks_are_whole_where_a_currency_has_no_cents() -> None:
    assert number_ticks(0, 200, 5, Unit.CENTS, "JPY").texts == (("0",), ("1",), ("2",))
    assert number_ticks(0, 200, 5, Unit.CENTS, "USD").texts == (("0",), ("0.50",), ("1",), ("1.50",), ("2",))
