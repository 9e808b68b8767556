"""The command line as people meet it: a process with a data folder of its own."""

import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from calltally.cli import main

CALLTALLY = str(Path(sys.executable).with_name("calltally"))


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON value on standard output, the command having gone well."""
        assert (self.code, self.err) == (0, "")
        return json.loads(self.out)

    def failed(self, code: int) -> str:
        """The one sentence on standard error, the command having failed."""
        assert (self.code, self.out) == (code, "")
        assert self.err.startswith("calltally: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("calltally: ").removesuffix("\n")


@dataclass(frozen=True)
class CommandLine:
    """Runs commands on one data folder: in a process of their own, or quicker, in this one."""

    data: Path

    def environment(self, **variables: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "CALLTALLY_DATA": str(self.data), **variables}

    def run(self, *arguments: str, given: str = "") -> Finished:
        out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
        with (
            mock.patch.dict(os.environ, self.environment(), clear=True),
            mock.patch.object(sys, "stdin", StringIO(given)),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main(arguments)
        return Finished(code, _written(out), _written(err))

    def process(self, *arguments: str | bytes, given: str | bytes = "", **variables: str) -> Finished:
        done = subprocess.run(
            [CALLTALLY, *arguments],
            input=given.encode() if isinstance(given, str) else given,
            capture_output=True,
            env=self.environment(**variables),
            cwd=self.data.parent,
            timeout=60,
            check=False,
        )
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())


def _written(stream: TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, BytesIO)
    return stream.buffer.getvalue().decode()


@pytest.fixture
def calltally(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "data")


@pytest.fixture
def acme(calltally: CommandLine) -> str:
    """The id of a business called Acme."""
    made: dict[str, str] = calltally.run("business", "create", "Acme", "--json").json()
    return made["id"]
