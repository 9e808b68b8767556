"""The benchmarks' made-up calls have the shares that make them worth measuring with."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import phonenumbers
import pytest
from benchmarks.data import Calls, make_calls

from calltally.catalog import CATALOG, FieldKind

COUNT = 20_000
TYPES = {FieldKind.WHOLE: "BIGINT", FieldKind.BOOLEAN: "BOOLEAN"}  # text for all others
Row = dict[str, Any]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Calls:
    return make_calls(COUNT, tmp_path_factory.mktemp("calls"))


def read(path: Path, reader: str) -> list[Row]:
    with duckdb.connect() as database:
        result = database.execute(f"FROM {reader}", [str(path)])
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@pytest.fixture(scope="module")
def rows(calls: Calls) -> list[Row]:
    return read(calls.parquet, "read_parquet(?)")


def present(rows: list[Row], field: str) -> list[Any]:
    return [value for row in rows if (value := row[field]) is not None]


def test_three_files_hold_the_same_calls(calls: Calls, rows: list[Row]) -> None:
    assert len(rows) == calls.count == COUNT
    types = {field.name: TYPES.get(field.kind, "VARCHAR") for field in CATALOG.stored_fields}
    assert read(calls.csv, f"read_csv(?, columns = {types})") == rows
    assert read(calls.ndjson, f"read_ndjson(?, columns = {types})") == rows


def test_numbers_and_booleans_are_such_where_a_file_has_them(calls: Calls, rows: list[Row]) -> None:
    with calls.ndjson.open() as file:
        written = [json.loads(line) for line in file]
    for field in CATALOG.stored_fields:
        kind = {FieldKind.WHOLE: int, FieldKind.BOOLEAN: bool}.get(field.kind, str)
        assert set(map(type, present(rows, field.name))) == {kind}
        assert {type(row[field.name]) for row in written if row.get(field.name) is not None} == {kind}


def test_files_are_made_once_and_come_out_the_same(calls: Calls, tmp_path: Path) -> None:
    written = calls.csv.stat().st_mtime_ns
    assert make_calls(COUNT, calls.csv.parent) == calls
    assert calls.csv.stat().st_mtime_ns == written
    assert make_calls(COUNT, tmp_path).csv.read_bytes() == calls.csv.read_bytes()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".ndjson", ".parquet"]


def test_calls_have_every_stored_field_in_its_range(rows: list[Row]) -> None:
    assert list(rows[0]) == [field.name for field in CATALOG.stored_fields]
    for field in CATALOG.stored_fields:
        values = set(present(rows, field.name))
        assert values
        if field.kind is FieldKind.WHOLE:
            assert field.lowest is not None
            assert field.highest is not None
            assert field.lowest <= min(values) <= max(values) <= field.highest
        if field.kind is FieldKind.BOOLEAN:
            assert values == {True, False}
    assert len(set(present(rows, "id"))) == COUNT


def test_calls_are_in_order_over_two_years(rows: list[Row]) -> None:
    starts = present(rows, "started_at")
    assert starts == sorted(starts)
    assert len({start[:7] for start in starts}) == 24


def test_working_hours_are_busy(rows: list[Row]) -> None:
    hours = Counter(int(start[11:13]) for start in present(rows, "started_at"))
    assert sum(hours[hour] for hour in range(13, 23)) > 0.75 * COUNT  # 8:00 to 18:00 in New York
    assert hours[17] < 0.85 * min(hours[16], hours[18])  # noon


def test_caller_numbers_are_possible_in_both_spellings_and_repeat(rows: list[Row]) -> None:
    written = present(rows, "caller_number")
    numbers = [phonenumbers.parse(number, "US") for number in written]
    assert all(map(phonenumbers.is_possible_number, numbers))
    assert 0.02 < 1 - len(written) / COUNT < 0.06
    assert 0.45 < sum(number.startswith("(") for number in written) / len(written) < 0.55
    callers = {phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) for number in numbers}
    assert 0.3 * COUNT < len(callers) < 0.5 * COUNT < len(set(written))


def test_volumes_are_skewed(rows: list[Row]) -> None:
    campaigns = Counter(present(rows, "utm_campaign"))
    terms = Counter(present(rows, "utm_term"))
    sources = Counter(present(rows, "source"))
    assert len(campaigns) == 40
    for volumes in (campaigns, terms, sources):
        largest, *_, smallest = [count for _, count in volumes.most_common()]
        assert largest > 10 * smallest


def test_nulls_are_where_life_has_them(rows: list[Row]) -> None:
    for row in rows:
        assert row["utm_campaign"] is None or row["source"] not in {"direct", "referral", None}
        assert row["utm_term"] is None or row["utm_medium"] == "cpc"
        assert row["ai_score"] is None or (row["status"] == "completed" and row["direction"] == "inbound")
        assert (row["ai_score"] is None) == (row["qualified"] is None) == (row["ai_category"] is None)
        assert row["value_cents"] is None or row["qualified"]
        assert (row["duration_seconds"] is None) == (row["status"] == "failed")
    assert 0.5 < len(present(rows, "ai_score")) / COUNT < 0.8
    assert 0.1 < present(rows, "qualified").count(True) / COUNT < 0.3


def test_what_is_drawn_apart_does_not_go_together(rows: list[Row]) -> None:
    completed = [row for row in rows if row["status"] == "completed"]
    national = [row for row in completed if (row["caller_number"] or "").startswith("(")]
    outbound = [row for row in completed if row["direction"] == "outbound"]
    both = [row for row in national if row["direction"] == "outbound"]
    assert len(both) / len(completed) == pytest.approx(len(national) * len(outbound) / len(completed) ** 2, rel=0.15)
