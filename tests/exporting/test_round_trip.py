"""What is exported imports again to the same values, in every format."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.engines import Engine
from calltally.exporting import FORMATS, Format, placed, write_calls
from calltally.ingestion import ImportOptions, ImportSummary, import_file
from tests import strategies
from tests.asking import import_records, report
from tests.conftest import NewBusiness

AT = "2026-03-09T14:05:00Z"
# Texts that one format or another could take for something else.
TRAPS = (
    "007",
    "1e5",
    "0x1F",
    "null",
    "NULL",
    "NaN",
    "true",
    "-",
    "'",
    '"',
    '""',
    '"quoted"',
    'say "hi", she said',
    ",",
    ";;;",
    "a\tb",
    "line\nbreak",
    "line\r\nbreak",
    "line\rbreak",
    "\\N",
    "\\",
    "{}",
    "[1, 2]",
    "=SUM(A1)",
    "\ufeffmark",
    "🚀🇦🇹",
    "e\u0301",
    "\u2028",
    "\x07",
    "2026-03-09",
    "x" * 512,
)


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=8)
@given(records=strategies.files_of_records(faulty=False, min_size=1), request_=strategies.requests())
@example(records=[{"id": text[:128], "started_at": AT, "source": text} for text in TRAPS], request_=[])
@example(records=[{"id": "1", "started_at": AT, "caller_number": "0049 (0)30 / 1234"}], request_=[])
@example(
    records=[
        {"id": "1", "started_at": "1970-01-01T00:00:00.000001Z", "updated_at": "0001-01-02T00:00:00Z"},
        {"id": "2", "started_at": "2100-12-31T23:59:59.999999Z", "updated_at": "9999-12-30T23:59:59.999999Z"},
        {"id": "2", "source": "google", "updated_at": "2026-03-09T14:05:00.1Z"},
    ],
    request_=[],
)
def test_values_come_back(
    engine: Engine,
    new_business: NewBusiness,
    tmp_path: Path,
    kind: Format,
    records: list[strategies.Record],
    request_: strategies.Params,
) -> None:
    business = new_business("America/New_York")
    import_records(engine, business, records, tmp_path)
    calls = exported(engine, business)
    asked = request_ or [("group_by", "source")]
    answer = report(engine, business, asked)
    path = tmp_path / f"calls.{kind}"
    assert written(engine, business, kind, path) == len(calls)

    again = imported(engine, business, path)
    assert (again.read, again.unchanged, again.rejected) == (len(calls), len(calls), 0)
    assert exported(engine, business) == calls
    assert report(engine, business, asked) == answer

    other = new_business("America/New_York")
    fresh = imported(engine, other, path)
    assert (fresh.added, fresh.rejected, dict(fresh.dropped_fields)) == (len(calls), 0, {})
    assert exported(engine, other) == calls
    assert report(engine, other, asked) == answer


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=8)
@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)))
def test_any_text_comes_back(
    engine: Engine, new_business: NewBusiness, tmp_path: Path, kind: Format, texts: list[str]
) -> None:
    business, other = new_business(), new_business()
    records = [{"id": str(n), "started_at": AT, "utm_term": text} for n, text in enumerate(texts)]
    import_records(engine, business, records, tmp_path)
    path = tmp_path / f"calls.{kind}"
    written(engine, business, kind, path)
    assert imported(engine, other, path).rejected == 0
    assert exported(engine, other) == exported(engine, business)


def exported(engine: Engine, business: Business) -> dict[str, dict[str, Any]]:
    """The calls by id, as the engine gives them."""
    with engine.export(business.calls, (), None) as batches:
        return {row["id"]: row for batch in batches for row in batch.to_pylist()}


def written(engine: Engine, business: Business, kind: Format, path: Path) -> int:
    with engine.export(business.calls, (), None) as batches, placed(path) as stream:
        return write_calls(batches, kind, stream, lambda _: None)


def imported(engine: Engine, business: Business, path: Path) -> ImportSummary:
    result = import_file(path, business, engine, ImportOptions())
    assert result.failure is None
    return result.summary
