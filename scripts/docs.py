"""The generated parts of the documentation: `python -m scripts.docs` writes them, `--check` names stale pages.

A page holds a generated part between two lines of its own, the marker `generated: NAME` and the marker
`end generated`, both as HTML comments. What stands between them is replaced by `REGIONS[NAME]()`.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from calltally.accounts import ACTIONS, DEFAULT_SCOPES, SCOPES
from calltally.api import openapi
from calltally.api.errors import ERRORS, HTTP_ERRORS, internal_error
from calltally.api.openapi_parts import ERRORS as MEANINGS
from calltally.catalog import CATALOG, RANGES, Range, describe
from calltally.cli.app import NAME, build
from calltally.errors import NotFound
from calltally.ingestion import MOST_APART, PRESETS, Preset, described, described_legs, described_meaning
from calltally.ingestion.webhooks import VENDORS, Vendor
from calltally.settings import SETTINGS

__all__ = ["OPENAPI", "REGIONS", "BadMarker", "fill", "fresh", "main", "pages", "stale"]

ROOT = Path(__file__).resolve().parents[1]
OPENAPI = Path("docs", "openapi.json")
HELP_WIDTH = 80

# What a parameter of a type takes.
IN_WORDS = {
    "date": "`YYYY-MM-DD`",
    "week": "`YYYY-MM-DD`, a Monday",
    "month": "`YYYY-MM`",
    "time": "a time, RFC 3339",
    "dimension": "a dimension",
    "cursor": "`next_cursor`",
    "name": "a name",
}

START = re.compile(r"<!-- generated: (?P<name>.*) -->")
END = "<!-- end generated -->"

Row = Mapping[str, Any]


class BadMarker(Exception):
    """A marker that names no region, or stands where none can."""


def main(arguments: Sequence[str]) -> int:
    """Write what is stale, or with `--check` only name it; the exit code."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: python -m scripts.docs [--check]\n")
        return 2
    try:
        found = stale(ROOT)
    except BadMarker as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not arguments:
        for path, text in found.items():
            (ROOT / path).write_text(text, encoding="utf-8")
            print(f"wrote {path}")
        return 0
    for path in found:
        sys.stderr.write(f"{path} is stale: run make docs\n")
    return 1 if found else 0


def stale(root: Path) -> dict[Path, str]:
    """The files below `root` that are not as they should be, each with the text that it should have."""
    return {path: text for path, text in fresh(root).items() if _text(root / path) != text}


def fresh(root: Path) -> dict[Path, str]:
    """Every page below `root`, and the OpenAPI document, as they should be."""
    texts = {path: fill(_text(root / path), str(path)) for path in pages(root)}
    return {**texts, OPENAPI: json.dumps(openapi(), indent=2, ensure_ascii=False) + "\n"}


def pages(root: Path) -> tuple[Path, ...]:
    """The Markdown files, relative to `root`."""
    found = (*root.glob("*.md"), *(root / "docs").glob("*.md"))
    return tuple(sorted(path.relative_to(root) for path in found))


def fill(text: str, page: str) -> str:
    """The page with each generated part made anew.

    Raises:
        BadMarker: a marker names no region, is not closed, or closes nothing.
    """
    filled: list[str] = []
    open_since = 0  # the line of the marker whose end is looked for; 0: none
    for number, line in enumerate(text.splitlines(), 1):
        started = START.fullmatch(line)
        if (open_since and started) or (not open_since and line == END):
            raise BadMarker(f"{page}, line {number}: '{line}' stands where it cannot")
        if started:
            filled += [line, "", *_region(started["name"], f"{page}, line {number}").splitlines(), ""]
            open_since = number
        elif line == END:
            open_since = 0
        if not open_since:
            filled.append(line)
    if open_since:
        raise BadMarker(f"{page}, line {open_since}: this generated part is never closed")
    return "".join(f"{line}\n" for line in filled)


def _region(name: str, place: str) -> str:
    if name not in REGIONS:
        raise BadMarker(f"{place}: there is no generated part '{name}'; there are {', '.join(REGIONS)}")
    return REGIONS[name]()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _dimensions() -> str:
    rows = [(_code(row["name"]), _dimension_value(row), row["description"]) for row in _described("dimensions")]
    return _table(("Name", "Value", "Meaning"), rows)


def _dimension_value(row: Row) -> str:
    if row["type"] == "integer":
        return "whole number"
    return "text" if row["unit"] else "text or null"


def _metrics() -> str:
    rows = [
        (_code(row["name"]), row["unit"], _shown(row), _json(row["empty"]), row["description"])
        for row in _described("metrics")
    ]
    return _table(("Name", "Unit", "Shown with", "Of no calls", "Meaning"), rows)


def _shown(metric: Row) -> str:
    match metric["decimals"]:
        case 0:
            return "whole number"
        case 1:
            return "one decimal"
        case decimals:
            return f"{decimals} decimals"


def _parameters() -> str:
    return _parameter_table(_described("parameters"))


def _listing() -> str:
    """The parameters of a list that a report does not have, or has another way."""
    filters = {row["name"] for row in _described("filters")}
    return _parameter_table([row for row in _described("listing") if row["name"] not in filters])


def _picturing() -> str:
    """The parameters of a picture that a report does not have."""
    of_report = {row["name"] for row in _described("parameters")}
    return _parameter_table([row for row in _described("picturing") if row["name"] not in of_report])


def _valuing() -> str:
    """The parameters of a dimension's values that are no filters."""
    filters = {row["name"] for row in _described("filters")}
    return _parameter_table([row for row in _described("valuing") if row["name"] not in filters])


def _parameter_table(described: Sequence[Row]) -> str:
    rows = [(_code(row["name"]), _takes(row), _default(row), row["description"]) for row in described]
    return _table(("Parameter", "Value", "Default", "Meaning"), rows)


def _takes(row: Row) -> str:
    """What a parameter takes, in words."""
    return f"{_takes_once(row)}; may be repeated" if row["repeats"] else _takes_once(row)


def _takes_once(row: Row) -> str:
    match row["type"]:
        case "names":
            most = f"1 to {row['most']} " if row["most"] else ""
            return f"{most}{row['of']}s"
        case "text":
            return f"text, at most {row['longest']} characters"
        case "choice":
            return " or ".join(_code(value) for value in row["values"])
        case "integer":
            return f"whole number, {_span(row)}"
        case "number":
            return f"number, {_span(row)}"
        case kind:
            return IN_WORDS[kind]


def _default(row: Row) -> str:
    if row["required"]:
        return "required"
    return _code(row["default"]) if row["default"] else "–"


def _fields() -> str:
    rows = [
        (_code(row["name"]), _field_value(row), ", ".join(map(_code, row["aliases"])) or "–", row["description"])
        for row in _described("fields")
    ]
    return _table(("Field", "Value", "Other names", "Meaning"), rows)


def _field_value(row: Row) -> str:
    """What a field of a call takes, in words."""
    if "values" in row:
        return " or ".join(_code(value) for value in row["values"])
    if "lowest" in row:
        return f"whole number, {_span(row)}"
    if "longest" in row:
        kind = row["type"] if row["type"] == "phone number" else "text"
        return f"{kind}, at most {row['longest']} characters"
    return str(row["type"])


def _ranges() -> str:
    rows = [(_code(row.name), row.label, _meant(row)) for row in RANGES]
    return _table(("`range`", "Dates", "Days on 9 March 2026"), rows)


def _meant(row: Range) -> str:
    days = row.days(date(2026, 3, 9))
    return " to ".join(dict.fromkeys(day.isoformat() for day in days)) if days else "all"


def _settings() -> str:
    rows = [(_code(row.variable), _code(row.default) if str(row.default) else "empty", row.help) for row in SETTINGS]
    return _table(("Variable", "Default", "Meaning"), rows)


def _presets() -> str:
    rows = [(_code(row.name), row.vendor, row.about) for row in PRESETS.values()]
    parts = [_table(("Preset", "Files of", "Which"), rows), *(_preset(row) for row in PRESETS.values() if row.fields)]
    return "\n\n".join(parts)


def _preset(preset: Preset) -> str:
    """What a vendor's preset reads, and how rows become calls."""
    rows = [(_code(field), source) for field, source in described(preset)]
    parts = [
        f"### {preset.vendor}",
        _table(("Field", f"Columns of {preset.vendor}, the first that says something"), rows),
    ]
    if preset.legs:
        near = f"within {MOST_APART:,} rows"
        parts.append(f"Rows of the same call, {near}, become one: {described_legs(preset.legs)}.")
    return "\n\n".join(parts)


def _cli() -> str:
    parts = [f"{'#' * (1 + len(path))} `{' '.join(path)}`\n\n```text\n{text}\n```" for path, text in _helps()]
    return "\n\n".join(parts)


def _helps() -> Iterator[tuple[tuple[str, ...], str]]:
    """Each command as it is typed, and its help."""
    root = get_command(build())
    waiting = [(root, root.make_context(NAME, [], resilient_parsing=True, terminal_width=HELP_WIDTH))]
    while waiting:
        command, context = waiting.pop()
        yield tuple(context.command_path.split()), command.get_help(context)
        if isinstance(command, TyperGroup):
            waiting += [
                (inner, inner.make_context(name, [], parent=context, resilient_parsing=True))
                for name, inner in reversed(list(command.commands.items()))
            ]


def _errors() -> str:
    found: dict[tuple[int, str], str] = {}
    for error, (status, kind) in ERRORS.items():
        found.setdefault((status, kind), _meaning(status, error))
    for status, kind in HTTP_ERRORS.items():
        found.setdefault((status, kind), _meaning(status, NotFound))
    defect = internal_error("")
    kind = json.loads(bytes(defect.body))["error"]["type"]
    found[defect.status_code, kind] = MEANINGS[str(defect.status_code)]
    rows = [(str(status), _code(kind), meaning) for (status, kind), meaning in sorted(found.items())]
    return _table(("Status", "Type", "Meaning"), rows)


def _meaning(status: int, error: type[Exception]) -> str:
    """What the OpenAPI document says of a status, or else the first line of the error's own description."""
    return MEANINGS.get(str(status)) or (error.__doc__ or "").partition("\n")[0].removesuffix(".")


def _scopes() -> str:
    rows = [(_scope(scope), _listed(included - {scope}), _allowed(included)) for scope, included in SCOPES.items()]
    return _table(("Scope", "Includes", "Allows"), rows)


def _scope(scope: str) -> str:
    return _code(scope) + (" (default)" if scope in DEFAULT_SCOPES else "")


def _allowed(scopes: frozenset[str]) -> str:
    actions = [action for action, needed in ACTIONS.items() if needed in scopes]
    return ", ".join(actions) or "–"


def _listed(scopes: frozenset[str]) -> str:
    return ", ".join(_code(scope) for scope in SCOPES if scope in scopes) or "–"


def _webhooks() -> str:
    rows = [(vendor.label, *row) for vendor in VENDORS.values() for row in _read_of(vendor)]
    return _table(("Vendor", "Field", "Read from"), rows)


def _read_of(vendor: Vendor) -> Iterator[tuple[str, str]]:
    """The fields that are read from what a vendor sends, and where from."""
    if vendor.names is None:
        yield "all", "the [names of the field](import.md#fields)"
    for field, names in (vendor.names or {}).items():
        yield _code(field), ", ".join(_code(name) + described_meaning(vendor.meanings.get(name)) for name in names)
    for implies in vendor.implies:
        yield f"{_code(implies.field)}: {_code(_plain(implies.value))}", f"{_code(implies.name)}: {_code(implies.word)}"
    if vendor.leg:
        listed = ", ".join(f"{_code(field)}: {_code(names[0])}" for field, names in vendor.leg.names.items())
        yield "of a leg of another call only", listed
    if vendor.happened:
        yield "end of the call, version", _code(vendor.happened)
    if vendor.event:
        yield "events that are applied", f"{_code(vendor.event)}: {', '.join(map(_code, sorted(vendor.events)))}"


def _plain(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _described(part: str) -> list[dict[str, Any]]:
    return describe(CATALOG)[part]


def _span(row: Row) -> str:
    return f"{row['lowest']:,} to {row['highest']:,}".replace("-", "−")


def _code(value: object) -> str:
    return f"`{value}`"


def _json(value: object) -> str:
    return _code(json.dumps(value))


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [[cell.replace("|", "\\|") for cell in line] for line in (titles, ["---"] * len(titles), *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


REGIONS: dict[str, Callable[[], str]] = {
    "dimensions": _dimensions,
    "metrics": _metrics,
    "parameters": _parameters,
    "listing": _listing,
    "picturing": _picturing,
    "valuing": _valuing,
    "ranges": _ranges,
    "fields": _fields,
    "presets": _presets,
    "settings": _settings,
    "cli": _cli,
    "errors": _errors,
    "scopes": _scopes,
    "webhooks": _webhooks,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
