"""What only the embedded engine promises: its files, their schema, its locks, and exactness of its spelling."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.engines import DELIVERY_SCHEMA, VALUE_FIELDS, Engine, Outcome, Stop, hashes_of, open_engine
from calltally.engines.duckdb import DuckDBEngine
from calltally.engines.duckdb.changing import MOST_LOGGED
from calltally.engines.duckdb.compiling import compile_plan, read_rows
from calltally.engines.duckdb.connecting import ROWS_A_GROUP, _config, new_file
from calltally.engines.duckdb.dialect import DuckDBDialect
from calltally.engines.duckdb.migrations import MIGRATIONS, VERSIONED
from calltally.engines.duckdb.schema import CALLS_COLUMNS, create_or_migrate
from calltally.errors import FolderUnusable, StorageFull, Unavailable
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.ingestion import import_records as load_records
from calltally.moving.proving import _plain
from calltally.query import Timing, answer, ask
from calltally.settings import Settings
from tests import strategies
from tests.api.conftest import add_many, many_rows
from tests.asking import import_records, report
from tests.conftest import NewBusiness
from tests.disks import small_disk_at
from tests.endless import ENDLESS, after, endless_merges

CALLS = [{"id": f"c{n}", "started_at": f"2026-03-0{1 + n % 9}T10:00:00Z", "source": f"s{n % 3}"} for n in range(20)]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The database alone."""
    opened = open_engine(
        DataFolder(tmp_path_factory.mktemp("engine")), Settings(hot_memory="0", memory="1GB", threads=2)
    )
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


def opened(folder: DataFolder, **given: object) -> DuckDBEngine:
    engine = open_engine(folder, Settings(hot_memory="0", memory="500MB", threads=2, **given))  # type: ignore[arg-type]
    assert isinstance(engine, DuckDBEngine)
    return engine


@given(
    pairs=st.lists(st.tuples(st.integers(0, 10**17), st.integers(0, 2**42 - 1)), min_size=2, max_size=8),
    near=st.lists(st.integers(2**30, 2**41), min_size=1, max_size=3),
)
def test_ratios_sort_exactly(pairs: list[tuple[int, int]], near: list[int]) -> None:
    # n/(n+1) and (n+1)/(n+2) are nearer to each other than doubles can tell; halves tie exactly.
    pairs += [(n + more, n + 1 + more) for n in near for more in (0, 1)]
    pairs += [(n, 2 * n) for n in near]
    order = ", ".join(f"{key} DESC NULLS LAST" for key in DuckDBDialect().ratio_order("n", "d"))
    rows = ", ".join(f"({n}::HUGEINT, {d})" for n, d in pairs)
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT n, d FROM (VALUES {rows}) AS pairs (n, d) ORDER BY {order}").fetchall()
    valued = [Fraction(int(n), d) for n, d in found if d]
    assert valued == sorted(valued, reverse=True)
    assert all(d == 0 for _, d in found[len(valued) :])


@pytest.fixture(scope="module")
def filled(engine: Engine, new_business: NewBusiness, many_records: list[dict[str, Any]]) -> Business:
    """A business in a zone whose clocks change in the quarter-hours of the calls."""
    business = new_business("Australia/Lord_Howe")
    load_records(many_records, business, engine)
    return business


@given(params=strategies.requests())
def test_all_spellings_of_a_report_agree(engine: Engine, filled: Business, params: strategies.Params) -> None:
    assert isinstance(engine, DuckDBEngine)
    plan = ask(urlencode(params).encode(), filled, Timing()).plan
    with engine._stores.using(plan.calls) as store, engine._root.cursor() as cursor:
        codes, days = store.extent.codes, store.extent.days
        few = dict.fromkeys(strategies.DIMENSION_NAMES, 0)
        manifold = dict.fromkeys(strategies.DIMENSION_NAMES, 10**12)
        dialects = (
            DuckDBDialect(codes, few),
            DuckDBDialect(codes, few, calls_a_day=10.0**6),
            DuckDBDialect(codes, few, 10**6),
            DuckDBDialect(codes, few, 10**6, 10.0**6),
            DuckDBDialect(codes, manifold, 10**12),
        )
        statements = [compile_plan(plan, store.calls, dialect) for dialect in dialects]
        found = [cursor.execute(s.sql, list(s.params)).fetchall() for s in statements]
        answers = [read_rows(plan, rows, dialect) for rows, dialect in zip(found, dialects, strict=True)]
    assert days > 300
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("more", ["", "&limit=2", "&sort_order=asc&limit=1", "&status=never", "&start_date=2099-01-01"])
@pytest.mark.parametrize("sort_by", ["unique_callers", "{}"])
@pytest.mark.parametrize("dimensions", ["source", "date,hour_of_day", "hour_of_day,day_of_week", "week,month,source"])
def test_callers_alone_come_with_their_groups_and_one_row_of_totals(
    engine: Engine, filled: Business, dimensions: str, sort_by: str, more: str
) -> None:
    assert isinstance(engine, DuckDBEngine)
    order = sort_by.format(dimensions.partition(",")[0])
    asked = f"group_by={dimensions}&metrics=unique_callers&sort_by={order}{more}"
    plan = ask(asked.encode(), filled, Timing()).plan
    with engine._stores.using(plan.calls) as store, engine._root.cursor() as cursor:
        codes = store.extent.codes
        few = DuckDBDialect(codes, dict.fromkeys(strategies.DIMENSION_NAMES, 0))
        manifold = DuckDBDialect(10**12)
        bits, told_apart = (compile_plan(plan, store.calls, dialect) for dialect in (few, manifold))
        assert "bitstring_agg" in bits.sql
        assert "count(DISTINCT" in told_apart.sql
        answers = [
            read_rows(plan, cursor.execute(statement.sql, list(statement.params)).fetchall(), dialect)
            for statement, dialect in ((bits, few), (told_apart, manifold))
        ]
    assert answers[0] == answers[1]
    assert len(answers[1].groups) <= plan.limit
    assert bool(answers[1].groups) == bool(answers[1].totals[0])


def test_spellings_differ(filled: Business) -> None:
    plan = ask(b"group_by=date&metrics=count", filled, Timing()).plan
    few, crowded = DuckDBDialect(5, {"source": 5}), DuckDBDialect(5, calls_a_day=10.0**6)
    assert compile_plan(plan, "calls", few) != compile_plan(plan, "calls", crowded)
    assert "ORDER BY" not in compile_plan(plan, "calls", few).sql
    assert "ORDER BY" in compile_plan(plan, "calls", DuckDBDialect(5, days=10**6)).sql
    plan = ask(b"group_by=source&metrics=unique_callers", filled, Timing()).plan
    manifold = DuckDBDialect(5, {"source": 10**12})
    assert "bitstring_agg" in compile_plan(plan, "calls", few).sql
    assert "count(DISTINCT" in compile_plan(plan, "calls", manifold).sql


def test_sums_pass_64_bits(engine: Engine, new_business: NewBusiness) -> None:
    business = new_business()
    assert isinstance(engine, DuckDBEngine)
    with engine._stores.using(business.calls) as store, engine._root.cursor() as cursor:
        # More than one call can have, so that few rows do for what ten million calls may come to.
        cursor.execute(
            f"INSERT INTO {store.calls} (id, started_at, value_cents) "
            "SELECT i, TIMESTAMP '2026-01-01', 9 * 10::BIGINT ** 18 FROM range(3) AS calls (i)"
        )
    asked, total = "group_by=source&metrics=total_value_cents", {"total_value_cents": 27 * 10**18}
    assert report(engine, business, asked)["data"]["totals"] == total
    question = ask(asked.encode(), business, Timing())
    _, totals = json.loads(_plain(answer(question, engine, Stop(), Timing())))  # as a move compares it
    assert totals == total


def test_queries_reach_nothing_outside_the_folder(folder: DataFolder, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    engine = opened(folder)
    refused = [
        f"SELECT * FROM read_csv('{secret}')",
        f"ATTACH '{tmp_path}/other.duckdb'",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        "INSTALL httpfs",
        "SELECT * FROM 'https://localhost/x.parquet'",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
    ]
    for statement in refused:
        with engine._root.cursor() as cursor, pytest.raises(duckdb.Error):
            cursor.execute(statement)
    engine.close()
    assert not (tmp_path / "other.duckdb").exists()


def test_memory_and_spill_are_bounded(folder: DataFolder) -> None:
    engine = opened(folder, spill="1MB")
    business_calls = "busy.1"
    with engine._stores.using(business_calls), engine._root.cursor() as cursor:
        settings = dict(cursor.execute("SELECT name, value FROM duckdb_settings()").fetchall())
    engine.close()
    assert settings["memory_limit"] == "476.8 MiB"
    assert settings["max_temp_directory_size"] == "976.5 KiB"
    assert settings["temp_directory"] == str(folder.spill)


def test_whatever_is_set_has_an_effect(folder: DataFolder) -> None:
    """DuckDB takes some settings when it is opened and drops them without a word."""
    of_both = "SELECT name, value FROM duckdb_settings()"
    with duckdb.connect() as plain:
        as_made = dict(plain.execute(of_both).fetchall())
    engine = opened(folder)
    with engine._root.cursor() as cursor:
        settings = dict(cursor.execute(of_both).fetchall())
    engine.close()
    ours = {
        name: value
        for name, value in {**_config(folder.spill, "500MB", "1GB", 2), "disabled_compression_methods": "RLE"}.items()
        if not is_default(as_made[name], value)
    }
    assert len(ours) > 8
    assert not [name for name in ours if settings[name] == as_made[name]]


def is_default(as_made: str, value: object) -> bool:
    return as_made.lower() == str(value).lower()


def test_groups_are_written_without_trying_runs(folder: DataFolder, new_business: NewBusiness) -> None:
    engine, business = opened(folder), new_business()
    add_many(engine, business, 70_000)
    with engine._stores.using(business.calls) as store, engine._root.cursor() as cursor:
        found = cursor.execute(f"SELECT DISTINCT compression FROM pragma_storage_info('{store.calls}')").fetchall()
    engine.close()
    assert "RLE" not in {name for (name,) in found}
    assert len(found) > 2


def test_an_older_file_is_brought_forward_and_a_newer_one_refused(tmp_path: Path) -> None:
    newer = (*MIGRATIONS, ("ALTER TABLE {calls} ADD COLUMN mood VARCHAR", "UPDATE {calls} SET mood = 'good'"))
    with duckdb.connect() as root:
        root.execute(f"ATTACH '{tmp_path}/store.duckdb' AS store")
        create_or_migrate(root, "store")
        root.execute("INSERT INTO store.calls (id, started_at) VALUES ('a', TIMESTAMP '2026-01-01')")
        create_or_migrate(root, "store", newer)
        create_or_migrate(root, "store", newer)
        assert root.execute("SELECT id, mood FROM store.calls").fetchall() == [("a", "good")]
        with pytest.raises(FolderUnusable, match="newer release"):
            create_or_migrate(root, "store")


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    broken = (*MIGRATIONS, ("ALTER TABLE {calls} ADD COLUMN mood VARCHAR", "SELECT * FROM nowhere"))
    with duckdb.connect() as root:
        root.execute(f"ATTACH '{tmp_path}/store.duckdb' AS store")
        create_or_migrate(root, "store")
        with pytest.raises(duckdb.CatalogException):
            create_or_migrate(root, "store", broken)
        assert root.execute("SELECT schema_version FROM store.meta").fetchall() == [(len(MIGRATIONS),)]
        assert "mood" not in [row[0] for row in root.execute("DESCRIBE store.calls").fetchall()]


def test_a_broken_file_hurts_one_business(folder: DataFolder, new_business: NewBusiness, tmp_path: Path) -> None:
    good, bad = new_business(), new_business()
    engine = opened(folder)
    import_records(engine, good, CALLS, tmp_path)
    (folder.calls / f"{bad.calls}.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(Unavailable, match="cannot be opened"):
        report(engine, bad, "group_by=source")
    assert report(engine, good, "group_by=source")["data"]["totals"] == {"count": 20}
    engine.close()


def test_files_are_let_go_of(folder: DataFolder, new_business: NewBusiness, tmp_path: Path) -> None:
    engine = opened(folder, open_businesses=2)
    businesses = [new_business() for _ in range(5)]
    for business in businesses:
        import_records(engine, business, CALLS, tmp_path)
    for business in businesses * 2:
        assert report(engine, business, "group_by=source")["data"]["totals"] == {"count": 20}
    assert list(engine._stores._open) == [business.calls for business in businesses[-2:]]
    engine.close()


def test_closing_stops_a_load(folder: DataFolder, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, business = opened(folder), new_business()
    add_many(engine, business, 10)
    with engine.load(business.calls) as load, endless_merges(monkeypatch) as merging:
        load.add(many_rows(20_000))
        closing = after(merging, engine.close)
        with pytest.raises(Unavailable, match="stopped before the calls were in; nothing was changed"):
            load.finish()
    closing.join()
    again = opened(folder)
    assert again.check(business.calls).calls == 10
    again.close()


def test_a_business_without_calls_has_no_file(folder: DataFolder, new_business: NewBusiness) -> None:
    engine = opened(folder)
    assert report(engine, new_business(), "group_by=date&metrics=count,avg_duration")["data"] == {
        "data": [],
        "totals": {"count": 0, "avg_duration": None},
        "count": 0,
    }
    engine.close()
    assert list(folder.calls.iterdir()) == []


def test_what_is_removed_while_somebody_writes_to_it_leaves_nothing(
    folder: DataFolder, new_business: NewBusiness
) -> None:
    engine, business = opened(folder, open_businesses=0), new_business()  # so that it is let go of by the writer
    load_records(CALLS, business, engine)
    with ThreadPoolExecutor(1) as threads:
        with engine._stores.using(business.calls) as store, engine._stores.writing(business.calls, store):
            removal = threads.submit(engine.remove, business.calls)
            while not store.removed:
                time.sleep(0.001)
        removal.result(timeout=30)
    assert list(folder.calls.iterdir()) == []
    engine.close()


def test_removing_leaves_nothing(folder: DataFolder, new_business: NewBusiness, tmp_path: Path) -> None:
    engine, business = opened(folder), new_business()
    import_records(engine, business, CALLS, tmp_path)
    engine.remove(business.calls)
    assert list(folder.calls.iterdir()) == []
    assert report(engine, business, "group_by=source")["data"]["count"] == 0
    engine.close()


def test_calls_are_found_wherever_their_rows_are(engine: Engine, new_business: NewBusiness) -> None:
    business = new_business()
    callers = [f"+1305555{n:04}" for n in range(len(CALLS))]
    load_records(
        [{**call, "caller_number": caller} for call, caller in zip(CALLS, callers, strict=True)], business, engine
    )
    versions = count(1)

    def corrected() -> list[Outcome]:
        version = next(versions)
        said = [Delivery({"id": call["id"], "ai_score": version}, 10**15 + version) for call in CALLS]
        return [end.outcome for end in deliver(said, business, engine)]

    def scores() -> Any:
        return report(engine, business, "group_by=source&metrics=count,avg_ai_score")["data"]["totals"]

    def moved() -> bool:
        assert isinstance(engine, DuckDBEngine)
        with engine._stores.using(business.calls) as store:
            return store.hashes[store.calls].moved

    everyone = [Outcome.UPDATED] * len(CALLS)
    assert corrected() == everyone  # in the rows in which they were loaded
    assert corrected() == everyone  # in those that the first corrections made
    assert not moved()
    assert scores() == {"count": 20, "avg_ai_score": 2}
    engine.erase(business.calls, callers[0])  # the file is written anew, without the rows of old
    assert corrected() == everyone
    assert moved()
    assert corrected() == everyone
    assert not moved()
    assert scores() == {"count": 20, "avg_ai_score": 4}


def test_what_was_written_does_not_stay_in_memory(folder: DataFolder, new_business: NewBusiness) -> None:
    engine, business = opened(folder), new_business()

    def held() -> int:
        with engine._root.cursor() as cursor:
            found = cursor.execute("SELECT sum(memory_usage_bytes) FROM duckdb_memory()").fetchall()
        return int(found[0][0])

    def said(score: int) -> list[Outcome]:
        calls = [Delivery({"id": f"call-{n}", "ai_score": score}, 10**15 + score) for n in range(0, 150_000, 10_000)]
        return [end.outcome for end in deliver(calls, business, engine)]

    with engine._stores.using(business.calls), engine._root.cursor() as cursor:
        add_many(engine, business, 150_000)
        cursor.execute(f'SELECT count(COLUMNS(*)) FROM "{business.calls}".calls').fetchall()
        before, version = held(), engine.version(business.calls)
    assert held() < before / 4
    assert engine.version(business.calls) == version
    assert said(1) == said(2) == [Outcome.UPDATED] * 15  # what is known of the store is known still
    assert report(engine, business, "group_by=source&metrics=count")["data"]["totals"] == {"count": 150_000}
    engine.close()


def test_a_write_is_no_failure_where_the_file_of_another_cannot_be_attached_again(
    folder: DataFolder, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def too_many(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    engine, written, other = opened(folder), new_business(), new_business()
    load_records([{"id": "b", "started_at": "2026-03-09T12:00:00Z"}], other, engine)
    with engine._stores.using(written.calls):
        add_many(engine, written, 150_000)  # after which its file is to be attached again, once it is not used
        monkeypatch.setattr("calltally.engines.duckdb.files.Blocks", too_many)
        [end] = deliver([Delivery({"id": "b", "ai_score": 4}, 10**14)], other, engine)
        store = engine._stores._open[written.calls]
        store.users, users = 0, store.users
        [end] = deliver([Delivery({"id": "b", "ai_score": 5}, 10**15)], other, engine)
        store.users = users
    assert end.outcome is Outcome.UPDATED
    assert os.strerror(errno.EMFILE) in caplog.text
    monkeypatch.undo()
    assert report(engine, written, "group_by=source&metrics=count")["data"]["totals"] == {"count": 150_000}
    engine.close()


def test_rows_are_kept_in_small_groups(folder: DataFolder, new_business: NewBusiness) -> None:
    engine, business = opened(folder), new_business()
    add_many(engine, business, 150_000)

    def are_small() -> bool:
        with engine._stores.using(business.calls), engine._root.cursor() as cursor:
            cursor.execute(f'CHECKPOINT "{business.calls}"')
        groups = rows_of_groups(engine, business)
        return len(groups) > 2 and max(groups) <= ROWS_A_GROUP

    assert are_small()
    engine.erase(business.calls, "+13055550000")  # which writes the file anew
    assert are_small()
    engine.close()


def rows_of_groups(engine: DuckDBEngine, business: Business) -> list[int]:
    with engine._stores.using(business.calls) as store, engine._root.cursor() as cursor:
        found = cursor.execute(
            "SELECT sum(count)::BIGINT FROM pragma_storage_info(?) WHERE column_name = 'started_at' "
            "AND segment_type <> 'VALIDITY' GROUP BY row_group_id ORDER BY row_group_id",
            [store.calls],
        ).fetchall()
    return [row[0] for row in found]


def test_calls_that_stream_in_are_written_once_as_groups_that_stay(
    folder: DataFolder, new_business: NewBusiness
) -> None:
    engine, business = opened(folder), new_business()
    together = MOST_LOGGED // 4 + 1  # at once, so that it takes four

    def stream(first: int) -> None:
        for part in range(first, first + 4):
            ids = [f"call-{n}" for n in range(part * together, (part + 1) * together)]
            hashes = hashes_of(pa.array(ids))
            said = {
                "id": ids,
                "id_hash": hashes,
                "version": [1] * together,
                "cleared": [0] * together,
                "started_at": [part] * together,
            }
            columns = [pa.array(said.get(row.name, [None] * together), row.type) for row in DELIVERY_SCHEMA]
            engine.apply(business.calls, pa.RecordBatch.from_arrays(columns, schema=DELIVERY_SCHEMA))

    log = folder.calls / f"{business.calls}.duckdb.wal"
    for part in range(0, 24, 4):
        stream(part)
        assert not log.exists()
    assert rows_of_groups(engine, business) == [4 * together] * 6
    engine.close()


def test_a_new_file_that_fails_amid_a_transaction_is_let_go_of(folder: DataFolder) -> None:
    engine, path = opened(folder), folder.staging / "made.duckdb"
    with engine._root.cursor() as cursor:
        for _ in range(2):
            with pytest.raises(duckdb.InvalidInputException):
                fail_amid_a_transaction(cursor, path)
        with new_file(cursor, path, "made"):
            cursor.execute("CREATE TABLE made.some AS SELECT 1")
    assert [file.name for file in folder.staging.iterdir()] == [path.name]
    engine.close()


def fail_amid_a_transaction(cursor: duckdb.DuckDBPyConnection, path: Path) -> None:
    with new_file(cursor, path, "made"):
        cursor.execute("BEGIN")
        cursor.execute("CREATE OR REPLACE TABLE made.some AS SELECT 1")
        cursor.execute("SELECT error('failed')")


def test_a_load_is_seen_whole_or_not_at_all(folder: DataFolder, new_business: NewBusiness, tmp_path: Path) -> None:
    engine, business = opened(folder), new_business()
    import_records(engine, business, CALLS, tmp_path)
    seen, done = set(), threading.Event()

    def watch() -> None:
        while 30_020 not in seen and not done.is_set():
            seen.add(report(engine, business, "group_by=source,date&limit=1")["data"]["totals"]["count"])

    watcher = threading.Thread(target=watch)
    watcher.start()
    more = [{"id": f"m{n}", "started_at": "1999-07-01T10:00:00Z", "source": "s"} for n in range(30_000)]
    import_records(engine, business, more, tmp_path)
    watcher.join(30)
    done.set()
    watcher.join()
    assert seen <= {20, 30_020}
    assert 30_020 in seen
    engine.close()
    assert list(folder.staging.iterdir()) == []


def test_a_stopped_report_ends_at_once(
    engine: Engine, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    business = new_business()
    load_records(CALLS, business, engine)
    plan = ask(b"group_by=utm_term", business, Timing()).plan
    stop, answering, ended = Stop(), threading.Event(), threading.Event()

    def answer(cursor: duckdb.DuckDBPyConnection, *_: object) -> None:
        answering.set()
        cursor.execute(ENDLESS)

    def ask_until_it_has_ended() -> None:
        assert answering.wait(30)
        while not ended.wait(0.01):  # again and again: an interrupt before the statement has begun is lost
            stop.ask()

    with monkeypatch.context() as patched, ThreadPoolExecutor(1) as threads:
        patched.setattr("calltally.engines.duckdb.engine._answer", answer)
        asking = threads.submit(ask_until_it_has_ended)
        with pytest.raises(Unavailable, match="stopped"):
            engine.answer(plan, stop)
        ended.set()
        asking.result(30)
    assert engine.answer(plan, Stop()).totals
    with pytest.raises(Unavailable, match="stopped"):
        engine.answer(plan, stop)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    with small_disk_at(tmp_path / "disk", 3) as disk:
        yield disk


def test_reports_go_on_while_an_erasure_waits_for_a_copy(folder: DataFolder, new_business: NewBusiness) -> None:
    engine, business = opened(folder), new_business()
    load_records([{**call, "caller_number": "+13055551234"} for call in CALLS], business, engine)
    [part] = engine.holdings(business.calls).parts
    with ThreadPoolExecutor(2) as threads:
        with engine.whole_part(business.calls, part) as batches:
            erasure = threads.submit(engine.erase, business.calls, "+13055551234")
            while not engine._stores._open[business.calls].gate._closing:
                time.sleep(0.01)
            asked = [("group_by", "source"), ("metrics", "count")]
            assert threads.submit(report, engine, business, asked).result(timeout=30)["data"]["count"] == 3
            assert not erasure.done()
            assert sum(map(len, batches)) == len(CALLS)
        assert erasure.result(timeout=30) == len(CALLS)
    engine.close()


def test_a_full_disk_is_said_and_changes_nothing(small_disk: Path, new_business: NewBusiness, tmp_path: Path) -> None:
    folder, business = DataFolder(small_disk / "data"), new_business()
    engine = opened(folder)
    import_records(engine, business, CALLS, tmp_path)
    many = [{"id": f"m{n}", "started_at": "2026-03-01T10:00:00Z", "source": f"{n * n:x}" * 20} for n in range(60_000)]
    with pytest.raises(StorageFull, match="no room left"):
        import_records(engine, business, many, tmp_path)
    engine.close()
    again = opened(folder)
    assert report(again, business, "group_by=status")["data"]["totals"] == {"count": 20}
    import_records(again, business, many[:10], tmp_path)
    assert report(again, business, "group_by=status")["data"]["totals"] == {"count": 30}
    again.close()


IMPORT_AND_WAIT = """
import sys, json
from pathlib import Path
from datetime import UTC, datetime
from calltally.accounts import Business
from calltally.engines import open_engine
from calltally.folder import DataFolder
from calltally.ingestion import ImportOptions, import_file
from calltally.settings import Settings
folder = DataFolder(Path(sys.argv[1]))
business = Business("b", "B", "UTC", "US", "USD", 1, datetime.now(UTC))
with folder.own("import"):
    engine = open_engine(folder, Settings(hot_memory="0", memory="500MB"))
    print("ready", flush=True)
    import_file(Path(sys.argv[2]), business, engine, ImportOptions())
    print("done", flush=True)
"""


@pytest.mark.parametrize("milliseconds", [5, 60, 150, 300, 600])
def test_a_killed_import_leaves_a_whole_file_and_completes_when_run_again(
    folder: DataFolder, tmp_path: Path, milliseconds: int
) -> None:
    path = tmp_path / "calls.csv"
    rows = [f"c{n},2026-03-01T10:{n % 60:02}:00Z,s{n % 7}" for n in range(60_000)]
    path.write_text("\n".join(["id,started_at,source", *rows]))
    command = [sys.executable, "-c", IMPORT_AND_WAIT, str(folder.path), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "ready\n"
        time.sleep(milliseconds / 1000)
        os.kill(killed.pid, signal.SIGKILL)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert list(folder.staging.iterdir()) == []
    with duckdb.connect(str(folder.calls / "b.1.duckdb"), read_only=True) as kept:
        assert kept.execute("SELECT count(*), count(DISTINCT id) FROM calls").fetchall() == [(60_000, 60_000)]


def test_migrations_lead_to_the_columns_of_the_catalog() -> None:
    """A field that is added to the catalog needs a migration."""
    with duckdb.connect() as root:
        root.execute("ATTACH ':memory:' AS store")
        create_or_migrate(root, "store")
        root.execute(f"CREATE TABLE wanted ({CALLS_COLUMNS})")
        described = [root.execute(f"DESCRIBE {table}").fetchall() for table in ("store.calls", "wanted")]
    assert described[0] == described[1]
    assert sorted(VERSIONED) == sorted(field.name for field in VALUE_FIELDS)
