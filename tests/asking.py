"""Asking reports and importing records as the tests do it, past HTTP and the command line."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from calltally.accounts import Business
from calltally.engines import Engine, Stop
from calltally.ingestion import FileResult, ImportOptions, import_file
from calltally.query import Timing, answer, ask


def report(engine: Engine, business: Business, params: Sequence[tuple[str, str]] | str) -> dict[str, Any]:
    """The body of a report."""
    query_string = params if isinstance(params, str) else urlencode(params)
    question = ask(query_string.encode(), business, Timing())
    found = answer(question, engine, Stop(), Timing())
    rows = [dict(row) for row in found.rows]
    return {"data": {"data": rows, "totals": dict(found.totals), "count": len(rows)}}


def import_records(
    engine: Engine,
    business: Business,
    records: Sequence[dict[str, Any]],
    folder: Path,
    options: ImportOptions | None = None,
) -> FileResult:
    """What importing the records from an NDJSON file comes to."""
    path = folder / "records.ndjson"
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return import_file(path, business, engine, options or ImportOptions())
