"""`calltally import`: calls from files."""

import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from calltally.accounts import Business, find_business
from calltally.catalog import CATALOG, suggestion
from calltally.cli.group import examples
from calltally.cli.options import DataOption, JsonOption, Opened, opened
from calltally.cli.output import complain, print_facts, print_json, say
from calltally.engines import Engine, open_engine
from calltally.errors import InvalidRequest, Problem, UnreadableFile, shown
from calltally.ingestion import ImportOptions, ImportSummary, Progress, import_file

__all__ = ["EXAMPLES", "import_calls"]

EXAMPLES = examples(
    "calltally import calls.csv --business 'Acme Plumbing'",
    "calltally import january.csv.gz february.ndjson --business Acme --dry-run",
    "calltally import export.csv --business Acme --map started_at='Call Time' \\",
    "    --map caller_number='Caller ID' --time-format '%m/%d/%Y %I:%M %p'",
)
SECONDS_BETWEEN_LINES = 5.0

OnProgress = Callable[[Progress], None]


def import_calls(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV, NDJSON, JSON or Parquet; also as .gz")],
    *,
    business: Annotated[str, typer.Option("--business", "-b", metavar="BUSINESS", help="Its id, or its unique name")],
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="Take a call field from this column; several times"),
    ] = None,
    time_formats: Annotated[
        list[str] | None,
        typer.Option(
            "--time-format",
            metavar="FORMAT",
            help="How times are written, such as '%m/%d/%Y %I:%M %p' for 3/9/2026 2:05 PM (else RFC 3339)",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and count everything, change no call (rejects are still written)")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import calls from files into a business.

    Importing a file again changes nothing; a file of corrected fields with the calls' ids changes just these.
    Rows that cannot be taken go to FILE.rejected.ndjson with the reason, everything else is imported.
    """
    options = ImportOptions(_mapped(columns or []), _checked_formats(time_formats or []), dry_run)
    with opened(data) as on:
        found = find_business(on.control, business)
        summary, failures = _import_all(on, found, files, options)
    if as_json:
        print_json(_plain(summary))
    else:
        _print_summary(summary, found, dry_run=dry_run)
    for failure in failures:
        complain(failure.message)
    if failures:
        raise typer.Exit(1)


def _import_all(
    on: Opened, business: Business, files: list[Path], options: ImportOptions
) -> tuple[ImportSummary, list[UnreadableFile]]:
    """Each file in turn; one that cannot be read does not keep the others out."""
    summary = ImportSummary()
    failures: list[UnreadableFile] = []
    # Rows are millions of small objects without cycles: Python's search for cycles among them took a fifth of the time.
    gc.set_threshold(500_000)
    with on.folder.own("import"):
        engine = open_engine(on.folder, on.settings)
        try:
            for path in files:
                failures += _import_one(path, business, engine, options, summary)
        finally:
            engine.close()
    return summary, failures


def _import_one(
    path: Path, business: Business, engine: Engine, options: ImportOptions, summary: ImportSummary
) -> Iterator[UnreadableFile]:
    try:
        with _progress(path) as on_progress:
            result = import_file(path, business, engine, options, on_progress)
    except UnreadableFile as failure:
        yield failure
        return
    summary.include(result.summary)
    if result.broken:
        yield result.broken


def _mapped(given: list[str]) -> dict[str, str]:
    """Columns by field name."""
    columns: dict[str, str] = {}
    problems = []
    for text in given:
        name, separator, column = text.partition("=")
        if not separator or not column:
            problems.append(f"--map: {shown(text)} is not FIELD=COLUMN, such as started_at='Call Time'")
        elif name.strip() not in CATALOG.fields:
            near = suggestion(name, CATALOG.fields) or f"; the fields are {', '.join(CATALOG.fields)}"
            problems.append(f"--map: {shown(name)} is not a call field{near}")
        elif name.strip() in columns:
            problems.append(f"--map: {shown(name)} is given twice")
        columns[name.strip()] = column
    if problems:
        raise InvalidRequest(tuple(Problem("map", problem) for problem in problems))
    return columns


def _checked_formats(formats: list[str]) -> tuple[str, ...]:
    """The formats, each shown to be one: it has to read back the time that it writes."""
    for time_format in formats:
        moment = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)
        try:
            datetime.strptime(moment.strftime(time_format), time_format)  # noqa: DTZ007 - only whether it can
        except ValueError as error:
            message = f"--time-format: {shown(time_format)} is no format of times ({error})"
            raise InvalidRequest((Problem("time_format", message),)) from error
    return tuple(formats)


@contextmanager
def _progress(path: Path) -> Iterator[OnProgress]:
    """A bar on a terminal, a line now and then elsewhere; both on standard error."""
    if not sys.stderr.isatty():
        yield _Lines(path.name)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(path.name, rate="", total=None)
        start = time.monotonic()

        def show(now: Progress) -> None:
            rate = f"{now.rows / max(time.monotonic() - start, 0.001):,.0f} calls/s"
            what = "merging ..." if now.merging else rate
            bar.update(task, completed=now.position, total=now.size, rate=what)

        yield show


class _Lines:
    """Progress for logs."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._start = self._last = time.monotonic()

    def __call__(self, now: Progress) -> None:
        moment = time.monotonic()
        if not now.merging and moment - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = moment
        rate = now.rows / max(moment - self._start, 0.001)
        share = 100 * now.position // max(now.size, 1)
        left = (moment - self._start) * (now.size - now.position) / max(now.position, 1)
        what = "all read, merging" if now.merging else f"{share}%, about {left:.0f} s left"
        sys.stderr.write(f"{self._name}: {now.rows:,} rows, {rate:,.0f} calls/s, {what}\n")


def _plain(summary: ImportSummary) -> dict[str, Any]:
    return {**vars(summary), "dropped_fields": dict(summary.dropped_fields)}


def _print_summary(summary: ImportSummary, business: Business, *, dry_run: bool) -> None:
    counts = {name: value for name, value in vars(summary).items() if isinstance(value, int)}
    would = "Nothing was changed; it would have been:" if dry_run else f"Imported into '{business.name}':"
    say(would)
    print_facts([(name.replace("_", " ").capitalize(), f"{value:,}") for name, value in counts.items()])
    if summary.dropped_fields:
        dropped = ", ".join(f"{name} ({count:,})" for name, count in summary.dropped_fields.items())
        say(f"Columns that are no call fields, dropped: {dropped}")
        for name in summary.dropped_fields:
            if near := suggestion(name.replace(" ", "_"), CATALOG.fields):
                say(f"  '{name}'{near} Then give --map FIELD='{name}'")
    if summary.ambiguous_times or summary.skipped_times:
        say(f"Times without an offset were read on the clock of {business.timezone}; see the counts above")
    for path in summary.rejects_files:
        say(f"Rejected rows, with reasons: {path}")
