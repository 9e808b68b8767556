"""The processes of many clients, `poster` and `asker`: started, and asked how it went."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from benchmarks.asker import Answered, Asking
from benchmarks.poster import Posted, Posting

__all__ = ["answered", "clients", "posted"]


@contextmanager
def clients(work: Posting | Asking) -> Iterator[subprocess.Popen[str]]:
    """The process of clients, which begin now."""
    module = "benchmarks.poster" if isinstance(work, Posting) else "benchmarks.asker"
    command = [sys.executable, "-m", module, json.dumps(asdict(work))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield process


def posted(process: subprocess.Popen[str], *, now: bool = False) -> Posted:
    """How the clients' posts went, once all are done; `now`: with those that are on their way."""
    return Posted(**json.loads(_printed(process, now=now)))


def answered(process: subprocess.Popen[str]) -> Answered:
    """How the clients' questions went, with those that are on their way."""
    return Answered(**json.loads(_printed(process, now=True)))


def _printed(process: subprocess.Popen[str], *, now: bool) -> str:
    assert process.stdin
    assert process.stdout
    if now:
        process.stdin.close()
    printed = process.stdout.read()
    if process.wait():
        raise RuntimeError("clients failed; see above")
    return printed
