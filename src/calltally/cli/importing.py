"""`calltally import`: calls from files."""

import gc
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from calltally.accounts import Business, find_business, list_keys
from calltally.catalog import CATALOG, suggestion
from calltally.cli.damage import naming_damage
from calltally.cli.group import AS_JSON, examples
from calltally.cli.import_summary import (
    SAME_FIELD,
    Imported,
    import_progress,
    plain_summary,
    print_next_step,
    print_summary,
    went_well,
)
from calltally.cli.interrupting import interruptible
from calltally.cli.options import DataOption, JsonOption, calls_of, opened
from calltally.cli.output import Column, complain, print_json, print_table
from calltally.engines import Engine
from calltally.errors import CalltallyError, InvalidRequest, Problem, UnreadableFile, shown
from calltally.ingestion import (
    PRESETS,
    ImportOptions,
    Preset,
    files_named,
    import_file,
)
from calltally.localtime import can_be_written, microseconds, offset_table
from calltally.records import read_rfc3339

__all__ = ["EXAMPLES", "import_calls"]

EXAMPLES = examples(
    "calltally import calls.csv --business 'Acme Plumbing'",
    "calltally import Master.csv --business Acme --preset asterisk",
    "calltally import --list-presets",
    "calltally import january.csv.gz february.ndjson --business Acme --dry-run",
    "calltally import 'exports/calls-*.csv.zst' --business Acme \\",
    "    --as-of '2026-03-01 06:00'",
    "ssh phones cat calls.ndjson | calltally import - --business Acme --as-of now",
    "calltally import export.csv --business Acme --map started_at='Call Time' \\",
    "    --map caller_number='Caller ID' --time-format '%m/%d/%Y %I:%M %p'",
)
FIELDS = ", ".join(CATALOG.fields)
PRESET_NAMES = ", ".join(PRESETS)
STANDARD_INPUT = "-"
NAME_OF_INPUT = Path("stdin")  # in messages, and before .rejected.ndjson
NOW = "now"
EXAMPLE_TIME = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)


@dataclass(frozen=True)
class _Input:
    """A file to import, or a stream that goes by the name of one."""

    path: Path
    stream: BinaryIO | None = None


def _list_presets(ctx: typer.Context, asked: bool) -> None:
    """Print the presets and end, if that was asked."""
    if not asked:
        return
    if ctx.meta[AS_JSON]:
        print_json([{"name": row.name, "vendor": row.vendor, "about": row.about} for row in PRESETS.values()])
    else:
        print_table(
            (Column("PRESET"), Column("READS", folds=True)), [(row.name, _reads(row)) for row in PRESETS.values()]
        )
    raise typer.Exit


def import_calls(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="CSV, NDJSON, JSON or Parquet, each also as .gz or .zst; a pattern of names, such as 'calls-*.csv' or "
            "'exports/**/*.csv'; - for standard input",
            show_default=False,
        ),
    ],
    *,
    business: Annotated[
        str,
        typer.Option("--business", "-b", metavar="BUSINESS", help="Its id, or its name where only one has it"),
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            metavar="PRESET",
            help=f"Who wrote the files: {PRESET_NAMES}; found out for each file where it is not said",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help=f"Take a call field from this column of the file; several times. The fields are {FIELDS}",
        ),
    ] = None,
    time_formats: Annotated[
        list[str] | None,
        typer.Option(
            "--time-format",
            metavar="FORMAT",
            help="How times are written, such as '%m/%d/%Y %I:%M %p' for 3/9/2026 2:05 PM; several times. "
            "RFC 3339, such as 2026-03-09T14:05:00Z or 2026-03-09 14:05, is always read",
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="TIME",
            help="The version of records without updated_at: it replaces what is older, and later versions replace it. "
            "RFC 3339, on the clock of the business where it has no offset, or 'now'",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and count everything, change no call (rejects are still written)")
    ] = False,
    _list: Annotated[
        bool,
        typer.Option("--list-presets", is_eager=True, callback=_list_presets, help="Print the presets and do nothing"),
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import calls from files into a business.

    Importing a file again changes nothing; a file of corrected fields with the calls' ids changes just these.
    Rows that cannot be taken go to FILE.rejected.ndjson with the reason, everything else is imported; those of standard
    input go to stdin.rejected.ndjson in the current folder.
    Times without an offset are on the clock of the business's time zone.
    """
    now = datetime.now(UTC)
    options = _options(columns or [], time_formats or [], as_of, preset, dry_run=dry_run)
    inputs, unmatched = _inputs(files)
    with opened(data) as on:
        find_business(on.control, business)  # a name that is wrong is said before anybody is waited for
        with calls_of(on, "import") as engine:
            found = find_business(on.control, business)  # as it is now that the engine would notice if it is cleared
            if as_of is not None:
                options = replace(options, as_of=_instant(as_of, found, now))
            imported = _import_all(found, inputs, options, engine)
            imported.failures[:0] = unmatched
        has_key = bool(list_keys(on.control, found))
    if as_json:
        print_json(plain_summary(imported.summary))
    elif imported.files:
        print_summary(imported, found, options)
        if sys.stdout.isatty() and went_well(imported) and not dry_run:
            print_next_step(found, data, has_key=has_key)
    for failure in imported.failures:
        complain(failure)
    if imported.failures:
        raise typer.Exit(1)


def _inputs(names: list[str]) -> tuple[list[_Input], list[str]]:
    """What is meant by the arguments, and a sentence for each that matches nothing."""
    if names.count(STANDARD_INPUT) > 1:
        raise InvalidRequest((Problem("files", "FILE: '-' is given twice, but standard input can be read only once"),))
    inputs: list[_Input] = []
    unmatched = []
    for name in names:
        try:
            inputs += [_standard_input()] if name == STANDARD_INPUT else map(_Input, files_named(name))
        except UnreadableFile as failure:
            unmatched.append(failure.message)
    return inputs, unmatched


def _standard_input() -> _Input:
    if sys.__stdin__ is None:
        raise UnreadableFile(f"{NAME_OF_INPUT}: there is no standard input")
    stream = os.fdopen(sys.stdin.fileno(), "rb", closefd=False)
    os.set_blocking(stream.fileno(), True)  # otherwise a pipe that is empty for a moment would pass for its end
    return _Input(NAME_OF_INPUT, stream)


def _import_all(business: Business, inputs: list[_Input], options: ImportOptions, engine: Engine) -> Imported:
    """Each file in turn; one that cannot be read does not keep the others out."""
    imported = Imported()
    # Rows are millions of small objects without cycles: Python's search for cycles among them took a fifth of the time.
    gc.set_threshold(500_000)
    for given in inputs:
        with interruptible(lambda: complain("Stopped before the end; run it again to import what is missing")):
            _import_one(given, business, engine, options, imported)
    return imported


def _import_one(given: _Input, business: Business, engine: Engine, options: ImportOptions, imported: Imported) -> None:
    try:
        with naming_damage(business, engine), import_progress(given.path) as on_progress:
            result = import_file(given.path, business, engine, options, on_progress, stream=given.stream)
        imported.include(result)
    except CalltallyError as failure:
        imported.failures.append(failure.message)


def _options(
    columns: list[str], time_formats: list[str], as_of: str | None, preset: str | None, *, dry_run: bool
) -> ImportOptions:
    """The options, checked, but for the instant of `as_of`, which depends on the business.

    Raises:
        InvalidRequest: lists everything that is wrong with them.
    """
    mapped: dict[str, str] = {}
    problems = []
    for text in columns:
        name, separator, column = text.partition("=")
        name = name.strip()
        problems += [Problem("map", problem) for problem in _map_problems(text, name, column, separator, mapped)]
        mapped[name] = column
    problems += [Problem("time_format", problem) for text in time_formats for problem in _format_problems(text)]
    problems += [Problem("as_of", problem) for problem in _as_of_problems(as_of)]
    problems += [Problem("preset", problem) for problem in _preset_problems(preset)]
    if problems:
        raise InvalidRequest(tuple(problems))
    return ImportOptions(mapped, tuple(time_formats), dry_run, preset=PRESETS[preset] if preset else None)


def _map_problems(text: str, name: str, column: str, separator: str, mapped: dict[str, str]) -> Iterator[str]:
    if not separator or not name or not column:
        yield f"--map: {shown(text)} is not FIELD=COLUMN, such as started_at='Call Time'"
    elif name not in CATALOG.fields:
        near = f"; did you mean '{SAME_FIELD[name]}'?" if name in SAME_FIELD else suggestion(name, CATALOG.fields)
        yield f"--map: {shown(name)} is not a call field{near or f'; the fields are {FIELDS}'}"
    elif name in mapped:
        yield f"--map: {shown(name)} is given twice"


def _format_problems(time_format: str) -> Iterator[str]:
    """A format has to read back the time that it writes, but for hours and minutes that it may leave out."""
    given = f"--time-format: {shown(time_format)}"
    try:
        back = datetime.strptime(EXAMPLE_TIME.strftime(time_format), time_format)  # noqa: DTZ007 - only whether it can
    except (ValueError, re.error) as error:
        yield f"{given} is no format of times ({error})"
        return
    if back.date() != EXAMPLE_TIME.date():
        yield f"{given} does not say year, month and day, such as %m/%d/%Y"
    elif back.hour not in {0, EXAMPLE_TIME.hour}:
        yield f"{given} cannot tell morning from afternoon; add %p to %I, or use %H"


def _as_of_problems(as_of: str | None) -> Iterator[str]:
    if as_of not in {None, NOW} and not read_rfc3339(as_of, offset_table("UTC")):
        yield f"--as-of: {shown(as_of)} is neither a time such as 2026-03-09T14:05:00Z nor 'now'"


def _preset_problems(preset: str | None) -> Iterator[str]:
    if preset is not None and preset not in PRESETS:
        near = suggestion(preset, PRESETS) or f"; the presets are {PRESET_NAMES}"
        yield f"--preset: {shown(preset)} is not a preset{near}"


def _reads(preset: Preset) -> str:
    return f"{preset.vendor}: {preset.about}"


def _instant(as_of: str, business: Business, now: datetime) -> int:
    """The instant that a checked `--as-of` means.

    Raises:
        InvalidRequest: it could not be written again, as `updated_at`.
    """
    moment = None if as_of == NOW else read_rfc3339(as_of, offset_table(business.timezone))
    instant = moment.instant if moment else microseconds(now)
    if not can_be_written(instant):
        message = f"--as-of: {shown(as_of)} is not from the year 1 to 9999 in UTC"
        raise InvalidRequest((Problem("as_of", message),))
    return instant
