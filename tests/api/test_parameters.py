"""Every parameter: what it takes, its edges, and each way to be wrong, in words."""

import asyncio
import itertools
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.api.conftest import Asker, Door, calls, raw_get
from tests.strategies import DIMENSION_NAMES, METRIC_NAMES

PROFILE = settings.get_profile(settings.get_current_profile_name())
PARAMETERS = (
    "group_by",
    "metrics",
    "start_date",
    "end_date",
    "status",
    "source",
    "call_flow_id",
    "number_id",
    "number_group_id",
    "ai_category",
    "direction",
    "qualified",
    "min_ai_score",
    "max_ai_score",
    "min_duration",
    "sort_by",
    "sort_order",
    "limit",
)
TEXT_FILTERS = ("status", "source", "call_flow_id", "number_id", "number_group_id", "ai_category")
DIMENSIONS = ", ".join(DIMENSION_NAMES)
METRICS = ", ".join(METRIC_NAMES)


def counted(asker: Asker, query: str) -> int:
    """How many calls match the filters of a query."""
    found: int = asker.report(f"group_by=source&{query}")["totals"]["count"]
    return found


# --- What is right --------------------------------------------------------------------------------------------------


def test_defaults_are_what_they_say(few: Asker) -> None:
    spelt_out = "group_by=source&metrics=count&sort_by=count&sort_order=desc&limit=100"
    assert few.get("group_by=source").content == few.get(spelt_out).content
    assert list(few.report("group_by=source")["totals"]) == ["count"]


def test_the_default_limit_is_100_rows(door: Door) -> None:
    many = door.asker(door.business(calls(*({"source": f"source {n:04}"} for n in range(1100)))))
    assert many.report("group_by=source")["count"] == 100
    assert many.report("group_by=source")["totals"] == {"count": 1100}
    assert [many.report(f"group_by=source&limit={n}")["count"] for n in ("1", "007", "1000")] == [1, 7, 1000]


@pytest.mark.parametrize("name", DIMENSION_NAMES)
def test_every_dimension_can_be_grouped_and_sorted_by(few: Asker, name: str) -> None:
    found = few.report(f"group_by={name}&sort_by={name}&sort_order=asc")
    values = [row[name] for row in found["data"] if row[name] is not None]
    assert values == sorted(values)
    assert sum(row["count"] for row in found["data"]) == 5


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_every_metric_can_be_had_and_sorted_by_without_being_asked_for(few: Asker, name: str) -> None:
    assert list(few.report(f"group_by=source&metrics={name}")["totals"]) == [name]
    for order in ("asc", "desc"):
        rows = few.report(f"group_by=source&sort_by={name}&sort_order={order}")["data"]
        values = [row[name] for row in few.report(f"group_by=source&metrics={name}&limit=1000")["data"]]
        known = sorted((value for value in values if value is not None), reverse=order == "desc")
        shown = few.report(f"group_by=source&metrics={name}&sort_by={name}&sort_order={order}")["data"]
        assert [row[name] for row in shown] == known + [None] * (len(values) - len(known))
        assert [row["source"] for row in rows] == [row["source"] for row in shown]


RIGHT = {
    "start_date=0001-01-01&end_date=9999-12-31": 5,
    "start_date=2026-03-09&end_date=2026-03-09": 5,
    "start_date=2026-03-10": 0,
    "end_date=2026-03-08": 0,
    "start_date=9999-12-31": 0,
    "end_date=0001-01-01": 0,
    "status=completed": 1,
    "status=%20Answered%20": 1,
    "status=No_Answer": 1,
    "status=missed": 1,
    "status=nothing+has+this": 0,
    "source=google": 2,
    "source=Google": 0,
    "source=google+": 0,
    "source=google&source=bing": 3,
    "source=google&source=google": 2,
    "source=m%C3%BCnchen%20%F0%9F%9A%80": 1,
    "source=m%C3%BCnchen+%F0%9F%9A%80": 1,
    "source=google%26source%3Dbing": 0,
    "source=google,bing": 0,
    "call_flow_id=f-1": 1,
    "number_id=n-1": 1,
    "number_group_id=g-1": 1,
    "ai_category=lead": 0,
    "direction=inbound": 4,
    "direction=outbound": 1,
    "qualified=true": 1,
    "qualified=false": 1,
    "min_ai_score=0": 2,
    "min_ai_score=050.5": 2,
    "min_ai_score=51.000000000000000000000000000000000000000001": 1,
    "max_ai_score=51": 1,
    "max_ai_score=50.99999999999999999999999999999999999999999999": 0,
    "min_ai_score=100.000": 0,
    "max_ai_score=100": 2,
    "min_ai_score=51&max_ai_score=51.0": 1,
    "min_ai_score=" + "0" * 5000 + "80": 1,
    "min_ai_score=80." + "0" * 5000: 1,
    "min_duration=0": 2,
    "min_duration=60": 1,
    "min_duration=00061": 0,
    "min_duration=10000000": 0,
    "source=google&status=completed&direction=inbound": 1,
}


@pytest.mark.parametrize("query", RIGHT, ids=lambda query: query[:60])
def test_filters_count_what_they_say(few: Asker, query: str) -> None:
    assert counted(few, query) == RIGHT[query]


@pytest.mark.parametrize("name", TEXT_FILTERS)
def test_a_text_filter_takes_512_characters(door: Door, name: str) -> None:
    text = "🚀" * 512
    asker = door.asker(door.business(calls({name: text}, {name: text[1:]})))
    assert counted(asker, f"{name}={quote(text)}") == 1
    [(param, message)] = asker.problems(f"group_by=source&{name}={quote(text)}a")
    assert param == name
    assert message == f"{name}: '{'🚀' * 100}' is 513 characters long; at most 512 are allowed"


def test_both_days_are_included_and_local(door: Door) -> None:
    starts = (
        "2026-03-08T04:59:59.999999Z",
        "2026-03-08T05:00:00Z",
        "2026-03-09T03:59:59.999999Z",
        "2026-03-09T04:00:00Z",
    )
    records = [{"id": str(n), "started_at": start} for n, start in enumerate(starts)]
    asker = door.asker(door.business(records, timezone="America/New_York"))
    assert counted(asker, "start_date=2026-03-08&end_date=2026-03-08") == 2
    assert counted(asker, "start_date=2026-03-08") == 3
    assert counted(asker, "end_date=2026-03-08") == 3


# --- What is wrong --------------------------------------------------------------------------------------------------

NINES = "9" * 5000
GROUPED = "group_by=source&"
WRONG = {
    # group_by
    "": f"group_by: is required: 1 to 3 dimensions out of {DIMENSIONS}",
    "group_by=": f"group_by: is empty; it takes 1 to 3 dimensions out of {DIMENSIONS}",
    "group_by": f"group_by: is empty; it takes 1 to 3 dimensions out of {DIMENSIONS}",
    "group_by=sorce": "group_by: 'sorce' is not a dimension; did you mean 'source'?",
    "group_by=Source": "group_by: 'Source' is not a dimension; did you mean 'source'?",
    "group_by=zzz": f"group_by: 'zzz' is not a dimension; the dimensions are {DIMENSIONS}",
    "group_by=source,,date": "group_by: 'source,,date' has an empty name between commas",
    "group_by=source,": "group_by: 'source,' has an empty name between commas",
    "group_by=source,date,week,month": "group_by: 4 names are given; at most 3 are allowed",
    "group_by=source,date,source": "group_by: 'source' is given 2 times; each can be given once",
    "group_by=source&group_by=date": "group_by: was given 2 times; give it once",
    "group_by=source%00": "group_by: 'source\x00' is not valid UTF-8 text without NUL characters",
    # metrics
    GROUPED + "metrics=": f"metrics: is empty; it takes metrics out of {METRICS}, or leave it out",
    GROUPED + "metrics=cuont": "metrics: 'cuont' is not a metric; did you mean 'count'?",
    GROUPED + "metrics=zzz": f"metrics: 'zzz' is not a metric; the metrics are {METRICS}",
    GROUPED + "metrics=,count": "metrics: ',count' has an empty name between commas",
    GROUPED + "metrics=count&metrics=count": "metrics: was given 2 times; give it once",
    # dates
    GROUPED + "start_date=": "start_date: is empty; it takes a day such as 2026-03-09, or leave it out",
    GROUPED + "start_date=2026-02-30": "start_date: '2026-02-30' is not a day such as 2026-03-09",
    GROUPED + "start_date=0000-01-01": "start_date: '0000-01-01' is not a day such as 2026-03-09",
    GROUPED + "start_date=10000-01-01": "start_date: '10000-01-01' is not a day such as 2026-03-09",
    GROUPED + "end_date=2026-3-9": "end_date: '2026-3-9' is not a day such as 2026-03-09",
    GROUPED + "end_date=20260309": "end_date: '20260309' is not a day such as 2026-03-09",
    GROUPED + "end_date=2026-W11-1": "end_date: '2026-W11-1' is not a day such as 2026-03-09",
    GROUPED + "end_date=2026-03-09T00:00": "end_date: '2026-03-09T00:00' is not a day such as 2026-03-09",
    GROUPED + "end_date=2026-03-09%0A": "end_date: '2026-03-09\n' is not a day such as 2026-03-09",
    GROUPED + "end_date=" + quote("２０２６-03-09"): "end_date: '２０２６-03-09' is not a day such as 2026-03-09",
    GROUPED + "start_date=2026-03-09&end_date=2026-03-08": (
        "start_date: '2026-03-09' is after end_date '2026-03-08'; it can be at most that"
    ),
    # texts
    **{
        f"{GROUPED}{name}=": f"{name}: is empty; it takes text such as '{example_of}', or leave it out"
        for name, example_of in zip(
            TEXT_FILTERS, ("completed", "google", "flow-1", "num-1", "group-1", "lead"), strict=True
        )
    },
    **{
        f"{GROUPED}{name}=a%FF": f"{name}: 'a\ufffd' is not valid UTF-8 text without NUL characters"
        for name in TEXT_FILTERS
    },
    GROUPED + "source=%00": "source: '\x00' is not valid UTF-8 text without NUL characters",
    GROUPED + "source=%ED%A0%80": "source: '\ufffd\ufffd\ufffd' is not valid UTF-8 text without NUL characters",
    GROUPED + "source=google&source=": "source: is empty; it takes text such as 'google', or leave it out",
    GROUPED + "status=+": "status: is blank; give a status such as 'completed', or leave it out",
    # choices
    GROUPED + "direction=": "direction: is empty; it takes 'inbound' or 'outbound', or leave it out",
    GROUPED + "direction=in": "direction: 'in' is not allowed; it is 'inbound' or 'outbound'",
    GROUPED + "direction=Inbound": "direction: 'Inbound' is not allowed; did you mean 'inbound'?",
    GROUPED + "direction=inbound&direction=outbound": "direction: was given 2 times; give it once",
    GROUPED + "qualified=1": "qualified: '1' is not allowed; it is 'true' or 'false'",
    GROUPED + "qualified=True": "qualified: 'True' is not allowed; did you mean 'true'?",
    GROUPED + "qualified=null": "qualified: 'null' is not allowed; it is 'true' or 'false'",
    # scores
    **{
        f"{GROUPED}min_ai_score={quote_plus(score)}": f"min_ai_score: '{score}' is not a number from 0 to 100"
        for score in (
            "5e1",
            "+5",
            "-1",
            "1_0",
            "nan",
            "inf",
            " 5",
            "5 ",
            "٥",
            ".5",
            "5.",
            "1,5",
            "100.001",
            "0x10",
            "½",
        )
    },
    GROUPED + "max_ai_score=101": "max_ai_score: '101' is not a number from 0 to 100",
    GROUPED + f"max_ai_score={NINES}": f"max_ai_score: '{'9' * 100}' is not a number from 0 to 100",
    GROUPED + "min_ai_score=5&min_ai_score=5": "min_ai_score: was given 2 times; give it once",
    GROUPED + "min_ai_score=50.01&max_ai_score=50": (
        "min_ai_score: '50.01' is above max_ai_score '50'; it can be at most that"
    ),
    # whole numbers
    **{
        f"{GROUPED}min_duration={quote_plus(number)}": (
            f"min_duration: '{number}' is not a whole number from 0 to 10000000"
        )
        for number in ("60.0", "6e1", "-1", "+6", "1_0", "٦", " 6", "10000001", "0x1")
    },
    **{
        f"{GROUPED}limit={quote_plus(number)}": f"limit: '{number}' is not a whole number from 1 to 1000"
        for number in ("0", "000", "1001", "-1", "10.0", "all", "²")
    },
    GROUPED + f"limit={NINES}": f"limit: '{'9' * 100}' is not a whole number from 1 to 1000",
    GROUPED + "limit=": "limit: is empty; it takes a whole number from 1 to 1000, or leave it out",
    GROUPED + "limit=5&limit=6&limit=7": "limit: was given 3 times; give it once",
    # sorting
    GROUPED + "sort_by=": "sort_by: is empty; it takes a metric or a dimension of group_by, or leave it out",
    GROUPED + "sort_by=zz": (
        "sort_by: 'zz' is not a metric, nor a dimension of group_by; the metrics are count, avg_duration,"
        " total_duration, avg_ai_score, qualified_count, qualified_pct, total_value_cents, unique_callers,"
        " answered_count, missed_count, voicemail_count, avg_robo_score, total_cost_cents"
    ),
    GROUPED + "sort_by=cuont": "sort_by: 'cuont' is not a metric, nor a dimension of group_by; did you mean 'count'?",
    GROUPED + "sort_by=date": "sort_by: 'date' is a dimension that group_by lacks; sort by a metric or by 'source'",
    GROUPED + "sort_by=source,count": (
        "sort_by: 'source,count' is not a metric, nor a dimension of group_by; did you mean 'source'?"
    ),
    GROUPED + "sort_order=descending": "sort_order: 'descending' is not allowed; it is 'desc' or 'asc'",
    GROUPED + "sort_order=DESC": "sort_order: 'DESC' is not allowed; did you mean 'desc'?",
    # unknown
    GROUPED + "sorce=google": "sorce: 'sorce' is not a parameter of this report; did you mean 'source'?",
    GROUPED + "Source=google": "Source: 'Source' is not a parameter of this report; did you mean 'source'?",
    GROUPED + "zzz": f"zzz: 'zzz' is not a parameter of this report; it takes {', '.join(PARAMETERS)}",
    GROUPED + "=5": f": '' is not a parameter of this report; it takes {', '.join(PARAMETERS)}",
    GROUPED + "limit%5B%5D=5": "limit[]: 'limit[]' is not a parameter of this report; did you mean 'limit'?",
    GROUPED + "%FF=1": f"\ufffd: '\ufffd' is not a parameter of this report; it takes {', '.join(PARAMETERS)}",
    GROUPED + "x" * 101 + "=1": (
        f"{'x' * 100}: '{'x' * 100}' is not a parameter of this report; it takes {', '.join(PARAMETERS)}"
    ),
}


@pytest.mark.parametrize("query", WRONG, ids=lambda query: query[:60] or "nothing")
def test_each_way_to_be_wrong_is_told_in_one_sentence(few: Asker, query: str) -> None:
    assert few.problems(query) == [(WRONG[query].partition(":")[0], WRONG[query])]


def test_what_cannot_be_read_hides_nothing_else(few: Asker) -> None:
    query = f"{GROUPED}limit=%FF&limit=0&source=%FF&source=%00&source=&source={'x' * 513}"
    unreadable = "is not valid UTF-8 text without NUL characters"
    assert few.problems(query) == [
        ("source", f"source: '\ufffd' {unreadable}"),
        ("source", f"source: '\x00' {unreadable}"),
        ("source", "source: is empty; it takes text such as 'google', or leave it out"),
        ("source", f"source: '{'x' * 100}' is 513 characters long; at most 512 are allowed"),
        ("limit", f"limit: '\ufffd' {unreadable}"),
        ("limit", "limit: was given 2 times; give it once"),
    ]


def test_all_problems_are_told_at_once_in_the_order_of_the_table(few: Asker) -> None:
    wrong = (
        "zz=1&limit=0&sort_order=up&sort_by=date&min_duration=x&max_ai_score=x&min_ai_score=x&qualified=x&direction=x"
    )
    texts = "&".join(f"{name}=" for name in reversed(TEXT_FILTERS))
    query = f"{wrong}&{texts}&end_date=x&start_date=x&metrics=x,y&group_by=source,x,&sorce=1"
    told = [param for param, _ in few.problems(query)]
    expected = ["group_by", "group_by", "metrics", "metrics", *PARAMETERS[2:], "zz", "sorce"]
    expected.remove("sort_by")  # whether it is in group_by cannot be known
    assert told == expected


def test_bounds_that_cross_are_told_under_the_first_among_the_others(few: Asker) -> None:
    query = "group_by=x&start_date=2026-03-09&end_date=2026-03-08&min_ai_score=51&max_ai_score=50&limit=0"
    assert [param for param, _ in few.problems(query)] == ["group_by", "start_date", "min_ai_score", "limit"]


def test_every_overlong_text_is_told(few: Asker) -> None:
    told = few.problems(f"group_by=source&source={'x' * 513}&source=y&source={'z' * 600}")
    assert [message.partition(" is ")[2] for _, message in told] == [
        f"{length} characters long; at most 512 are allowed" for length in (513, 600)
    ]


def test_an_empty_value_hides_nothing_that_is_wrong_with_the_others(few: Asker) -> None:
    told = few.problems(f"group_by=source&source=&source={'x' * 513}&status=&status=+&status=")
    assert [(param, message.partition("; ")[0].partition(" is ")[2]) for param, message in told] == [
        ("status", "empty"),
        ("status", "blank"),
        ("source", "empty"),
        ("source", "513 characters long"),
    ]


def test_names_may_have_white_space_round_them_and_metrics_may_repeat(few: Asker) -> None:
    assert (
        few.get("group_by=+source%09,%0Adate+&metrics=+count+,count").content == few.get("group_by=source,date").content
    )


@pytest.mark.parametrize("given", ["' OR 1=1 --", "google'; DROP TABLE calls", '"', "%", "_", "\\", "${x}", "{0}", "?"])
def test_filters_are_values_never_sql(few: Asker, given: str) -> None:
    assert counted(few, f"source={quote(given)}") == 0
    assert counted(few, "") == 5


# --- Anything at all ------------------------------------------------------------------------------------------------

VALUES = (
    *DIMENSION_NAMES,
    *METRIC_NAMES,
    *(
        "source,date",
        "count,",
        "2026-03-09",
        "9999-12-31",
        "0001-01-01",
        "true",
        "inbound",
        "desc",
        "50.5",
        "0",
        "1000",
    ),
    *("", "%", "%F", "%ff", "%00", "+", "%2B", "é", "%C3%A9", "9" * 30, "-0", "1e400", "=", ";", ",,,"),
)


def queries() -> st.SearchStrategy[bytes]:
    name = st.sampled_from((*PARAMETERS, *PARAMETERS, "sorce", "", "%ff", "é"))
    pair = st.builds(
        lambda left, right: f"{left}={right}".encode(), name, st.one_of(st.sampled_from(VALUES), st.text())
    )
    part = st.one_of(pair, pair, pair, st.binary(max_size=20))
    return st.lists(part, max_size=6).map(b"&".join)


@settings(max_examples=PROFILE.max_examples * 10)
@given(query=queries())
@example(query=b"&".join(b"group_by=source" for _ in range(2000)))
@example(query=b"group_by=" + b",".join(b"source" for _ in range(10_000)))
@example(query=b"group_by=" + b",".join(b"x%d" % n for n in range(1000)))
@example(query=b"&".join(b"%d=1" % n for n in range(1000)))
def test_no_query_string_is_a_defect(few: Asker, door: Door, query: bytes) -> None:
    status, body = asyncio.run(raw_get(door.client.app, query, few.headers))
    if status == 200:
        assert list(body["data"]) == ["data", "totals", "count"]
        return
    assert status == 400, body
    error = body["error"]
    assert (error["param"], error["message"]) == tuple(error["details"][0].values())
    order = [*PARAMETERS, *sorted({problem["param"] for problem in error["details"]} - set(PARAMETERS))]
    places = [min(order.index(problem["param"]), len(PARAMETERS)) for problem in error["details"]]
    assert all(first <= second for first, second in itertools.pairwise(places))
    for problem in error["details"]:
        assert problem["message"].startswith(problem["param"] + ": ")
        assert len(problem["message"]) < 700
