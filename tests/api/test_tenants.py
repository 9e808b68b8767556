"""Businesses beside one another: none ever sees another's calls, and what is changed counts at once."""

from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.accounts import Business, clear_business, delete_business, update_business
from tests import reference, strategies
from tests.api.conftest import Asker, Door, calls
from tests.asking import import_records

PROFILE = settings.get_profile(settings.get_current_profile_name())


@settings(max_examples=PROFILE.max_examples // 2)
@given(
    files=st.tuples(*[strategies.files_of_records(min_size=3, max_size=12)] * 2),
    time_zones=st.tuples(*[st.sampled_from(strategies.TIME_ZONES)] * 2),
    asked=st.lists(strategies.requests(), min_size=2, max_size=5),
)
def test_each_sees_its_own_calls_and_no_others(
    door: Door,
    tmp_path: Path,
    files: tuple[list[dict[str, object]], ...],
    time_zones: tuple[str, ...],
    asked: list[list[tuple[str, str]]],
) -> None:
    businesses = [door.business(timezone=time_zone) for time_zone in time_zones]
    expected = [reference.Business(time_zone, "US") for time_zone in time_zones]
    for business, wanted, records in zip(businesses, expected, files, strict=True):
        import_records(door.engine, business, records, tmp_path)
        wanted.apply_file(records)
    askers = [door.asker(business) for business in businesses]
    for params in asked:
        for asker, wanted in zip(askers, expected, strict=True):
            answer = reference.encode(reference.report(wanted.calls(), wanted.time_zone, params))
            assert asker.get(urlencode(params)).content == answer, params
    for business in businesses:
        door.engine.remove(business.calls)


@pytest.fixture
def acme(door: Door) -> Business:
    """A business with two calls at noon."""
    return door.business(calls({"source": "google"}, {"source": "bing"}))


@pytest.fixture
def asker(door: Door, acme: Business) -> Asker:
    found = door.asker(acme)
    assert found.report("group_by=hour_of_day") == {
        "data": [{"hour_of_day": 12, "count": 2}],
        "totals": {"count": 2},
        "count": 1,
    }
    return found


def test_a_new_time_zone_counts_at_the_next_request(door: Door, acme: Business, asker: Asker) -> None:
    update_business(door.control, acme.id, timezone="Asia/Tokyo")
    assert asker.report("group_by=hour_of_day")["data"] == [{"hour_of_day": 21, "count": 2}]
    update_business(door.control, acme.id, timezone="Pacific/Kiritimati")
    assert asker.report("group_by=date,hour_of_day")["data"] == [{"date": "2026-03-10", "hour_of_day": 2, "count": 2}]
    assert asker.report("group_by=date&end_date=2026-03-09")["totals"] == {"count": 0}


def test_a_cleared_business_has_no_calls_at_the_next_request(door: Door, acme: Business, asker: Asker) -> None:
    door.engine.remove(clear_business(door.control, acme.id))
    assert asker.report("group_by=source") == {"data": [], "totals": {"count": 0}, "count": 0}


def test_a_cleared_business_can_be_filled_again(door: Door, acme: Business, asker: Asker) -> None:
    clear_business(door.control, acme.id)
    door.add(update_business(door.control, acme.id), calls({"source": "yelp"}))
    assert asker.report("group_by=source")["data"] == [{"source": "yelp", "count": 1}]


def test_a_deleted_business_has_no_keys_at_the_next_request(door: Door, acme: Business, asker: Asker) -> None:
    others = door.asker(door.business(calls({"source": "yelp"})))
    door.engine.remove(delete_business(door.control, acme.id))
    assert asker.get().status_code == 401
    assert others.report("group_by=source")["totals"] == {"count": 1}


def test_calls_imported_now_count_at_the_next_request(door: Door, acme: Business, asker: Asker) -> None:
    door.add(acme, [{"id": "new", "started_at": "2026-03-09T12:00:00Z"}])
    assert asker.report("group_by=hour_of_day")["totals"] == {"count": 3}


def test_a_business_without_calls_is_answered(door: Door) -> None:
    assert door.asker(door.business()).report("group_by=source") == {"data": [], "totals": {"count": 0}, "count": 0}


def test_parameters_cannot_name_another_business(door: Door, acme: Business, asker: Asker) -> None:
    other = door.asker(door.business())
    for name in ("business", "business_id", "calls"):
        assert [param for param, _ in other.problems(f"group_by=source&{name}={acme.id}")] == [name]
