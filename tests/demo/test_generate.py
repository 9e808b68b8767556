"""The demo's year of calls looks like a year of calls, and is the same everywhere."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from calltally.catalog import CATALOG, FieldKind
from calltally.demo.generate import generate_calls

Record = dict[str, object]

NEW_YORK = ZoneInfo("America/New_York")
UNTIL = datetime(2026, 3, 9, 17, 0, tzinfo=UTC)  # a Monday, 13:00 in New York


@pytest.fixture(scope="module")
def calls() -> list[Record]:
    return list(generate_calls(UNTIL))


def local(call: Record) -> datetime:
    return datetime.fromisoformat(str(call["started_at"])).astimezone(NEW_YORK)


def whole(value: object) -> int:
    assert isinstance(value, int)
    return value


def share(calls: list[Record], holds: Callable[[Record], bool]) -> float:
    return sum(map(holds, calls)) / len(calls)


def qualified(call: Record) -> bool:
    return call["qualified"] is True


def missed(call: Record) -> bool:
    return call["status"] == "no-answer"


def of(calls: list[Record], **values: object) -> list[Record]:
    return [call for call in calls if all(call[name] == value for name, value in values.items())]


def test_a_year_has_as_many_calls_whenever_it_ends(calls: list[Record]) -> None:
    assert 55_000 <= len(calls) <= 70_000
    assert 55_000 <= sum(1 for _ in generate_calls(datetime(2025, 8, 2, 3, 0, tzinfo=UTC))) <= 70_000


def test_same_arguments_give_same_calls(calls: list[Record]) -> None:
    assert list(islice(generate_calls(UNTIL), 5_000)) == calls[:5_000]
    assert list(islice(generate_calls(UNTIL, seed=7), 100)) != calls[:100]


def test_every_machine_makes_these_calls(calls: list[Record]) -> None:
    digest = hashlib.sha256("".join(map(json.dumps, calls)).encode()).hexdigest()
    assert digest == "edd29e04a01d28d5e8fe1a83a67f663b22e9f45bcb3147921e8a9f60bb311629"


def test_calls_are_in_order_and_end_today(calls: list[Record]) -> None:
    starts = [datetime.fromisoformat(str(call["started_at"])) for call in calls]
    assert starts == sorted(starts)
    assert starts[-1] < UNTIL
    assert local(calls[-1]).date() == UNTIL.astimezone(NEW_YORK).date()
    assert local(calls[0]).date() == date(2025, 3, 9)


def test_every_day_has_calls(calls: list[Record]) -> None:
    assert len({local(call).date() for call in calls}) == 366


def test_week_and_day_have_their_rhythm(calls: list[Record]) -> None:
    days = Counter(local(call).weekday() for call in calls)
    hours = Counter(local(call).hour for call in calls if local(call).weekday() < 5)
    assert min(days[day] for day in range(5)) > 3 * days[6]
    assert sum(hours[hour] for hour in range(6)) < 0.03 * hours.total()
    assert hours[12] < 0.8 * min(hours[10], hours[14])


@pytest.mark.parametrize("time_zone", ["Europe/Berlin", "Asia/Kathmandu"])
def test_rhythm_follows_the_time_zone(time_zone: str) -> None:
    zone = ZoneInfo(time_zone)
    calls = islice(generate_calls(UNTIL, time_zone=time_zone), 3_000)
    hours = Counter(datetime.fromisoformat(str(call["started_at"])).astimezone(zone).hour for call in calls)
    assert sum(hours[hour] for hour in range(8, 18)) > 0.75 * hours.total()


def test_seasons_growth_and_holidays_show(calls: list[Record]) -> None:
    days = Counter(local(call).date() for call in calls)
    months = Counter(f"{day:%Y-%m}" for day in days.elements())
    assert months["2025-07"] > 1.2 * months["2025-04"]
    assert months["2026-02"] / 28 > 1.2 * months["2025-04"] / 30
    assert days[date(2025, 12, 25)] < 0.5 * days[date(2025, 12, 18)]
    assert days[date(2025, 11, 27)] < 0.5 * days[date(2025, 11, 20)]


def test_every_call_has_the_fields_of_the_contract_in_their_ranges(calls: list[Record]) -> None:
    fields = {field.name: field for field in CATALOG.stored_fields}
    for call in calls:
        assert call.keys() == fields.keys()
    for field in fields.values():
        values = [call[field.name] for call in calls if call[field.name] is not None]
        if field.kind is FieldKind.WHOLE:
            assert all(type(value) is int for value in values)
            assert field.lowest is not None
            assert field.highest is not None
            assert field.lowest <= min(map(whole, values)) <= max(map(whole, values)) <= field.highest
        else:
            assert {type(value) for value in values} == {bool if field.kind is FieldKind.BOOLEAN else str}


def test_ids_are_unique_even_among_years_that_overlap(calls: list[Record]) -> None:
    ids = {call["id"] for call in calls}
    assert len(ids) == len(calls)
    assert not ids & {call["id"] for call in islice(generate_calls(UNTIL + timedelta(days=1)), 5_000)}


def test_newest_calls_are_mostly_not_yet_judged(calls: list[Record]) -> None:
    judgeable = [call for call in calls if call["status"] == "completed" and call["direction"] == "inbound"]
    newest = [call for call in judgeable if local(call) > UNTIL - timedelta(days=2)]
    assert share(newest, lambda call: call["ai_score"] is None) > 0.75
    assert share(judgeable[:-500], lambda call: call["ai_score"] is None) < 0.15


def test_what_was_not_judged_has_no_findings(calls: list[Record]) -> None:
    for call in calls:
        unjudged = call["ai_score"] is None
        assert (call["ai_category"] is None, call["qualified"] is None) == (unjudged, unjudged)
        assert qualified(call) or call["value_cents"] is None
        if call["status"] != "completed" or whole(call["duration_seconds"]) < 15 or call["direction"] == "outbound":
            assert unjudged
    assert 0.3 < share(list(filter(qualified, calls)), lambda call: call["value_cents"] is not None) < 0.8


def test_nulls_are_where_life_has_them(calls: list[Record]) -> None:
    assert all(call["duration_seconds"] is None for call in of(calls, status="failed"))
    assert {call["duration_seconds"] for call in of(calls, status="no-answer")} == {0}
    assert all(call["destination_number"] is None for call in of(calls, status="voicemail", direction="inbound"))
    assert 0.01 < share(calls, lambda call: call["caller_number"] is None) < 0.08
    outbound = of(calls, direction="outbound")
    assert 0.04 < len(outbound) / len(calls) < 0.08
    assert {(call["source"], call["call_flow"], call["robo_score"]) for call in outbound} == {(None, None, None)}


def test_utm_parameters_fit_the_source(calls: list[Record]) -> None:
    for call in calls:
        if call["source"] in {"direct", "referral", None}:
            assert {call[name] for name in CATALOG.fields if name.startswith("utm_")} == {None}
        if call["utm_term"] is not None:
            assert call["utm_medium"] == "cpc"
    assert all(call["utm_term"] for call in of(calls, utm_medium="cpc"))


def test_numbers_and_flows_belong_together(calls: list[Record]) -> None:
    inbound = of(calls, direction="inbound")
    assert len({call["number_id"] for call in calls}) == len({call["tracking_number"] for call in calls}) > 10
    assert len({(call["call_flow_id"], call["call_flow"]) for call in inbound}) == 4
    assert len({(call["number_id"], call["number_group_id"]) for call in calls}) == len(
        {call["number_id"] for call in calls}
    )


def test_some_callers_come_back(calls: list[Record]) -> None:
    times = Counter(call["caller_number"] for call in of(calls, direction="inbound") if call["caller_number"])
    of_repeaters = sum(count for count in times.values() if count > 1) / times.total()
    assert 0.3 < of_repeaters < 0.6


def test_robots_call_often(calls: list[Record]) -> None:
    robots = Counter(call["caller_number"] for call in calls if whole(call["robo_score"] or 0) > 75)
    del robots[None]
    assert robots.total() > 1_000
    assert robots.total() > 15 * len(robots)


def test_sources_differ_in_quality_duration_and_cost(calls: list[Record]) -> None:
    def average(source: str, field: str) -> float:
        values = [whole(call[field]) for call in of(calls, source=source) if call[field] is not None]
        return sum(values) / len(values)

    assert average("referral", "ai_score") > average("google", "ai_score") + 5 > average("facebook", "ai_score") + 20
    assert average("referral", "duration_seconds") > 2 * average("facebook", "duration_seconds")
    assert (
        average("google", "cost_cents") > 2 * average("facebook", "cost_cents") > 10 * average("direct", "cost_cents")
    )


def test_the_largest_campaign_is_the_cheap_poor_one(calls: list[Record]) -> None:
    campaigns = Counter((call["source"], call["utm_campaign"]) for call in calls if call["utm_campaign"])
    (largest, count), (_, second) = campaigns.most_common(2)
    assert largest == ("facebook", "free-estimate")
    assert count > 1.3 * second
    assert share(of(calls, utm_campaign="free-estimate"), qualified) < 0.1


def test_one_small_campaign_is_excellent_in_the_evening(calls: list[Record]) -> None:
    campaign = of(calls, utm_campaign="after-work-repairs")
    evening = [call for call in campaign if 18 <= local(call).hour < 22]
    day = [call for call in campaign if 8 <= local(call).hour < 18]
    assert len(evening) > 300
    assert len(campaign) < 0.02 * len(calls)
    assert share(evening, qualified) > 2 * share(day, qualified)
    assert share(evening, qualified) > max(share(of(calls, source=s), qualified) for s in ("google", "referral"))


def test_calls_are_missed_at_lunch(calls: list[Record]) -> None:
    workdays = [call for call in of(calls, direction="inbound") if local(call).weekday() < 5]
    lunch = [call for call in workdays if local(call).hour == 12]
    other = [call for call in workdays if local(call).hour in {9, 10, 11, 14, 15, 16}]
    assert share(lunch, missed) > 3 * share(other, missed)


def test_nights_go_to_voicemail(calls: list[Record]) -> None:
    night = [call for call in calls if local(call).hour in {22, 23, 0, 1, 2, 3, 4, 5}]
    assert share(night, lambda call: call["status"] == "voicemail") > 0.3


def test_one_campaign_begins_and_ends_within_the_year(calls: list[Record]) -> None:
    days = {local(call).date() for call in of(calls, source="tiktok")}
    assert date(2025, 10, 1) < min(days) < max(days) < date(2026, 2, 1)
    assert 40 < len(days) <= 56


def test_the_newsletter_shows_on_tuesdays(calls: list[Record]) -> None:
    days = Counter(local(call).weekday() for call in of(calls, utm_campaign="monthly-newsletter"))
    assert days[1] > 0.5 * days.total()
