"""Stores that are made for the moment, in which the embedded engine merges what goes to a cluster."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from calltally.engines import Erasure
from calltally.engines.clickhouse.merge import Scratch, make_template
from calltally.engines.clickhouse.stores import Store
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
        used.take([ROW], Store("acme.1", number=6, committed=6))
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


STORE = Store("acme.1", number=9, committed=9, void=((3, 5),))


def row(start: int, *, born: int, died: int = 0) -> tuple[Any, ...]:
    return (start, "c1", *ROW[2:-3], born, 8, died)


@pytest.mark.parametrize(
    ("rows", "calls", "written", "left", "emptied"),
    [
        ([row(1, born=2)], [1], [], [], []),
        ([row(1, born=4)], [], [], [], [1]),  # of a write that was broken off
        ([row(1, born=10)], [], [], [], [1]),  # of one that nobody has ended
        ([row(1, born=2, died=4), row(2, born=4)], [1], [1], [], [2]),  # taken elsewhere by a write that was broken off
        ([row(1, born=2, died=10), row(2, born=10)], [1], [1], [], [2]),
        ([row(1, born=2, died=6), row(2, born=6)], [2], [], [], [1]),  # taken elsewhere, and not yet emptied
    ],
)
def test_only_rows_that_stand_are_calls_and_all_others_are_emptied(
    root: duckdb.DuckDBPyConnection,
    rows: list[tuple[Any, ...]],
    calls: list[int],
    written: list[int],
    left: list[int],
    emptied: list[int],
) -> None:
    with Scratch(root) as scratch:
        scratch.take(rows, STORE)
        scratch.fill()
        found = scratch.cursor.execute(f"SELECT epoch_us(started_at) FROM {scratch.store.calls}").fetchall()
        assert [start for (start,) in found] == calls
        assert scratch.find_changes() == len(written) + len(emptied)
        again = [*scratch.rows(11)]
        assert [start for some in again for start in some["started_at"]] == written
        assert {(born, died) for some in again for born, died in zip(some["born"], some["died"], strict=True)} <= {
            (2, 0)
        }
        assert [start for some in scratch.left(11) for start in some["started_at"]] == left
        assert [start for some in scratch.emptied(12) for start in some["started_at"]] == emptied


def test_a_call_of_which_only_rows_are_there_that_do_not_stand_is_added_anew(root: duckdb.DuckDBPyConnection) -> None:
    with Scratch(root) as scratch:
        scratch.take([row(1, born=4)], STORE)
        scratch.fill()
        scratch.cursor.execute(
            f"INSERT INTO {scratch.store.calls} BY NAME "
            "SELECT id, make_timestamp(started_at) AS started_at, version, changed_at FROM kept"
        )
        assert scratch.find_changes() == 1
        [written] = scratch.rows(11)
        assert (written["born"], written["written"]) == ([11], [11])
        assert [*scratch.emptied(12)] == []
