"""`calltally import --preset`, through its front door."""

import json
import subprocess
from pathlib import Path

import pytest

from calltally.ingestion import PRESETS
from tests.cli.conftest import CALLTALLY, CommandLine

CALLRAIL = (
    "Call Status,Tracking Number,Source,Start Time,Duration (seconds),Name,Phone Number,Value\n"
    'Answered Call,(305) 555-0100,Google Ads,3/9/2026 2:05 PM,184,Kim,(305) 555-0134,"$1,234.50"\n'
)
GENERIC = "id,started_at,source\na,2026-03-09T14:05:00Z,google\n"
MASTER = (
    '"","3055550134","100","in","Kim","SIP/t-1","SIP/201-1","Dial","SIP/201,20","2026-03-09 14:05:00","",'
    '"2026-03-09 14:05:20",20,0,"NO ANSWER","DOCUMENTATION","1773079500.1",""\n'
)


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("arguments", [(), ("--preset", "callrail")])
def test_people_are_told_which_preset_was_used(
    calltally: CommandLine, acme: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = calltally.process("import", written(tmp_path / "calls.csv", CALLRAIL), "-b", acme, *arguments)
    assert done.out.splitlines() == [
        "Imported into 'Acme':",
        "Rows read  1",
        "Added      1",
        "Updated    0",
        "Unchanged  0",
        "Rejected   0",
        "Read as CallRail writes them (--preset callrail)",
        "Dropped columns and how many rows had them: Name (1)",
    ]
    exported = calltally.process("export", "-b", acme, "--format", "ndjson").out
    call = json.loads(exported)
    assert (call["status"], call["duration_seconds"], call["value_cents"]) == ("completed", 184, 123450)
    assert (call["caller_number"], call["source"]) == ("+13055550134", "Google Ads")


def test_files_of_several_vendors(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    files = [
        written(tmp_path / name, text)
        for name, text in (("rail.csv", CALLRAIL), ("own.csv", GENERIC), ("Master.csv", MASTER))
    ]
    done = calltally.process("import", *files, "-b", acme)
    assert "1 of 3 files read as CallRail writes them (--preset callrail)\n" in done.out
    assert "1 of 3 files read as Asterisk writes them (--preset asterisk)\n" in done.out
    summary = json.loads(calltally.process("import", *files, "-b", acme, "--json").out)
    assert summary["presets"] == {"callrail": 1, "asterisk": 1}
    assert (summary["read"], summary["unchanged"]) == (3, 3)


def test_a_generic_file_is_not_spoken_of(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    path = written(tmp_path / "calls.csv", GENERIC)
    for arguments in ((), ("--preset", "generic")):
        done = calltally.process("import", path, "-b", acme, *arguments)
        assert "preset" not in done.out


def test_people_are_told_that_a_file_was_taken_for_windows_1252(
    calltally: CommandLine, acme: str, tmp_path: Path
) -> None:
    odd, usual = tmp_path / "odd.csv", tmp_path / "usual.csv"
    odd.write_bytes(b"id,started_at,source\n1,2026-03-09T14:05:00Z,caf\xe9\n")
    usual.write_bytes("id,started_at,source\n2,2026-03-09T14:05:00Z,café\n".encode())
    said = "as windows-1252, since it is not UTF-8: see that names with accents are right\n"
    assert f"\nRead {said}" in calltally.process("import", str(odd), "-b", acme).out
    assert f"\n1 of 2 files read {said}" in calltally.process("import", str(odd), str(usual), "-b", acme).out
    assert "windows-1252" not in calltally.process("import", str(usual), "-b", acme).out
    summary = json.loads(calltally.process("import", str(odd), str(usual), "-b", acme, "--json").out)
    assert summary["windows_1252_files"] == 1


def test_standard_input(calltally: CommandLine, acme: str) -> None:
    done = calltally.process("import", "-", "-b", acme, "--json", given=MASTER)
    assert json.loads(done.out)["presets"] == {"asterisk": 1}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("callrial", "--preset: 'callrial' is not a preset; did you mean 'callrail'?"),
        ("zzz", f"--preset: 'zzz' is not a preset; the presets are {', '.join(PRESETS)}"),
    ],
)
def test_a_preset_that_there_is_not(calltally: CommandLine, acme: str, name: str, sentence: str) -> None:
    assert calltally.run("import", "calls.csv", "-b", acme, "--preset", name).failed(2) == sentence


def test_a_preset_that_does_not_fit(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    path = written(tmp_path / "calls.csv", "When,Who\n2026-03-09,1\n")
    sentence = calltally.process("import", path, "-b", acme, "--preset", "twilio").failed(1)
    assert sentence == (
        f"No column of {path} is one that the preset 'twilio' reads; its first line has 'When', 'Who'; "
        "name another --preset, or leave it away to have it found out"
    )


def test_a_list_of_presets(calltally: CommandLine) -> None:
    done = subprocess.run(
        [CALLTALLY, "import", "--list-presets"],
        capture_output=True,
        text=True,
        env=calltally.environment(),
        check=True,
    )
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == list(PRESETS)
    for arguments in (("--list-presets", "--json"), ("--json", "--list-presets")):
        listed = calltally.run("import", *arguments).json()
        assert [(row["name"], row["vendor"], row["about"]) for row in listed] == [
            (row.name, row.vendor, row.about) for row in PRESETS.values()
        ]


def test_no_hint_about_columns_that_are_known_to_be_no_field(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    header = "id,created_at,caller_name,qualification_reason,caller_nmber"
    path = written(tmp_path / "calls.csv", f"{header}\na,2026-03-09T14:05:00Z,Kim,why,1\n")
    done = calltally.process("import", path, "-b", acme)
    assert "Read as CallScaler writes them" in done.out
    assert "Is 'caller_nmber' the field 'caller_number'?" in done.out
    assert "Is 'caller_name'" not in done.out
