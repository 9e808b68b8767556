"""What commands print: tables and sentences for people, or one JSON value for programs."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from calltally.errors import CalltallyError

__all__ = [
    "Column",
    "ask",
    "complain",
    "counted",
    "note",
    "prepare_streams",
    "print_facts",
    "print_json",
    "print_table",
    "say",
    "shown_or",
]

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
UNLIMITED = 100_000  # columns: more than any line needs


@dataclass(frozen=True)
class Column:
    """A column of a table; only one that `folds` is broken to fit a narrow terminal."""

    title: str
    folds: bool = False


def print_json(value: Any) -> None:
    """Print one JSON value, in UTF-8 whatever the terminal's encoding is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")
    sys.stdout.buffer.flush()


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a heading."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column.title, no_wrap=not column.folds, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _print(table)


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print what is known of one thing, a fact a line."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, Text(value))
    _print(table)


def say(text: str) -> None:
    """Print a line for people."""
    sys.stdout.write(f"{text}\n")


@contextmanager
def shown_or(undo: Callable[[], object], what: str) -> Iterator[None]:
    """Undo what was made, and say so, if what the block prints of it, this once, reaches nobody."""
    try:
        yield
        sys.stdout.flush()
    except OSError:
        undo()
        complain(f"{what} could not be shown, so it is good for nothing any more")
        raise


def counted(count: int, noun: str) -> str:
    """So many of something, such as `1 call` and `1,234 calls`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def note(text: str) -> None:
    """Print a line for people on standard error: what keeps a command."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def complain(message: str) -> None:
    """Print what went wrong, in one line on standard error."""
    sys.stderr.write(f"calltally: {CONTROL_CHARACTERS.sub(' ', message)}\n")


def ask(question: str, *, yes: bool) -> None:
    """Nothing, if a person agrees or has agreed beforehand.

    Raises:
        CalltallyError: they do not, or there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise CalltallyError(f"{question} Nobody can be asked here; add --yes to agree")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CalltallyError("Nothing was changed")


def prepare_streams() -> None:
    """Print what a terminal's encoding lacks as an escape, rather than fail, and what is to go nowhere, nowhere.

    Of a stream that was closed when the process began, the next file that is opened would take the place.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _print(table: Table) -> None:
    """Print a table: wrapped and coloured on a terminal, whole lines of plain text elsewhere."""
    if sys.stdout.isatty():
        Console(highlight=False).print(table)
        return
    plain = StringIO()
    Console(file=plain, width=UNLIMITED, color_system=None, force_terminal=False).print(table)
    for line in plain.getvalue().splitlines():
        say(line.rstrip())
