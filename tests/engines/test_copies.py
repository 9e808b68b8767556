"""Calls out of a store: versions, exports, copies and checks."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from calltally.accounts import Business
from calltally.engines import EXPORT_SCHEMA, AtLeast, Engine, Outcome, calls_file, open_engine, read_file, store_files
from calltally.engines.clickhouse import engine as cluster_engine
from calltally.errors import CallsUnreadable, Damaged, NotFound
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.settings import Settings
from tests.asking import import_records
from tests.conftest import NewBusiness


def _call(number: int, **said: object) -> dict[str, Any]:
    return {"id": f"call-{number}", "started_at": f"2026-03-09T00:00:0{number}Z"} | said


def _exported(engine: Engine, calls: str, conditions: tuple[AtLeast, ...] = ()) -> list[dict[str, Any]]:
    with engine.export(calls, conditions, None) as batches:
        return [row for batch in batches for row in batch.to_pylist()]


def test_version_changes_with_each_commit(engine: Engine, new_business: NewBusiness, tmp_path: Path) -> None:
    business = new_business()
    seen = [engine.version(business.calls)]
    for said in ({"status": "busy"}, {"status": "failed"}):
        import_records(engine, business, [_call(1, **said)], tmp_path)
        seen.append(engine.version(business.calls))
        assert engine.version(business.calls) == seen[-1]
    assert len(set(seen)) == 3


def test_version_outlives_the_process(new_business: NewBusiness, tmp_path: Path) -> None:
    business, folder = new_business(), DataFolder(tmp_path / "data")
    first = open_engine(folder, Settings(hot_memory="0", memory="500MB"))
    import_records(first, business, [_call(1)], tmp_path)
    version = first.version(business.calls)
    first.close()
    second = open_engine(folder, Settings(hot_memory="0", memory="500MB"))
    assert second.version(business.calls) == version
    second.close()


def test_version_is_known_without_waiting_unless_a_file_has_to_be_opened(
    new_business: NewBusiness, tmp_path: Path
) -> None:
    business, folder = new_business(), DataFolder(tmp_path / "data")
    first = open_engine(folder, Settings(hot_memory="0", memory="500MB"))
    assert first.known_version(business.calls) == first.version(business.calls)
    for number in range(2):
        import_records(first, business, [_call(number)], tmp_path)
        assert first.known_version(business.calls) == first.version(business.calls)
    first.close()
    second = open_engine(folder, Settings(hot_memory="0", memory="500MB", open_businesses=1))
    assert second.known_version(business.calls) is None
    version = second.version(business.calls)
    assert second.known_version(business.calls) == version
    import_records(second, new_business(), [_call(1)], tmp_path)  # for which the store is let go of
    import_records(second, business, [_call(2)], tmp_path)
    version, before = second.version(business.calls), version
    import_records(second, new_business(), [_call(1)], tmp_path)
    assert second.known_version(business.calls) == version != before
    second.remove(business.calls)
    assert second.known_version(business.calls) == second.version(business.calls) != version
    second.close()


def _moved(engine: Engine, business: Business, number: int) -> None:
    """Let a call have started in another month."""
    said = {"id": f"call-{number}", "started_at": "2026-07-01T00:00:00Z", "updated_at": "2026-07-02T00:00:00Z"}
    assert deliver([Delivery(said, 1)], business, engine)[0].outcome is Outcome.UPDATED


def test_a_call_that_moves_while_calls_are_exported_is_among_them(
    engine: Engine, new_business: NewBusiness, tmp_path: Path
) -> None:
    business = new_business()
    import_records(engine, business, [_call(number) for number in range(9)], tmp_path)
    with engine.export(business.calls, (), None) as batches:
        _moved(engine, business, 7)
        found = [row["id"] for batch in batches for row in batch.to_pylist()]
    assert sorted(found) == [f"call-{number}" for number in range(9)]


@pytest.mark.parametrize("reading", ["exported", "rows_of"])
def test_a_call_that_moves_before_the_first_is_read_is_there(
    engine: Engine, new_business: NewBusiness, tmp_path: Path, reading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a cluster, between the look at what is committed and the reading of it."""
    business = new_business()
    import_records(engine, business, [_call(number) for number in range(9)], tmp_path)
    read, moving = getattr(cluster_engine, reading), iter([7, 8])

    def read_later(*arguments: Any, **options: Any) -> Iterator[Any]:
        if (number := next(moving, None)) is not None:
            _moved(engine, business, number)
        return read(*arguments, **options)  # type: ignore[no-any-return]

    monkeypatch.setattr(cluster_engine, reading, read_later)
    if reading == "exported":
        found = {row["id"] for row in _exported(engine, business.calls)}
    else:
        with engine.snapshot(business.calls) as snapshot, duckdb.connect() as database:
            assert snapshot is not None
            database.execute(f"ATTACH '{snapshot.path}' AS copy (READ_ONLY)")
            found = {id_ for (id_,) in database.execute("SELECT id FROM copy.calls").fetchall()}
    assert found == {f"call-{number}" for number in range(9)}


def test_export_gives_the_least_version(engine: Engine, new_business: NewBusiness, tmp_path: Path) -> None:
    business = new_business()
    old, new = "2026-03-10T00:00:00Z", "2026-03-11T00:00:00.000001Z"
    import_records(
        engine,
        business,
        [
            _call(1, status="busy"),
            _call(2, status="busy", updated_at=old),
            _call(3, status="busy", updated_at=old),
            {"id": "call-3", "source": "bing", "updated_at": new},
            {"id": "call-1", "source": "bing", "updated_at": new},
        ],
        tmp_path,
    )
    found = {row["id"]: row for row in _exported(engine, business.calls)}
    moment = datetime(2026, 3, 10, tzinfo=UTC)
    assert {name: row["updated_at"] for name, row in found.items()} == {
        "call-1": None,
        "call-2": moment,
        "call-3": moment,
    }
    assert found["call-3"] == dict.fromkeys(EXPORT_SCHEMA.names) | {
        "id": "call-3",
        "started_at": datetime(2026, 3, 9, 0, 0, 3, tzinfo=UTC),
        "updated_at": moment,
        "direction": "inbound",
        "status": "busy",
        "source": "bing",
    }


def test_export_keeps_what_matches(engine: Engine, new_business: NewBusiness, tmp_path: Path) -> None:
    business = new_business()
    import_records(engine, business, [_call(n, duration_seconds=n) for n in range(5)], tmp_path)
    found = _exported(engine, business.calls, (AtLeast("duration_seconds", 3),))
    assert [row["id"] for row in found] == ["call-3", "call-4"]


def test_export_of_a_store_never_written_to_is_empty(engine: Engine, new_business: NewBusiness) -> None:
    assert _exported(engine, new_business().calls) == []


def test_snapshot_is_a_store_of_the_same_calls(engine: Engine, new_business: NewBusiness, tmp_path: Path) -> None:
    business = new_business()
    import_records(engine, business, [_call(n) for n in range(5)], tmp_path)
    with engine.snapshot(business.calls) as snapshot:
        assert snapshot is not None
        assert snapshot.facts.calls == 5
        assert snapshot.facts == engine.check(business.calls)
        with duckdb.connect(str(snapshot.path), read_only=True) as copy:
            assert copy.execute("SELECT count(DISTINCT id) FROM calls").fetchall() == [(5,)]
    assert not snapshot.path.exists()


def test_nothing_is_left_of_a_removed_store(engine: Engine, new_business: NewBusiness, tmp_path: Path) -> None:
    business = new_business()
    import_records(engine, business, [_call(1)], tmp_path)
    with engine.load(business.calls) as load:
        engine_files = {path.name for path in tmp_path.iterdir()}
        assert engine_files == {"records.ndjson"}
        load.finish()
    engine.remove(business.calls)
    assert _exported(engine, business.calls) == []
    with pytest.raises(NotFound), engine.load(business.calls):
        pass


def test_check_finds_a_damaged_block(new_business: NewBusiness, tmp_path: Path) -> None:
    business, folder = new_business(), DataFolder(tmp_path / "data")
    engine = open_engine(folder, Settings(hot_memory="0", memory="500MB"))
    import_records(engine, business, [_call(n % 10, id=f"c{n}", source=f"s{n}") for n in range(50_000)], tmp_path)
    engine.close()
    path = folder.calls / f"{business.calls}.duckdb"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 4)
        file.write(b"\xff" * (path.stat().st_size // 2))
    engine = open_engine(folder, Settings(hot_memory="0", memory="500MB"))
    with pytest.raises(Damaged, match=r"damaged|cannot be opened"):
        engine.check(business.calls)
    engine.close()


def test_a_file_is_read_where_it_lies_and_not_changed(new_business: NewBusiness, tmp_path: Path) -> None:
    business, folder = new_business(), DataFolder(tmp_path / "data")
    engine = open_engine(folder, Settings(hot_memory="0", memory="500MB"))
    import_records(engine, business, [_call(n) for n in range(5)], tmp_path)
    facts = engine.check(business.calls)
    engine.close()
    path = calls_file(folder.calls, business.calls)
    path.chmod(0o400)
    before = path.read_bytes()
    assert read_file(path) == facts
    assert path.read_bytes() == before
    assert list(folder.calls.iterdir()) == [path]


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path, *others = store_files(tmp_path, "store")
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(Damaged, match="are damaged"):
        read_file(path)
    assert (path.name, any(file.exists() for file in others)) == ("store.duckdb", False)
    with pytest.raises(CallsUnreadable, match=r"cannot be read: .* does not exist"):
        read_file(tmp_path / "nowhere")
