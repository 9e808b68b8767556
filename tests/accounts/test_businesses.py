"""Businesses: what a good one is, and how it is found, changed, cleared and deleted."""

import pytest

from calltally.accounts import (
    Business,
    Control,
    clear_business,
    create_business,
    create_key,
    delete_business,
    find_business,
    list_businesses,
    list_keys,
    update_business,
)
from calltally.errors import Conflict, InvalidRequest, NotFound
from tests.accounts.conftest import NOW, new_business


def create(control: Control, name: str = "Acme", **settings: str) -> Business:
    given = {"timezone": "UTC", "region": "US", "currency": "USD"} | settings
    return create_business(control, name, now=NOW, **given)


def test_a_business_is_stored_as_it_is_meant(control: Control) -> None:
    made = create(control, "  Müller & Söhne 🐨 ", timezone=" Australia/Lord_Howe", region="de", currency="eur ")
    assert (made.name, made.timezone, made.region, made.currency) == (
        "Müller & Söhne 🐨",
        "Australia/Lord_Howe",
        "DE",
        "EUR",
    )
    assert (made.generation, made.created_at, made.calls) == (1, NOW, f"{made.id}.1")
    assert find_business(control, made.id) == made


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"name": ""}, "name: it must not be empty"),
        ({"name": " \t\u2003"}, "name: it must not be empty"),
        ({"name": "x" * 201}, "has more than 200 characters"),
        ({"name": "a\nb"}, "control characters"),
        ({"name": "a\x1b[31mb"}, "control characters"),
        ({"name": "a\x00b"}, "control characters"),
        ({"name": "a\u2028b"}, "line breaks"),
        ({"name": "a\udcffb"}, "broken text"),
        ({"timezone": "Mars/Olympus"}, "timezone: 'Mars/Olympus' is not an IANA time zone"),
        ({"timezone": "../etc/passwd"}, "is not an IANA time zone"),
        ({"timezone": ""}, "is not an IANA time zone"),
        ({"region": "UK"}, "region: 'UK' is not the ISO 3166 code of a country"),
        ({"region": "001"}, "is not the ISO 3166 code"),
        ({"currency": "EURO"}, "currency: 'EURO' is not an ISO 4217 code"),
        ({"currency": "É€1"}, "is not an ISO 4217 code"),
        ({"currency": ""}, "is not an ISO 4217 code"),
    ],
)
def test_a_bad_setting_is_refused(control: Control, settings: dict[str, str], problem: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        create(control, **settings)
    assert [problem.param for problem in raised.value.problems] == list(settings)
    assert problem in raised.value.message
    assert list_businesses(control) == ()


def test_a_name_has_up_to_200_characters(control: Control) -> None:
    assert len(create(control, " " + "ü" * 200).name) == 200


def test_all_problems_are_told_at_once(control: Control, business: Business) -> None:
    wrong = {"name": " ", "timezone": "Mars", "region": "?", "currency": "x"}
    with pytest.raises(InvalidRequest) as raised:
        create(control, **wrong)
    assert [problem.param for problem in raised.value.problems] == list(wrong)
    with pytest.raises(InvalidRequest) as raised:
        update_business(control, business.id, timezone="Mars", currency="x")
    assert [problem.param for problem in raised.value.problems] == ["timezone", "currency"]


def test_they_are_listed_by_name(control: Control) -> None:
    for name in ("b", "C", "a"):
        create(control, name)
    assert [business.name for business in list_businesses(control)] == ["C", "a", "b"]


def test_one_is_found_by_id_or_by_a_unique_name(control: Control, business: Business) -> None:
    other = new_business(control, "Other 'quoted' %_")
    assert find_business(control, business.id) == business
    assert find_business(control, " Acme ") == business
    assert find_business(control, "Other 'quoted' %_") == other


def test_an_ambiguous_name_lists_the_ids(control: Control, business: Business) -> None:
    twin = new_business(control)
    with pytest.raises(Conflict, match="2 businesses are called 'Acme'") as raised:
        find_business(control, "Acme")
    assert business.id in raised.value.message
    assert twin.id in raised.value.message


def test_an_id_wins_over_a_name(control: Control, business: Business) -> None:
    new_business(control, business.id)
    assert find_business(control, business.id) == business


@pytest.mark.parametrize("text", ["", "acme", "Acme%", "\x00", "\udcff"])
def test_one_that_is_not_there(control: Control, business: Business, text: str) -> None:
    with pytest.raises(NotFound, match="calltally business list"):
        find_business(control, text)


def test_settings_change_alone_or_together(control: Control, business: Business) -> None:
    assert update_business(control, business.id) == business
    assert update_business(control, business.id, timezone="Asia/Tokyo").timezone == "Asia/Tokyo"
    changed = update_business(control, business.id, name="New", region="jp", currency="jpy")
    assert changed == Business(business.id, "New", "Asia/Tokyo", "JP", "JPY", 1, NOW)
    assert find_business(control, "New") == changed


def test_to_clear_is_to_begin_a_new_store(control: Control, business: Business) -> None:
    key = create_key(control, business, None, ("read",), NOW)
    assert clear_business(control, business.id) == f"{business.id}.1"
    assert clear_business(control, business.id) == f"{business.id}.2"
    cleared = find_business(control, business.id)
    assert (cleared.generation, cleared.calls, cleared.name) == (3, f"{business.id}.3", business.name)
    assert [kept.id for kept in list_keys(control, cleared)] == [key.id]


def test_to_delete_takes_the_keys_along(control: Control, business: Business) -> None:
    other = new_business(control, "Other")
    kept = create_key(control, other, None, ("read",), NOW)
    create_key(control, business, None, ("read",), NOW)
    assert delete_business(control, business.id) == f"{business.id}.1"
    assert list_businesses(control) == (other,)
    assert list_keys(control, business) == ()
    assert [key.id for key in list_keys(control, other)] == [kept.id]


def test_what_was_deleted_meanwhile_is_not_found(control: Control, business: Business) -> None:
    delete_business(control, business.id)
    for change in (update_business, clear_business, delete_business):
        with pytest.raises(NotFound, match="any more"):
            change(control, business.id)
    with pytest.raises(NotFound, match="any more"):
        create_key(control, business, None, ("read",), NOW)
