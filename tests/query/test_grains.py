"""Values of time dimensions: what is read is what is shown, and their days are those that they stand for."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.catalog import Grain, grain_days, read_grain, show_grain
from tests import reference

DAYS = st.one_of(st.dates(), st.sampled_from((date.min, date.max, date(1970, 1, 1), date(2024, 2, 29))))


@given(day=DAYS)
def test_what_is_shown_is_read(day: date) -> None:
    shown = {
        Grain.DATE: day.isoformat(),
        Grain.WEEK: reference.monday_of(day).isoformat(),
        Grain.MONTH: day.isoformat()[:7],
        Grain.HOUR_OF_DAY: str(day.toordinal() % 24),
        Grain.DAY_OF_WEEK: str(day.toordinal() % 7),
    }
    for grain, text in shown.items():
        number = read_grain(grain, text)
        assert number is not None
        assert str(show_grain(grain, number)) == text


@given(day=DAYS)
def test_days_are_those_of_the_value(day: date) -> None:
    for grain, text in (
        (Grain.DATE, f"{day}"),
        (Grain.WEEK, f"{reference.monday_of(day)}"),
        (Grain.MONTH, f"{day}"[:7]),
    ):
        number = read_grain(grain, text)
        assert number is not None
        found = grain_days(grain, number)
        assert found is not None
        first, last = found
        assert first <= day <= last
        for inside in (first, last):
            assert read_grain(grain, value_of(grain, inside)) == number
        if first > date.min:
            assert read_grain(grain, value_of(grain, first - timedelta(1))) != number
        if last < date.max:
            assert read_grain(grain, value_of(grain, last + timedelta(1))) != number


def value_of(grain: Grain, day: date) -> str:
    """What a call of a day is shown under."""
    if grain is Grain.WEEK:
        return reference.monday_of(day).isoformat()
    return day.isoformat()[:7] if grain is Grain.MONTH else day.isoformat()


@given(grain=st.sampled_from(Grain), text=st.one_of(st.text(), st.from_regex(r"-?[0-9]{1,5}(-[0-9]{1,3}){0,2}\n?")))
def test_nothing_else_is_read(grain: Grain, text: str) -> None:
    number = read_grain(grain, text)
    if number is not None:
        assert str(show_grain(grain, number)) == (text.lstrip("0") or "0" if text.isdigit() else text)


@pytest.mark.parametrize("grain", [Grain.HOUR_OF_DAY, Grain.DAY_OF_WEEK])
def test_what_comes_again_has_no_days(grain: Grain) -> None:
    assert grain_days(grain, 5) is None
