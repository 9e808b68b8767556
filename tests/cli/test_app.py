"""What all commands have in common: help, errors, exit codes, streams."""

import io
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from calltally import __version__
from calltally.cli import main
from calltally.cli.app import build
from tests.cli.conftest import CALLTALLY, CommandLine


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The path of each command, and whether it is a group."""
    below = getattr(command, "commands", {})
    yield path, bool(below)
    for name, each in below.items():
        yield from commands(each, (*path, name))


COMMANDS = list(commands(get_command(build())))
SERVING = {("serve",), ("demo",)}  # they print no result


@pytest.mark.parametrize(("path", "group"), COMMANDS, ids=[" ".join(("calltally", *path)) for path, _ in COMMANDS])
def test_every_command_has_help_with_examples(
    path: tuple[str, ...], group: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*path, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert "Examples:" in help_text
    assert re.search(rf"^    {' '.join(('calltally', *path))}", help_text, re.MULTILINE)
    assert max(len(line) for line in help_text.splitlines()) <= 80
    assert "..." not in help_text.partition("Commands:")[2].partition("Examples:")[0]  # no sentence is cut
    assert "?" not in re.sub("'[^']*'", "", help_text.partition("Examples:")[2])  # zsh takes it for a pattern of names
    if not group and path not in SERVING:
        assert "--json" in help_text
    if not group and path != ("version",):
        assert "--data FOLDER" in help_text


def test_both_front_doors(calltally: CommandLine) -> None:
    assert calltally.process("version").out == f"calltally {__version__}\n"
    assert calltally.run("--version").out == f"calltally {__version__}\n"
    assert calltally.run("version", "--json").json() == {"version": __version__}
    module = [sys.executable, "-m", "calltally", "version"]
    assert subprocess.run(module, capture_output=True, text=True, check=True).stdout == f"calltally {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("", "Missing command (see 'calltally --help')"),
        ("business", "Missing command (see 'calltally business --help')"),
        (
            "bussiness list",
            "There is no command 'bussiness'; did you mean 'business'? (see 'calltally --help')",
        ),
        (
            "business lst",
            "There is no command 'lst'; did you mean 'list'? (see 'calltally business --help')",
        ),
        ("business xyz", "There is no command 'xyz' (see 'calltally business --help')"),
        (
            "business list --jsno",
            "No such option: --jsno; did you mean '--json'? (see 'calltally business list --help')",
        ),
        ("business list -x", "No such option: -x (see 'calltally business list --help')"),
        ("--verison", "No such option: --verison; did you mean '--version'? (see 'calltally --help')"),
        ("business create", "Missing argument 'NAME' (see 'calltally business create --help')"),
        ("business create --region", "Option '--region' requires an argument (see 'calltally --help')"),
        ("business list --data=", "--data: the name of a folder is needed"),
        (
            "serve --port 99999",
            (
                "Invalid value for '--port': '99999' is not a whole number from 0 to 65,535 "
                "(see 'calltally serve --help')"
            ),
        ),
        (
            "sync callscaler --business x --reconcile-days few",
            (
                "Invalid value for '--reconcile-days': 'few' is not a whole number from 0 to 40,000 "
                "(see 'calltally sync callscaler --help')"
            ),
        ),
        ("business update Acme", "Nothing to change: give at least one of --name, --timezone, --region and --currency"),
        (
            "business create x --timezone Mars --currency dollar",
            (
                "timezone: 'Mars' is not an IANA time zone such as 'America/New_York'; "
                "currency: 'dollar' is not an ISO 4217 code of three letters, such as 'USD'"
            ),
        ),
    ],
)
def test_wrong_usage_is_one_sentence(
    arguments: str,
    sentence: str,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CALLTALLY_DATA", str(tmp_path / "data"))
    assert main(arguments.split()) == 2
    assert capsys.readouterr() == ("", f"calltally: {sentence}\n")


def test_wrong_usage_has_its_exit_code(calltally: CommandLine) -> None:
    assert calltally.process("business", "nonsense").failed(2).startswith("There is no command 'nonsense'")
    assert calltally.process("business", "list", CALLTALLY_PORT="x").failed(2) == (
        "CALLTALLY_PORT: 'x' is not a whole number"
    )
    assert calltally.process("business", "list", CALLTALLY_SESSION_DAYS="9999999999").failed(2) == (
        "CALLTALLY_SESSION_DAYS: '9999999999' is too high; it can be 3650 or less"
    )


def test_nothing_that_takes_time_is_loaded_before_ctrl_c_is_heeded() -> None:
    loaded = "import sys; before = {*sys.modules}; import calltally.__main__; print(*{*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"calltally", "calltally.__main__", "gc"}


def test_a_folder_that_cannot_be_used(calltally: CommandLine) -> None:
    calltally.data.touch()
    sentence = calltally.run("business", "list", "--json").failed(1)
    assert sentence == f"The data folder {calltally.data} cannot be made: {calltally.data} is a file, not a folder"


def test_the_folder_is_the_option_then_the_variable_then_the_default(calltally: CommandLine) -> None:
    calltally.run("business", "create", "By variable")
    calltally.run("business", "create", "By option", "--data", str(calltally.data.with_name("by-option")))
    calltally.process("business", "create", "By default", CALLTALLY_DATA="")
    here = calltally.data.parent
    for folder, name in (("data", "variable"), ("by-option", "option"), ("calltally-data", "default")):
        (business,) = calltally.run("business", "list", "--data", str(here / folder), "--json").json()
        assert business["name"] == f"By {name}"


def test_options_may_stand_anywhere_in_a_command(calltally: CommandLine) -> None:
    data = ("--data", str(calltally.data.parent / "elsewhere"))
    calltally.run("business", "create", *data, "--region", "de", "Müller", "--json").json()
    assert calltally.run("business", "show", "--json", "Müller", *data).json()["region"] == "DE"


def test_control_characters_do_not_reach_the_terminal(calltally: CommandLine) -> None:
    sentence = calltally.run("business", "show", "\x1b[31mred\nline").failed(1)
    assert sentence.startswith("There is no business ' [31mred line'")


def test_text_that_is_no_unicode_is_refused(calltally: CommandLine) -> None:
    assert "There is no business" in calltally.process("business", "show", b"\xff").failed(1)
    assert "broken text" in calltally.run("business", "create", "\udcff").failed(2)
    assert "There is no active key" in calltally.run("key", "revoke", "\udcff").failed(1)


def test_a_terminal_without_unicode_is_no_failure(calltally: CommandLine) -> None:
    calltally.run("business", "create", "日本")
    latin = {"PYTHONIOENCODING": "latin-1"}
    listed = calltally.process("business", "list", **latin)
    assert (listed.code, listed.err) == (0, "")
    assert "\\u65e5\\u672c" in listed.out
    assert calltally.process("business", "list", "--json", **latin).json()[0]["name"] == "日本"


@pytest.mark.parametrize("arguments", [("business", "list"), ("business", "list", "--json"), ("--help",)])
def test_a_reader_that_goes_away_is_no_complaint(calltally: CommandLine, arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [CALLTALLY, *arguments], stdout=writing, stderr=subprocess.PIPE, env=calltally.environment(), check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        ("business clear {acme} <&-", 1, "Nobody can be asked here; add --yes to agree\n"),
        ("sync callscaler -b {acme} <&-", 1, "as nobody can be asked here\n"),
        ("business list >&-", 0, ""),
        ("business list <&- >&- 2>&-", 0, ""),
        ("business list --json >&-", 0, ""),
        ("key list nobody 2>&-", 1, ""),
    ],
)
def test_a_stream_that_was_closed_is_nobody_and_nowhere(
    calltally: CommandLine, acme: str, arguments: str, code: int, complaint: str
) -> None:
    command = ["sh", "-c", f"{CALLTALLY} {arguments.format(acme=acme)}"]
    done = subprocess.run(command, capture_output=True, text=True, env=calltally.environment(), check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.endswith(complaint)
    assert done.stderr.count("\n") == bool(complaint)
    assert calltally.run("business", "list", "--json").json()[0]["id"] == acme


def test_ctrl_c_is_quiet(calltally: CommandLine, acme: str) -> None:
    ours, theirs = pty.openpty()
    command = [CALLTALLY, "business", "delete", acme]
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=calltally.environment()
    ) as process:
        assert process.stderr is not None
        question = b""
        while not question.endswith(b"[y/N] "):
            question += process.stderr.read(1)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    os.close(ours)
    os.close(theirs)
    assert (process.returncode, out, err) == (130, b"", b"")
    assert calltally.run("business", "list", "--json").json()[0]["id"] == acme


def test_a_defect_is_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setenv("CALLTALLY_DATA", str(tmp_path))
    monkeypatch.setattr("calltally.cli.business.list_businesses", broken)
    with pytest.raises(ZeroDivisionError):
        main(["business", "list"])


def test_help_in_another_stream_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["--help"]) == 0
    assert "Examples:" in stream.getvalue()


def test_an_interrupt_while_a_command_starts() -> None:
    """As of Ctrl-C while all that a command needs is read, which takes a good part of a second."""
    start = """
import sys

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "calltally.cli.output":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
from calltally.__main__ import main
sys.exit(main())
"""
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped\n")
