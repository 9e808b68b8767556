"""The published document's requests, answered in exactly the shape that it shows."""

import json
from itertools import cycle, islice
from typing import Any

import pytest

from tests.api.conftest import Asker, Door, Record, calls

# Source, calls, qualified calls, AI scores in turn; so that the figures come out as the document has them.
SOURCES: tuple[tuple[str | None, int, int, tuple[int, ...]], ...] = (
    ("google", 99, 74, (68, 69, 70)),
    ("facebook", 42, 30, (70, 71, 72)),
    ("direct", 40, 16, (62, 63, 63, 63, 63, 63, 63, 63, 63, 63)),
    ("bing", 30, 12, (63,)),
    (None, 20, 8, (62, *[63] * 9)),
)
DOCUMENTED = json.loads("""
{
  "data": {
    "data": [
      {
        "source": "google",
        "count": 99,
        "qualified_pct": 74.7,
        "avg_ai_score": 69
      },
      {
        "source": "facebook",
        "count": 42,
        "qualified_pct": 71.4,
        "avg_ai_score": 71
      }
    ],
    "totals": {
      "count": 231,
      "qualified_pct": 60.6,
      "avg_ai_score": 67
    },
    "count": 5
  }
}
""")


def compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def documented_calls() -> list[Record]:
    rows: list[Record] = []
    for source, number, qualified, scores in SOURCES:
        rows += [
            {"source": source, "qualified": n < qualified, "ai_score": score}
            for n, score in enumerate(islice(cycle(scores), number))
        ]
    return calls(*rows)


@pytest.fixture(scope="module")
def documented(door: Door) -> Asker:
    return door.asker(door.business(documented_calls()))


def test_the_example_answer_comes_out_byte_for_byte(documented: Asker) -> None:
    response = documented.get("group_by=source&metrics=count,qualified_pct,avg_ai_score")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    # The document shows the first two of its five rows.
    google, facebook = DOCUMENTED["data"]["data"]
    assert response.content.startswith(b'{"data":{"data":[' + compact(google) + b"," + compact(facebook) + b",{")
    totals = compact(DOCUMENTED["data"]["totals"])
    assert response.content.endswith(b'}],"totals":' + totals + b',"count":5}}')
    assert [row["source"] for row in response.json()["data"]["data"]] == [source for source, *_ in SOURCES]


@pytest.fixture(scope="module")
def march(door: Door) -> Asker:
    """Five calls in March 2026 and one before, in a business in New York."""
    shared: Record = {"from": "(305) 555-1234", "status": "completed", "qualified": True, "value_cents": 12_000}
    return door.asker(
        door.business(
            [
                {"id": "1", "started_at": "2026-02-28T12:00:00Z", "source": "google", **shared},
                {
                    "id": "2",
                    "started_at": "2026-03-01T09:10:00",
                    "source": "google",
                    "utm_campaign": "frühling",
                    **shared,
                },
                {"id": "3", "started_at": "2026-03-01T09:20:00", "source": "google", "utm_campaign": "frühling"},
                {"id": "4", "started_at": "2026-03-31T23:59:59", "status": "no-answer", "from": "+13055551234"},
                {"id": "5", "started_at": "2026-03-08T12:00:00", "source": "bing", "duration": 90, "ai_score": 51},
                {"id": "6", "started_at": "2026-03-08T12:00:00", "source": "bing", "duration": 31, "ai_score": 50},
            ],
            timezone="America/New_York",
        )
    )


ANSWERS: dict[str, Any] = {
    "group_by=utm_campaign&metrics=count,qualified_pct,avg_duration,avg_ai_score"
    "&start_date=2026-03-01&end_date=2026-03-31&sort_by=qualified_pct&sort_order=desc": {
        "data": [
            {"utm_campaign": "frühling", "count": 2, "qualified_pct": 50, "avg_duration": None, "avg_ai_score": None},
            {"utm_campaign": None, "count": 3, "qualified_pct": 0, "avg_duration": 61, "avg_ai_score": 51},
        ],
        "totals": {"count": 5, "qualified_pct": 20, "avg_duration": 61, "avg_ai_score": 51},
        "count": 2,
    },
    "group_by=date&metrics=count,answered_count,missed_count"
    "&start_date=2026-03-01&end_date=2026-03-31&sort_by=date&sort_order=asc&limit=31": {
        "data": [
            {"date": "2026-03-01", "count": 2, "answered_count": 1, "missed_count": 0},
            {"date": "2026-03-08", "count": 2, "answered_count": 0, "missed_count": 0},
            {"date": "2026-03-31", "count": 1, "answered_count": 0, "missed_count": 1},
        ],
        "totals": {"count": 5, "answered_count": 1, "missed_count": 1},
        "count": 3,
    },
    "group_by=hour_of_day,day_of_week&metrics=count,avg_duration&sort_by=count&sort_order=desc&limit=10": {
        "data": [
            {"hour_of_day": 9, "day_of_week": 0, "count": 2, "avg_duration": None},
            {"hour_of_day": 12, "day_of_week": 0, "count": 2, "avg_duration": 61},
            {"hour_of_day": 7, "day_of_week": 6, "count": 1, "avg_duration": None},
            {"hour_of_day": 23, "day_of_week": 2, "count": 1, "avg_duration": None},
        ],
        "totals": {"count": 6, "avg_duration": 61},
        "count": 4,
    },
    "group_by=source&metrics=count,qualified_count,qualified_pct,total_value_cents,unique_callers"
    "&sort_by=total_value_cents&sort_order=desc": {
        "data": [
            {
                "source": "google",
                "count": 3,
                "qualified_count": 2,
                "qualified_pct": 66.7,
                "total_value_cents": 24_000,
                "unique_callers": 1,
            },
            {
                "source": "bing",
                "count": 2,
                "qualified_count": 0,
                "qualified_pct": 0,
                "total_value_cents": 0,
                "unique_callers": 0,
            },
            {
                "source": None,
                "count": 1,
                "qualified_count": 0,
                "qualified_pct": 0,
                "total_value_cents": 0,
                "unique_callers": 1,
            },
        ],
        "totals": {
            "count": 6,
            "qualified_count": 2,
            "qualified_pct": 33.3,
            "total_value_cents": 24_000,
            "unique_callers": 1,
        },
        "count": 3,
    },
}


@pytest.mark.parametrize("query", ANSWERS)
def test_the_documents_other_requests(march: Asker, query: str) -> None:
    assert march.get(query).content == compact({"data": ANSWERS[query]})


def test_no_matching_call_gives_empty_values(few: Asker) -> None:
    metrics = (
        "count,avg_duration,total_duration,avg_ai_score,qualified_count,qualified_pct,total_value_cents,"
        "unique_callers,answered_count,missed_count,voicemail_count,avg_robo_score,total_cost_cents"
    )
    assert few.get(f"group_by=date&metrics={metrics}&source=nobody").content == (
        b'{"data":{"data":[],"totals":{"count":0,"avg_duration":null,"total_duration":0,"avg_ai_score":null,'
        b'"qualified_count":0,"qualified_pct":null,"total_value_cents":0,"unique_callers":0,"answered_count":0,'
        b'"missed_count":0,"voicemail_count":0,"avg_robo_score":null,"total_cost_cents":0},"count":0}}'
    )


def test_text_is_written_unescaped(door: Door) -> None:
    asker = door.asker(door.business(calls({"source": "münchen 🚀\u2028</script>"})))
    assert asker.get().content == (
        '{"data":{"data":[{"source":"münchen 🚀\u2028</script>","count":1}],"totals":{"count":1},"count":1}}'.encode()
    )


def test_keys_come_in_the_order_asked_for(few: Asker) -> None:
    found = few.report("group_by=status, source,date&metrics=qualified_pct , count,count,avg_duration&limit=1")
    assert list(found) == ["data", "totals", "count"]
    assert list(found["data"][0]) == ["status", "source", "date", "qualified_pct", "count", "avg_duration"]
    assert list(found["totals"]) == ["qualified_pct", "count", "avg_duration"]
    assert found["count"] == 1
    assert found["totals"]["count"] == 5
