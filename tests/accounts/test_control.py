"""The control database: made, migrated, shared and refused."""

import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, select
from sqlalchemy.exc import IntegrityError, StatementError

from calltally.accounts import Control, list_businesses, open_control, rfc3339
from calltally.accounts.migrations import MIGRATIONS
from calltally.accounts.tables import METADATA, businesses, keys, schema_version
from calltally.errors import FolderUnusable, StorageFull, Unavailable
from calltally.folder import DataFolder
from tests.accounts.conftest import NOW, new_business

NEXT = (*MIGRATIONS, ("ALTER TABLE businesses ADD COLUMN motto TEXT", "UPDATE businesses SET motto = 'ever upward'"))


def test_its_files_are_for_their_owner_only(control: Control, folder: DataFolder) -> None:
    new_business(control)
    files = sorted(folder.path.glob("control.sqlite*"))
    assert [file.name for file in files] == ["control.sqlite", "control.sqlite-shm", "control.sqlite-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_the_migrations_lead_to_the_tables_that_the_code_knows(folder: DataFolder) -> None:
    open_control(folder).close()
    known = create_engine("sqlite://")
    METADATA.create_all(known)
    made = create_engine(f"sqlite:///{folder.control}")
    for table in METADATA.tables:
        shapes = []
        for engine in (known, made):
            with engine.connect() as connection:
                found = inspect(connection)
                shapes.append(
                    (
                        [(column["name"], column["nullable"]) for column in found.get_columns(table)],
                        found.get_pk_constraint(table)["constrained_columns"],
                        sorted(
                            (*key["constrained_columns"], key["referred_table"])
                            for key in found.get_foreign_keys(table)
                        ),
                        sorted((index["name"] or "", *index["column_names"]) for index in found.get_indexes(table)),
                    )
                )
        assert shapes[0] == shapes[1]
    known.dispose()
    made.dispose()


def test_what_was_written_is_there_when_opened_again(folder: DataFolder) -> None:
    with open_control(folder) as control:
        made = new_business(control, "Müller & Söhne 日本")
    with open_control(folder) as control:
        assert list_businesses(control) == (made,)


def test_an_older_one_is_migrated_forward(folder: DataFolder) -> None:
    with open_control(folder) as control:
        new_business(control)
    for _ in range(2):
        with open_control(folder, migrations=NEXT) as control, control.reading() as connection:
            assert connection.exec_driver_sql("SELECT motto FROM businesses").scalar_one() == "ever upward"
            assert connection.execute(select(schema_version.c.version)).scalar_one() == len(NEXT)


def test_a_newer_one_is_refused(folder: DataFolder) -> None:
    open_control(folder, migrations=NEXT).close()
    with pytest.raises(FolderUnusable, match=r"control.sqlite was written by a newer release of Calltally"):
        open_control(folder)


def test_a_migration_that_fails_changes_nothing(folder: DataFolder) -> None:
    open_control(folder).close()
    with pytest.raises(FolderUnusable, match="cannot be opened: no such table: missing"):
        open_control(folder, migrations=(*NEXT, ("DELETE FROM keys", "DROP TABLE missing")))
    with open_control(folder, migrations=NEXT) as control, control.reading() as connection:
        assert connection.execute(select(schema_version.c.version)).scalar_one() == len(NEXT)


def test_processes_that_open_a_fresh_one_at_once_all_succeed(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from calltally.accounts import list_businesses, open_control
from calltally.folder import DataFolder
print("ready", flush=True)
for folder in sys.stdin.read().split():
    with open_control(DataFolder(Path(folder))) as control:
        assert list_businesses(control) == ()
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    fresh = "\n".join(str(tmp_path / str(number)) for number in range(20))
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(fresh)
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    for process in processes:
        assert process.stdout is not None
        process.stdout.close()


def test_threads_may_share_it(control: Control) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda number: new_business(control, f"Business {number}"), range(100)))
    assert sorted(business.id for business in made) == sorted(business.id for business in list_businesses(control))


def test_readers_do_not_wait_for_a_writer(control: Control, folder: DataFolder) -> None:
    made = new_business(control)
    with open_control(folder) as other, other.writing() as connection:
        connection.execute(businesses.delete())
        assert list_businesses(control) == (made,)
    assert list_businesses(control) == ()


def test_its_version_changes_with_every_commit_and_with_nothing_else(control: Control, folder: DataFolder) -> None:
    seen = [control.version()]
    with open_control(folder) as other:
        for opened in (control, other, control, other):
            new_business(opened)
            seen.append(control.version())
        with other.writing() as connection:
            connection.execute(businesses.delete())
            assert control.version() == seen[-1]  # told at once, and before the commit nothing has changed
        seen.append(control.version())
        list_businesses(other)
    assert len(set(seen)) == 6
    assert None not in seen
    assert control.version() == seen[-1]


def test_an_asked_version_holds_on_to_nothing(control: Control, folder: DataFolder) -> None:
    assert control.version() is not None
    with closing(sqlite3.connect(folder.control)) as connection:
        new_business(control)
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall() == [(0, 0, 0)]


def test_what_cannot_be_kept_is_undone(control: Control) -> None:
    def write() -> None:
        with control.writing() as connection:
            connection.execute(businesses.delete())
            raise LookupError

    made = new_business(control)
    with pytest.raises(LookupError):
        write()
    assert list_businesses(control) == (made,)


def test_a_busy_one_is_unavailable_not_a_defect(control: Control, folder: DataFolder) -> None:
    def write() -> None:
        with control.writing(hurried=True):
            pass

    with open_control(folder) as other, other.writing(), pytest.raises(Unavailable, match="database is locked"):
        write()
    write()


def test_a_full_disk_is_said_and_loses_nothing(control: Control) -> None:
    def fill() -> None:
        for _ in range(1000):
            new_business(control, "x" * 200)

    made = new_business(control)
    with control.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # no more than there are
    with pytest.raises(StorageFull, match="no room left on the disk"):
        fill()
    assert made in list_businesses(control)


def test_a_key_needs_its_business(control: Control) -> None:
    with pytest.raises(IntegrityError), control.writing() as connection:
        connection.execute(
            keys.insert().values(id="1", business_id="none", prefix="p", secret_hash="h", scopes="read", created_at=NOW)
        )


def test_times_come_back_as_they_were_in_utc(control: Control) -> None:
    made = new_business(control)
    elsewhere = datetime(2026, 3, 9, 10, 5, 59, 999999, tzinfo=timezone(timedelta(hours=-4)))
    with control.writing() as connection:
        connection.execute(businesses.update().values(created_at=elsewhere))
    (business,) = list_businesses(control)
    assert business.created_at == elsewhere != made.created_at
    assert business.created_at.tzinfo is UTC
    assert rfc3339(elsewhere) == "2026-03-09T14:05:59Z"


def test_a_time_without_an_offset_is_a_defect(control: Control) -> None:
    with pytest.raises(StatementError, match="without an offset"), control.writing() as connection:
        connection.execute(businesses.update().values(created_at=NOW.replace(tzinfo=None)))


@pytest.mark.parametrize("content", [b"this is not a database" * 100, b"PK\x03\x04"])
def test_another_file_is_refused(folder: DataFolder, content: bytes) -> None:
    folder.control.write_bytes(content)
    with pytest.raises(FolderUnusable, match=r"control.sqlite cannot be opened: file is not a database"):
        open_control(folder)


def test_a_folder_in_its_place_is_refused(folder: DataFolder) -> None:
    folder.control.mkdir()
    with pytest.raises(FolderUnusable, match="unable to open database file"):
        open_control(folder)


def test_another_url(folder: DataFolder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where.sqlite"
    with open_control(folder, f"sqlite:///{elsewhere}") as control:
        new_business(control)
    assert not folder.control.exists()
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o600
    with closing(sqlite3.connect(elsewhere)) as connection:
        assert connection.execute("SELECT name FROM businesses").fetchall() == [("Acme",)]


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite://", "sqlite:///:memory:", "nosuch://host/db", "mysql+nosuch://user:secret@host/db"]
)
def test_a_url_that_leads_nowhere_is_refused(folder: DataFolder, url: str) -> None:
    with pytest.raises(FolderUnusable, match="CALLTALLY_CONTROL_URL") as raised:
        open_control(folder, url)
    assert "secret" not in raised.value.message
