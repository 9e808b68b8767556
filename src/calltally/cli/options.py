"""The options and arguments that commands share, and what they lead to: the data folder and the calls in it."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from calltally.accounts import Control, open_control
from calltally.cli.output import note
from calltally.engines import Engine, Listener, join, open_engine, remove_left
from calltally.errors import FolderInUse, InvalidRequest, Problem, Unavailable, shown
from calltally.folder import DataFolder, Role
from calltally.settings import Settings, read_settings

__all__ = [
    "BusinessArgument",
    "BusinessOption",
    "BusinessesOption",
    "DataOption",
    "JsonOption",
    "Opened",
    "PublicUrlOption",
    "YesOption",
    "calls_of",
    "engine_of",
    "listening",
    "opened",
    "settings_for",
    "whole_number",
]

PATIENCE = 10.0  # seconds: longer than an owner takes to open the calls, or to end once it has let others finish
PAUSE = 0.05
SAID_AFTER = 1.0  # seconds that a command waits without saying so
LAST_SECONDS = 5.0
WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)

DataOption = Annotated[
    str | None,
    typer.Option("--data", metavar="FOLDER", help="The data folder (default: CALLTALLY_DATA, else ./calltally-data)"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else")]
BusinessOption = Annotated[
    str,
    typer.Option("--business", "-b", metavar="BUSINESS", help="Its id, or its name where only one has it"),
]
BusinessesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--business",
        "-b",
        metavar="BUSINESS",
        help="Only this business, by its id, or its name where only one has it; several times (default: all)",
        show_default=False,
    ),
]
PublicUrlOption = Annotated[
    str | None,
    typer.Option(
        "--public-url",
        metavar="URL",
        help="Address under which the world reaches the server (default: CALLTALLY_PUBLIC_URL)",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask")]
BusinessArgument = Annotated[
    str, typer.Argument(metavar="BUSINESS", help="Its id, or its name where only one has it", show_default=False)
]


def whole_number(lowest: int, highest: int) -> Callable[[str | int], int]:
    """Reads the number that an option was given, or its default; what is none is told as it was given."""

    def read(given: str | int) -> int:
        text = str(given)
        if WHOLE.fullmatch(text) and lowest <= int(text) <= highest:
            return int(text)
        raise typer.BadParameter(f"{shown(text)} is not a whole number from {lowest:,} to {highest:,}")

    return read


@dataclass(frozen=True)
class Opened:
    """What a command works on."""

    settings: Settings
    folder: DataFolder
    control: Control


def settings_for(data: str | None, **given: object) -> Settings:
    """The settings of the environment, under the options that are given.

    Raises:
        InvalidRequest: an option is empty, or a variable does not hold a value of its type.
    """
    if data is not None and not data.strip():
        raise InvalidRequest((Problem("data", "--data: the name of a folder is needed"),))
    try:
        return read_settings(os.environ, data=None if data is None else Path(data), **given)
    except ValueError as error:
        raise InvalidRequest((Problem("environment", str(error)),)) from error


@contextmanager
def opened(data: str | None, **given: object) -> Iterator[Opened]:
    """The data folder and its control database, for the length of a command."""
    settings = settings_for(data, **given)
    folder = DataFolder(settings.data)
    with open_control(folder, settings.control_url) as control:
        yield Opened(settings, folder, control)


@contextmanager
def calls_of(on: Opened, role: Role) -> Iterator[Engine]:
    """The calls of the data folder: those of the process that owns it, or opened here, where nobody does.

    Where they are opened here, other commands can join meanwhile, and at the end those that have are waited for.

    Raises:
        FolderInUse: the owner does not answer, or is of another release.
    """
    with ExitStack() as stack:
        yield _entered(on, role, stack)


@contextmanager
def engine_of(on: Opened) -> Iterator[Engine]:
    """The engine of the data folder, which this process owns, rid of what a killed one was removing."""
    with closing(open_engine(on.folder, on.settings)) as engine:
        remove_left(on.folder, on.control, engine)
        yield engine


@contextmanager
def listening(folder: DataFolder, engine: Engine) -> Iterator[Listener | None]:
    """Let other commands join; at the end, what they have at work gets some seconds. None: the system has no way."""
    try:
        listener = Listener(engine, folder)
    except OSError as error:
        note(f"Other commands have to wait until this one ends: {folder.socket} cannot be made ({error.strerror})")
        yield None
        return
    try:
        yield listener
    finally:
        listener.close(LAST_SECONDS)


def _entered(on: Opened, role: Role, stack: ExitStack) -> Engine:
    """The engine of the owner, or of this process as the owner: whichever can be had first."""
    began = silent_since = time.monotonic()
    said = False
    while True:
        try:
            if engine := join(on.folder):
                return stack.enter_context(closing(engine))
        except Unavailable:  # it is about to end, or serves too many already: that is waited for, however long it takes
            silent_since = time.monotonic()
        try:
            return _owned(on, role, stack)
        except FolderInUse:
            if time.monotonic() > silent_since + PATIENCE:
                raise
        if not said and time.monotonic() > began + SAID_AFTER:
            note("Waiting for another command that uses the data folder ...")
            said = True
        time.sleep(PAUSE)


def _owned(on: Opened, role: Role, stack: ExitStack) -> Engine:
    stack.enter_context(on.folder.own(role))
    engine = stack.enter_context(engine_of(on))
    if listener := stack.enter_context(listening(on.folder, engine)):
        stack.callback(_let_finish, listener)
    return engine


def _let_finish(listener: Listener) -> None:
    """Wait for the commands that have joined; Ctrl-C ends them, and not what was done here."""
    listener.leave()
    with suppress(KeyboardInterrupt):
        if not listener.wait(SAID_AFTER):
            note("Waiting for another command that uses the data folder through this one (Ctrl-C stops it) ...")
            listener.wait()
