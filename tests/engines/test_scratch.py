"""Stores that are made for the moment, in which the embedded engine merges what goes to a cluster."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from calltally.engines import Erasure
from calltally.engines.clickhouse.merge import Scratch, make_template
from calltally.engines.duckdb.connecting import connected

ROW: tuple[Any, ...] = (1, "c1", *[None] * 22, 1, None, [], 7, 5, 5, 0)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(connected((tmp_path,), tmp_path, "200MB", "1GB", 1)) as found:
        make_template(found)
        yield found


def contents(scratch: Scratch) -> dict[str, Any]:
    """Each table of a scratch store as it was made, and what is in it but for the version of what is there."""
    name, _, _ = scratch.store.calls.rpartition(".")
    made = "SELECT table_name, sql FROM duckdb_tables() WHERE database_name = ?"
    tables = dict(scratch.cursor.execute(made, [name.strip('"')]).fetchall())
    rows = {table: scratch.cursor.execute(f"FROM {name}.{table}").fetchall() for table in tables if table != "meta"}
    meta = scratch.cursor.execute(f"SELECT * EXCLUDE data_version FROM {scratch.store.meta}").fetchall()
    return {"tables": tables, "rows": rows, "meta": meta}


def test_one_in_memory_is_as_one_that_was_made_anew_whatever_others_had(
    root: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with Scratch(root, tmp_path / "anew.duckdb") as anew:
        expected = contents(anew)
    assert len(expected["tables"]) == 6
    with Scratch(root) as used, Scratch(root) as beside:
        used.learn(Erasure("key", frozenset(["hash"])))
        used.take([ROW])
        used.fill()
        assert (used.facts().calls, used.store.size) == (1, 1)
        assert contents(used) != expected
        assert contents(beside) == expected
    with Scratch(root) as later:
        later.fill()
        assert contents(later) == expected
        assert (later.store.size, later.store.erasure, later.store.extent.codes) == (0, Erasure(), 0)
        assert later.find_changes() == 0


def test_files_have_versions_of_their_own(root: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    versions = set()
    for name in ("one", "two"):
        with Scratch(root, tmp_path / f"{name}.duckdb") as scratch:
            versions.add(scratch.store.version)
    assert len(versions) == 2
