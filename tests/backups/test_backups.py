"""Backups while things change, restores that are stopped half-way, and what becomes of keys."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from calltally.accounts import (
    Business,
    Control,
    NewKey,
    authenticate,
    clear_business,
    create_business,
    create_key,
    create_share,
    delete_business,
    find_business,
    find_share,
    finish_removals,
    known_stores,
    list_businesses,
    list_keys,
    list_saved_reports,
    open_control,
    read_account,
    reserve_store,
    restore_account,
    revoke_key,
    save_report,
    update_business,
)
from calltally.accounts.sessions import token_hash
from calltally.accounts.tables import businesses, keys
from calltally.backups import Target, chosen, make_backup, opened_backup, read_manifest, restore_business
from calltally.checking import check_folder
from calltally.engines import Engine, Snapshot, calls_file, open_engine, read_file
from calltally.errors import Conflict, FolderUnusable, NotFound, StorageFull, Unauthorized
from calltally.folder import DataFolder
from calltally.settings import Settings
from tests.asking import import_records, report

NOW = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)
QUERY = "group_by=source,date&metrics=count,total_duration,unique_callers"


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture
def target(folder: DataFolder) -> Iterator[Target]:
    """A data folder with its control database and an engine, all open, as a server has them."""
    with open_control(folder) as control:
        engine = open_engine(folder, Settings(hot_memory="0", memory="500MB", threads=2))
        yield Target(folder, control, engine)
        engine.close()


@pytest.fixture
def acme(target: Target, tmp_path: Path) -> Business:
    return new_business(target, "Acme", tmp_path, calls=5)


def new_business(target: Target, name: str, tmp_path: Path, *, calls: int) -> Business:
    business = create_business(target.control, name, timezone="Asia/Tokyo", region="JP", currency="JPY", now=NOW)
    if calls:
        import_records(target.engine, business, [call(number) for number in range(calls)], tmp_path)
    return business


def call(number: int) -> dict[str, Any]:
    started_at = f"2026-03-09T1{number % 10}:00:00Z"
    return {"id": f"c{number}", "started_at": started_at, "source": f"s{number % 3}", "duration_seconds": number}


def new_key(target: Target, business: Business) -> NewKey:
    return create_key(target.control, business, None, ("read",), NOW)


def works(target: Target, key: NewKey) -> bool:
    try:
        return authenticate(target.control, f"Bearer {key.secret}", NOW).key_id == key.id
    except Unauthorized:
        return False


def backup(target: Target, path: Path, engine: Engine | None = None) -> Path:
    make_backup(path, target.control, engine or target.engine, NOW)
    return path


def restore(target: Target, path: Path, *names: str) -> None:
    with opened_backup(path) as found:
        for kept in chosen(found.manifest, names):
            restore_business(found, kept, target)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Meddling:
    """A real engine with which something happens between two steps of a backup."""

    def __init__(self, engine: Engine, meddle: Callable[[], None], *, after: bool) -> None:
        self._engine = engine
        self._meddle: Callable[[], None] | None = meddle
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def snapshot(self, calls: str) -> AbstractContextManager[Snapshot | None]:
        return self._snapshot(calls)

    @contextmanager
    def _snapshot(self, calls: str) -> Iterator[Snapshot | None]:
        meddle, self._meddle = self._meddle, None
        if meddle and not self._after:
            meddle()
        with self._engine.snapshot(calls) as snapshot:
            if meddle and self._after:
                meddle()
            yield snapshot


# --- Making -----------------------------------------------------------------------------------------------------------


def test_a_backup_is_a_data_folder(target: Target, acme: Business, tmp_path: Path) -> None:
    key = new_key(target, acme)
    empty = new_business(target, "No calls yet", tmp_path, calls=0)
    path = backup(target, tmp_path / "deep" / "backup")
    copy = DataFolder(path)
    with open_control(copy) as control:
        engine = open_engine(copy, Settings(hot_memory="0", memory="500MB"))
        assert list_businesses(control) == list_businesses(target.control) == (acme, empty)
        assert [found.id for found in list_keys(control, acme)] == [key.id]
        assert report(engine, acme, QUERY) == report(target.engine, acme, QUERY)
        assert check_folder(copy, control, engine.check).well
        engine.close()


def test_the_manifest_says_what_is_in_it(target: Target, acme: Business, tmp_path: Path) -> None:
    new_business(target, "No calls yet", tmp_path, calls=0)
    path = backup(target, tmp_path / "backup")
    manifest = read_manifest(path)
    first, second = manifest.businesses
    assert (manifest.made_at, first.name, first.calls, second.calls, second.file) == (NOW, "Acme", 5, 0, None)
    assert first.file == f"calls/{acme.calls}.duckdb"
    assert read_file(path / first.file).schema == first.schema > 0


def test_only_its_owner_can_read_it(target: Target, acme: Business, tmp_path: Path) -> None:
    path = backup(target, tmp_path / "backup")
    modes = {found.stat().st_mode & 0o077 for found in (path, *path.rglob("*"))}
    assert modes == {0}


@pytest.mark.parametrize("after", [False, True])
def test_a_business_that_is_cleared_meanwhile_is_copied_as_it_is_then(
    target: Target, acme: Business, tmp_path: Path, after: bool
) -> None:
    def clear() -> None:
        target.engine.remove(clear_business(target.control, acme.id))
        import_records(target.engine, find_business(target.control, acme.id), [call(7)], tmp_path)

    path = backup(target, tmp_path / "backup", Meddling(target.engine, clear, after=after))
    assert [kept.calls for kept in read_manifest(path).businesses] == [1]
    assert [found.name for found in (path / "calls").iterdir()] == [f"{acme.id}.2.duckdb"]


@pytest.mark.parametrize("after", [False, True])
def test_a_business_that_is_deleted_meanwhile_is_left_out(
    target: Target, acme: Business, tmp_path: Path, after: bool
) -> None:
    def delete() -> None:
        target.engine.remove(delete_business(target.control, acme.id))

    path = backup(target, tmp_path / "backup", Meddling(target.engine, delete, after=after))
    assert read_manifest(path).businesses == ()
    assert not any(acme.id.encode() in content or acme.id in name for name, content in files(path).items())


def test_calls_that_come_in_meanwhile_are_in_or_out_as_a_whole(target: Target, acme: Business, tmp_path: Path) -> None:
    def load() -> None:
        import_records(target.engine, acme, [call(number) for number in range(5, 9)], tmp_path)

    path = backup(target, tmp_path / "backup", Meddling(target.engine, load, after=True))
    assert read_manifest(path).businesses[0].calls == 5
    assert report(target.engine, acme, "group_by=source")["data"]["totals"] == {"count": 9}


@pytest.mark.parametrize("there", ["file", "full", "partial"])
def test_nothing_is_written_over(target: Target, acme: Business, tmp_path: Path, there: str) -> None:
    path = tmp_path / "backup"
    if there == "file":
        path.write_text("precious")
    else:
        (tmp_path / ("backup.partial" if there == "partial" else "backup")).mkdir()
        (tmp_path / ("backup.partial" if there == "partial" else "backup") / "precious").touch()
    before = sorted(tmp_path.glob("backup*/*"))
    with pytest.raises(Conflict, match="is there"):
        backup(target, path)
    assert sorted(tmp_path.glob("backup*/*")) == before


def test_an_empty_folder_will_do(target: Target, acme: Business, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    assert read_manifest(backup(target, tmp_path / "backup")).businesses


def test_a_backup_that_fails_leaves_nothing(target: Target, acme: Business, tmp_path: Path) -> None:
    def fill() -> None:
        raise OSError(28, os.strerror(28))

    with pytest.raises(StorageFull, match="no room left"):
        backup(target, tmp_path / "backup", Meddling(target.engine, fill, after=True))
    assert not list(tmp_path.glob("backup*"))


# --- Restoring --------------------------------------------------------------------------------------------------------


def test_calls_and_settings_come_back(target: Target, acme: Business, tmp_path: Path) -> None:
    answer = report(target.engine, acme, QUERY)
    other = new_business(target, "Other", tmp_path, calls=1)
    path = backup(target, tmp_path / "backup")
    before = files(path)
    import_records(target.engine, acme, [call(number) for number in range(9)], tmp_path)
    import_records(target.engine, other, [call(number) for number in range(9)], tmp_path)
    update_business(target.control, acme.id, name="Renamed", timezone="UTC")
    restore(target, path, "Acme")
    restored = find_business(target.control, "Acme")
    assert (restored.timezone, restored.generation) == ("Asia/Tokyo", 2)
    assert report(target.engine, restored, QUERY) == answer
    assert report(target.engine, other, "group_by=source")["data"]["totals"] == {"count": 9}
    assert sorted(found.name for found in target.folder.calls.glob("*.duckdb")) == sorted(
        (f"{acme.id}.2.duckdb", f"{other.id}.1.duckdb")
    )
    assert files(path) == before
    assert check_folder(target.folder, target.control, target.engine.check).well


def test_a_restored_business_takes_new_calls(target: Target, acme: Business, tmp_path: Path) -> None:
    path = backup(target, tmp_path / "backup")
    restore(target, path)
    restored = find_business(target.control, acme.id)
    import_records(target.engine, restored, [call(number) for number in range(8)], tmp_path)
    assert report(target.engine, restored, "group_by=source")["data"]["totals"] == {"count": 8}


def test_one_without_calls_comes_back_without(target: Target, tmp_path: Path) -> None:
    business = new_business(target, "Empty", tmp_path, calls=0)
    path = backup(target, tmp_path / "backup")
    import_records(target.engine, business, [call(1)], tmp_path)
    restore(target, path)
    restored = find_business(target.control, business.id)
    assert report(target.engine, restored, "group_by=source")["data"]["totals"] == {"count": 0}
    assert list(target.folder.calls.iterdir()) == []


def test_keys_of_a_business_that_exists_stay_as_they_are(target: Target, acme: Business, tmp_path: Path) -> None:
    kept, revoked = new_key(target, acme), new_key(target, acme)
    path = backup(target, tmp_path / "backup")
    newer = new_key(target, acme)
    revoke_key(target.control, revoked.id, NOW)
    restore(target, path)
    assert [works(target, key) for key in (kept, revoked, newer)] == [True, False, True]


def test_keys_of_a_deleted_business_come_back_as_they_were(target: Target, acme: Business, tmp_path: Path) -> None:
    good, revoked = new_key(target, acme), new_key(target, acme)
    revoke_key(target.control, revoked.id, NOW)
    path = backup(target, tmp_path / "backup")
    before = read_account(target.control, acme.id)
    target.drop(delete_business(target.control, acme.id))
    assert (works(target, good), list_businesses(target.control)) == (False, ())
    restore(target, path)
    after = read_account(target.control, acme.id)
    assert [works(target, key) for key in (good, revoked)] == [True, False]
    assert ({**after.row, "generation": 1}, after.rows) == (before.row, before.rows)


def test_saved_reports_come_back_and_what_is_shared_does_not(target: Target, acme: Business, tmp_path: Path) -> None:
    key = new_key(target, acme)
    saved = save_report(target.control, acme.id, "Sources", QUERY, NOW)
    actor = authenticate(target.control, f"Bearer {key.secret}", NOW)
    _, token = create_share(target.control, actor, name=None, request=QUERY, now=NOW, expires_at=None)
    path = backup(target, tmp_path / "backup")
    restore(target, path)
    assert find_share(target.control, token, NOW)[1].id == acme.id
    target.drop(delete_business(target.control, acme.id))
    assert list_saved_reports(target.control, acme) == ()
    restore(target, path)
    assert list_saved_reports(target.control, acme) == (saved,)
    assert works(target, key)
    with pytest.raises(NotFound):
        find_share(target.control, token, NOW)
    assert token_hash(token).encode() not in b"".join(files(path).values())


def test_a_store_that_was_removed_is_never_used_again(target: Target, acme: Business, tmp_path: Path) -> None:
    path = backup(target, tmp_path / "backup")
    for _ in range(2):
        target.drop(clear_business(target.control, acme.id))
        import_records(target.engine, find_business(target.control, acme.id), [call(7)], tmp_path)
    target.drop(delete_business(target.control, acme.id))  # so 1, 2 and 3 are spent, of which nothing is left to tell
    restore(target, path)
    restored = find_business(target.control, acme.id)
    assert restored.generation == 4
    assert report(target.engine, restored, "group_by=source")["data"]["totals"] == {"count": 5}
    assert known_stores(target.control) == {restored.calls}


def test_a_folder_that_never_had_the_business_gets_it(target: Target, acme: Business, tmp_path: Path) -> None:
    key = new_key(target, acme)
    path = backup(target, tmp_path / "backup")
    other = DataFolder(tmp_path / "other")
    with open_control(other) as control:
        engine = open_engine(other, Settings(hot_memory="0", memory="500MB"))
        there = Target(other, control, engine)
        restore(there, path)
        assert works(there, key)
        restored = find_business(control, acme.id)
        assert report(engine, restored, QUERY) == report(target.engine, acme, QUERY)
        engine.close()


# A restore has two steps at which a killed process leaves something: the state after each, and what comes of it.
@pytest.mark.parametrize("placed", [False, True])
def test_one_killed_before_it_is_done_leaves_nothing(
    target: Target, acme: Business, tmp_path: Path, placed: bool
) -> None:
    path = backup(target, tmp_path / "backup")
    answer = report(target.engine, acme, QUERY)
    generation = reserve_store(target.control, read_account(target.control, acme.id))
    store = calls_file(target.folder.calls, f"{acme.id}.{generation}")
    if placed:
        shutil.copyfile(calls_file(path / "calls", acme.calls), store)
    finish_removals(target.control, target.engine.remove)
    assert not store.exists()
    assert find_business(target.control, acme.id) == acme
    assert report(target.engine, acme, QUERY) == answer
    with pytest.raises(Conflict, match="run the restore again"):
        restore_account(target.control, read_account(target.control, acme.id), generation)
    restore(target, path)
    assert report(target.engine, find_business(target.control, acme.id), QUERY) == answer


def test_one_killed_before_the_old_calls_are_gone_is_finished(target: Target, acme: Business, tmp_path: Path) -> None:
    path = backup(target, tmp_path / "backup")
    account = read_account(target.control, acme.id)
    generation = reserve_store(target.control, account)
    shutil.copyfile(calls_file(path / "calls", acme.calls), calls_file(target.folder.calls, f"{acme.id}.{generation}"))
    assert restore_account(target.control, account, generation) == acme.calls
    finish_removals(target.control, target.engine.remove)
    assert [found.name for found in target.folder.calls.iterdir()] == [f"{acme.id}.{generation}.duckdb"]


@pytest.mark.parametrize("damage", ["bytes", "cut", "gone", "other"])
def test_damaged_calls_are_not_restored(target: Target, acme: Business, tmp_path: Path, damage: str) -> None:
    path = backup(target, tmp_path / "backup")
    file = calls_file(path / "calls", acme.calls)
    match damage:
        case "bytes":
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        case "cut":
            os.truncate(file, 4096)
        case "gone":
            file.unlink()
        case "other":  # whole, but the manifest tells of another number of calls
            said = orjson.loads((path / "manifest.json").read_bytes())
            said["businesses"][0]["calls"] = 6
            (path / "manifest.json").write_bytes(orjson.dumps(said))
    before = (files(target.folder.calls), list_businesses(target.control))
    with pytest.raises(FolderUnusable, match=r"not the file that was backed up|lacks the file|holds 5 calls"):
        restore(target, path)
    assert (files(target.folder.calls), list_businesses(target.control)) == before
    assert known_stores(target.control) == {acme.calls}
    assert list(target.folder.staging.iterdir()) == []


def test_a_damaged_control_database_is_not_restored_from(target: Target, acme: Business, tmp_path: Path) -> None:
    path = backup(target, tmp_path / "backup")
    content = bytearray((path / "control.sqlite").read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    (path / "control.sqlite").write_bytes(content)
    with pytest.raises(FolderUnusable, match=r"control\.sqlite"):
        restore(target, path)


def test_what_is_no_backup(target: Target, acme: Business, tmp_path: Path) -> None:
    with pytest.raises(FolderUnusable, match="is not a backup"):
        restore(target, target.folder.path)
    path = backup(target, tmp_path / "backup")
    with pytest.raises(NotFound, match="no business 'Nobody' in this backup"):
        restore(target, path, "Nobody")
    (path / "manifest.json").write_text('{"release": "9.9"}')
    with pytest.raises(FolderUnusable, match="damaged, or of a newer release"):
        restore(target, path)


def test_a_business_and_all_that_is_its(control: Control) -> None:
    """Rows of other businesses are not in an account."""
    mine, other = (
        create_business(control, name, timezone="UTC", region="US", currency="USD", now=NOW) for name in "ab"
    )
    for business in (mine, other):
        create_key(control, business, None, ("read",), NOW)
    account = read_account(control, mine.id)
    with control.reading() as connection:
        assert account.row == dict(
            connection.execute(select(businesses).where(businesses.c.id == mine.id)).one()._mapping
        )
        own = connection.execute(select(keys).where(keys.c.business_id == mine.id)).all()
    assert account.rows["keys"] == tuple(dict(row._mapping) for row in own)


@pytest.fixture
def control(target: Target) -> Control:
    return target.control
