"""The calls behind a number: filters by the values that the rows of a report show."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.accounts import update_business
from tests import reference, strategies
from tests.api.conftest import Asker, Door, calls
from tests.asking import import_records
from tests.strategies import DIMENSION_NAMES

PROFILE = settings.get_profile(settings.get_current_profile_name())
LIST = "/api/v1/calls"
DIMENSIONS = ", ".join(DIMENSION_NAMES)
# Clocks that change by an hour, by half of one, across midnight, and never.
TIME_ZONES = ("America/New_York", "Australia/Lord_Howe", "America/St_Johns", "UTC")


def where(row: dict[str, Any], names: list[str]) -> list[tuple[str, str]]:
    """The filters that a row of a report stands for."""
    return [("where_null", n) if row[n] is None else (f"where[{n}]", str(row[n])) for n in names]


def listed(asker: Asker, params: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """The calls of a list, which are few enough for one page."""
    response = asker.get(urlencode([*params, ("limit", "500")]), LIST)
    assert response.status_code == 200, response.text
    assert response.json()["data"]["next_cursor"] is None
    found: list[dict[str, Any]] = response.json()["data"]["calls"]
    return found


def in_files(asker: Asker, params: list[tuple[str, str]]) -> set[int]:
    """How many calls a list has as CSV and as NDJSON."""
    table = asker.get(urlencode(params), f"{LIST}.csv").text
    return {len(list(csv.DictReader(StringIO(table)))), asker.get(urlencode(params), f"{LIST}.ndjson").text.count("\n")}


@settings(max_examples=max(PROFILE.max_examples // 3, 1))
@given(
    records=strategies.files_of_records(min_size=4, max_size=20),
    time_zone=st.sampled_from(TIME_ZONES),
    others=st.lists(st.sampled_from(DIMENSION_NAMES), max_size=2, unique=True),
    filters=st.one_of(st.just([]), strategies.dimension_filters(), strategies.date_filters(strategies.DAYS)),
)
def test_the_calls_of_a_row_are_as_many_as_it_counts(
    door: Door,
    tmp_path: Path,
    records: list[strategies.Record],
    time_zone: str,
    others: list[str],
    filters: strategies.Params,
) -> None:
    business = door.business(timezone=time_zone)
    import_records(door.engine, business, records, tmp_path)
    asker = door.asker(business)
    for name in DIMENSION_NAMES:
        names = [name, *(other for other in others if other != name)]
        taken = {asked.removeprefix("where[").removesuffix("]") for asked, _ in filters if asked != "where_null"}
        taken |= {value for asked, value in filters if asked == "where_null"}
        params = [("group_by", ",".join(names)), ("limit", "1000"), *(() if taken & set(names) else filters)]
        for row in asker.report(urlencode(params))["data"]:
            narrowed = [*params[2:], *where(row, names)]
            assert len(listed(asker, narrowed)) == row["count"], narrowed
            assert asker.report(urlencode([*params, *where(row, names)]))["data"] == [row], narrowed
        count = asker.report(urlencode(params))["totals"]["count"]
        assert len(listed(asker, params[2:])) == count
        assert in_files(asker, params[2:]) == {count}
    door.engine.remove(business.calls)


@pytest.mark.parametrize("name", DIMENSION_NAMES)
@pytest.mark.parametrize("time_zone", TIME_ZONES)
def test_files_have_the_calls_of_a_row_too(door: Door, tmp_path: Path, name: str, time_zone: str) -> None:
    turns = [moment.isoformat(timespec="minutes") for moment in strategies.TURNS]
    records: list[dict[str, object]] = [
        {"id": f"c{n}", "started_at": start, **({name: f"{n % 3}"} if n % 4 else {})}
        for n, start in enumerate([f"{turn}:{second:02}Z" for turn in turns for second in (0, 59)])
    ]
    if name in {"direction", "date", "week", "month", "hour_of_day", "day_of_week"}:
        records = [{"id": r["id"], "started_at": r["started_at"]} for r in records]
    business = door.business(timezone=time_zone)
    import_records(door.engine, business, records, tmp_path)
    asker = door.asker(business)
    rows = asker.report(f"group_by={name}&limit=1000")["data"]
    assert sum(row["count"] for row in rows) == len(records)
    for row in rows:
        assert in_files(asker, where(row, [name])) == {row["count"]}


COUNTS = {
    "where[source]=google": 2,
    "where%5Bsource%5D=google": 2,
    "where[source]=google&where[source]=bing": 3,
    "where[source]=google&where_null=source": 3,
    "where_null=source": 1,
    "where_null=source&where_null=status": 1,
    "where_null=status": 2,
    "where[source]=google&where[status]=completed": 1,
    "where[source]=google&source=bing": 0,
    "where[status]=Answered": 1,
    "where[status]=MISSED&where[status]=completed": 2,
    "where[direction]=outbound": 1,
    "where[direction]=inbound&where[direction]=outbound": 5,
    "where_null=direction": 0,
    "where_null=direction&where[direction]=inbound": 4,
    "where[date]=2026-03-09": 5,
    "where[date]=2026-03-08": 0,
    "where[date]=2026-03-08&where[date]=2026-03-09": 5,
    "where[date]=0001-01-01&where[date]=9999-12-31": 0,
    "where[date]=2026-03-09&start_date=2026-03-10": 0,
    "where[date]=2026-03-09&start_date=2026-03-01&end_date=2026-03-09": 5,
    "where[week]=2026-03-09": 5,
    "where[week]=2026-03-02": 0,
    "where[week]=0001-01-01&where[week]=9999-12-27": 0,
    "where[month]=2026-03": 5,
    "where[month]=2026-03&where[week]=2026-03-02": 0,
    "where[month]=0001-01&where[month]=9999-12": 0,
    "where[hour_of_day]=12": 5,
    "where[hour_of_day]=012": 5,
    "where[hour_of_day]=11&where[hour_of_day]=13": 0,
    "where[day_of_week]=1": 5,
    "where[day_of_week]=0": 0,
    "where_null=date": 0,
    "where_null=hour_of_day": 0,
    "where_null=hour_of_day&where[hour_of_day]=12": 5,
    "where_null=month&where[month]=2026-03": 5,
}


@pytest.mark.parametrize("query", COUNTS)
def test_what_is_meant(few: Asker, query: str) -> None:
    assert few.report(f"group_by=source&{query}")["totals"]["count"] == COUNTS[query]
    assert len(few.get(query, LIST).json()["data"]["calls"]) == COUNTS[query]


WRONG = {
    "where[source]=": "where[source]: is empty; it takes text such as 'spring', or leave it out",
    "where[status]=+": "where[status]: is blank; give a status such as 'completed', or leave it out",
    "where[direction]=in": "where[direction]: 'in' is not allowed; it is 'inbound' or 'outbound'",
    "where[date]=2026-02-30": "where[date]: '2026-02-30' is not a day such as 2026-03-09",
    "where[date]=2026-3-9": "where[date]: '2026-3-9' is not a day such as 2026-03-09",
    "where[week]=2026-03-10": "where[week]: '2026-03-10' is not a Monday such as 2026-03-09",
    "where[month]=2026-13": "where[month]: '2026-13' is not a month such as 2026-03",
    "where[month]=2026-03-09": "where[month]: '2026-03-09' is not a month such as 2026-03",
    "where[month]=": "where[month]: is empty; it takes a month such as 2026-03, or leave it out",
    **{
        f"where[hour_of_day]={quote(text)}": f"where[hour_of_day]: '{text}' is not a whole number from 0 to 23"
        for text in ("24", "-1", "+1", "1.0", "1e1", "٧", " 1", "123456", "x")
    },
    "where[hour_of_day]=1&where[hour_of_day]=x": "where[hour_of_day]: 'x' is not a whole number from 0 to 23",
    "where[day_of_week]=7": "where[day_of_week]: '7' is not a whole number from 0 to 6",
    "where[tracking_number]=Anonymous": (
        "where[tracking_number]: 'Anonymous' means that there is no number; "
        "give where_null=tracking_number for the calls without one"
    ),
    "where_null=sorce": "where_null: 'sorce' is not a dimension; did you mean 'source'?",
    "where_null=zzz": f"where_null: 'zzz' is not a dimension; the dimensions are {DIMENSIONS}",
    "where_null=": f"where_null: is empty; it takes a dimension out of {DIMENSIONS}, or leave it out",
    "where_null=source,date": "where_null: 'source,date' is not a dimension; did you mean 'source'?",
    "where[source]=a%FF": "where[source]: 'a\ufffd' is not valid UTF-8 text without NUL characters",
    "where_nul=date": "where_nul: 'where_nul' is not a parameter of this {}; did you mean 'where_null'?",
    "where[sorce]=x": "where[sorce]: 'where[sorce]' is not a parameter of this {}; did you mean 'where[source]'?",
    "utm_campaign=x": "utm_campaign: 'utm_campaign' is not a parameter of this {}; did you mean 'where[utm_campaign]'?",
    "Week=x": "Week: 'Week' is not a parameter of this {}; did you mean 'where[week]'?",
    "where[source=x": "where[source: 'where[source' is not a parameter of this {}; did you mean 'where[source]'?",
    "wher[source]=x": "wher[source]: 'wher[source]' is not a parameter of this {}; did you mean 'where[source]'?",
    "where[zzz]=x": f"where[zzz]: 'where[zzz]' is not a parameter of this {{}}; the dimensions are {DIMENSIONS}",
}


@pytest.mark.parametrize("query", WRONG)
def test_each_way_to_be_wrong(few: Asker, query: str) -> None:
    sentence = WRONG[query]
    assert few.problems(f"group_by=source&{query}") == [(sentence.partition(": ")[0], sentence.format("report"))]
    error = few.get(query, LIST).json()["error"]
    assert error["details"] == [{"param": sentence.partition(": ")[0], "message": sentence.format("list")}]


def test_problems_come_in_the_order_of_the_table(few: Asker) -> None:
    query = "where_null=x&zzz=1&where[week]=x&limit=0&where[sorce]=x&where[source]=&metrics=x"
    found = [name for name, _ in few.problems(query)]
    assert found == [
        "group_by",
        "metrics",
        "limit",
        "where[source]",
        "where[week]",
        "where_null",
        "zzz",
        "where[sorce]",
    ]


def test_numbers_are_those_of_the_country(door: Door) -> None:
    business = door.business(calls({"tracking_number": "(305) 555-1234"}, {"to": "C00001"}, {}))
    asker = door.asker(business)
    asked = [f"group_by=source&where[tracking_number]={quote(text)}" for text in ("305.555.1234", "3055551234 x1")]
    assert [asker.report(query)["totals"]["count"] for query in asked] == [1, 1]
    assert asker.report("group_by=source&where[tracking_number]=C00001")["totals"]["count"] == 1
    update_business(door.control, business.id, region="AT")
    assert [asker.report(query)["totals"]["count"] for query in asked] == [0, 0]


def test_a_number_that_was_kept_as_it_stood_is_found_in_every_country(door: Door) -> None:
    business = door.business(calls({"tracking_number": "07911 123456"}))
    update_business(door.control, business.id, region="GB")
    asker = door.asker(business)
    [row] = asker.report("group_by=tracking_number")["data"]
    assert row == {"tracking_number": "07911 123456", "count": 1}
    query = "group_by=source&where[tracking_number]=07911+123456"
    assert asker.report(query)["totals"]["count"] == 1


def test_many_days_are_as_good_as_few(door: Door) -> None:
    days = [f"20{year:02}-{month:02}-{day:02}" for year in range(20, 27) for month in range(1, 13) for day in (1, 3, 5)]
    records = [{"id": day, "started_at": f"{day}T23:59:59.999999Z"} for day in days]
    records += [{"id": f"not {day}", "started_at": f"{day[:-1]}{int(day[-1]) + 1}T00:00:00Z"} for day in days]
    asker = door.asker(door.business(records))
    query = "&".join(f"where[date]={day}" for day in days)
    assert asker.report(f"group_by=source&{query}")["totals"]["count"] == len(days)
    assert {call["id"] for call in listed(asker, [("where[date]", day) for day in days])} == set(days)


def test_an_etag_tells_them_apart(few: Asker) -> None:
    tags = {few.get(f"group_by=source&{query}").headers["ETag"] for query in COUNTS}
    same = {"where%5Bsource%5D=google", "where[hour_of_day]=012"}
    assert len(tags) >= len(COUNTS) - len(same) - 8  # several spell "no time at all" or the same stretch of time
    spelt = [few.get(f"group_by=source&where[source]={a}&where[source]={b}") for a, b in ("xy", "yx")]
    assert spelt[0].headers["ETag"] == spelt[1].headers["ETag"]


@given(params=strategies.dimension_filters(), time_zone=st.sampled_from(TIME_ZONES), data=st.data())
@settings(max_examples=max(PROFILE.max_examples // 3, 1))
def test_lists_equal_the_reference(
    door: Door, tmp_path: Path, params: strategies.Params, time_zone: str, data: st.DataObject
) -> None:
    records = data.draw(strategies.files_of_records(min_size=1, max_size=15))
    business, expected = door.business(timezone=time_zone), reference.Business(time_zone, "US")
    import_records(door.engine, business, records, tmp_path)
    expected.apply_file(records)
    order = data.draw(st.sampled_from(([], [("sort_order", "asc")], [("sort_order", "desc")])))
    search = data.draw(st.sampled_from(([], *([("search", text)] for text in strategies.PHONES), [("search", "c000")])))
    found = listed(door.asker(business), [*params, *order, *search])
    wanted = reference.listed(expected.calls(), time_zone, [*params, *order, *search])
    names = [name for name in reference.STORED if name not in {"id", "started_at"}]
    described = [[call[name] for name in names] for call in found]
    assert sorted(map(repr, described)) == sorted(repr([call[name] for name in names]) for call in wanted)
    assert [call["id"] for call in found if not call["id"].startswith("row-")] == [
        call["id"] for call in wanted if call["id"]
    ]
    door.engine.remove(business.calls)
