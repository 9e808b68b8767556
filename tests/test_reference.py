"""The reference reading itself, proved on cases small enough to work out by hand."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import reference, strategies
from tests.reference import Business, Call, Normalised, Summary, encode, normalise, report, round_half_away

NEW_YORK = "America/New_York"
LORD_HOWE = "Australia/Lord_Howe"
ST_JOHNS = "America/St_Johns"


def micros(text: str) -> int:
    """Microseconds since 1970 of a time with an offset, by the standard library's own parser."""
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // reference.MICROSECOND


def read(time_zone: str = NEW_YORK, **record: object) -> Normalised:
    return normalise(record, time_zone=time_zone, region="US")


def one(name: str, raw: object, time_zone: str = NEW_YORK) -> Any:
    """The stored value of one field, "error" where it is rejected."""
    said = normalise({name: raw}, time_zone=time_zone, region="US")
    if said.errors:
        assert said.errors == [name]
        return "error"
    return said.version if name == "updated_at" else said.values.get(name)


def call(at: str = "2026-03-09T12:00:00Z", **values: Any) -> Call:
    return {"started_at": micros(at), "direction": "inbound", **values}


def rows(calls: list[Call], *params: tuple[str, str], time_zone: str = "UTC") -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = report(calls, time_zone, params)["data"]["data"]
    return listed


def totals(calls: list[Call], metrics: str, *params: tuple[str, str], time_zone: str = "UTC") -> dict[str, Any]:
    asked = [("group_by", "source"), ("metrics", metrics), *params]
    found: dict[str, Any] = report(calls, time_zone, asked)["data"]["totals"]
    return found


def matched(calls: list[Call], *params: tuple[str, str], time_zone: str = "UTC") -> Any:
    """How many calls the filters let through."""
    return totals(calls, "count", *params, time_zone=time_zone)["count"]


# --- Names ----------------------------------------------------------------------------------------------------------


def test_own_name_wins_then_the_aliases_in_order() -> None:
    said = read(uuid="u", call_id="c", id="i", start_time="2026-01-01T00:00Z", created_at="2025-01-01T00:00Z", notes=1)
    assert said.values == {"id": "i", "started_at": micros("2026-01-01T00:00+00:00")}
    assert said.dropped == ["uuid", "call_id", "created_at", "notes"]
    assert read(uuid="u", call_id="c").values == {"id": "c"}


def test_own_name_wins_even_when_it_says_nothing() -> None:
    said = read(duration=60, duration_seconds=None, call_flow="", call_flow_name="Sales")
    assert (said.values, said.dropped, said.errors) == ({}, ["duration", "call_flow_name"], [])


def test_a_loser_is_not_looked_at() -> None:
    assert read(duration=60, duration_seconds=5, robo_score=1, robo_risk_score="bad").errors == []


def test_names_are_exact() -> None:
    assert read(Source="google").dropped == ["Source"]


# --- Text, numbers, booleans ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("  google ", "google"),
        ("e\u0301", "e\u0301"),
        (12, "12"),
        (12.0, "12"),
        (-3, "-3"),
        (12.5, "error"),
        (float("nan"), "error"),
        (float("inf"), "error"),
        (True, "error"),
        (["a"], "error"),
        ("a\0b", "error"),
        ("\ud800", "error"),
        ("", None),
        (" \t ", None),
        (None, None),
        ("x" * 512, "x" * 512),
        (" " + "x" * 512, "x" * 512),
        ("x" * 513, "error"),
    ],
)
def test_text(raw: object, stored: object) -> None:
    assert one("source", raw) == stored


def test_id_length() -> None:
    assert one("id", "i" * 128) == "i" * 128
    assert one("id", "i" * 129) == "error"


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        (12, 12),
        (12.0, 12),
        ("12", 12),
        (" 12.0 ", 12),
        ("+12.00", 12),
        ("-0", 0),
        ("0" * 5000 + "7", 7),
        ("9" * 5000, "error"),
        ("12.", "error"),
        ("1e1", "error"),
        ("1_0", "error"),
        ("٣", "error"),
        ("69.5", "error"),
        (69.5, "error"),
        (True, "error"),
        (10**400, "error"),
        ("", None),
        ("  ", None),
        (None, None),
        (101, "error"),
        (-1, "error"),
        (100, 100),
    ],
)
def test_whole_numbers(raw: object, stored: object) -> None:
    assert one("ai_score", raw) == stored


def test_ranges_of_whole_numbers() -> None:
    assert one("duration_seconds", 10_000_000) == 10_000_000
    assert one("duration_seconds", 10_000_001) == "error"
    assert [one("value_cents", n) for n in (10**12, -(10**12), 10**12 + 1)] == [10**12, -(10**12), "error"]


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        *[(raw, True) for raw in (True, "true", "YES", "1", " t ", 1, 1.0)],
        *[(raw, False) for raw in (False, "False", "no", "0", "F", 0, 0.0)],
        *[(raw, "error") for raw in (2, "y", "on", "1.0", 0.5)],
        (None, None),
        ("", None),
    ],
)
def test_booleans(raw: object, stored: object) -> None:
    assert one("qualified", raw) is stored or one("qualified", raw) == stored == "error"


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("Answered", "completed"),
        (" completed ", "completed"),
        ("Missed", "no-answer"),
        ("No_Answer", "no-answer"),
        ("no  answer", "no--answer"),
        ("In Progress", "in-progress"),
        ("", None),
        (7, "7"),
    ],
)
def test_status(raw: object, stored: object) -> None:
    assert one("status", raw) == stored


def test_direction() -> None:
    assert [one("direction", raw) for raw in (" outbound ", "Inbound", "in", "", None)] == [
        "outbound",
        "error",
        "error",
        None,
        None,
    ]


# --- Phone numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        "(305) 555-1234",
        "+13055551234",
        "305.555.1234",
        "1 305 555 1234",
        "305/555/1234",
        3055551234,
        3055551234.0,
        "305-555-1234 x12",
        "305-555-1234x12",
        "305-555-1234 ext. 12",
        "305-555-1234 ext 12",
        "305-555-1234 EXTENSION 12",
        "305-555-1234 #12",
        "+13055551234;ext=12",
        "(+1) 305 555 1234",
    ],
)
def test_one_caller_in_many_spellings(raw: object) -> None:
    assert one("caller_number", raw) == "+13055551234"


@pytest.mark.parametrize("raw", ["+44 20 7946 0958", "011 44 20 7946 0958"])
def test_a_caller_from_abroad(raw: str) -> None:
    assert one("caller_number", raw) == "+442079460958"


def test_the_region_says_what_a_national_number_is() -> None:
    said = normalise({"from": "020 7946 0958"}, time_zone="UTC", region="GB")
    assert said.values == {"caller_number": "+442079460958"}


@pytest.mark.parametrize(
    "raw",
    [
        "555-1234",
        "555-1234 x12",
        "123456",
        "C00001",
        "sip:alice@example.com",
        "+999 123 4567",
        "305-555-1234 or so",
        "3055551234 x",
        "٣٠٥٥٥٥١٢٣٤",
        "1+3055551234",
        "++13055551234",
        "+1305555123456789",
        "x12",
        "+",
    ],
)
def test_what_is_not_a_full_number_stays_as_it_is(raw: str) -> None:
    assert one("caller_number", f" {raw} ") == raw


@pytest.mark.parametrize("raw", ["anonymous", "Restricted", " PRIVATE ", "unknown", "unavailable", "blocked", "", None])
def test_no_number(raw: object) -> None:
    assert one("caller_number", raw) is None


def test_phone_errors() -> None:
    assert [one("caller_number", raw) for raw in ("C" * 513, "C\0", True, 1.5)] == ["error"] * 4
    assert one("caller_number", "C" * 512) == "C" * 512


# --- Times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "utc"),
    [
        ("2026-03-09T12:00:00Z", "2026-03-09T12:00:00+00:00"),
        ("2026-03-09t12:00:00z", "2026-03-09T12:00:00+00:00"),
        (" 2026-03-09 12:00Z ", "2026-03-09T12:00:00+00:00"),
        ("2026-03-09T12:00:00.1234567+05:45", "2026-03-09T06:15:00.123456+00:00"),
        ("2026-03-09T12:00:00.5-04:00", "2026-03-09T16:00:00.500000+00:00"),
        ("2026-03-09T12:00", "2026-03-09T16:00:00+00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
        ("2100-12-31T23:59:59.999999Z", "2100-12-31T23:59:59.999999+00:00"),
        ("2101-01-01T00:30:00+01:00", "2100-12-31T23:30:00+00:00"),
    ],
)
def test_times(raw: str, utc: str) -> None:
    assert one("started_at", raw) == micros(utc)


@pytest.mark.parametrize(
    "raw",
    [
        "2026-03-09",
        "2026-03-09T12",
        "2026-03-09  12:00Z",
        "2026-03-09T12:00 Z",
        "2026-03-09T12:00.5Z",
        "2026-03-09T12:00:00,5Z",
        "2026-03-09T12:00:00.Z",
        "2026-03-09T24:00:00Z",
        "2026-03-09T12:60:00Z",
        "2026-03-09T12:00:61Z",
        "2026-02-29T12:00:00Z",
        "2026-03-09T12:00:00+24:00",
        "2026-03-09T12:00:00+0100",
        "2026-3-9T12:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "2101-01-01T00:00:00Z",
        "2100-12-31T23:59:60Z",
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:60Z",
        1767225600,
        True,
    ],
)
def test_bad_times(raw: object) -> None:
    assert one("started_at", raw) == "error"


def test_a_version_may_be_of_any_year() -> None:
    assert one("updated_at", "1969-12-31T23:59:59.999999Z") == -1
    assert one("updated_at", "0001-01-01T00:00:00+23:59") == micros("0001-01-01T00:00:00+00:00") - 86_340_000_000
    assert one("updated_at", "2026-01-01T00:00:00") == micros("2026-01-01T05:00:00+00:00")


@pytest.mark.parametrize(
    ("time_zone", "raw", "utc", "ambiguous", "skipped"),
    [
        (NEW_YORK, "2026-03-08T01:59:59", "2026-03-08T06:59:59+00:00", False, False),
        (NEW_YORK, "2026-03-08T02:30:00", "2026-03-08T07:30:00+00:00", False, True),
        (NEW_YORK, "2026-03-08T03:00:00", "2026-03-08T07:00:00+00:00", False, False),
        (NEW_YORK, "2026-11-01T00:59:59", "2026-11-01T04:59:59+00:00", False, False),
        (NEW_YORK, "2026-11-01T01:00:00", "2026-11-01T05:00:00+00:00", True, False),
        (NEW_YORK, "2026-11-01T01:59:59", "2026-11-01T05:59:59+00:00", True, False),
        (NEW_YORK, "2026-11-01T02:00:00", "2026-11-01T07:00:00+00:00", False, False),
        (NEW_YORK, "2026-11-01T01:30:00-05:00", "2026-11-01T06:30:00+00:00", False, False),
        (LORD_HOWE, "2026-04-05T01:29:59", "2026-04-04T14:29:59+00:00", False, False),
        (LORD_HOWE, "2026-04-05T01:30:00", "2026-04-04T14:30:00+00:00", True, False),
        (LORD_HOWE, "2026-04-05T02:00:00", "2026-04-04T15:30:00+00:00", False, False),
        (LORD_HOWE, "2026-10-04T02:15:00", "2026-10-03T15:45:00+00:00", False, True),
        (LORD_HOWE, "2026-10-04T02:30:00", "2026-10-03T15:30:00+00:00", False, False),
        (ST_JOHNS, "2010-11-06T23:30:00", "2010-11-07T02:00:00+00:00", True, False),
        (ST_JOHNS, "2010-11-07T00:00:30", "2010-11-07T02:30:30+00:00", True, False),
        (ST_JOHNS, "2010-11-07T00:01:00", "2010-11-07T03:31:00+00:00", False, False),
        ("UTC", "2026-03-08T02:30:00", "2026-03-08T02:30:00+00:00", False, False),
    ],
)
def test_local_times(time_zone: str, raw: str, utc: str, ambiguous: bool, skipped: bool) -> None:
    said = read(time_zone, started_at=raw)
    assert said.values == {"started_at": micros(utc)}
    assert (said.ambiguous, said.skipped) == (ambiguous, skipped)


# --- Files and versions ---------------------------------------------------------------------------------------------

AT = "2026-03-09T12:00:00Z"
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def business(*files: list[dict[str, object]]) -> Business:
    made = Business("UTC", "US")
    for records in files:
        made.apply_file(records)
    return made


def value(made: Business, name: str) -> Any:
    """A field of the only call."""
    (only,) = made.calls()
    return only[name]


def test_a_created_call() -> None:
    made = Business("UTC", "US")
    assert made.apply({"id": "a", "started_at": AT, "extra": 1}) == Summary(
        read=1, added=1, dropped_fields={"extra": 1}
    )
    (only,) = made.calls()
    assert list(only) == reference.STORED
    assert {name: said for name, said in only.items() if said is not None} == {
        "id": "a",
        "started_at": micros("2026-03-09T12:00:00+00:00"),
        "direction": "inbound",
    }


@pytest.mark.parametrize(
    ("versions", "kept"),
    [
        ((None, None), "second"),
        ((EARLY, None), "first"),
        ((None, EARLY), "second"),
        ((EARLY, LATE), "second"),
        ((LATE, EARLY), "first"),
        ((EARLY, EARLY), "second"),
    ],
)
def test_versions(versions: tuple[str | None, str | None], kept: str) -> None:
    pair = [
        {"id": "a", "started_at": AT, "source": source, "updated_at": version}
        for source, version in zip(("first", "second"), versions, strict=True)
    ]
    assert value(business([dict(pair[0])], [dict(pair[1])]), "source") == kept
    assert value(business([dict(row) for row in pair]), "source") == kept


def test_of_equal_versions_the_greater_value_wins() -> None:
    def after(name: str, first: object, second: object) -> Any:
        record: dict[str, object] = {"id": "a", "started_at": AT, "updated_at": EARLY}
        return value(business([{**record, name: first}], [{**record, name: second}]), name)

    assert after("ai_score", 10, 9) == after("ai_score", 9, 10) == 10
    assert after("qualified", True, False) is after("qualified", False, True) is True
    assert after("source", "\uff5e", "🚀") == after("source", "🚀", "\uff5e") == "🚀"


def test_each_field_has_its_own_version() -> None:
    made = business(
        [{"id": "a", "started_at": AT, "source": "old", "updated_at": EARLY}],
        [{"id": "a", "ai_score": 5, "updated_at": LATE}],
        [{"id": "a", "ai_score": 6, "source": "new", "updated_at": "2026-01-15T00:00:00Z", "status": "busy"}],
    )
    (only,) = made.calls()
    assert (only["source"], only["ai_score"], only["status"]) == ("new", 5, "busy")


def test_null_and_empty_say_nothing_in_a_file() -> None:
    made = business([{"id": "a", "started_at": AT, "source": "x"}])
    assert made.apply({"id": "a", "source": None, "updated_at": LATE}) == Summary(read=1, unchanged=1)
    assert made.apply({"id": "a", "source": ""}) == Summary(read=1, unchanged=1)
    assert value(made, "source") == "x"


def test_as_of_is_the_version_of_rows_that_have_none() -> None:
    made = business([{"id": "a", "started_at": AT, "source": "old", "updated_at": EARLY}])
    assert made.apply({"id": "a", "source": "new"}, as_of=micros("2026-01-02T00:00:00+00:00")).updated == 1
    assert made.apply({"id": "a", "source": "zzz"}).unchanged == 1
    assert value(made, "source") == "new"


def test_inbound_by_default_is_empty() -> None:
    made = business([{"id": "a", "started_at": AT, "updated_at": LATE}])
    assert made.apply({"id": "a", "direction": "inbound"}).unchanged == 1
    assert made.apply({"id": "a", "direction": "outbound"}).updated == 1
    assert made.apply({"id": "a", "source": "x"}).updated == 1
    assert value(made, "direction") == "outbound"


def test_a_row_without_a_start_needs_its_call() -> None:
    made = Business("UTC", "US")
    assert made.apply({"id": "a", "source": "x"}) == Summary(read=1, rejected=1)
    assert made.apply({"source": "x"}) == Summary(read=1, rejected=1)
    assert made.apply_file([{"id": "a", "source": "x"}, {"id": "a", "started_at": AT}]) == Summary(
        read=2, added=1, updated=1
    )
    assert made.apply({"id": "a", "source": "y"}) == Summary(read=1, updated=1)
    assert made.apply_file([{"id": "b", "started_at": AT, "ai_score": 101}, {"id": "b"}]) == Summary(read=2, rejected=2)


def test_rows_without_an_id_are_matched_across_imports() -> None:
    twin: dict[str, object] = {"started_at": AT, "from": "(305) 555-1234"}
    made = Business("UTC", "US")
    assert made.apply_file([dict(twin), dict(twin)]) == Summary(read=2, added=2)
    assert made.apply_file([dict(twin), dict(twin)]) == Summary(read=2, unchanged=2)
    again: dict[str, object] = {
        "started_at": "2026-03-09T13:00:00+01:00",
        "caller_number": "+13055551234",
        "direction": "inbound",
    }
    assert made.apply_file([dict(again), {**again, "ai_score": 9}]) == Summary(read=2, updated=1, unchanged=1)
    assert [made_call["ai_score"] for made_call in made.calls()] == [None, 9]
    assert made.apply({**again, "direction": "outbound"}) == Summary(read=1, added=1)
    assert [made_call["id"] for made_call in made.calls()] == [None] * 3


def test_outcomes_of_further_rows_of_a_call() -> None:
    row: dict[str, object] = {"id": "a", "started_at": AT}
    made = Business("UTC", "US")
    assert made.apply_file([row, row, {**row, "source": "x"}, row]) == Summary(read=4, added=1, unchanged=1, updated=2)
    assert made.apply_file([row, {**row, "source": "y"}, {**row, "source": "x"}]) == Summary(read=3, unchanged=3)
    assert made.apply_file([row, {**row, "source": "z"}, {**row, "source": "z"}]) == Summary(
        read=3, updated=2, unchanged=1
    )


def test_times_are_counted_over_accepted_rows_and_dropped_fields_over_all() -> None:
    made = Business(NEW_YORK, "US")
    summary = made.apply_file(
        [
            {"id": "a", "started_at": "2026-11-01T01:30:00", "x": 1},
            {"id": "b", "started_at": "2026-03-08T02:30:00", "x": 1, "y": 1},
            {"id": "c", "started_at": "2026-03-08T02:30:00", "x": 1, "ai_score": 101},
        ]
    )
    assert summary == Summary(
        read=3, added=2, rejected=1, ambiguous_times=1, skipped_times=1, dropped_fields={"x": 3, "y": 1}
    )


# --- Reports: metrics -----------------------------------------------------------------------------------------------


def marked(qualified: int, others: int) -> list[Call]:
    return [call(qualified=True) for _ in range(qualified)] + [call(qualified=False) for _ in range(others)]


@pytest.mark.parametrize(
    ("qualified", "of", "shown"),
    [(74, 99, "74.7"), (30, 42, "71.4"), (140, 231, "60.6"), (1, 16, "6.3"), (3, 4, "75"), (0, 3, "0"), (5, 5, "100")],
)
def test_qualified_pct(qualified: int, of: int, shown: str) -> None:
    answer = report(marked(qualified, of - qualified), "UTC", [("group_by", "source"), ("metrics", "qualified_pct")])
    assert encode(answer["data"]["totals"]) == f'{{"qualified_pct":{shown}}}'.encode()


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [("0.5", 1), ("-0.5", -1), ("0.4999", 0), ("-0.4999", 0), ("1.5", 2), ("2.5", 3), ("-2.5", -3), ("-2.4", -2)],
)
def test_round_half_away(exact: str, rounded: int) -> None:
    assert round_half_away(Fraction(exact)) == rounded


def test_every_metric() -> None:
    calls = [
        call(duration_seconds=10, ai_score=70, robo_score=0, qualified=True, status="completed", value_cents=10**12),
        call(duration_seconds=15, ai_score=71, qualified=False, status="no-answer", value_cents=10**12, cost_cents=-7),
        call(status="voicemail", caller_number="+13055551234", value_cents=-1),
        call(status="busy", caller_number="+13055551234"),
    ]
    assert totals(calls, ",".join(reference.METRICS)) == {
        "count": 4,
        "avg_duration": 13,
        "total_duration": 25,
        "avg_ai_score": 71,
        "qualified_count": 1,
        "qualified_pct": 25,
        "total_value_cents": 2 * 10**12 - 1,
        "unique_callers": 1,
        "answered_count": 1,
        "missed_count": 1,
        "voicemail_count": 1,
        "avg_robo_score": 0,
        "total_cost_cents": -7,
    }


def test_no_matching_call() -> None:
    answer = report([], "UTC", [("group_by", "date"), ("metrics", ",".join(reference.METRICS))])
    empty = dict.fromkeys(reference.METRICS, 0)
    nulls = dict.fromkeys(("avg_duration", "avg_ai_score", "qualified_pct", "avg_robo_score"))
    assert answer == {"data": {"data": [], "totals": {**empty, **nulls}, "count": 0}}


# --- Reports: dimensions --------------------------------------------------------------------------------------------


def local(at: str, time_zone: str) -> list[Any]:
    """The date, week, month, hour and day of the week of one instant."""
    when = call(at)
    (first,) = rows([when], ("group_by", "date,week,month"), time_zone=time_zone)
    (second,) = rows([when], ("group_by", "hour_of_day,day_of_week"), time_zone=time_zone)
    return [*list(first.values())[:3], *list(second.values())[:2]]


@pytest.mark.parametrize(
    ("time_zone", "at", "expected"),
    [
        ("UTC", "2026-03-09T00:00:00+00:00", ["2026-03-09", "2026-03-09", "2026-03", 0, 1]),
        ("UTC", "2026-03-08T23:59:59.999999+00:00", ["2026-03-08", "2026-03-02", "2026-03", 23, 0]),
        ("UTC", "2026-03-14T12:00:00+00:00", ["2026-03-14", "2026-03-09", "2026-03", 12, 6]),
        ("UTC", "1970-01-01T00:00:00+00:00", ["1970-01-01", "1969-12-29", "1970-01", 0, 4]),
        (NEW_YORK, "2026-01-01T04:59:59+00:00", ["2025-12-31", "2025-12-29", "2025-12", 23, 3]),
        (NEW_YORK, "2026-03-08T06:59:59+00:00", ["2026-03-08", "2026-03-02", "2026-03", 1, 0]),
        (NEW_YORK, "2026-03-08T07:00:00+00:00", ["2026-03-08", "2026-03-02", "2026-03", 3, 0]),
        (NEW_YORK, "2026-11-01T05:30:00+00:00", ["2026-11-01", "2026-10-26", "2026-11", 1, 0]),
        (NEW_YORK, "2026-11-01T06:30:00+00:00", ["2026-11-01", "2026-10-26", "2026-11", 1, 0]),
        (NEW_YORK, "2026-11-02T04:59:59+00:00", ["2026-11-01", "2026-10-26", "2026-11", 23, 0]),
        (LORD_HOWE, "2026-04-04T14:59:59+00:00", ["2026-04-05", "2026-03-30", "2026-04", 1, 0]),
        (LORD_HOWE, "2026-04-04T15:00:00+00:00", ["2026-04-05", "2026-03-30", "2026-04", 1, 0]),
        (LORD_HOWE, "2026-04-04T15:30:00+00:00", ["2026-04-05", "2026-03-30", "2026-04", 2, 0]),
        (LORD_HOWE, "2026-10-03T15:29:59+00:00", ["2026-10-04", "2026-09-28", "2026-10", 1, 0]),
        (LORD_HOWE, "2026-10-03T15:30:00+00:00", ["2026-10-04", "2026-09-28", "2026-10", 2, 0]),
        (ST_JOHNS, "2010-11-07T02:29:59+00:00", ["2010-11-06", "2010-11-01", "2010-11", 23, 6]),
        (ST_JOHNS, "2010-11-07T02:30:30+00:00", ["2010-11-07", "2010-11-01", "2010-11", 0, 0]),
        (ST_JOHNS, "2010-11-07T02:31:00+00:00", ["2010-11-06", "2010-11-01", "2010-11", 23, 6]),
        (ST_JOHNS, "2010-11-07T03:30:00+00:00", ["2010-11-07", "2010-11-01", "2010-11", 0, 0]),
    ],
)
def test_local_dimensions(time_zone: str, at: str, expected: list[object]) -> None:
    assert local(at, time_zone) == expected


def test_the_repeated_hour_counts_twice_under_one_hour() -> None:
    calls = [call("2026-11-01T05:30:00+00:00"), call("2026-11-01T06:30:00+00:00")]
    assert rows(calls, ("group_by", "hour_of_day"), time_zone=NEW_YORK) == [{"hour_of_day": 1, "count": 2}]


def test_a_date_filter_takes_the_parts_of_a_day_that_lies_in_two() -> None:
    calls = [call(f"2010-11-07T{at}+00:00") for at in ("02:00:00", "02:30:30", "02:45:00", "03:30:00")]
    assert matched(calls, ("end_date", "2010-11-06"), time_zone=ST_JOHNS) == 2
    assert matched(calls, ("start_date", "2010-11-07"), time_zone=ST_JOHNS) == 2


def test_text_dimensions_have_a_group_for_null() -> None:
    calls = [call(source="a"), call(), call(source=None)]
    assert rows(calls, ("group_by", "source")) == [{"source": None, "count": 2}, {"source": "a", "count": 1}]


# --- Reports: filters -----------------------------------------------------------------------------------------------


def test_both_days_of_a_date_range_are_included() -> None:
    calls = [
        call(f"2026-03-{at}:00+00:00")
        for at in ("08T23:59", "09T00:00", "09T23:59", "10T00:00", "10T23:59", "11T00:00")
    ]
    assert matched(calls, ("start_date", "2026-03-09"), ("end_date", "2026-03-10")) == 4
    assert matched(calls, ("start_date", "0001-01-01"), ("end_date", "9999-12-31")) == 6


def test_text_filters_match_exactly_and_any_of_their_values() -> None:
    calls = [call(source=source, number_group_id=source) for source in ("a", "A", "b", None)]
    assert matched(calls, ("source", "a")) == 1
    assert matched(calls, ("source", " a")) == 0
    assert matched(calls, ("source", "a"), ("source", "b"), ("source", "b")) == 2
    assert matched(calls, ("source", "a"), ("number_group_id", "b")) == 0
    assert matched(calls, ("number_group_id", "b")) == 1


def test_the_status_filter_is_normalised() -> None:
    calls = [call(status=status) for status in ("completed", "no-answer", "busy", None)]
    assert matched(calls, ("status", "Answered")) == 1
    assert matched(calls, ("status", "NO_ANSWER"), ("status", " Busy ")) == 2
    assert matched(calls, ("status", " ")) == 0


def test_score_filters_are_exact() -> None:
    calls = [call(ai_score=score) for score in (0, 50, 51, 100, None)]
    assert matched(calls, ("min_ai_score", "050.5")) == 2
    assert matched(calls, ("max_ai_score", "50")) == 2
    assert matched(calls, ("max_ai_score", "49.99999999999999999999999999")) == 1
    assert matched(calls, ("min_ai_score", "50.00000000000000000000000001")) == 2
    assert matched(calls, ("min_ai_score", "0"), ("max_ai_score", "100")) == 4


def test_the_other_filters() -> None:
    calls = [
        call(qualified=True, duration_seconds=0),
        call(qualified=False, duration_seconds=60, direction="outbound"),
        call(),
    ]
    assert [matched(calls, ("qualified", said)) for said in ("true", "false")] == [1, 1]
    assert [matched(calls, ("min_duration", said)) for said in ("0", "60", "61")] == [2, 1, 0]
    assert [matched(calls, ("direction", said)) for said in ("inbound", "outbound")] == [2, 1]


# --- Reports: order and form ----------------------------------------------------------------------------------------


def order(calls: list[Call], *params: tuple[str, str]) -> list[Any]:
    """The sources in the order of the rows."""
    return [row["source"] for row in rows(calls, ("group_by", "source"), *params)]


def test_ties_are_broken_by_text_in_code_point_order_with_nulls_last() -> None:
    calls = [call(source=source) for source in ("🚀", "\uff5e", "b", "B", None, "é", "e\u0301")]
    expected = ["B", "b", "e\u0301", "é", "\uff5e", "🚀", None]
    assert order(calls) == order(calls, ("sort_order", "asc")) == expected


def test_ties_follow_the_order_of_group_by() -> None:
    calls = [call(source=source, status=status) for source, status in (("b", "x"), ("a", "y"), (None, "x"))]
    assert [row["source"] for row in rows(calls, ("group_by", "status,source"))] == ["b", None, "a"]
    assert [row["source"] for row in rows(calls, ("group_by", "source,status"))] == ["a", "b", None]


def test_nulls_come_last_in_both_orders() -> None:
    calls = [call(source="a"), call(source="b", ai_score=1), call(source="c", ai_score=2), call()]
    by_score = ("sort_by", "avg_ai_score")
    assert order(calls, by_score) == ["c", "b", "a", None]
    assert order(calls, by_score, ("sort_order", "asc")) == ["b", "c", "a", None]
    assert order(calls, ("sort_by", "source")) == ["c", "b", "a", None]
    assert order(calls, ("sort_by", "source"), ("sort_order", "asc")) == ["a", "b", "c", None]


def test_sorting_is_by_the_exact_value() -> None:
    calls = [call(source="a", ai_score=score) for score in (70, 70, 71)]
    calls += [call(source="b", ai_score=score) for score in (70, 71, 71, 70, 70)]
    shown = rows(calls, ("group_by", "source"), ("metrics", "avg_ai_score"), ("sort_by", "avg_ai_score"))
    assert shown == [{"source": "b", "avg_ai_score": 70}, {"source": "a", "avg_ai_score": 70}]


def test_limit_cuts_the_rows_and_not_the_totals() -> None:
    calls = [call(source=source, caller_number="+13055551234") for source in ("a", "b", "b")]
    asked = [("limit", "1"), ("metrics", "unique_callers , count,unique_callers"), ("group_by", "source")]
    assert encode(report(calls, "UTC", asked)) == (
        b'{"data":{"data":[{"source":"b","unique_callers":1,"count":2}],'
        b'"totals":{"unique_callers":1,"count":3},"count":1}}'
    )


def test_a_hundred_rows_by_default() -> None:
    calls = [call(source=f"{number:03}") for number in range(101)]
    assert order(calls) == [f"{number:03}" for number in range(100)]


def test_text_is_written_unescaped() -> None:
    answer = report([call(source='é🚀"<')], "UTC", [("group_by", "source")])
    assert encode(answer["data"]["data"]) == '[{"source":"é🚀\\"<","count":1}]'.encode()


# --- Properties -----------------------------------------------------------------------------------------------------

slow = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
zones = st.sampled_from(strategies.TIME_ZONES)


@slow
@given(strategies.records(), zones)
def test_generated_records_are_accepted(record: dict[str, object], time_zone: str) -> None:
    assert normalise(record, time_zone=time_zone, region="US").errors == []


@slow
@given(strategies.faulty_records(), zones)
def test_generated_faults_are_rejected(record: dict[str, object], time_zone: str) -> None:
    assert len(normalise(record, time_zone=time_zone, region="US").errors) == 1


@slow
@given(strategies.files_of_records(), zones)
def test_importing_a_file_again_changes_nothing(records: list[dict[str, object]], time_zone: str) -> None:
    made = Business(time_zone, "US")
    first = made.apply_file(records)
    before = made.calls()
    again = made.apply_file(records)
    assert made.calls() == before
    assert first.added == len(before)
    assert first.read == first.added + first.updated + first.unchanged + first.rejected == len(records)
    assert again.unchanged == again.read - again.rejected
    assert first.rejected == again.rejected


@slow
@given(strategies.files_of_records(), zones, strategies.requests())
def test_generated_requests_are_answered(
    records: list[dict[str, object]], time_zone: str, params: list[tuple[str, str]]
) -> None:
    made = Business(time_zone, "US")
    made.apply_file(records)
    answer = report(made.calls(), time_zone, params)["data"]
    assert answer["count"] == len(answer["data"]) <= len(records)
    assert encode(answer)


def test_strategies_know_every_name() -> None:
    assert tuple(reference.DIMENSIONS) == strategies.DIMENSION_NAMES
    assert tuple(reference.METRICS) == strategies.METRIC_NAMES
    assert len(reference.DIMENSIONS) == 17
    assert len(reference.METRICS) == len(reference.FILTERS) == 13
    found = {*strategies.RAW_FIELDS, "id", "started_at"}
    assert found == set(reference.STORED)
