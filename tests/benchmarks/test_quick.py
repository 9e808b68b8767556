"""The benchmarks run through, and no figure is missing; how good the figures are is no matter here."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks.__main__ import PARTS, main
from benchmarks.figures import DemoFigures, Figures, Machine, write_figures
from scripts.performance import page

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a server's peak memory is in /proc, which Linux has")


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600).stdout


def numbers(value: Any) -> Iterator[float]:
    match value:
        case dict():
            for inner in value.values():
                yield from numbers(inner)
        case list():
            for inner in value:
                yield from numbers(inner)
        case int() | float():
            yield value


def test_quick_run_gives_every_figure(tmp_path: Path) -> None:
    # Without peers, which only `make bench` installs, and without the part that needs servers of ClickHouse.
    parts = [part for part in PARTS if part != "scaling"]
    printed = run("--quick", "--peers", "--only", *parts, "--out", str(tmp_path))
    figures = json.loads((tmp_path / "figures.json").read_text())
    written = page(figures)
    assert set(figures) == {"machine", "rounds", *PARTS}
    assert figures["scaling"] is None
    [imported], [reported] = figures["imports"], figures["reports"]
    assert [found["format"] for found in imported["files"]] == ["csv", "ndjson", "parquet"]
    titles = [found["title"] for found in reported["reports"]]
    assert titles == [
        "Sources",
        "Campaign performance",
        "Daily call volume",
        "Best hours to call",
        "Source ROI",
        "Source, campaign and day",
        "Unique callers by source",
    ]
    assert [found["title"] for found in reported["corrected"]["reports"]] == titles[:-1]
    assert [found["title"] for found in reported["rates"]] == titles[:3]
    assert [found["title"] for found in figures["writing"]["beside"]["reports"]] == titles[:5]
    assert [found["into"] for found in figures["writing"]["posts"]] == ["10,000 calls", "no calls"]
    assert len(figures["lists"]["lists"]) == 6
    assert len(figures["pages"]["pages"]) == 5
    assert figures["machine"].pop("load") >= 0
    differences = [
        found.pop(name) for found in reported["reports"] for name in ("above_empty_ms", "again_above_empty_ms")
    ]
    assert len(differences) == 2 * len(titles)
    assert min(numbers(figures)) > 0
    assert all(title in printed and title in written for title in titles)
    kept = {"calls-10000.csv", "calls-10000.ndjson", "calls-10000.parquet", "figures.json"}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_parts_that_are_left_out_stay_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    write_figures(Figures(Machine(), 3, demo=DemoFigures(2, 1, 3, 1, 1)), path)
    write_figures(Figures(Machine(), 3, imports=()), path)
    figures = json.loads(path.read_text())
    assert (figures["imports"], figures["demo"]["calls_made_mb"]) == ([], 2)
    path.write_text(json.dumps({name: found for name, found in figures.items() if name != "scaling"}))  # of before
    write_figures(Figures(Machine(), 3, imports=()), path)
    assert json.loads(path.read_text()) == figures
    write_figures(Figures(Machine(python="3.0"), 3, imports=()), path)
    assert json.loads(path.read_text())["demo"] is None


def test_what_was_measured_is_kept_where_a_later_part_breaks_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(figures: Figures, *_: object) -> Figures:
        return replace(figures, demo=DemoFigures(2, 1, 3, 1, 1))

    def broken(*_: object) -> Figures:
        raise RuntimeError("no more")

    monkeypatch.setattr("benchmarks.__main__.PARTS", {"demo": measured, "lists": broken})
    with pytest.raises(RuntimeError, match="no more"):
        main(["--out", str(tmp_path)])
    assert json.loads((tmp_path / "figures.json").read_text())["demo"]["calls_made_mb"] == 2


def test_help_shows_examples() -> None:
    assert "python -m benchmarks --quick" in run("--help")
