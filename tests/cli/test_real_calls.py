"""33,066 real calls of a bank's call centre, whose figures were counted twice with other tools."""

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from calltally.accounts import find_business, open_control
from calltally.engines import open_engine
from calltally.folder import DataFolder
from calltally.settings import Settings
from tests.asking import report
from tests.cli.conftest import CommandLine

CALLS = 33_066
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def path(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A link to the file, beside which there is room to write."""
    file = shared_data / "bank-calls-1999-02.csv.gz"
    link = tmp_path_factory.mktemp("bank") / file.name
    link.symlink_to(file)
    return link


@pytest.fixture(scope="module")
def bank(path: Path) -> CommandLine:
    """A data folder with the business Bank."""
    command = CommandLine(path.with_name("data"))
    command.run("business", "create", "Bank", "--timezone", "Asia/Jerusalem", "--region", "IL", "--currency", "ILS")
    return command


@pytest.fixture(scope="module")
def summaries(bank: CommandLine, path: Path) -> list[dict[str, Any]]:
    """What importing the file came to, twice."""
    done = [bank.process("import", str(path), "--business", "Bank", "--json") for _ in range(2)]
    assert [each.code for each in done] == [0, 0]
    return [json.loads(each.out) for each in done]


@pytest.fixture(scope="module")
def ask(bank: CommandLine, summaries: list[dict[str, Any]]) -> Iterator[Ask]:
    folder = DataFolder(bank.data)
    with folder.own("serve"), open_control(folder) as control:
        business = find_business(control, "Bank")
        engine = open_engine(folder, Settings(hot_memory="0", memory="500MB", threads=2))
        yield lambda query, timezone="Asia/Jerusalem": report(engine, replace(business, timezone=timezone), query)[
            "data"
        ]
        engine.close()


def test_every_row_is_taken_and_what_is_dropped_is_named(path: Path, summaries: list[dict[str, Any]]) -> None:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        columns = next(csv.reader(file))
    foreign = {name: CALLS for name in columns if name.startswith("x_")}
    assert foreign
    first, again = summaries
    assert first == {
        "read": CALLS,
        "added": CALLS,
        "updated": 0,
        "unchanged": 0,
        "rejected": 0,
        "ambiguous_times": 0,
        "skipped_times": 0,
        "dropped_fields": foreign,
        "rejects_files": [],
        "presets": {},
        "windows_1252_files": 0,
    }
    assert again == first | {"added": 0, "unchanged": CALLS}


def test_counts(ask: Ask) -> None:
    metrics = "count,answered_count,missed_count,total_duration,avg_duration,unique_callers"
    assert ask(f"group_by=direction&metrics={metrics}")["totals"] == {
        "count": CALLS,
        "answered_count": 27_162,
        "missed_count": 5_904,
        "total_duration": 6_507_730,
        "avg_duration": 197,
        "unique_callers": 4_021,
    }


def test_calls_with_a_duration(ask: Ask) -> None:
    totals = ask("group_by=direction&metrics=count,total_duration&min_duration=0")["totals"]
    assert totals["count"] == 33_043
    assert round(totals["total_duration"] / totals["count"], 3) == 196.947


def test_busiest_hours(ask: Ask) -> None:
    found = ask("group_by=hour_of_day&limit=3")["data"]
    assert [tuple(row.values()) for row in found] == [(10, 2774), (13, 2594), (11, 2559)]


def test_busiest_days(ask: Ask) -> None:
    found = ask("group_by=date&metrics=count,unique_callers&limit=3")["data"]
    assert [tuple(row.values()) for row in found] == [
        ("1999-02-03", 1939, 466),
        ("1999-02-02", 1835, 576),
        ("1999-02-11", 1722, 512),
    ]


def test_calls_at_the_edge_of_the_month(ask: Ask) -> None:
    """Seven calls whose UTC month is January belong to the first of February in Jerusalem."""
    months = ask("group_by=month&sort_by=month&sort_order=asc", timezone="UTC")["data"]
    assert [row["month"] for row in months] == ["1999-01", "1999-02"]
    assert months[0]["count"] == 7
    assert ask("group_by=month")["data"] == [{"month": "1999-02", "count": CALLS}]
    assert ask("group_by=month&end_date=1999-01-31")["count"] == 0


def test_number_groups(ask: Ask) -> None:
    counts = [ask(f"group_by=direction&number_group_id={group}")["totals"]["count"] for group in ("AA01", "AA02")]
    assert min(counts) > 0
    assert sum(counts) == CALLS
