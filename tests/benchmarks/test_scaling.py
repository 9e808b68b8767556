"""How all engines grow is measured on real servers, and the page that is written from it has its sums right."""

import json
import re
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path

import pytest
from benchmarks.figures import (
    CopiedFigure,
    Figures,
    GrowthFigure,
    Machine,
    ProcessFigure,
    ScalingFigures,
    ScalingReport,
    SideFigure,
    SideTime,
    SizeScaling,
    TableFigure,
)
from benchmarks.reports import ALL_REPORTS
from benchmarks.table import print_figures
from rich.console import Console
from scripts.markdown import wrapped
from scripts.scaling import page

from tests.benchmarks.test_quick import numbers, run

SIDES = ["columns", "file", "cluster", "chdb"]
MILLION = 1_000_000


@pytest.mark.cluster
@pytest.mark.xdist_group("scaling")
def test_quick_run_gives_every_figure(tmp_path: Path) -> None:
    printed = run("--quick", "--only", "scaling", "--out", str(tmp_path))
    figures = json.loads((tmp_path / "figures.json").read_text())
    written = page(figures)
    [size] = figures["scaling"]["sizes"]
    assert figures["scaling"]["growth"] == []
    assert [report["title"] for report in size["reports"]] == [title for title, _ in ALL_REPORTS]
    assert all([time["side"] for time in report["sides"]] == SIDES for report in size["reports"])
    assert [report["calls"] == size["calls"] for report in size["reports"]] == [True, False, False, *[True] * 4]
    sides = {side["name"]: side for side in size["sides"]}
    assert [*sides] == SIDES
    assert [[table["name"] for table in side["tables"]] for side in sides.values()] == [
        ["file"],
        ["file"],
        ["calls", "places"],
        ["calls", "places"],
    ]
    assert [process["name"] for process in sides["cluster"]["processes"]] == [
        "Calltally",
        "ClickHouse, shard 1",
        "ClickHouse, shard 2",
    ]
    for name in ("cluster", "chdb"):
        assert sides[name]["copied"]["rows"] == size["calls"] == 10_000
        assert sides[name]["copied"].pop("merging_seconds") >= 0
    assert min(numbers(figures["scaling"])) > 0
    assert all(title in printed and title in written for title, _ in ALL_REPORTS)
    assert {path.name for path in tmp_path.iterdir()} == {"calls-10000.parquet", "figures.json"}


def side(name: str, nothing_ms: float, all_cores: float | None, peak_mb: float) -> SideFigure:
    copied = CopiedFigure(MILLION, 40.0, 25_000.0, 3.0) if all_cores else None
    tables = (
        (TableFigure("calls", 80.0, 24), TableFigure("places", 20.0, 1))
        if all_cores
        else (TableFigure("file", 90.0, 1),)
    )
    processes = (ProcessFigure("Calltally", 100.0), ProcessFigure("ClickHouse, shard 1", peak_mb))
    return SideFigure(name, f"{name} 1.0", nothing_ms, tables, processes, copied, all_cores)


def size(calls: int, peak_mb: float) -> SizeScaling:
    """A business whose every report is about all calls but one, which is about a tenth of them."""
    rates = {"columns": 100e6, "file": 10e6, "cluster": 1e6, "chdb": 2e6}
    return SizeScaling(
        calls,
        50_000.0,
        10.0,
        1.0,
        50.0,
        tuple(
            ScalingReport(
                title,
                request,
                calls // 10 if title == "Campaign performance" else calls,
                tuple(SideTime(name, 1000 * calls / rate / 2, rate) for name, rate in rates.items()),
            )
            for title, request in ALL_REPORTS
        ),
        (
            side("columns", 0.1, None, peak_mb),
            side("file", 1.0, None, peak_mb),
            side("cluster", 10.0, 1.0, peak_mb),
            side("chdb", 10.0, 1.9, peak_mb),
        ),
    )


GROWTH = tuple(
    GrowthFigure(title, name, MILLION, 10 * MILLION, 10.0, 9.5) for title, _ in ALL_REPORTS for name in SIDES
)
SIZES = (size(MILLION, 300.0), size(10 * MILLION, 750.0))
FIGURES = Figures(Machine(cores=2), 3, scaling=ScalingFigures(2, SIZES, GROWTH))


def rows(text: str, first: str) -> list[list[str]]:
    """The rows of tables that begin with a cell, as their other cells."""
    found = re.findall(rf"^\| {re.escape(first)} \| (.*) \|$", text, re.M)
    return [row.split(" | ") for row in found]


def test_the_plan_is_by_the_largest_size_and_its_sums_are_right() -> None:
    written = page(asdict(FIGURES))
    # One core a server of the one, since all cores made it no faster; sixteen of the other.
    assert "0.010 s + 1,000,000,000 / (1,000,000 × 1 × 4) = 250 s." in re.sub(r"\s+", " ", written)
    assert ["1,000,000,000", "250", "7.8", "0.63"] in rows(written, "Sources")
    assert ["10,000,000,000", "630", "20", "6.3"] in rows(written, "Sources")
    assert ["100,000,000", "25", "0.79", "0.063"] in rows(written, "Campaign performance")
    assert ["1,000", "32", "100", "4"] in rows(written, "Sources")
    assert "1,000,000,000 × 50.0 bytes = 50 GB" in written
    assert ["1,000,000,000 / 25,000", "11 hours"] in rows(written, "1 billion")
    assert "(750 MB − 300 MB) / 4,500,000 more calls on its shard = 100 bytes a call" in re.sub(r"\s+", " ", written)
    assert rows(written, "1 billion")[0][:2] == ["100 GB", "200 GB"]
    assert ["80,000,000", "320,000,000", "1,300,000,000"] in rows(written, "calls")
    assert ["10.0", *["9.5"] * 4] in rows(written, "Sources")


def test_callers_are_marked_and_every_section_says_what_it_is() -> None:
    written = page(asdict(FIGURES))
    marked = {title for title, request in ALL_REPORTS if rows(written, rf"{title} \*")}
    assert marked == {title for title, request in ALL_REPORTS if "unique_callers" in request}
    for section in re.split(r"^## ", written, flags=re.M)[2:-1]:
        assert re.search(r"\*\*(Measured|Arithmetic|Advice)", section), section.split("\n")[0]


def test_one_size_is_enough_for_a_page() -> None:
    written = page(asdict(replace(FIGURES, scaling=ScalingFigures(2, SIZES[:1], ()))))
    assert "how many times as long a report takes" not in written
    assert "more calls on its shard" not in written


def test_figures_are_printed() -> None:
    printed = StringIO()
    print_figures(FIGURES, Console(file=printed, width=200))
    assert "Reports over 10,000,000 calls on all engines" in printed.getvalue()
    assert "80.0 calls + 20.0 places" in printed.getvalue()
    assert "9.50" in printed.getvalue()


def test_pages_are_broken_into_lines_where_these_may_be_broken() -> None:
    long = "word " * 30
    table = f"| {long}|"
    fenced = f"```sh\n{long}\n\n{long}\n```"
    told = wrapped(f"# {long}\n\n{long}\nmore\n\n- {long}\n  more\n1. {long}\n\n   {fenced}\n{table}\n")
    assert f"# {long}\n\n" in told
    assert fenced in told
    assert f"{table}\n" in told
    assert "\n- word" in told
    assert "\n1. word" in told
    assert re.findall(r"^( *)word.* more$", told, re.M) == ["", "  "]
    assert wrapped(told) == told
