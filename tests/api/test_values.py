"""The values of a dimension: those that a report has, with the same numbers of calls, however they are searched."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import strategies
from tests.api.conftest import Asker, Door, add_many, calls
from tests.strategies import DIMENSION_NAMES

VALUES = "/api/v1/analytics/values"


def values(asker: Asker, query: str) -> list[tuple[Any, int]]:
    """Each value and its calls; there are no more."""
    found = answered(asker, query)
    assert not found["more"]
    return [(entry["value"], entry["count"]) for entry in found["values"]]


def answered(asker: Asker, query: str) -> dict[str, Any]:
    response = asker.get(query, VALUES)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    found: dict[str, Any] = response.json()["data"]
    assert list(found) == ["values", "more"]
    return found


@given(st.lists(strategies.records(), max_size=20), st.sampled_from(DIMENSION_NAMES), st.sampled_from(("", "a", "1")))
def test_they_are_those_of_a_report(door: Door, records: list[dict[str, object]], dimension: str, search: str) -> None:
    asker = door.asker(door.business(records, "America/New_York"))
    report = asker.report(f"group_by={dimension}&limit=1000&sort_by=count")["data"]
    expected = {(row[dimension], row["count"]) for row in report}
    if search:
        expected = {(value, count) for value, count in expected if value is not None and search in str(value).lower()}
    asked = {"dimension": dimension, "limit": "1000", **({"search": search} if search else {})}
    assert set(values(asker, urlencode(asked))) == expected


def test_those_with_most_calls_come_first_and_times_latest_first(few: Asker) -> None:
    found = values(few, "dimension=source")
    assert found[0] == ("google", 2)
    assert set(found[1:]) == {("bing", 1), ("m\u00fcnchen \U0001f680", 1), (None, 1)}


def test_times_come_latest_first_and_are_searched_as_they_are_shown(door: Door) -> None:
    rows = [{"started_at": f"2026-0{month}-01T12:00:00Z"} for month in (1, 2, 3)]
    asker = door.asker(door.business(calls(*rows)))
    assert values(asker, "dimension=month") == [("2026-03", 1), ("2026-02", 1), ("2026-01", 1)]
    assert values(asker, "dimension=date&search=-02-") == [("2026-02-01", 1)]


@pytest.mark.parametrize("search", ["M\u00dcN", "\U0001f680", " m\u00fcn "])
def test_a_search_minds_neither_case_nor_blanks_around(few: Asker, search: str) -> None:
    assert values(few, f"dimension=source&search={quote(search)}") == [("m\u00fcnchen \U0001f680", 1)]


def test_no_letter_of_a_search_stands_for_others(few: Asker) -> None:
    assert values(few, "dimension=source&search=%25") == []
    assert values(few, "dimension=source&search=_") == []


def test_filters_hold_too(few: Asker) -> None:
    assert values(few, "dimension=status&source=google") == [("completed", 1), ("no-answer", 1)]
    assert values(few, "dimension=source&where[status]=missed") == [("google", 1)]
    assert values(few, "dimension=source&end_date=2020-01-01") == []


def test_of_many_the_first_are_given_and_that_there_are_more_is_told(door: Door) -> None:
    business = door.business()
    add_many(door.engine, business, 5000)
    asker = door.asker(business)
    found = answered(asker, "dimension=source")
    assert (len(found["values"]), found["more"]) == (20, True)
    found = answered(asker, "dimension=source&search=source-4999")
    assert (found["values"], found["more"]) == ([{"value": "source-4999", "count": 1}], False)
    found = answered(asker, "dimension=source&search=source-499&limit=11")
    assert (len(found["values"]), found["more"]) == (11, False)


WRONG = {
    "": "dimension: is required: a dimension out of ",
    "dimension=sauce": "dimension: 'sauce' is not a dimension; did you mean 'source'?",
    "dimension=source&limit=0": "limit: '0' is not a whole number from 1 to 1000",
    "dimension=source&search=": "search: is empty; it takes ",
    "dimension=source&group_by=source": "group_by: 'group_by' is not a parameter of this list of values",
}


@pytest.mark.parametrize("query", WRONG)
def test_each_way_to_be_wrong(few: Asker, query: str) -> None:
    response = few.get(query, VALUES)
    assert response.status_code == 400
    [problem] = response.json()["error"]["details"]
    assert problem["message"].startswith(WRONG[query])


def test_it_takes_a_key_and_shows_the_calls_of_its_own_business(door: Door, few: Asker) -> None:
    assert few.client.get(f"{VALUES}?dimension=source").status_code == 401
    assert values(door.asker(door.business()), "dimension=source") == []
