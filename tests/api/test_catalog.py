"""The catalog as clients read it."""

import pytest

from tests.api.conftest import CATALOG, Asker
from tests.strategies import DIMENSION_NAMES, METRIC_NAMES

FILTERS = (
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
    *(f"where[{name}]" for name in DIMENSION_NAMES),
    "where_null",
)
UNITS = {
    "count": "calls",
    "avg_duration": "seconds",
    "total_duration": "seconds",
    "avg_ai_score": "score",
    "qualified_count": "calls",
    "qualified_pct": "percent",
    "total_value_cents": "cents",
    "unique_callers": "callers",
    "answered_count": "calls",
    "missed_count": "calls",
    "voicemail_count": "calls",
    "avg_robo_score": "score",
    "total_cost_cents": "cents",
}


@pytest.mark.parametrize(
    ("part", "names"), [("dimensions", DIMENSION_NAMES), ("metrics", METRIC_NAMES), ("filters", FILTERS)]
)
def test_it_has_everything_that_can_be_asked(few: Asker, part: str, names: tuple[str, ...]) -> None:
    response = few.get("", CATALOG)
    assert response.status_code == 200
    assert list(response.json()) == ["data"]
    assert list(response.json()["data"]) == ["dimensions", "metrics", "filters"]
    entries = response.json()["data"][part]
    assert [entry["name"] for entry in entries] == list(names)
    for entry in entries:
        assert entry["label"].strip()
        assert entry["description"].strip()
        assert entry["type"]
        assert {"name", "label", "description", "type", "unit"} <= set(entry)


def test_metrics_have_their_units(few: Asker) -> None:
    entries = few.get("", CATALOG).json()["data"]["metrics"]
    assert {entry["name"]: entry["unit"] for entry in entries} == UNITS
