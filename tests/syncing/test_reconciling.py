"""Our totals beside the vendor's own: alike where the calls are, and a difference is found and explained."""

from dataclasses import replace
from datetime import date

import pytest

from calltally.syncing import days_to_compare
from tests.syncing.conftest import Puller
from tests.vendor.callscaler import REPORT, CallScaler, records

DAYS = (date(2026, 3, 5), date(2026, 3, 10))


def test_totals_agree(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(200))
    puller.pull()
    found = puller.compare(*DAYS)
    assert (found.first_day, found.last_day, found.differences, found.hints) == (*DAYS, (), ())


def test_a_planted_difference_is_found(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(200))
    puller.pull()
    vendor.lies = {("2026-03-07", "total_cost_cents"): 1, ("2026-03-09", "avg_ai_score"): None}
    found = puller.compare(*DAYS)
    assert [(each.day.day, each.metric, each.theirs) for each in found.differences] == [
        (7, "total_cost_cents", 1),
        (9, "avg_ai_score", None),
    ]
    assert found.differences[0].ours == 280
    assert found.hints == (
        "Other values of as many calls: they were changed here, or since; --full pulls everything again",
    )


def test_calls_that_one_side_lacks(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(200))
    puller.pull()
    extra = records(1, 200)[0] | {"created_at": "2026-03-15T12:00:00Z"}
    vendor.put([extra])
    found = puller.compare(DAYS[0], date(2026, 3, 15), today=date(2026, 3, 15))
    counts = {each.metric: (each.ours, each.theirs) for each in found.differences}
    assert {each.day for each in found.differences} == {date(2026, 3, 15)}
    assert counts["count"] == (0, 1)
    assert counts["avg_duration"] == (None, 200)
    assert [hint.partition(":")[0] for hint in found.hints] == ["Fewer calls here", "Of today"]


def test_other_days_hint_at_the_time_zone(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(200))
    puller.pull()
    vendor.timezone = "Asia/Tokyo"
    hints = puller.compare(date(2026, 3, 1), date(2026, 3, 20)).hints
    assert hints == ("By days of Asia/Tokyo all would agree: is the time zone at CallScaler also America/New_York?",)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles", "Asia/Kathmandu"])
def test_the_time_zone_is_named_where_calls_are_cut_off_at_both_ends(
    puller: Puller, vendor: CallScaler, zone: str
) -> None:
    vendor.put(records(200))
    puller.business = replace(puller.business, timezone=zone)
    puller.pull()
    for days in ((date(2026, 3, 5), date(2026, 3, 9)), (date(2026, 3, 6), date(2026, 3, 8))):
        found = puller.compare(*days)
        assert "count" in {each.metric for each in found.differences}
        assert found.hints == (
            f"By days of America/New_York all would agree: is the time zone at CallScaler also {zone}?",
        )


def test_calls_that_are_missing_in_another_time_zone_are_told_too(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(200))
    puller.business = replace(puller.business, timezone="UTC")
    puller.pull()
    vendor.forget("call-00070")
    hints = puller.compare(*DAYS).hints
    assert [hint.partition(":")[0] for hint in hints] == [
        "By days of America/New_York less would differ",
        "More calls here",
    ]


def test_calls_that_both_lack_are_no_time_zone(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(200))
    puller.pull()
    vendor.forget("call-00007")
    vendor.put([records(1, 200)[0] | {"created_at": "2026-03-05T17:00:00Z"}])
    hints = puller.compare(*DAYS).hints
    assert [hint.partition(":")[0] for hint in hints] == ["More calls here", "Fewer calls here"]


def test_many_days_are_asked_for_in_pieces(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(20))
    puller.pull()
    found = puller.compare(date(2020, 1, 1), date(2026, 12, 31))
    assert found.differences == ()
    asked = [(params["start_date"], params["end_date"]) for params in vendor.asked(REPORT)]
    assert asked == [("2020-01-01", "2022-09-26"), ("2022-09-27", "2025-06-22"), ("2025-06-23", "2026-12-31")]


def test_what_only_we_have_is_found(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(200))
    puller.pull()
    vendor.forget("call-00007")
    found = puller.compare(*DAYS)
    [count] = [each for each in found.differences if each.metric == "count"]
    assert (count.day, count.ours, count.theirs) == (date(2026, 3, 8), 38, 37)
    assert [hint.partition(":")[0] for hint in found.hints] == ["More calls here"]


def test_other_callers_hint_at_spellings(puller: Puller, vendor: CallScaler) -> None:
    vendor.put(records(200))
    puller.pull()
    vendor.lies = {("2026-03-08", "unique_callers"): 999}
    [hint] = puller.compare(*DAYS).hints
    assert hint.startswith("Other callers of as many calls")


TODAY = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("first", "last", "most", "days"),
    [
        ("2026-03-05", "2026-03-10", 90, ("2026-03-05", "2026-03-10")),
        ("2026-03-05", "2026-03-10", 2, ("2026-03-09", "2026-03-10")),
        ("2026-03-10", "2026-03-10", 1, ("2026-03-10", "2026-03-10")),
        ("2026-03-30", "2100-12-31", 90, ("2026-03-30", "2026-03-31")),
        ("2026-03-05", "2026-03-10", 0, None),
        ("2026-04-01", "2026-04-02", 90, None),
    ],
)
def test_which_days_are_compared(first: str, last: str, most: int, days: tuple[str, str] | None) -> None:
    found = days_to_compare((date.fromisoformat(first), date.fromisoformat(last)), most, TODAY)
    assert found == (days and tuple(map(date.fromisoformat, days)))


def test_without_calls_no_day_is_compared() -> None:
    assert days_to_compare((None, None), 90, TODAY) is None
