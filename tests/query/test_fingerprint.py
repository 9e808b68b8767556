"""What makes two questions one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.query import Timing, ask
from tests import strategies

Params = list[tuple[str, str]]
ACME = Business("acme", "Acme", "America/New_York", "US", "USD", 1, datetime(2026, 1, 1, tzinfo=UTC))


def of(question: str, business: Business = ACME) -> bytes:
    return ask(question.encode(), business, Timing()).fingerprint


def turned_round(params: Params) -> Params:
    """The other way round, which is also another order of a filter's values."""
    return params[::-1]


def said_twice(params: Params) -> Params:
    """Metrics and the values of text filters repeated."""
    return [
        *((name, f"{value},{value}" if name == "metrics" else value) for name, value in params),
        *((name, value) for name, value in params if name in {"source", "status", "ai_category"}),
    ]


def spaced(params: Params) -> Params:
    return [(name, value.replace(",", " ,  ") if name in {"group_by", "metrics"} else value) for name, value in params]


def with_defaults(params: Params) -> Params:
    given = {name for name, _ in params}
    defaults = {"metrics": "count", "sort_by": "count", "sort_order": "desc", "limit": "0100"}
    return params + [(name, value) for name, value in defaults.items() if name not in given]


def other_words(params: Params) -> Params:
    words = {"completed": "Answered", "no-answer": " missed"}
    return [(name, words.get(value, value) if name == "status" else value) for name, value in params]


SPELLINGS = (turned_round, said_twice, spaced, with_defaults, other_words)


@pytest.mark.parametrize("spelt", SPELLINGS)
@given(params=strategies.requests())
def test_other_spellings_are_the_same_question(spelt: Callable[[Params], Params], params: Params) -> None:
    assert of(urlencode(spelt(params))) == of(urlencode(params))


@given(first=strategies.requests(), second=strategies.requests())
def test_different_plain_questions_are_told_apart(first: Params, second: Params) -> None:
    one, other = (ask(urlencode(params).encode(), ACME, Timing()) for params in (first, second))
    assert ((one.query, one.plan) == (other.query, other.plan)) == (one.fingerprint == other.fingerprint)


@pytest.mark.parametrize(
    "other",
    [
        "group_by=status,source&metrics=count,avg_duration&source=a&source=b",
        "group_by=source,status&metrics=avg_duration,count&source=a&source=b",
        "group_by=source,status&metrics=count,avg_duration&source=a",
        "group_by=source,status&metrics=count,avg_duration&source=a&source=b&sort_order=asc",
        "group_by=source,status&metrics=count,avg_duration&source=a&source=b&sort_by=source",
        "group_by=source,status&metrics=count,avg_duration&source=a&source=b&limit=99",
        "group_by=source,status&metrics=count,avg_duration&source=a&source=b&min_ai_score=0",
        "group_by=source,status&metrics=count,avg_duration&source=a&source=b&max_ai_score=100",
        "group_by=source,status&metrics=count,avg_duration&source=a&source=b&start_date=1970-01-01",
        "group_by=source,status&metrics=count,avg_duration&source=a%27%2C+%27b",
        "group_by=source,status&metrics=count,avg_duration&where[source]=a&where[source]=b&where_null=source",
        "group_by=source,status&metrics=count,avg_duration&source=a&source=b&where_null=source",
        "group_by=source,status&metrics=count,avg_duration&source=a&source=b&where[date]=2026-03-09",
        "group_by=source,status&metrics=count,avg_duration&source=a&source=b&where[hour_of_day]=0",
        "group_by=source,status&metrics=count,avg_duration&source=a&source=b&where[day_of_week]=0",
    ],
)
def test_what_is_another_question(other: str) -> None:
    assert of(other) != of("group_by=source,status&metrics=count,avg_duration&source=a&source=b")


@given(params=strategies.requests(), zones=st.lists(st.sampled_from(strategies.TIME_ZONES), min_size=2, max_size=2))
def test_whose_calls_and_which_clock_belong_to_it(params: Params, zones: list[str]) -> None:
    first, second = (replace(ACME, timezone=zone) for zone in zones)
    question = urlencode(params)
    assert (of(question, first) == of(question, second)) == (first == second)
    assert of(question, replace(first, generation=2)) != of(question, first)
    assert of(question, replace(first, id="other")) != of(question, first)
    assert of(question, replace(first, name="Renamed", currency="EUR")) == of(question, first)
