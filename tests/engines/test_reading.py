"""Calls read as columns: the same whether texts come as they are or as places in a dictionary."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from calltally.accounts import Business
from calltally.engines import Stop, open_engine
from calltally.engines.duckdb import DuckDBEngine
from calltally.folder import DataFolder
from calltally.ingestion import import_records
from calltally.settings import Settings
from tests import strategies
from tests.conftest import NewBusiness

ODD = (*strategies.TEXTS, "'", "''", "a,b", "[a]", "NULL", "unknown", None)
MANY = 5000


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    with closing(open_engine(DataFolder(tmp_path), Settings(hot_memory="0", threads=2))) as engine:
        assert isinstance(engine, DuckDBEngine)
        yield engine


def calls(some: range, draw: Random) -> list[dict[str, Any]]:
    return [
        {
            "id": f"r{number}",
            "started_at": "2026-03-08T07:30:00Z",
            "source": draw.choice(ODD),
            "utm_campaign": draw.choice(("Spring", "spring", None)),
            "utm_term": f"term {draw.randrange(MANY)}",
            "ai_category": draw.choice((*strategies.CATEGORIES, None)),
            "status": draw.choice((*strategies.STATUSES, None)),
            "caller_number": draw.choice(strategies.PHONES),
        }
        for number in some
    ]


def read(engine: DuckDBEngine, business: Business) -> tuple[pa.Schema, list[dict[str, Any]], list[dict[str, Any]]]:
    """How all calls come, all as they come, and all as those that have changed since the beginning come."""
    with engine.reading(business.calls, Stop()) as reading:
        everything = list(reading.all())
        changed = list(reading.changed(0, 10**9))
    rows = [
        sorted(pa.Table.from_batches(each).to_pylist(), key=lambda row: row["id_hash"])
        for each in (everything, changed)
    ]
    return everything[0].schema, rows[0], rows[1]


def test_few_texts_come_as_places_and_are_the_same(engine: DuckDBEngine, new_business: NewBusiness) -> None:
    business, draw = new_business(), Random(7)
    import_records(calls(range(MANY), draw), business, engine)
    schema, found, expected = read(engine, business)
    assert found == expected
    assert [name for name in schema.names if pa.types.is_dictionary(schema.field(name).type)] == [
        "status",
        "source",
        "utm_campaign",
        "ai_category",
    ]
    import_records(calls(range(MANY, MANY + 100), draw), business, engine)  # to which the file's dictionaries are new
    _, found, expected = read(engine, business)
    assert len(found) == MANY + 100
    assert found == expected


def test_no_calls_and_no_texts(engine: DuckDBEngine, new_business: NewBusiness) -> None:
    business = new_business()
    import_records([{"id": "held"}], business, engine)
    with engine.reading(business.calls, Stop()) as reading:
        assert not list(reading.all())
    import_records([{"id": "r1", "started_at": "2026-03-08T07:30:00Z"}], business, engine)
    _, found, expected = read(engine, business)
    assert len(found) == 1
    assert found == expected
