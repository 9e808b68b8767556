"""`calltally export`: calls given back."""

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from urllib.parse import urlencode

import typer

from calltally.accounts import Business, find_business
from calltally.catalog import CATALOG, Choice, Day, DimensionName, Parameter, Text, Where, suggestion
from calltally.cli.damage import naming_damage
from calltally.cli.group import examples
from calltally.cli.interrupting import interruptible
from calltally.cli.options import BusinessOption, DataOption, JsonOption, Opened, calls_of, opened
from calltally.cli.output import counted, print_json, say
from calltally.cli.progress import Pace, spinner
from calltally.errors import InvalidRequest, Problem, shown
from calltally.exporting import FORMATS, Format, format_of, placed, write_calls
from calltally.query import Selection, select

__all__ = ["EXAMPLES", "export"]

EXAMPLES = examples(
    "calltally export --business 'Acme Plumbing' > calls.csv",
    "calltally export -b Acme --start-date 2026-03-01 --end-date 2026-03-31 \\",
    "    --output march.parquet",
    "calltally export -b Acme --source google --source bing --min-duration 60 \\",
    "    --format ndjson | less",
    "calltally export -b Acme --where hour_of_day=17 --where-null utm_campaign \\",
    "    --output late.csv",
)


WHERE = "--where"  # one option for the filters of all dimensions, each of which is a part of its value: source=google
WHERE_HELP = "Calls that a report shows under this value of a dimension; several of one dimension mean any of them"


def _option(row: Parameter) -> str:
    """What a filter is called here."""
    return f"{WHERE} {row.filter.dimension}" if isinstance(row.filter, Where) else _dashed(row.name)


def _dashed(name: str) -> str:
    return f"--{name.replace('_', '-')}"


# The report's filters, each under the name that it has here, so that what is wrong with one is said of its option.
FILTERS = tuple(
    replace(row, name=_option(row), at_most=_dashed(row.at_most) if row.at_most else None) for row in CATALOG.filters
)
OWN_OPTIONS = tuple(row for row in FILTERS if not isinstance(row.filter, Where))

Filters = Mapping[str, list[str] | None]


def with_filters(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each filter in place of its parameter `filters`, which holds what they were given.

    All can be given several times, so that one for which that makes no sense is refused and not silently the last.
    """

    @wraps(command)
    def run(**given: Any) -> None:
        filters = {name: given.pop(_variable(name)) for name in (*(row.name for row in OWN_OPTIONS), WHERE)}
        command(filters=filters, **given)

    own = inspect.signature(command, eval_str=True).parameters.values()
    options = (*(_parameter(row.name, _metavar(row), row.description) for row in OWN_OPTIONS), WHERE_OPTION)
    parameters = [row for one in own for row in (options if one.name == "filters" else (one,))]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {row.name: row.annotation for row in parameters}
    return run


def _parameter(name: str, metavar: str, about: str) -> inspect.Parameter:
    option = typer.Option(name, metavar=metavar, help=about, show_default=False)
    kind = Annotated[list[str] | None, option]
    return inspect.Parameter(_variable(name), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def _variable(name: str) -> str:
    return name.removeprefix("--").replace("-", "_")


def _metavar(row: Parameter) -> str:
    match row.type:
        case Day():
            return "DAY"
        case Text():
            return "TEXT"
        case Choice(values):
            return "|".join(values)
        case DimensionName():
            return "DIMENSION"
        case _:
            return "NUMBER"


WHERE_OPTION = _parameter(WHERE, "DIMENSION=VALUE", WHERE_HELP)


@with_filters
def export(
    *,
    business: BusinessOption,
    filters: Filters,
    kind: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="|".join(FORMATS),
            help="How they are written (default: by the end of the file's name; csv without one)",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write them to this file, packed if its name ends in .gz (default: to standard output)",
            show_default=False,
        ),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give calls back, in a form that imports again.

    All fields of all calls, or of those that the filters pick, which are the filters of a report. Times are in UTC.
    A file is there when it is whole, and not before. What 'updated_at' says is the version of the call: imported
    where the call is, it changes nothing.
    """
    chosen = _format(kind, output, as_json=as_json)
    with opened(data) as on:
        found = find_business(on.control, business)
        selection = select(_query_string(filters), FILTERS, found)
        with _place(output) as stream:
            calls = _export(on, found, selection, chosen, stream)
    if as_json:
        print_json({"business": found.id, "calls": calls, "format": chosen, "file": str(output)})
    elif output:
        say(f"Exported {counted(calls, 'call')} of '{found.name}' to {output}")


def _export(on: Opened, business: Business, selection: Selection, kind: Format, stream: BinaryIO) -> int:
    with (
        calls_of(on, "export") as engine,
        interruptible(),
        naming_damage(business, engine),
        engine.export(business.calls, selection.conditions, selection.periods) as batches,
        _progress(shares_terminal=stream is sys.stdout.buffer and sys.stdout.isatty()) as on_progress,
    ):
        return write_calls(batches, kind, stream, on_progress)


def _format(kind: str | None, output: Path | None, *, as_json: bool) -> Format:
    """The format, checked together with where it goes.

    Raises:
        InvalidRequest: there is no such format, or the two do not go together.
    """
    chosen = kind or (format_of(output) if output else None)
    if chosen is None and output and output.suffix:  # a spreadsheet that is none would not open
        message = f"--output: the end of {shown(output.name)} names no format; say which with --format"
        raise InvalidRequest((Problem("output", f"{message} {'|'.join(FORMATS)}"),))
    chosen = chosen or "csv"
    if chosen not in FORMATS:
        raise InvalidRequest((Problem("format", f"--format: {shown(chosen)} is not one of {', '.join(FORMATS)}"),))
    if as_json and not output:
        message = "--json: standard output has the calls themselves; write them to a file with --output"
        raise InvalidRequest((Problem("json", message),))
    if chosen == "parquet" and not output and sys.stdout.isatty():
        message = "--format: parquet cannot be shown on a terminal; write it to a file with --output"
        raise InvalidRequest((Problem("format", message),))
    return chosen


def _query_string(filters: Filters) -> bytes:
    """The filters as a report is asked with them.

    Raises:
        InvalidRequest: one is of a dimension that there is not.
    """
    given = [(name, value) for name, values in filters.items() for value in values or ()]
    named = [_of_dimension(value) if name == WHERE else (name, value) for name, value in given]
    return urlencode([(name, os.fsencode(value)) for name, value in named]).encode()


def _of_dimension(given: str) -> tuple[str, str]:
    """The name of a dimension's filter, and its value."""
    dimension, equals, value = given.partition("=")
    if not equals or dimension not in CATALOG.dimensions:
        near = suggestion(dimension, CATALOG.dimensions) or f"; the dimensions are {', '.join(CATALOG.dimensions)}"
        what = f"{shown(dimension)} is not a dimension{near}" if equals else f"{shown(given)} is not DIMENSION=VALUE"
        raise InvalidRequest((Problem("where", f"{WHERE}: {what}"),))
    return f"{WHERE} {dimension}", value


@contextmanager
def _place(output: Path | None) -> Iterator[BinaryIO]:
    if output:
        with placed(output) as stream:
            yield stream
        return
    sys.stdout.flush()
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


@contextmanager
def _progress(*, shares_terminal: bool) -> Iterator[Callable[[int], None]]:
    """How many calls so far, on a terminal that does not show the calls themselves."""
    with nullcontext() if shares_terminal else spinner() as line:
        pace = Pace()

        def show(calls: int) -> None:
            if line:
                line.show(f"{calls:,} calls, {pace.rate(calls)} calls/s")

        yield show
