"""Each report gets the chart that suits it, with everything that the report says."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.catalog import CATALOG, OPENING, Grain
from calltally.charts import Drawer
from tests.charts.conftest import Cell, charted, kind, marks, report, svg, texts

DAYS = [(date(2026, 1, 1) + timedelta(days=number)).isoformat() for number in range(400)]
MONDAYS = [day for day in DAYS if date.fromisoformat(day).weekday() == 0]
MONTHS = sorted({day[:7] for day in DAYS})
WEEK: list[tuple[Cell, ...]] = [(day, hour, 1 + day * hour) for day in range(7) for hour in range(24)]
HOSTILE = "<img src=x onerror=alert(1)>"

CASES: list[tuple[str, list[tuple[Cell, ...]], str]] = [
    ("source", [("google", 3), (None, 1)], "Bar chart"),
    ("date", [(DAYS[0], 3), (DAYS[5], 1)], "Line chart"),
    ("week", [(MONDAYS[0], 3), (MONDAYS[1], 1)], "Line chart"),
    ("month", [(MONTHS[0], 3), (MONTHS[12], 1)], "Line chart"),
    ("hour_of_day", [(3, 3), (17, 1)], "Column chart"),
    ("day_of_week", [(0, 3), (6, 1)], "Column chart"),
    ("date,source", [(DAYS[0], "a", 3), (DAYS[1], "b", 1)], "Line chart"),
    ("source,date", [(f"s{n}", DAYS[n], 3) for n in range(8)], "Small multiples"),
    ("date,source,status", [(DAYS[n], f"s{n}", f"t{n}", 3) for n in range(3)], "Small multiples"),
    ("month,week", [(MONTHS[0], MONDAYS[0], 3), (MONTHS[1], MONDAYS[5], 1)], "Line chart"),
    ("day_of_week,hour_of_day", [(0, 3, 3), (6, 17, 1)], "Heat map"),
    ("source,status", [("a", "x", 3), (None, None, 1)], "Heat map"),
    ("source,status,direction", [("a", "x", "inbound", 3), ("b", "y", "outbound", 1)], "Heat maps"),
    ("source", [("google", 3)], "Number"),
    ("source,date", [("google", DAYS[0], 3)], "Number"),
    ("source,date", [("google", DAYS[0], 3), ("google", DAYS[1], 1)], "Line chart"),
    ("source", [], "Number"),
]


YEN: list[tuple[Cell, ...]] = [("google", 49_000_008_119_500), ("bing", 96)]


def values(specification: dict[str, Any], **where: object) -> list[Any]:
    """The numbers in the data of a chart, of those entries that have these values."""
    data = specification["data"]["values"]
    return [entry["v"] for entry in data if all(entry[name] == value for name, value in where.items())]


def subtitle(specification: dict[str, Any]) -> str:
    return " ".join(specification["title"]["subtitle"])


class TestKinds:
    @pytest.mark.parametrize(("group_by", "rows", "expected"), CASES)
    @pytest.mark.parametrize("width", [800, 340])
    def test_a_report_gets_its_kind_of_chart_and_it_can_be_drawn(
        self, group_by: str, rows: list[tuple[Cell, ...]], expected: str, width: int, drawer: Drawer
    ) -> None:
        specification = charted(report(group_by, rows), width)
        picture = svg(drawer, specification)
        assert kind(specification) == expected
        assert picture.get("aria-label") == specification["description"]
        assert width - 60 <= float(picture.get("width", "0")) <= width + 1

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_a_theme_has_its_background(self, theme: str, drawer: Drawer) -> None:
        specification = charted(report(*CASES[0][:2]), theme=theme)
        ground = svg(drawer, specification)[0].get("fill")
        assert ground == {"light": "#ffffff", "dark": "#12161c"}[theme]

    def test_a_low_picture_over_time_is_a_number_with_its_trend(self, drawer: Drawer) -> None:
        specification = charted(report("date", [(DAYS[0], 1200), (DAYS[1], 34)]), height=150)
        assert kind(specification) == "Number with its trend"
        assert texts(svg(drawer, specification))[0] == "1,234"

    def test_a_height_is_kept(self, drawer: Drawer) -> None:
        rows = [(f"s{n}", 9) for n in range(40)]
        specification = charted(report("source", rows), height=300)
        assert svg(drawer, specification).get("height") == "300"
        assert "first 10 of 40 shown" in subtitle(specification)


class TestWhatIsDrawn:
    def test_the_metric_that_is_sorted_by(self) -> None:
        rows = [("a", 1, 2), ("b", 3, 4)]
        assert charted(report("source", rows, "count,missed_count"))["title"]["text"] == ["Calls by source"]
        sorted_by = report("source", rows, "count,missed_count", sort_by="missed_count")
        assert charted(sorted_by)["title"]["text"] == ["Missed calls by source"]

    def test_the_first_metric_where_it_is_sorted_by_none_of_them(self) -> None:
        found = report("source", [("a", 1, 2), ("b", 3, 4)], "missed_count,voicemail_count")
        assert values(charted(found)) == [1, 3]

    def test_bars_stand_in_the_order_of_the_report_with_their_values(self, drawer: Drawer) -> None:
        found = report("source", [("zebra", 1234), ("ape", 56), (None, 7)])
        shown = texts(svg(drawer, charted(found)))
        assert [text for text in shown if text in {"zebra", "ape", "no source"}] == ["zebra", "ape", "no source"]
        assert [text for text in shown if text in {"1,234", "56", "7"}] == ["1,234", "56", "7"]

    def test_a_group_without_a_value_is_shown_as_such(self, drawer: Drawer) -> None:
        picture = svg(drawer, charted(report("source", [("a", 80), ("b", None)], "avg_ai_score")))
        assert "–" in texts(picture)
        picture = svg(drawer, charted(report("source,status", [("a", "x", 80), ("b", "y", None)], "avg_ai_score")))
        assert texts(picture).count("–") == 3
        assert "b, y: no value" in marks(picture)

    def test_groups_that_look_alike_stay_apart(self, drawer: Drawer) -> None:
        found = report("source", [("no source", 3), (None, 2), ("a\x01", 1), ("a\x02", 1)])
        assert len(marks(svg(drawer, charted(found)))) == 4

    @pytest.mark.parametrize(
        "text", ["a\x00b", "a\x08b", "a\ufffeb", "a\nb", "a\tb", "\u2028", "]]>", "&amp;", HOSTILE]
    )
    @pytest.mark.parametrize("group_by", ["source", "source,date", "source,status"])
    def test_any_text_stays_text(self, group_by: str, text: str, drawer: Drawer) -> None:
        others = [DAYS[0], DAYS[1]] if "date" in group_by else ["x", "y"]
        rows = [(text, others[0], 3), ("b", others[1], 1)] if "," in group_by else [(text, 3), ("b", 1)]
        picture = svg(drawer, charted(report(group_by, rows)))
        shown = [each.replace("\u200b", "") for each in texts(picture)]
        clean = "".join(letter if letter.isprintable() else "\ufffd" for letter in text.replace("\ufffe", "\ufffd"))
        assert clean in shown
        assert not list(picture.iter("{http://www.w3.org/2000/svg}script"))
        assert not list(picture.iter("{http://www.w3.org/2000/svg}image"))

    @pytest.mark.parametrize("group_by", ["source", "source,date", "source,status"])
    def test_a_letter_that_is_cut_in_half_does_not_stop_the_picture(self, group_by: str, drawer: Drawer) -> None:
        names = [("\U0001f4de" * 60, 3), ("b", 1)]
        others = [DAYS[0], DAYS[1]] if "date" in group_by else ["x", "y"]
        rows = [
            (*name[:1], other, *name[1:]) if "," in group_by else name
            for name, other in zip(names, others, strict=True)
        ]
        picture = svg(drawer, charted(report(group_by, rows), 340))
        assert any(text.startswith("\ufffd\ufffd") for text in texts(picture))

    @pytest.mark.parametrize("group_by", ["source", "source,date", "source,status"])
    def test_a_text_turns_nothing_around_that_stands_beside_it(self, group_by: str, drawer: Drawer) -> None:
        names = ["evil\u202egnp.exe", "\u2067a", "\u05d0\u05d1 1"]
        others = DAYS if "date" in group_by else ["x", "y", "z"]
        rows = [(name, others[n], 3) if "," in group_by else (name, 3) for n, name in enumerate(names)]
        shown = texts(svg(drawer, charted(report(group_by, rows))))
        assert {"evil\ufffdgnp.exe", "\ufffda", "\u2068\u05d0\u05d1 1\u2069"} <= set(shown)

    def test_units_are_those_of_the_metric(self, drawer: Drawer) -> None:
        def shown(metric: str, value: Cell) -> list[str]:
            return texts(svg(drawer, charted(report("source", [("a", value), ("b", 1)], metric))))

        assert "3:25:45" in shown("total_duration", 12345)
        assert "1,234,567.89" in shown("total_value_cents", 123456789)
        assert "-0.05" in shown("total_value_cents", -5)
        assert "Total value (USD) by source" in shown("total_value_cents", 1)
        assert "74.7%" in shown("qualified_pct", 74.7)
        assert "490,000,081,196 in all" in subtitle(charted(report("source", YEN, "total_value_cents"), currency="JPY"))
        assert "1.23e+19" in shown("total_value_cents", 1234 * 10**18)

    def test_every_hour_has_its_column(self, drawer: Drawer) -> None:
        picture = svg(drawer, charted(report("hour_of_day", [(17, 3), (3, 1)])))
        assert len(marks(picture)) == 24
        assert "4: 0" in marks(picture)

    def test_what_has_one_value_is_told_below_the_title(self) -> None:
        found = report("direction,source", [("inbound", "a", 3), ("inbound", "b", 1)], start_date="2026-01-05")
        specification = charted(found)
        assert specification["title"]["text"] == ["Calls by source"]
        assert subtitle(specification) == "4 in all · Direction: inbound · from 2026-01-05"

    def test_filters_and_a_limit_that_was_reached_are_told(self) -> None:
        found = report("source", [("a", 3), ("b", 1)], status="completed", limit="2", end_date="2026-02-01")
        assert subtitle(charted(found)) == "4 in all · up to 2026-02-01 · filtered · limit of 2 rows reached"
        assert subtitle(charted(report("source", [("a", 3)], limit="1"))).endswith("limit of 1 row reached")

    @pytest.mark.parametrize(
        ("group_by", "rows"),
        [
            ("hour_of_day", [(hour, 1) for hour in range(24)]),
            ("day_of_week", [(day, 1) for day in range(7)]),
            ("day_of_week,hour_of_day", WEEK),
        ],
    )
    def test_a_limit_is_not_told_where_no_other_group_can_be(self, group_by: str, rows: list[tuple[Cell, ...]]) -> None:
        all_of_them = charted(report(group_by, rows, limit=str(len(rows))))
        assert "limit" not in subtitle(all_of_them)
        but_one = charted(report(group_by, rows[1:], limit=str(len(rows) - 1)))
        assert subtitle(but_one).endswith(f" · limit of {len(rows) - 1} rows reached")

    def test_what_there_is_no_room_for_is_told(self) -> None:
        many = charted(report("source", [(f"s{n}", 1) for n in range(60)]))
        assert len(values(many)) == 50
        assert subtitle(many) == "60 in all · first 50 of 60 shown"
        apart = charted(report("source,date", [(f"s{n}", DAYS[n], 1) for n in range(20)]))
        assert subtitle(apart) == "20 in all · first 12 of 20 shown"
        wide = charted(report("source,status", [(f"s{n}", f"t{n % 50}", 1) for n in range(60)]), 340)
        assert subtitle(wide).startswith("60 in all · Source: first 50 of 60 shown · Status: first ")

    @pytest.mark.parametrize("width", [340, 600])
    def test_labels_that_begin_alike_are_told_apart(self, width: int, drawer: Drawer) -> None:
        names = [f"campaign for plumbers in the winter of the year number {n}" for n in range(12)]
        rows = [(f"{HOSTILE}\U0001f4de'\\\" {name}", name, 3) for name in names]
        shown = texts(svg(drawer, charted(report("source,utm_campaign", rows), width)))
        for start in ("camp", "<img"):
            labels = {text for text in shown if text.startswith(start)}
            assert len(labels) == len(names)
            assert all("…" in label for label in labels)
        shown = texts(svg(drawer, charted(report("source", [(name, 3) for name in names]), width)))
        assert len({text for text in shown if text.startswith("camp")}) == len(names)

    @pytest.mark.parametrize("width", [220, 260, 340, 1200])
    def test_the_overview_has_room_for_a_week_in_any_window(self, width: int) -> None:
        [panel] = [panel for panel in OPENING if panel.limit == len(WEEK)]
        many = {"limit": "168", "start_date": "2026-01-05", "end_date": "2026-02-05", "status": "completed"}
        specification = charted(report(",".join(panel.group_by), WEEK, **many), width, panel.height)
        assert len(values(specification)) == len(WEEK)
        assert " shown" not in subtitle(specification)


class TestGaps:
    def test_days_without_calls_are_0_where_calls_are_counted(self) -> None:
        specification = charted(report("date", [(DAYS[0], 3), (DAYS[5], 1)]))
        assert values(specification) == [3, 0, 0, 1]
        assert values(specification, n=DAYS[1]) == [0]
        assert values(specification, n=DAYS[4]) == [0]

    def test_they_are_a_gap_where_there_is_a_mean(self) -> None:
        assert values(charted(report("date", [(DAYS[0], 3), (DAYS[5], 1)], "avg_duration"))) == [3, None, None, 1]

    @pytest.mark.parametrize("more", [{"limit": "2"}, {"where[day_of_week]": "1"}])
    def test_they_are_a_gap_where_groups_may_be_missing(self, more: dict[str, str]) -> None:
        assert values(charted(report("date", [(DAYS[0], 3), (DAYS[5], 1)], **more))) == [3, None, None, 1]

    def test_each_line_reaches_from_the_first_to_the_last_time(self) -> None:
        specification = charted(report("month,source", [(MONTHS[0], "a", 3), (MONTHS[3], "b", 1)]))
        assert values(specification, s="a") == [3, 0, 0]
        assert values(specification, s="b") == [0, 0, 1]

    def test_weeks_follow_weeks(self) -> None:
        assert values(charted(report("week", [(MONDAYS[0], 3), (MONDAYS[1], 1)]))) == [3, 1]

    def test_cells_without_calls_are_0_or_nothing(self) -> None:
        rows: list[tuple[Cell, ...]] = [("a", "x", 3), ("b", "y", 1)]
        assert sorted(values(charted(report("source,status", rows)))) == [0, 0, 1, 3]
        assert values(charted(report("source,status", rows, "avg_duration"))).count(None) == 2


CELLS: dict[str, st.SearchStrategy[Cell]] = {
    "date": st.sampled_from(DAYS),
    "week": st.sampled_from(MONDAYS),
    "month": st.sampled_from(MONTHS),
    "hour_of_day": st.integers(0, 23),
    "day_of_week": st.integers(0, 6),
    "direction": st.sampled_from(("inbound", "outbound")),
}
TEXTS: st.SearchStrategy[Cell] = st.none() | st.text(min_size=1, max_size=12) | st.sampled_from(("a", "b", HOSTILE))
NUMBERS: st.SearchStrategy[Cell] = st.none() | st.integers(0, 10**6) | st.integers(-(10**21), 10**21)
AVERAGES: st.SearchStrategy[Cell] = st.none() | st.integers(0, 10**7)
PERCENTS: st.SearchStrategy[Cell] = st.none() | st.integers(0, 1000).map(lambda tenths: tenths / 10)
BY_UNIT = {"percent": PERCENTS, "cents": NUMBERS.filter(lambda number: number is not None), "score": AVERAGES}


@st.composite
def reports(draw: st.DrawFn) -> tuple[str, str, list[tuple[Cell, ...]]]:
    """Dimensions, a metric, and rows of them, each group once."""
    names = draw(st.lists(st.sampled_from(list(CATALOG.dimensions)), min_size=1, max_size=3, unique=True))
    metric = draw(st.sampled_from(list(CATALOG.metrics.values())))
    groups = st.tuples(*(CELLS.get(name, TEXTS) for name in names))
    cells = BY_UNIT.get(metric.unit.value, st.integers(0, 10**9))
    found = draw(st.lists(st.tuples(groups, cells), max_size=30, unique_by=lambda row: row[0]))
    return ",".join(names), metric.name, [(*group, cell) for group, cell in found]


@given(reports(), st.sampled_from((200, 340, 800)), st.none() | st.sampled_from((100, 400)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_report_can_be_drawn_and_nothing_of_it_is_lost(
    drawer: Drawer, found: tuple[str, str, list[tuple[Cell, ...]]], width: int, height: int | None
) -> None:
    group_by, metric, rows = found
    specification = charted(report(group_by, rows, metric), width, height)
    picture = svg(drawer, specification)
    assert float(picture.get("width", "0")) <= width * 1.1
    if not kind(specification).startswith("Number") and " shown" not in subtitle(specification):
        drawn = [value for value in values(specification) if value]
        assert sorted(drawn) == sorted(row[-1] for row in rows if row[-1])
        said = marks(picture)
        told = [entry["d"] for entry in specification["data"]["values"] if entry["v"]]
        replaced = [re.sub("[\U00010000-\U0010ffff]", "\ufffd", text) for text in told]
        assert not [text for text in told if text not in said] or not [text for text in replaced if text not in said]


def test_the_dimensions_that_are_times_are_those_with_days() -> None:
    assert {name for name in CELLS if name in {grain.value for grain in Grain}} == {
        dimension.name for dimension in CATALOG.dimensions.values() if dimension.grain
    }
