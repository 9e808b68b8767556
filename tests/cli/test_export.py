"""`calltally export`, through its front door."""

import csv
import gzip
import json
import multiprocessing
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from calltally.catalog import CATALOG
from calltally.engines import EXPORT_SCHEMA
from calltally.exporting.place import placed
from tests.cli.conftest import CALLTALLY, CommandLine
from tests.cli.terminal import on_terminal

MANY = 5_000
ROWS = """id,started_at,from,source,status,duration,ai_score,qualified,direction,updated_at
a,2026-03-09T03:59:59Z,(305) 555-1234,google,answered,60,70,true,,2026-03-10T00:00:00Z
b,2026-03-09T04:00:00.25Z,C00001,"say ""hi"", you",missed,0,,false,outbound,
c,2026-03-10T03:59:59Z,,bing,,,10,,,
d,2026-03-10T04:00:00Z,,,busy,61,,,,
"""


@pytest.fixture
def calls(calltally: CommandLine, tmp_path: Path) -> str:
    """A business in New York with four calls, two of them on 9 March."""
    made = calltally.run("business", "create", "Calls", "--timezone", "America/New_York", "--json").json()
    (tmp_path / "calls.csv").write_text(ROWS)
    assert imported(calltally, tmp_path / "calls.csv")["added"] == 4
    return str(made["id"])


def imported(calltally: CommandLine, path: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(calltally.run("import", str(path), "-b", "Calls", "--json").out)
    return summary


def ids(text: str) -> list[str]:
    return [row["id"] for row in csv.DictReader(StringIO(text))]


def export(calltally: CommandLine, *arguments: str) -> str:
    done = calltally.run("export", "-b", "Calls", *arguments)
    assert (done.code, done.err) == (0, "")
    return done.out


def test_csv_is_written_to_standard_output(calltally: CommandLine, calls: str) -> None:
    done = calltally.process("export", "--business", calls)
    assert (done.code, done.err) == (0, "")
    rows = list(csv.DictReader(StringIO(done.out)))
    assert list(rows[0]) == list(CATALOG.fields)
    assert {name: value for name, value in rows[0].items() if value} == {
        "id": "a",
        "started_at": "2026-03-09T03:59:59Z",
        "updated_at": "2026-03-10T00:00:00Z",
        "caller_number": "+13055551234",
        "direction": "inbound",
        "status": "completed",
        "duration_seconds": "60",
        "source": "google",
        "ai_score": "70",
        "qualified": "true",
    }
    assert rows[1]["started_at"] == "2026-03-09T04:00:00.250000Z"
    assert (rows[1]["source"], rows[1]["qualified"], rows[1]["updated_at"]) == ('say "hi", you', "false", "")


def test_json_lines_have_every_field(calltally: CommandLine, calls: str) -> None:
    rows = [json.loads(line) for line in export(calltally, "--format", "ndjson").splitlines()]
    assert [list(row) for row in rows] == [list(CATALOG.fields)] * 4
    assert rows[3]["started_at"] == "2026-03-10T04:00:00Z"
    assert (rows[1]["duration_seconds"], rows[1]["qualified"], rows[1]["ai_score"]) == (0, False, None)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([], "abcd"),
        (["--start-date", "2026-03-09", "--end-date", "2026-03-09"], "bc"),
        (["--start-date", "2026-03-10"], "d"),
        (["--end-date", "2026-03-08"], "a"),
        (["--status", "Answered"], "a"),
        (["--source", "google", "--source", "bing"], "ac"),
        (["--direction", "inbound"], "acd"),
        (["--qualified", "false"], "b"),
        (["--min-ai-score", "10.5"], "a"),
        (["--max-ai-score", "10"], "c"),
        (["--min-duration", "1"], "ad"),
        (["--min-duration", "1", "--source", "google"], "a"),
        (["--source", "nobody"], ""),
        (["--where", "source=google"], "a"),
        (["--where", "source=google", "--where", "source=bing", "--where", "direction=inbound"], "ac"),
        (["--where", "date=2026-03-09"], "bc"),
        (["--where", "date=2026-03-08", "--where", "date=2026-03-10"], "ad"),
        (["--where", "hour_of_day=0"], "bd"),
        (["--where", "day_of_week=1", "--where-null", "ai_category"], "bc"),
        (["--where-null", "source"], "d"),
        (["--where-null", "source", "--where", "source=bing"], "cd"),
    ],
)
def test_filters_are_those_of_a_report(calltally: CommandLine, calls: str, given: list[str], wanted: str) -> None:
    assert ids(export(calltally, *given)) == list(wanted)


def test_every_filter_is_an_option(calltally: CommandLine) -> None:
    shown = calltally.run("export", "--help").out
    options = set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", shown, re.M))
    filters = {row.name.partition("[")[0].replace("_", "-") for row in CATALOG.filters}
    assert filters <= options
    assert options - filters == {"business", "format", "output", "data", "json", "help"}


def test_all_that_is_wrong_is_said_of_the_options(calltally: CommandLine, calls: str) -> None:
    given = ["--start-date", "2026-04-01", "--end-date", "2026-03-01", "--source=", "--direction", "out"]
    sentence = calltally.run("export", "-b", "Calls", *given, "--min-duration=1", "--min-duration=2").failed(2)
    assert sentence == (
        "--start-date: '2026-04-01' is after --end-date '2026-03-01'; it can be at most that; "
        "--source: is empty; it takes text such as 'google', or leave it out; "
        "--direction: 'out' is not allowed; it is 'inbound' or 'outbound'; "
        "--min-duration: was given 2 times; give it once"
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--where", "sorce=x"], "--where: 'sorce' is not a dimension; did you mean 'source'?"),
        (["--where", "source"], "--where: 'source' is not DIMENSION=VALUE"),
        (["--where", "hour_of_day=24"], "--where hour_of_day: '24' is not a whole number from 0 to 23"),
        (["--where-null", "sorce"], "--where-null: 'sorce' is not a dimension; did you mean 'source'?"),
        (
            ["--where", "tracking_number=anonymous"],
            (
                "--where tracking_number: 'anonymous' means that there is no number; "
                "give --where-null=tracking_number for the calls without one"
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_dimension(calltally: CommandLine, calls: str, given: list[str], sentence: str) -> None:
    assert calltally.run("export", "-b", "Calls", *given).failed(2) == sentence


def test_a_filter_that_is_no_text(calltally: CommandLine, calls: str) -> None:
    sentence = calltally.process("export", "-b", "Calls", b"--source=\xff").failed(2)
    assert sentence.startswith("--source: ")
    assert "is not valid UTF-8" in sentence


def test_a_misspelt_option_is_answered_with_the_nearest(calltally: CommandLine, calls: str) -> None:
    sentence = calltally.run("export", "-b", "Calls", "--sorce", "x").failed(2)
    assert "did you mean '--source'?" in sentence


@pytest.mark.parametrize("name", ["calls.csv", "calls.NDJSON", "calls.jsonl.gz", "calls.parquet", "calls", "a.csv.gz"])
def test_a_file_has_the_format_of_its_name_and_imports_again(
    calltally: CommandLine, calls: str, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "out" / name
    path.parent.mkdir()
    said = calltally.run("export", "-b", "Calls", "--output", str(path), "--json").json()
    kind = next((k for k in ("parquet", "ndjson", "jsonl") if k in name.lower()), "csv").replace("jsonl", "ndjson")
    assert said == {"business": calls, "calls": 4, "format": kind, "file": str(path)}
    assert list(path.parent.iterdir()) == [path]
    assert read(path, kind) == ["a", "b", "c", "d"]
    again = imported(calltally, path)
    assert (again["read"], again["unchanged"], again["dropped_fields"]) == (4, 4, {})


def read(path: Path, kind: str) -> list[Any]:
    """The ids in a file, read by other means than ours."""
    if kind == "parquet":
        table = pq.read_table(path)
        assert table.schema.equals(EXPORT_SCHEMA)
        return list(table["id"].to_pylist())
    text = gzip.decompress(path.read_bytes()).decode() if path.name.endswith(".gz") else path.read_text()
    return ids(text) if kind == "csv" else [json.loads(line)["id"] for line in text.splitlines()]


def test_people_are_told_what_was_written(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.parquet"
    assert export(calltally, "--output", str(path), "--source", "bing") == f"Exported 1 call of 'Calls' to {path}\n"


def test_parquet_goes_through_a_pipe(calltally: CommandLine, calls: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [CALLTALLY, "export", "-b", calls, "--format", "parquet"],
        env=calltally.environment(),
        capture_output=True,
        check=True,
    )
    (tmp_path / "calls.parquet").write_bytes(done.stdout)
    assert read(tmp_path / "calls.parquet", "parquet") == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--format", "xml"], "--format: 'xml' is not one of csv, ndjson, parquet"),
        (
            ["--output", "calls.xlsx"],
            "--output: the end of 'calls.xlsx' names no format; say which with --format csv|ndjson|parquet",
        ),
        (["--json"], "--json: standard output has the calls themselves; write them to a file with --output"),
    ],
)
def test_what_does_not_go_together(calltally: CommandLine, calls: str, given: list[str], sentence: str) -> None:
    assert calltally.run("export", "-b", "Calls", *given).failed(2) == sentence


def test_parquet_is_not_written_to_a_terminal(calltally: CommandLine, calls: str) -> None:
    code, seen = on_terminal(calltally, "export", "-b", "Calls", "--format", "parquet", columns=200)
    assert code == 2
    assert seen == "calltally: --format: parquet cannot be shown on a terminal; write it to a file with --output\n"


def test_a_terminal_shows_the_calls_and_nothing_else(calltally: CommandLine, calls: str) -> None:
    code, seen = on_terminal(calltally, "export", "-b", "Calls")
    assert code == 0
    assert ids(seen) == ["a", "b", "c", "d"]


def test_a_file_that_cannot_be_written_leaves_what_was_there(
    calltally: CommandLine, calls: str, tmp_path: Path
) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("precious")
    (tmp_path / f"calls.csv.{os.getpid()}.partial").mkdir()
    sentence = calltally.run("export", "-b", "Calls", "--output", str(path)).failed(1)
    assert sentence == f"{path}: the export cannot be written there (Is a directory)"
    assert path.read_text() == "precious"


def test_two_exports_to_one_place_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    with placed(path) as file, multiprocessing.get_context("spawn").Pool(1) as pool:
        file.write(b"a" * 100_000)
        pool.apply(_exported, (path,))
        file.write(b"a" * 100_000)
        assert path.read_bytes() == b"b"
    assert path.read_bytes() == b"a" * 200_000
    assert list(tmp_path.iterdir()) == [path]


def _exported(path: Path) -> None:
    with placed(path) as file:
        file.write(b"b")


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_a_full_disk(calltally: CommandLine, calls: str, kind: str) -> None:
    sentence = calltally.process("export", "-b", "Calls", "--format", kind, "--output", "/dev/full").failed(1)
    assert sentence == "/dev/full: the export cannot be written there (No space left on device)"
    assert Path("/dev/full").is_char_device()


def test_an_export_of_no_calls(calltally: CommandLine, acme: str) -> None:
    done = calltally.run("export", "-b", acme)
    assert (done.code, done.out.count("\n"), ids(done.out)) == (0, 1, [])
    assert calltally.run("export", "-b", acme, "--format", "ndjson").out == ""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """A data folder with a business of more calls than fit into a pipe."""
    calltally = CommandLine(tmp_path_factory.mktemp("many") / "data")
    import_long_calls(calltally, "Many", MANY)
    return calltally


def import_long_calls(calltally: CommandLine, name: str, count: int) -> None:
    """Make a business with so many calls of 2 KB."""
    text = ",".join(["long text " * 50] * 4)
    path = calltally.data.with_name(f"{name}.csv")
    with path.open("w") as file:
        file.write("id,started_at,utm_source,utm_medium,utm_campaign,utm_term\n")
        file.writelines(f"{n},2026-03-09T00:00:00Z,{text}\n" for n in range(count))
    calltally.run("business", "create", name)
    assert calltally.process("import", str(path), "-b", name).code == 0


def test_memory_does_not_grow_with_the_calls(calltally: CommandLine, tmp_path: Path) -> None:
    written, held = [], []
    for name, count in (("Some", 40_000), ("More", 120_000)):
        import_long_calls(calltally, name, count)
        path = tmp_path / f"{name} again.csv"
        held.append(peak(calltally, "export", "-b", name, "--output", str(path)))
        written.append(path.stat().st_size)
    assert held[1] - held[0] < (written[1] - written[0]) / 4


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_a_reader_that_has_enough_ends_it_quietly(many: CommandLine, kind: str) -> None:
    command = f'"{CALLTALLY}" export -b Many --format {kind} | head -c 100; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], env=many.environment(), capture_output=True, check=False, timeout=60)
    assert (done.returncode, len(done.stdout), done.stderr) == (1, 100, b"")


def test_a_reader_of_parquet_that_has_enough(many: CommandLine) -> None:
    command = f'"{CALLTALLY}" export -b Many --format parquet | true; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], env=many.environment(), capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (1, b"")


def test_progress_is_shown_on_a_terminal(many: CommandLine, tmp_path: Path) -> None:
    code, seen = on_terminal(many, "export", "-b", "Many", "--output", str(tmp_path / "calls.csv"), columns=200)
    assert code == 0
    assert "calls/s" in seen
    assert f"Exported {MANY:,} calls of 'Many'" in seen


PEAK = """
import sys
from pathlib import Path
from calltally.cli import main
assert main(sys.argv[1:]) == 0
status = Path("/proc/self/status").read_text().splitlines()
sys.stderr.write(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
"""


def peak(calltally: CommandLine, *arguments: str) -> int:
    """The most memory that a command takes, in bytes."""
    environment = calltally.environment(CALLTALLY_MEMORY="100MB")
    command = [sys.executable, "-c", PEAK, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return int(done.stderr) * 1024
