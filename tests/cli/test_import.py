"""`calltally import`, through its front door."""

import csv
import gzip
import io
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calltally.accounts import find_business, open_control
from calltally.engines import open_engine
from calltally.folder import DataFolder
from calltally.settings import Settings
from tests.asking import report
from tests.cli.conftest import CALLTALLY, CommandLine, Finished
from tests.cli.terminal import on_terminal
from tests.packing import PACKERS, zstd
from tests.permissions import ORDINARY

NEW_YORK = "America/New_York"
SUMMARY = (
    "read",
    "added",
    "updated",
    "unchanged",
    "rejected",
    "ambiguous_times",
    "skipped_times",
    "dropped_fields",
    "rejects_files",
    "presets",
    "windows_1252_files",
)
NOTHING: dict[str, Any] = {**dict.fromkeys(SUMMARY, 0), "dropped_fields": {}, "rejects_files": [], "presets": {}}
MOST_MEMORY = 400_000  # KB

Row = Mapping[str, object]


def summary_of(done: Finished, code: int = 0) -> dict[str, Any]:
    """The one JSON object on standard output, which adds up."""
    assert done.code == code, done
    assert done.out.count("\n") == 1
    summary: dict[str, Any] = json.loads(done.out)
    assert tuple(summary) == SUMMARY
    assert summary["read"] == sum(summary[name] for name in ("added", "updated", "unchanged", "rejected"))
    return summary


def figures(**given: object) -> dict[str, Any]:
    """A summary that is zero but for what is given."""
    return NOTHING | given


def complaints(done: Finished) -> list[str]:
    """The sentences on standard error, without the lines that tell of progress."""
    lines = done.err.splitlines()
    progress = re.compile(r".+: [\d,]+ rows?, [\d,]+ calls/s(, all read, merging|, \d+%, about \d+ s left)?")
    assert all(line.startswith("calltally: ") or progress.fullmatch(line) for line in lines), done.err
    return [line.removeprefix("calltally: ") for line in lines if line.startswith("calltally: ")]


def rejects_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.with_name(path.name + ".rejected.ndjson").read_text().splitlines()]


@contextmanager
def asking(calltally: CommandLine, business: str = "Acme") -> Iterator[Callable[[str], Any]]:
    """Asks reports about what is in the data folder now; what comes back is the inner `data`."""
    folder = DataFolder(calltally.data)
    with folder.own("serve"), open_control(folder) as control:
        found = find_business(control, business)
        engine = open_engine(folder, Settings(hot_memory="0", memory="500MB", threads=1))
        try:
            yield lambda query: report(engine, found, query)["data"]
        finally:
            engine.close()


def rows_of(calltally: CommandLine, *names: str) -> list[tuple[Any, ...]]:
    """How many calls have which values, as (value, ..., count)."""
    with asking(calltally) as ask:
        found = ask(f"group_by={','.join(names)}&sort_by={names[0]}&sort_order=asc&limit=1000")
    return [tuple(row.values()) for row in found["data"]]


def count_of(calltally: CommandLine) -> int:
    with asking(calltally) as ask:
        count: int = ask("group_by=source")["totals"]["count"]
    return count


@pytest.fixture
def put(calltally: CommandLine, acme: str) -> Callable[..., dict[str, Any]]:
    """Imports files into Acme, in this process: the summary, the run having gone well."""

    def run(*arguments: str | Path) -> dict[str, Any]:
        done = calltally.run("import", *map(str, arguments), "--business", "Acme", "--json")
        assert complaints(done) == []
        return summary_of(done)

    return run


@pytest.fixture
def new_york(calltally: CommandLine, acme: str) -> str:
    calltally.run("business", "update", acme, "--timezone", NEW_YORK)
    return acme


Put = Callable[..., dict[str, Any]]


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def many_rows(path: Path, count: int) -> Path:
    return written(
        path,
        "id,started_at,source",
        *(f"c{n},2026-03-0{1 + n % 9}T10:{n % 60:02}:00Z,s{n % 7}" for n in range(count)),
    )


# --- What comes in --------------------------------------------------------------------------------------------------


def test_a_file_twice(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    path = written(
        tmp_path / "calls.csv",
        "id,started_at,source,status",
        "a,2026-03-09T14:05:00Z,google,answered",
        "b,2026-03-09T15:05:00Z,bing,missed",
        "c,yesterday,bing,missed",
        "b,2026-03-09T15:05:00Z,bing,voicemail",
    )
    rejects = [f"{path}.rejected.ndjson"]
    first, again = (summary_of(calltally.process("import", str(path), "-b", acme, "--json")) for _ in range(2))
    assert first == figures(read=4, added=2, updated=1, rejected=1, rejects_files=rejects)
    assert again == figures(read=4, unchanged=3, rejected=1, rejects_files=rejects)
    assert rows_of(calltally, "source", "status") == [("bing", "voicemail", 1), ("google", "completed", 1)]


def test_several_files_are_one_summary(calltally: CommandLine, put: Put, tmp_path: Path) -> None:
    one = written(tmp_path / "one.csv", "id,started_at,mood", "a,2026-03-09T14:05:00Z,good", "b,,")
    two = written(
        tmp_path / "two.ndjson", '{"id": "a", "source": "bing", "mood": 1}', '{"id": "c", "started_at": "2026-03-09"}'
    )
    both = [f"{path}.rejected.ndjson" for path in (one, two)]
    dropped = {"mood": 3}
    assert put(one, two) == figures(read=4, added=1, updated=1, rejected=2, dropped_fields=dropped, rejects_files=both)
    again = put(one, one)
    assert (again["read"], again["rejects_files"]) == (4, both[:1])
    assert rows_of(calltally, "source") == [("bing", 1)]


def test_corrections_by_id(calltally: CommandLine, put: Put, tmp_path: Path) -> None:
    put(written(tmp_path / "calls.csv", "id,started_at,source,status", "a,2026-03-09T14:05:00Z,google,answered"))
    fix = written(tmp_path / "fix.csv", "id,status,source", "a,voicemail,", "nobody,busy,")
    assert put(fix) == figures(read=2, updated=1, rejected=1, rejects_files=[f"{fix}.rejected.ndjson"])
    assert rejects_of(fix) == [
        {
            "line": 3,
            "errors": [{"field": "started_at", "message": "started_at: is missing, and no call has this id yet"}],
            "record": {"id": "nobody", "status": "busy", "source": ""},
        }
    ]
    assert rows_of(calltally, "source", "status", "date") == [("google", "voicemail", "2026-03-09", 1)]


def test_what_keeps_rows_out_is_told_by_field(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    fields = ("ai_score", "duration", "qualified", "value_cents", "cost_cents", "direction", "started_at")
    lines = [",".join(["a", *("x" for _ in fields)]), "b,101,5,yes,1,1,inbound,2026-03-09T14:05:00Z"]
    lines.append("c,\x1b[31m,,,,,,2026-03-09T14:05:00Z")
    bad = written(tmp_path / "bad.csv", ",".join(["id", *fields]), *lines)
    done = calltally.run("import", str(bad), "-b", acme)
    assert done.code == 0
    told = done.out.partition("with reasons: ")[2].splitlines()[1:]
    fields_told = ["started_at", "direction", "duration_seconds", "ai_score", "qualified"]
    assert [line.split(": ")[1] for line in told[:5]] == fields_told
    assert told[3] == "  Such as line 2: ai_score: 'x' is not a whole number from 0 to 100 (2 more such rows)"
    assert told[5] == "  Also in 2 more fields: value_cents, cost_cents"


def test_corrections_of_calls_that_are_not_there(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    fix = written(tmp_path / "fix.csv", "id,status", "nobody,busy")
    done = calltally.run("import", str(fix), "-b", acme)
    assert done.code == 0
    assert done.out.endswith(
        f"Rejected rows, with reasons: {fix}.rejected.ndjson\n"
        "  Such as line 2: started_at: is missing, and no call has this id yet\n"
        "  If their calls are in another file, import that one first, then this one again\n"
    )


def test_a_foreign_file(calltally: CommandLine, new_york: str, tmp_path: Path) -> None:
    path = written(tmp_path / "export.csv", "Call Time,Caller,Where", "3/9/2026 2:05 PM,(305) 555-1234,google")
    mapping = ("--map", "started_at=Call Time", "--map", "caller_number=Caller", "--map", "source=Where")
    formats = ("--time-format", "%m/%d/%Y %I:%M %p")
    before = calltally.process("import", "--json", *mapping, "-b", new_york, *formats, str(path))
    assert summary_of(before) == figures(read=1, added=1)
    after = calltally.process("import", str(path), *formats, "-b", "Acme", *mapping, "--json")
    assert summary_of(after) == figures(read=1, unchanged=1)
    with asking(calltally) as ask:
        found = ask("group_by=source,date,hour_of_day&metrics=unique_callers")
    assert found["data"] == [{"source": "google", "date": "2026-03-09", "hour_of_day": 14, "unique_callers": 1}]


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        (
            ("started_at=Zeit", "source=Quelle"),
            "{} has no column 'Zeit' nor 'Quelle'; its columns are 'When', 'Caller ID'",
        ),
        (
            (),
            (
                "No column of {} is a call field; its first line has 'When', 'Caller ID'; "
                "say which is which with --map, such as --map started_at='Call Time'"
            ),
        ),
    ],
)
def test_columns_that_are_not_there(
    calltally: CommandLine, acme: str, tmp_path: Path, mapping: Sequence[str], sentence: str
) -> None:
    path = written(tmp_path / "export.csv", "When,Caller ID", "2026-03-09,1")
    options = [part for column in mapping for part in ("--map", column)]
    assert calltally.process("import", str(path), "-b", acme, *options).failed(1) == sentence.format(path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Missing option '--business' / '-b' (see 'calltally import --help')"),
        (
            ("-b", "Acme", "--map", "startedat=When", "--map", "source", "--map", "from=Who", "--time-format", "%Q"),
            (
                "--map: 'startedat' is not a call field; did you mean 'started_at'?; "
                "--map: 'source' is not FIELD=COLUMN, such as started_at='Call Time'; "
                "--map: 'from' is not a call field; did you mean 'caller_number'?; "
                "--time-format: '%Q' is no format of times ('Q' is a bad directive in format '%Q')"
            ),
        ),
        (("-b", "Acme", "--map", "source=A", "--map", "source=B"), "--map: 'source' is given twice"),
        (
            ("-b", "Acme", "--time-format", "%H:%M"),
            "--time-format: '%H:%M' does not say year, month and day, such as %m/%d/%Y",
        ),
        (
            ("-b", "Acme", "--time-format", "%m/%d/%Y %I:%M"),
            "--time-format: '%m/%d/%Y %I:%M' cannot tell morning from afternoon; add %p to %I, or use %H",
        ),
    ],
)
def test_wrong_usage(
    calltally: CommandLine, acme: str, tmp_path: Path, arguments: Sequence[str], sentence: str
) -> None:
    path = written(tmp_path / "calls.csv", "id,started_at", "a,2026-03-09T14:05:00Z")
    assert calltally.run("import", str(path), *arguments, "--json").failed(2) == sentence


def test_a_field_that_is_none_is_said_with_all_that_are(calltally: CommandLine, acme: str) -> None:
    sentence = calltally.run("import", "x.csv", "-b", acme, "--map", "zzz=A").failed(2)
    assert sentence.startswith("--map: 'zzz' is not a call field; the fields are id, started_at, ")


def test_no_file_and_no_business(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    assert calltally.run("import", "-b", acme).failed(2).startswith("Missing argument 'FILE")
    sentence = calltally.process("import", "x.csv", "-b", "Nobody").failed(1)
    assert sentence == "There is no business 'Nobody'; 'calltally business list' shows those there are"


def test_an_ambiguous_business(calltally: CommandLine, acme: str, put: Put, tmp_path: Path) -> None:
    twin = json.loads(calltally.run("business", "create", "Acme", "--json").out)["id"]
    path = written(tmp_path / "calls.csv", "id,started_at", "a,2026-03-09T14:05:00Z")
    sentence = calltally.process("import", str(path), "-b", "Acme").failed(1)
    assert acme in sentence
    assert twin in sentence


def test_a_missing_file_among_good_ones(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    good = [written(tmp_path / f"{n}.csv", "id,started_at", f"{n},2026-03-09T14:05:00Z") for n in (1, 2)]
    arguments = (str(good[0]), str(tmp_path / "missing.csv"), str(tmp_path), str(good[1]))
    done = calltally.process("import", *arguments, "-b", acme, "--json")
    assert summary_of(done, code=1) == figures(read=2, added=2)
    assert complaints(done) == [
        f"{tmp_path / 'missing.csv'}: there is no such file",
        f"{tmp_path}: this is a folder; name a file in it",
    ]


def test_nothing_read_is_no_summary_for_people(calltally: CommandLine, acme: str) -> None:
    assert calltally.run("import", "missing.csv", "-b", acme).failed(1) == "missing.csv: there is no such file"


# --- Rejected rows and dropped fields -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["calls.ndjson", "calls.json"])
def test_a_row_with_values_inside_one_another_is_given_back_without_its_depths(
    put: Put, tmp_path: Path, name: str
) -> None:
    rows = [
        '{"id": "good", "started_at": "2026-03-09T14:05:00Z"}',
        f'{{"id": "deep", "started_at": "2026-03-09T14:05:00Z", "source": {"[" * 990}1{"]" * 990}}}',
        f'{{"id": "update", "source": {"[" * 990}1{"]" * 990}}}',
    ]
    path = tmp_path / name
    written(path, *(rows if name.endswith("ndjson") else ["[" + ",".join(rows) + "]"]))
    found = put(path)
    assert (found["added"], found["rejected"]) == (1, 2)
    for row in rejects_of(path):
        assert row["cut"]
        assert "..." in row["text"]
        assert row["errors"][0]["message"].endswith(" is not text")


def test_rejected_rows_are_given_back(put: Put, tmp_path: Path) -> None:
    path = tmp_path / "calls.ndjson"
    rows: list[dict[str, object]] = [
        {"id": "good", "started_at": "2026-03-09T14:05:00Z"},
        {"id": "a", "started_at": True, "duration_seconds": 69.5, "ai_score": 101, "note": ["kept", {"as": "it is"}]},
        {"id": "b", "started_at": "2026-03-09T14:05:00Z", "source": "ü" * 40_000},
    ]
    written(path, *(json.dumps(row, ensure_ascii=False) for row in rows), "[1, 2]")
    assert put(path)["rejected"] == 3
    first, cut, broken = sorted(rejects_of(path), key=lambda row: int(row["line"]))
    assert first == {
        "line": 2,
        "errors": [
            {"field": "started_at", "message": "started_at: 'true' is not a time such as 2026-03-09T14:05:00Z"},
            {
                "field": "duration_seconds",
                "message": "duration_seconds: '69.5' is not a whole number from 0 to 10000000",
            },
            {"field": "ai_score", "message": "ai_score: '101' is not from 0 to 100"},
        ],
        "record": rows[1],
    }
    assert (cut["line"], cut["cut"]) == (3, True)
    assert len(cut["text"].encode()) in {65_535, 65_536}
    assert json.dumps(rows[2], ensure_ascii=False, separators=(",", ":")).startswith(cut["text"])
    assert (broken["line"], broken["text"]) == (4, "[1, 2]")
    assert broken["errors"][0]["field"] is None


def test_rejected_rows_of_an_array_keep_their_place(calltally: CommandLine, put: Put, tmp_path: Path) -> None:
    path = written(tmp_path / "calls.json", '[{"started_at": "2026-03-09T14:05:00Z"}, {"id": "b"}, 5]')
    assert put(path)["rejected"] == 2
    assert [(row["number"], row.get("record", row.get("text"))) for row in rejects_of(path)] == [
        (3, "5"),
        (2, {"id": "b"}),
    ]


def test_what_is_rejected_no_more_is_not_left_behind(put: Put, tmp_path: Path) -> None:
    path = written(tmp_path / "calls.csv", "id,started_at", "a,3/9/2026")
    rejects = Path(f"{path}.rejected.ndjson")
    assert put(path)["rejects_files"] == [str(rejects)]
    assert put(path, "--time-format", "%m/%d/%Y", "--dry-run") == figures(read=1, added=1)
    assert rejects.exists()
    assert put(path, "--time-format", "%m/%d/%Y") == figures(read=1, added=1)
    assert not rejects.exists()


def test_dropped_fields_are_counted_and_named(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    path = written(
        tmp_path / "calls.csv",
        "id,started_at,from,caller_number,sorce,Caller ID,\x1b[31mred",
        *(f"{n},2026-03-09T14:05:00Z,+1305555000{n},+1305555123{n},google,x,y" for n in range(3)),
    )
    summary = summary_of(calltally.process("import", str(path), "-b", acme, "--json"))
    dropped = {"from": 3, "sorce": 3, "Caller ID": 3, "\x1b[31mred": 3}
    assert summary == figures(read=3, added=3, dropped_fields=dropped)
    people = calltally.process("import", str(path), "-b", acme).out
    assert "Dropped columns and how many rows had them: " in people
    assert "from (3)" in people
    assert "Is 'sorce' the field 'source'? Then add --map source=sorce\n" in people
    assert "Is 'Caller ID' the field 'caller_number'?" in people
    assert "\x1b" not in people


def test_the_hint_knows_what_others_call_a_field(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    hinted = {
        "Number Dialed": "tracking_number",
        "Caller-ID": "caller_number",
        "caller": "caller_number",
        "Call Time": "started_at",
        "Result": "status",
        "Campaign": "utm_campaign",
        "Number ID": "number_id",
        "Number Idx": None,
        "Flow Name Id": None,
    }
    path = written(
        tmp_path / "calls.csv", ",".join(["id,started_at", *hinted]), "a,2026-03-09T14:05:00Z" + ",x" * len(hinted)
    )
    told = calltally.process("import", str(path), "-b", acme).out
    assert {name: (f"Is '{name}' the field '{field}'?" in told) for name, field in hinted.items() if field} == {
        name: True for name, field in hinted.items() if field
    }
    assert not [name for name, field in hinted.items() if not field and f"Is '{name}'" in told]


# --- Broken and odd files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", figures()),
        ("id,started_at\n", figures()),
        ("id,source\na,google\n", figures(read=1, rejected=1)),
        ("started_at,source\n2026-03-09T14:05:00Z,google\n", figures(read=1, added=1)),
        (
            (
                "id,started_at,qualified,value_cents\n"
                "a,2026-03-09T14:05:00Z,maybe,1\n"
                "b,2026-03-09T14:05:00Z,yes,1.0\n"
                "c,2026-03-09T14:05:00Z,0,1e3\n"
                "d,2026-02-30T14:05:00Z,,\n"
            ),
            figures(read=4, added=1, rejected=3),
        ),
        ("id,started_at\na,2026-03-09T14:05:00Z\na,2026-03-09T14:05:00Z\n", figures(read=2, added=1, unchanged=1)),
        (
            "started_at,from\n2026-03-09T14:05:00Z,(305) 555-1234\n2026-03-09T10:05:00-04:00,+13055551234\n",
            figures(read=2, added=2),
        ),
    ],
    ids=["empty", "header only", "no start", "no id", "wrong types", "duplicates", "twins"],
)
def test_odd_files(put: Put, tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(text)
    rejects = [f"{path}.rejected.ndjson"] if expected["rejected"] else []
    assert put(path) == expected | {"rejects_files": rejects}
    again = figures(read=expected["read"], rejected=expected["rejected"], rejects_files=rejects)
    assert put(path) == again | {"unchanged": expected["read"] - expected["rejected"]}


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_truncated_archive_keeps_the_rows_before_the_break(
    calltally: CommandLine, acme: str, tmp_path: Path, suffix: str
) -> None:
    whole = PACKERS[suffix](many_rows(tmp_path / "calls.csv", 20_000).read_bytes())
    path = tmp_path / f"calls.csv{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    done = calltally.process("import", str(path), "-b", acme, "--json")
    summary = summary_of(done, code=1)
    assert 5_000 < summary["added"] == summary["read"] < 15_000
    (sentence,) = complaints(done)
    assert sentence == (
        f"{path.name}: the archive breaks off after line {summary['read'] + 1} (byte {len(whole) // 2} of the file)"
    )
    assert count_of(calltally) == summary["added"]
    path.write_bytes(whole)
    done = calltally.process("import", str(path), "-b", acme, "--json")
    assert summary_of(done) == figures(read=20_000, added=20_000 - summary["added"], unchanged=summary["added"])


def test_a_long_value_near_the_top(put: Put, tmp_path: Path) -> None:
    path = written(tmp_path / "calls.csv", "id,started_at", f"{'x' * 200_000},0", "b,2026-03-09T14:05:00Z")
    assert put(path)["rejected"] == 1


def test_rows_that_are_not_text(put: Put, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    rows = [b"%d,2026-03-09T14:05:00Z,%s\n" % (n, b"x" * 100) for n in range(12_000)]
    path.write_bytes(b"id,started_at,source\n" + b"".join(rows) + b"z,2026-03-09T14:05:00Z,caf\xe9\n")
    rejects = [f"{path}.rejected.ndjson"]
    assert put(path) == figures(read=12_001, added=12_000, rejected=1, rejects_files=rejects)
    (row,) = rejects_of(path)
    assert (row["line"], row["text"]) == (12_002, "z,2026-03-09T14:05:00Z,caf\ufffd")
    assert row["errors"] == [{"field": None, "message": "is not UTF-8 text"}]


def giant_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"id,started_at\na,2026-03-09T14:05:00Z\n")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\nb,2026-03-09T14:05:00Z\n")


def packed(path: Path) -> zstd.ZstdFile | gzip.GzipFile:
    """The file to pack bytes into, quickly."""
    return zstd.open(path, "wb") if path.suffix == ".zst" else gzip.open(path, "wb", compresslevel=1)


def bomb_of_a_line(path: Path) -> None:
    with packed(path) as file:
        file.write(b'{"id": "a", "started_at": "2026-03-09T14:05:00Z"}\n')
        for _ in range(300):
            file.write(b"0" * 1_000_000)
        file.write(b'\n{"id": "b", "started_at": "2026-03-09T14:05:00Z"}\n')


def bomb_of_rows(path: Path) -> None:
    with packed(path) as file:
        file.write(b"id,started_at,source\n" + b"a,2026-03-09T14:05:00Z,\n" * 100)
        for n in range(100, 400):
            file.write(b"x,2026-03-09T14:05:00Z,%d" % n + b"0" * 990_000 + b"\n")
        file.write(b"b,2026-03-09T14:05:00Z,\n")


# The kernel's own figure of this process: what a parent is told (ru_maxrss) starts at the parent's own size.
MEASURED = r"""
import re, sys
from pathlib import Path
from calltally.cli import main
code = main(sys.argv[1:])
sys.stderr.write("\n" + re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("name", "make", "place", "rejected", "reason"),
    [
        ("line.csv", giant_line, 3, 1, "is longer than 1,000,000 bytes"),
        ("line.ndjson.gz", bomb_of_a_line, 2, 1, "is longer than 1,000,000 bytes"),
        ("line.ndjson.zst", bomb_of_a_line, 2, 1, "is longer than 1,000,000 bytes"),
        (
            "rows.csv.gz",
            bomb_of_rows,
            102,
            300,
            f"source: '1{'0' * 99}' has 990003 characters, at most 512 are allowed",
        ),
        (
            "rows.csv.zst",
            bomb_of_rows,
            102,
            300,
            f"source: '1{'0' * 99}' has 990003 characters, at most 512 are allowed",
        ),
    ],
)
def test_memory_is_bounded(
    calltally: CommandLine,
    acme: str,
    tmp_path: Path,
    name: str,
    make: Callable[[Path], None],
    place: int,
    rejected: int,
    reason: str,
) -> None:
    path = tmp_path / name
    make(path)
    command = [sys.executable, "-c", MEASURED, "import", str(path), "-b", acme, "--json"]
    done = subprocess.run(command, capture_output=True, env=calltally.environment(), check=True)
    summary = json.loads(done.stdout)
    assert (summary["added"], summary["rejected"]) == (2, rejected)
    first = min(rejects_of(path), key=lambda row: int(row["line"]))
    assert first["line"] == place
    assert first["errors"][0]["message"] == reason
    assert len(first["text"]) == 65_536
    assert first["cut"] is True
    assert int(done.stderr.split()[-1]) < MOST_MEMORY


# --- Formats --------------------------------------------------------------------------------------------------------

RECORDS: list[dict[str, object]] = [
    {"id": "1", "started_at": "2026-03-09T14:05:00Z", "source": "Müller; Söhne", "duration": 61, "qualified": True},
    {
        "id": "2",
        "started_at": "2026-03-09 16:05:00",
        "source": "ein „Zitat“, kurz",
        "duration": None,
        "qualified": False,
    },
]


def as_csv(delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(RECORDS[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(RECORDS)
    return text.getvalue().encode(encoding)


def as_parquet() -> bytes:
    times = [datetime.fromisoformat(str(row["started_at"])).replace(tzinfo=None) for row in RECORDS]
    columns = {
        "id": pa.array([1, 2], pa.int32()),
        "source": pa.array([row["source"] for row in RECORDS]).dictionary_encode(),
        "duration": pa.array([61, None], pa.int16()),
        "qualified": pa.array([True, False]),
    }
    file = io.BytesIO()
    pq.write_table(pa.table(columns | {"started_at": pa.array(times, pa.timestamp("ms"))}), file)
    return file.getvalue()


def as_parquet_with_zone() -> bytes:
    table = pq.read_table(io.BytesIO(as_parquet()))
    at = table.column_names.index("started_at")
    instants = [datetime(2026, 3, 9, hour, 5, tzinfo=UTC) for hour in (14, 20)]
    file = io.BytesIO()
    zoned = pa.array(instants, pa.timestamp("us", "Asia/Tokyo"))
    pq.write_table(table.set_column(at, "started_at", zoned), file)
    return file.getvalue()


def as_lines() -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in RECORDS)


FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "csv": ("calls.csv", as_csv),
    "semicolons": ("calls.csv", lambda: as_csv(";", "utf-8-sig")),
    "windows-1252": ("calls.csv", lambda: as_csv(";", "cp1252")),
    "ndjson": ("calls.ndjson", as_lines),
    "json": ("calls.json", lambda: json.dumps(RECORDS, indent=1).encode()),
    "parquet": ("calls.parquet", as_parquet),
    "parquet with zone": ("calls.parquet", as_parquet_with_zone),
}


@pytest.mark.parametrize("kind", FILES)
def test_every_format_packed_or_not(calltally: CommandLine, put: Put, new_york: str, tmp_path: Path, kind: str) -> None:
    name, content = FILES[kind]
    plain = tmp_path / name
    plain.write_bytes(content())
    local = kind == "parquet"  # its first time has no offset either
    odd = int(kind == "windows-1252")
    assert put(plain) == figures(read=2, added=2, windows_1252_files=odd)
    for suffix, pack in PACKERS.items():
        archive = tmp_path / f"{name}{suffix}"
        archive.write_bytes(pack(content()))
        assert put(archive) == figures(read=2, unchanged=2, windows_1252_files=odd)
    with asking(calltally) as ask:
        found = ask(
            "group_by=source,hour_of_day&metrics=total_duration,qualified_count&sort_by=hour_of_day&sort_order=asc"
        )
    assert [tuple(row.values()) for row in found["data"]] == [
        ("Müller; Söhne", 14 if local else 10, 61, 1),
        ("ein „Zitat“, kurz", 16, 0, 0),
    ]


@pytest.mark.parametrize("kind", FILES)
def test_every_format_on_standard_input(calltally: CommandLine, acme: str, kind: str) -> None:
    """Nothing but the content says what it is."""
    content, odd = FILES[kind][1](), int(kind == "windows-1252")
    for given, expected in (
        (content, figures(read=2, added=2, windows_1252_files=odd)),
        (zstd.compress(content), figures(read=2, unchanged=2, windows_1252_files=odd)),
    ):
        done = calltally.process("import", "-", "-b", acme, "--json", given=given)
        assert complaints(done) == []
        assert summary_of(done) == expected


def test_rejected_rows_of_standard_input(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    given = "id,started_at\na,yesterday\nb,2026-03-09T14:05:00Z\n"
    done = calltally.process("import", "-", "-b", acme, "--json", given=given)
    rejects = ["stdin.rejected.ndjson"]
    assert summary_of(done) == figures(read=2, added=1, rejected=1, rejects_files=rejects)
    assert [row["line"] for row in rejects_of(tmp_path / "stdin")] == [2]
    people = calltally.process("import", "-", "-b", acme, given=given)
    assert "Rejected rows, with reasons: stdin.rejected.ndjson\n" in people.out
    assert re.fullmatch(r"stdin: 2 rows, [\d,]+ calls/s, all read, merging\n", people.err)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            gzip.compress(b"id,started_at\n", mtime=0)[:-4],
            "stdin: the archive breaks off after line 1 (byte 30 of the input)",
        ),
        (b'[{"id": "a"},', "stdin: the array breaks off after record 1 (byte 13 of the input)"),
        (b"PK\x03\x04", "stdin: this is a zip archive or an Excel workbook; unpack it, or save it as CSV"),
        (
            b"When,Who\n1,2\n",
            (
                "No column of stdin is a call field; its first line has 'When', 'Who'; "
                "say which is which with --map, such as --map started_at='Call Time'"
            ),
        ),
        (
            b"Start Time,Caller Number,Source\n1,2,3\n",
            (
                "No column of stdin is a call field; its first line has 'Start Time', 'Caller Number', 'Source'; "
                "say which is which with --map, such as --map started_at='Start Time' "
                "--map caller_number='Caller Number' --map source='Source'"
            ),
        ),
    ],
)
def test_what_is_wrong_with_standard_input(calltally: CommandLine, acme: str, given: bytes, sentence: str) -> None:
    done = calltally.process("import", "-", "-b", acme, "--json", given=given)
    assert (done.code, complaints(done)) == (1, [sentence])


def test_standard_input_among_files(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    """A file of the name `-` has a path."""
    for name, id_ in (("one.csv", "a"), ("-", "b"), ("two.csv", "c")):
        written(tmp_path / name, "id,started_at", f"{id_},2026-03-09T14:05:00Z")
    given = "id,started_at\na,2026-03-09T14:05:00Z\nd,2026-03-09T14:05:00Z\n"
    done = calltally.process("import", "one.csv", "-", "./-", "two.csv", "-b", acme, "--json", given=given)
    assert summary_of(done) == figures(read=5, added=4, unchanged=1)
    sentence = calltally.process("import", "-", "one.csv", "-", "-b", acme, given=given).failed(2)
    assert sentence == "FILE: '-' is given twice, but standard input can be read only once"


def test_no_standard_input(calltally: CommandLine, acme: str) -> None:
    command = ["sh", "-c", f"{CALLTALLY} import - -b {acme} <&-"]
    done = subprocess.run(command, capture_output=True, text=True, env=calltally.environment(), check=False)
    assert (done.returncode, done.stderr) == (1, "calltally: stdin: there is no standard input\n")


def test_a_pipe_by_its_name(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    """As a shell gives one for `<(command)`."""
    pipe = tmp_path / "calls"
    os.mkfifo(pipe)
    for content in (as_csv(), as_parquet()):
        writer = threading.Thread(target=pipe.write_bytes, args=(content,))
        writer.start()
        done = calltally.process("import", str(pipe), "-b", acme, "--json")
        writer.join()
        assert complaints(done) == []
        assert summary_of(done)["read"] == 2


def test_a_pipe_that_is_empty_for_a_moment_is_not_at_its_end(calltally: CommandLine, acme: str) -> None:
    """Though whoever made it may have asked not to be kept waiting."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    with subprocess.Popen(
        [CALLTALLY, "import", "-", "-b", acme, "--json"],
        stdin=ours,
        stdout=subprocess.PIPE,
        env=calltally.environment(),
    ) as process:
        os.close(ours)
        for n in range(3):
            os.write(theirs, b'{"id": "%d", "started_at": "2026-03-09T14:05:00Z"}\n' % n)
            time.sleep(1)
        os.close(theirs)
        out, _ = process.communicate(timeout=60)
    assert json.loads(out)["added"] == 3


MEGABYTES = 450


def csv_stream() -> Iterator[bytes]:
    yield b"id,started_at,notes\n"
    yield from (b"c%d,2026-03-09T14:05:00Z,%s\n" % (n, b"x" * 5_000) for n in range(MEGABYTES * 200))


def ndjson_stream() -> Iterator[bytes]:
    row = b'{"id": "c%d", "started_at": "2026-03-09T14:05:00Z", "notes": "%s"}\n'
    yield from (row % (n, b"x" * 5_000) for n in range(MEGABYTES * 200))


@pytest.mark.parametrize("stream", [csv_stream, ndjson_stream])
def test_a_stream_of_any_length_in_little_memory(
    calltally: CommandLine, acme: str, stream: Callable[[], Iterator[bytes]]
) -> None:
    command = [sys.executable, "-c", MEASURED, "import", "-", "-b", acme, "--json"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=calltally.environment()
    ) as process:
        assert process.stdin
        process.stdin.writelines(stream())
        out, err = process.communicate()
    assert json.loads(out)["added"] == MEGABYTES * 200
    assert int(err.split()[-1]) < MOST_MEMORY < MEGABYTES * 1000


def test_patterns(calltally: CommandLine, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["calls-2.csv", "calls-10.csv", ".calls-3.csv", "calls-1.csv.rejected.ndjson", "other.csv", "calls-[1].csv"]
    names += ["deep/calls-4.csv", "deep/er/calls-5.csv"]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        written(path, "id,started_at,source", f"x,2026-03-09T14:05:00Z,{name}")
    (tmp_path / "calls-.csv").mkdir()

    def last(*arguments: str) -> tuple[int, str]:
        """How many rows were read, and which file the last of them came from."""
        read = put(*arguments)["read"]
        ((source, _),) = rows_of(calltally, "source")
        return read, source

    assert last("calls-?.csv") == (1, "calls-2.csv")
    assert last("calls-*.csv") == (3, "calls-[1].csv")
    assert last("calls-[12]*.csv") == (2, "calls-2.csv")
    assert last("calls-[1].csv") == (1, "calls-[1].csv")
    assert last("**/*-[45].csv") == (2, "deep/er/calls-5.csv")
    assert last("**/*.csv") == (6, "other.csv")
    assert last("calls-1*") == (1, "calls-10.csv")
    assert last(str(tmp_path / "deep" / "*"), "calls-2*") == (2, "calls-2.csv")
    assert last(".calls*") == (1, ".calls-3.csv")


def test_a_pattern_that_matches_nothing(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    (tmp_path / "empty-1").mkdir()
    good = written(tmp_path / "good.csv", "id,started_at", "a,2026-03-09T14:05:00Z")
    done = calltally.process("import", "empty-*", str(good), "-b", acme, "--json")
    assert summary_of(done, code=1) == figures(read=1, added=1)
    sentence = "empty-*: there is no such file, nor does one match this pattern"
    assert complaints(done) == [sentence]
    assert calltally.process("import", "empty-*", "-b", acme).failed(1) == sentence


# --- Versions -------------------------------------------------------------------------------------------------------


def test_as_of_is_a_version_like_any_other(calltally: CommandLine, put: Put, new_york: str, tmp_path: Path) -> None:
    calls = tmp_path / "calls.ndjson"
    row = {"id": "a", "started_at": "2026-03-09T14:05:00Z"}

    def now_after(source: str, *arguments: str, **said: str) -> str:
        written(calls, json.dumps(row | {"source": source} | said))
        put(calls, *arguments)
        ((found, _),) = rows_of(calltally, "source")
        return str(found)

    assert now_after("unversioned") == "unversioned"
    assert now_after("noon", "--as-of", "2026-03-10T12:00:00Z") == "noon"
    assert now_after("unversioned") == "noon"
    assert now_after("earlier", updated_at="2026-03-10T11:59:59Z") == "noon"
    assert now_after("one later", updated_at="2026-03-10T12:00:01Z") == "one later"
    assert now_after("local", "--as-of", "2026-03-10 08:00:02") == "local"  # of New York, so 12:00:02
    assert now_after("older", "--as-of", "2026-03-10T12:00:01.999999Z") == "local"
    assert now_after("its own counts", "--as-of", "2026-03-10T13:00:00Z", updated_at="2026-03-10T11:00:00Z") == "local"
    assert now_after("today", "--as-of", "now") == "today"
    assert now_after("past", updated_at=datetime.now(UTC).replace(year=2020).isoformat()) == "today"
    assert now_after("to come", "--as-of", "9999-12-31T23:59:59Z") == "to come"
    assert now_after("today again", "--as-of", "now") == "to come"


def test_now_is_the_same_for_all_files_of_a_command(calltally: CommandLine, put: Put, tmp_path: Path) -> None:
    """Of equal versions the greater value stands, though the lesser one comes later."""
    names = ["b", "c", "a"]
    files = [
        written(tmp_path / f"{at}.csv", "id,started_at,source", f"x,2026-03-09T14:05:00Z,{name}")
        for at, name in enumerate(names)
    ]
    put(*files, "--as-of", "now")
    assert rows_of(calltally, "source") == [("c", 1)]


@pytest.mark.parametrize("time_", ["yesterday", "", "NOW", "2026-02-30T00:00:00Z", "2026-03-10", "1773144000"])
def test_as_of_no_time(calltally: CommandLine, acme: str, time_: str) -> None:
    sentence = calltally.run("import", "x.csv", "-b", acme, "--as-of", time_, "--map", "zzz=A").failed(2)
    assert sentence.startswith("--map: 'zzz' is not a call field; ")
    assert sentence.endswith(f"; --as-of: '{time_}' is neither a time such as 2026-03-09T14:05:00Z nor 'now'")


@pytest.mark.parametrize(
    "time_",
    [
        "9999-12-31T23:59:59-23:59",
        "9999-12-31T23:59:60Z",  # a leap second: the first of the year 10000
        "0001-01-01T00:00:00+23:59",
        "9999-12-31 23:59:59",
    ],
)
def test_as_of_a_time_that_could_not_be_imported_again(
    calltally: CommandLine, new_york: str, tmp_path: Path, time_: str
) -> None:
    path = written(tmp_path / "calls.csv", "id,started_at", "a,2026-03-09T14:05:00Z")
    sentence = calltally.run("import", str(path), "-b", new_york, "--as-of", time_).failed(2)
    assert sentence == f"--as-of: '{time_}' is not from the year 1 to 9999 in UTC"


def test_names_of_files_that_are_no_text(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff[red].csv"
    with open(path, "wb") as file:  # noqa: PTH123 - Path takes text
        file.write(b"id,started_at\na,\n")
    summary = summary_of(calltally.process("import", path, "-b", acme, "--json"))
    assert summary["rejected"] == 1
    assert summary["rejects_files"][0].endswith("[red].csv.rejected.ndjson")
    assert Path(os.fsdecode(path + b".rejected.ndjson")).exists()
    code, seen = on_terminal(calltally, "import", os.fsdecode(path), "-b", acme)
    assert code == 0
    assert "[red].csv" in seen


# --- Days and clocks ------------------------------------------------------------------------------------------------


def test_local_times_that_occur_twice_or_never(calltally: CommandLine, put: Put, new_york: str, tmp_path: Path) -> None:
    path = written(
        tmp_path / "calls.csv",
        "id,started_at",
        "twice,2026-11-01 01:30",
        "first,2026-11-01T01:30:00-04:00",
        "never,2026-03-08 02:30",
        "bad,2026-03-08 02:30 or so",
    )
    summary = put(path)
    assert summary == figures(
        read=4,
        added=3,
        rejected=1,
        ambiguous_times=1,
        skipped_times=1,
        rejects_files=[f"{path}.rejected.ndjson"],
    )
    assert rows_of(calltally, "date", "hour_of_day") == [("2026-03-08", 3, 1), ("2026-11-01", 1, 2)]
    people = calltally.process("import", str(path), "-b", new_york).out
    assert f"1 row at a time that occurs twice on the clock of {NEW_YORK}: the first is taken\n" in people
    assert f"1 row at a time that does not occur on the clock of {NEW_YORK}: moved forward by the gap\n" in people


def test_another_time_zone_moves_days_not_instants(calltally: CommandLine, put: Put, acme: str, tmp_path: Path) -> None:
    put(written(tmp_path / "calls.csv", "id,started_at", "a,2026-03-09T14:05:00Z", "b,2026-03-09 23:30"))
    for zone, days in (
        ("Asia/Tokyo", [("2026-03-09", 23, 1), ("2026-03-10", 8, 1)]),
        (NEW_YORK, [("2026-03-09", 10, 1), ("2026-03-09", 19, 1)]),
        ("UTC", [("2026-03-09", 14, 1), ("2026-03-09", 23, 1)]),
    ):
        calltally.run("business", "update", acme, "--timezone", zone)
        assert sorted(rows_of(calltally, "date", "hour_of_day")) == days


# --- Dry runs, terminals, disks -------------------------------------------------------------------------------------


def test_a_dry_run_changes_nothing(calltally: CommandLine, put: Put, acme: str, tmp_path: Path) -> None:
    path = many_rows(tmp_path / "calls.csv", 10)
    assert put(path, "--dry-run") == figures(read=10, added=10)
    assert count_of(calltally) == 0
    people = calltally.process("import", str(path), "--dry-run", "-b", acme).out
    assert people.startswith("Nothing was changed in 'Acme'; an import would come to:\n")
    assert put(path) == figures(read=10, added=10)
    assert put(path, "--dry-run") == figures(read=10, unchanged=10)


def test_elsewhere_progress_is_plain_lines(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    path = many_rows(tmp_path / "calls.csv", 1_234)
    done = calltally.process("import", str(path), "-b", acme)
    assert done.code == 0
    assert re.fullmatch(r"calls\.csv: 1,234 rows, [\d,]+ calls/s, all read, merging\n", done.err)
    assert done.out == (
        "Imported into 'Acme':\n"
        "Rows read  1,234\n"
        "Added      1,234\n"
        "Updated        0\n"
        "Unchanged      0\n"
        "Rejected       0\n"
    )


def test_a_stream_has_no_share_on_a_terminal(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    pipe = tmp_path / "calls"
    os.mkfifo(pipe)
    content = many_rows(tmp_path / "calls.csv", 400_000).read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    code, seen = on_terminal(calltally, "import", str(pipe), "-b", acme)
    writer.join()
    assert code == 0
    assert "%" not in seen
    assert re.search(r"[\d,]+ rows, [\d,]+ calls/s", seen)


def test_on_a_terminal(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    path = many_rows(tmp_path / f"{'a long name ' * 8}.csv", 50_000)
    code, seen = on_terminal(calltally, "import", str(path), "-b", acme)
    assert code == 0
    assert "━" in seen
    assert "100%" in seen
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen).replace("\r", "\n").splitlines()
    assert max(map(len, lines)) <= 80
    assert "Added      50,000" in [line.rstrip() for line in lines]
    assert lines[-3:] == [
        "Next, make a key and start the server:",
        f"  calltally key create {acme}",
        "  calltally serve",
    ]
    calltally.run("key", "create", acme)
    data = calltally.data
    fresh = many_rows(tmp_path / "more.csv", 1)
    fresh.write_text(fresh.read_text().replace("c0", "new"))
    _, seen = on_terminal(calltally, "import", str(fresh), "-b", acme, "--data", str(data))
    assert seen.endswith(f"Next, start the server:\n  calltally serve --data {data}\n")
    _, seen = on_terminal(calltally, "import", str(fresh), "-b", acme)
    assert "Next" not in seen


BAD = "a,yesterday"
WITHOUT_CALL = "a,"


def tried(calltally: CommandLine, path: Path, *before: str) -> tuple[dict[str, Any], str]:
    """The summary and the sentence of an import that fails."""
    done = subprocess.run(
        [*before, CALLTALLY, "import", str(path), "-b", "Acme", "--json"],
        capture_output=True,
        text=True,
        env=calltally.environment(),
        check=False,
    )
    finished = Finished(done.returncode, done.stdout, done.stderr)
    (sentence,) = complaints(finished)
    return summary_of(finished, code=1), sentence


@pytest.mark.parametrize("row", [BAD, WITHOUT_CALL])
def test_a_folder_without_room_for_rejects(calltally: CommandLine, acme: str, tmp_path: Path, row: str) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    path = written(folder / "calls.csv", "id,started_at", row, "b,2026-03-09T14:05:00Z")
    folder.chmod(0o555)
    summary, sentence = tried(calltally, path, *ORDINARY)
    folder.chmod(0o755)
    assert summary == NOTHING
    assert sentence == (
        f"{path}.rejected.ndjson: rejected rows cannot be written there (Permission denied); "
        "nothing of calls.csv was imported"
    )
    assert count_of(calltally) == 0


def test_a_disk_without_room_for_rejects(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    path = written(tmp_path / "calls.csv", "id,started_at", BAD, "b,2026-03-09T14:05:00Z")
    rejects = Path(f"{path}.rejected.ndjson")
    rejects.symlink_to("/dev/full")
    summary, sentence = tried(calltally, path)
    assert summary == NOTHING
    assert sentence.endswith("(No space left on device); nothing of calls.csv was imported")
    assert count_of(calltally) == 0


def test_a_disk_that_fills_up_when_all_is_in(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    """Whether a row without a start has a call is known only then."""
    path = written(tmp_path / "calls.csv", "id,started_at", WITHOUT_CALL, "b,2026-03-09T14:05:00Z")
    rejects = Path(f"{path}.rejected.ndjson")
    rejects.symlink_to("/dev/full")
    summary, sentence = tried(calltally, path)
    assert summary == figures(read=2, added=1, rejected=1, rejects_files=[str(rejects)])
    assert sentence.endswith("(No space left on device); all other rows were taken")
    assert count_of(calltally) == 1


# --- Interrupted ----------------------------------------------------------------------------------------------------


def test_a_killed_import_completes_when_run_again(calltally: CommandLine, put: Put, acme: str, tmp_path: Path) -> None:
    path = many_rows(tmp_path / "calls.csv", 60_000)
    moments = random.Random()
    for _ in range(3):
        with running(calltally, str(path), "-b", acme) as process:
            time.sleep(moments.uniform(0, 0.5))
            process.kill()
        assert count_of(calltally) in {0, 60_000}
    summary = put(path)
    assert (summary["read"], summary["added"] + summary["unchanged"]) == (60_000, 60_000)
    assert count_of(calltally) == 60_000


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_ctrl_c(calltally: CommandLine, put: Put, acme: str, tmp_path: Path, seconds: float) -> None:
    pipe = tmp_path / "pipe.csv"
    with endless(pipe), running(calltally, str(pipe), "-b", acme) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert complaints(Finished(130, out, err)) == ["Stopped before the end; run it again to import what is missing"]
    assert count_of(calltally) == 0
    assert list(DataFolder(calltally.data).staging.iterdir()) == []
    path = many_rows(tmp_path / "calls.csv", 1)
    assert put(path) == figures(read=1, added=1)


@contextmanager
def endless(pipe: Path) -> Iterator[None]:
    """Rows come through a pipe for as long as somebody takes them, so that no machine is too quick."""
    os.mkfifo(pipe)

    def write() -> None:
        with suppress(BrokenPipeError), pipe.open("w") as file:
            file.write("id,started_at,source\n")
            for n in itertools.count():
                file.write(f"c{n},2026-03-09T10:00:00Z,s{n % 7}\n")

    writer = threading.Thread(target=write, daemon=True)  # nobody may ever open the pipe
    writer.start()
    yield
    writer.join(30)
    assert not writer.is_alive()


@contextmanager
def running(calltally: CommandLine, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """An import that has begun to gather rows, or is at its end already."""
    staging = DataFolder(calltally.data).staging
    left = set(staging.iterdir())
    with subprocess.Popen(
        [CALLTALLY, "import", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=calltally.environment(),
    ) as process:
        deadline = time.monotonic() + 30
        while not set(staging.iterdir()) - left and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        yield process
