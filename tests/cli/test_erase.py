"""`calltally erase`, through its front door."""

import json
from datetime import UTC, datetime
from pathlib import Path

from calltally.accounts import open_control, save_report
from calltally.folder import DataFolder
from tests.cli.conftest import CommandLine

NUMBER = b"3055551234"
CALLS = [
    {"id": "a", "started_at": "2026-03-09T14:00:00Z", "caller_number": "(305) 555-1234", "source": "google"},
    {"id": "b", "started_at": "2026-03-09T15:00:00Z", "caller_number": "+13055551234"},
    {"id": "c", "started_at": "2026-03-09T16:00:00Z", "caller_number": "+442079460000"},
]


def imported(calltally: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "calls.ndjson").write_text("".join(json.dumps(call) + "\n" for call in CALLS))
    assert calltally.run("import", str(tmp_path / "calls.ndjson"), "-b", "Acme").code == 0


def holding(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and NUMBER in path.read_bytes()]


def callers(calltally: CommandLine) -> dict[str, str | None]:
    written = calltally.process("export", "-b", "Acme", "--format", "ndjson").out
    rows = [json.loads(line) for line in written.splitlines()]
    return {row["id"]: row["caller_number"] for row in rows}


def test_no_file_of_the_data_folder_has_the_number_afterwards(
    calltally: CommandLine, acme: str, tmp_path: Path
) -> None:
    imported(calltally, tmp_path)
    request = f"group_by=source&where%5Bsource%5D=%2B1{NUMBER.decode()}&range=all"
    with open_control(DataFolder(calltally.data)) as control:
        save_report(control, acme, f"of {NUMBER.decode()}", request, datetime.now(UTC))
    assert holding(calltally.data)
    assert calltally.run("erase", "-b", "Acme", "--caller", "305-555-1234", "--yes", "--json").json() == {"erased": 2}
    assert not holding(calltally.data)
    assert callers(calltally) == {"a": None, "b": None, "c": "+442079460000"}


def test_it_does_not_come_back_with_the_next_import(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    imported(calltally, tmp_path)
    said = calltally.run("erase", "-b", "Acme", "--caller", "+13055551234", "--yes")
    assert said.out == "Erased from 2 calls; what comes in later is taken without it\n"
    again = calltally.run("erase", "-b", "Acme", "--caller", "(305) 555-1234", "--yes")
    assert again.out == "No call has (305) 555-1234; what comes in later is taken without it\n"
    assert calltally.run("import", str(tmp_path / "calls.ndjson"), "-b", "Acme", "--as-of", "now").code == 0
    assert callers(calltally) == {"a": None, "b": None, "c": "+442079460000"}
    assert not holding(calltally.data)


def test_a_number_that_was_kept_as_it_stood_goes_too(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    """As a business in the United States keeps one that is British, and then moves."""
    call = {"id": "a", "started_at": "2026-03-09T14:05:00Z", "from": "07911 123456"}
    (tmp_path / "calls.ndjson").write_text(json.dumps(call))
    assert calltally.run("import", str(tmp_path / "calls.ndjson"), "-b", "Acme").code == 0
    assert calltally.run("business", "update", "Acme", "--region", "GB").code == 0
    (tmp_path / "calls.ndjson").write_text(json.dumps(call | {"id": "b"}))
    assert calltally.run("import", str(tmp_path / "calls.ndjson"), "-b", "Acme").code == 0
    assert callers(calltally) == {"a": "07911 123456", "b": "+447911123456"}
    said = calltally.run("erase", "-b", "Acme", "--caller", "07911 123456", "--yes", "--json")
    assert said.json() == {"erased": 2}
    assert callers(calltally) == {"a": None, "b": None}
    assert not [path for path in calltally.data.rglob("*") if path.is_file() and b"7911" in path.read_bytes()]


def test_it_asks_first_and_names_what_is_no_number(calltally: CommandLine, acme: str) -> None:
    assert calltally.run("erase", "-b", "Acme", "--caller", "+13055551234", given="n\n").code != 0
    failed = calltally.run("erase", "-b", "Acme", "--caller", "anonymous", "--yes")
    assert failed.failed(2) == "caller_number: 'anonymous' stands for no number; give that of the caller"
    assert calltally.run("erase", "-b", "Acme", "--caller", "anonymous").err == failed.err  # and nobody is asked
