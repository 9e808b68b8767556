"""The options and arguments that commands share, and the data folder that they lead to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from calltally.accounts import Control, finish_removals, open_control
from calltally.engines import Engine, open_engine
from calltally.errors import InvalidRequest, Problem
from calltally.folder import DataFolder, Role
from calltally.settings import Settings, read_settings

__all__ = [
    "BusinessArgument",
    "BusinessOption",
    "DataOption",
    "JsonOption",
    "Opened",
    "YesOption",
    "calls_of",
    "opened",
    "settings_for",
]

DataOption = Annotated[
    str | None,
    typer.Option("--data", metavar="FOLDER", help="The data folder (default: CALLTALLY_DATA, else ./calltally-data)"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else")]
BusinessOption = Annotated[
    str,
    typer.Option("--business", "-b", metavar="BUSINESS", help="Its id, or its name where only one has it"),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask")]
BusinessArgument = Annotated[
    str, typer.Argument(metavar="BUSINESS", help="Its id, or its name where only one has it", show_default=False)
]


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
    """The engine of the folder's calls, for the length of a command.

    Raises:
        FolderInUse: another process owns the folder.
    """
    with on.folder.own(role):
        engine = open_engine(on.folder, on.settings)
        try:
            finish_removals(on.control, engine.remove)
            yield engine
        finally:
            engine.close()
