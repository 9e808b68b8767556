"""A control database on a server, which several nodes share: what it has beside what every control database does."""

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, create_engine, inspect, select

from calltally.accounts import (
    Control,
    KnownKeys,
    authenticate,
    clear_business,
    create_business,
    create_key,
    delete_business,
    delete_saved_report,
    find_business,
    find_dead_letter,
    find_webhook,
    list_businesses,
    open_control,
    revoke_key,
    revoke_share,
    update_business,
)
from calltally.accounts.migrations import MIGRATIONS
from calltally.accounts.tables import METADATA, schema_version
from calltally.errors import FolderUnusable, NotFound, StorageFull, Unauthorized, Unavailable
from calltally.folder import DataFolder
from tests.accounts.conftest import NOW, new_business
from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.cluster

NEXT = (*MIGRATIONS, ("ALTER TABLE businesses ADD COLUMN motto TEXT", "UPDATE businesses SET motto = 'ever upward'"))


@pytest.fixture
def url(postgresql: PostgreSQL) -> str:
    return postgresql.new_database()


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return DataFolder(tmp_path_factory.mktemp("node") / "data")


def test_the_migrations_lead_to_the_tables_that_the_code_knows(
    folder: DataFolder, url: str, postgresql: PostgreSQL
) -> None:
    open_control(folder, url).close()
    shapes = []
    for made in (url, postgresql.new_database()):
        engine = create_engine(made)
        METADATA.create_all(engine)
        with engine.connect() as connection:
            shapes.append({table: _shape(connection, table) for table in METADATA.tables})
        engine.dispose()
    assert shapes[0] == shapes[1]
    assert not folder.control.exists()


def _shape(connection: Connection, table: str) -> object:
    found = inspect(connection)
    return (
        [(column["name"], column["nullable"], repr(column["type"])) for column in found.get_columns(table)],
        found.get_pk_constraint(table)["constrained_columns"],
        sorted((*key["constrained_columns"], key["referred_table"]) for key in found.get_foreign_keys(table)),
        sorted((index["name"] or "", *index["column_names"]) for index in found.get_indexes(table)),
    )


def test_nodes_that_open_a_fresh_one_at_once_all_succeed(postgresql: PostgreSQL, folder: DataFolder) -> None:
    code = """
import sys
from pathlib import Path
from calltally.accounts import list_businesses, open_control
from calltally.folder import DataFolder
print("ready", flush=True)
for url in sys.stdin.read().split():
    with open_control(DataFolder(Path(sys.argv[1])), url) as control:
        assert list_businesses(control) == ()
"""
    command = [sys.executable, "-c", code, str(folder.path)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    fresh = "\n".join(postgresql.new_database() for _ in range(6))
    for process in processes:
        assert process.stdin
        process.stdin.write(fresh)
        process.stdin.flush()
    for process in processes:
        assert process.stdin
        process.stdin.close()
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    for process in processes:
        assert process.stdout
        process.stdout.close()


def test_a_newer_one_is_refused(folder: DataFolder, url: str) -> None:
    open_control(folder, url, NEXT).close()
    with pytest.raises(FolderUnusable, match=r"written by a newer release of Calltally") as raised:
        open_control(folder, url)
    assert "c%2Fd" not in raised.value.message


def test_a_migration_that_fails_changes_nothing(folder: DataFolder, url: str) -> None:
    open_control(folder, url).close()
    with pytest.raises(FolderUnusable, match='cannot be opened: table "missing" does not exist'):
        open_control(folder, url, (*NEXT, ("DELETE FROM keys", "DROP TABLE missing")))
    with open_control(folder, url, NEXT) as control, control.reading() as connection:
        assert connection.execute(select(schema_version.c.version)).scalar_one() == len(NEXT)


def test_a_server_that_is_not_there_is_said_in_one_line(folder: DataFolder, postgresql: PostgreSQL) -> None:
    with pytest.raises(FolderUnusable, match=r"cannot be opened: .*Connection refused") as raised:
        open_control(folder, postgresql.url().replace(f":{postgresql.port}/", ":1/"))
    assert "\n" not in raised.value.message
    assert "c%2Fd" not in raised.value.message
    with pytest.raises(FolderUnusable, match='database "nosuch" does not exist'):
        open_control(folder, postgresql.url("nosuch"))


def test_one_writes_at_a_time_and_readers_do_not_wait(folder: DataFolder, url: str) -> None:
    def write(control: Control) -> None:
        with control.writing(hurried=True):
            pass

    with open_control(folder, url) as control, open_control(folder, url) as other:
        business = new_business(control)
        key = create_key(control, business, None, ("read",), NOW)
        with other.writing():
            began = time.monotonic()
            with pytest.raises(Unavailable):
                write(control)
            assert time.monotonic() - began < 2
            assert authenticate(control, f"Bearer {key.secret}", NOW).business == business
        write(control)


def test_what_is_revoked_or_changed_by_one_node_counts_for_all_at_once(folder: DataFolder, url: str) -> None:
    with open_control(folder, url) as here, open_control(folder, url) as there:
        business = new_business(here)
        key, other = (create_key(here, business, None, ("read",), NOW) for _ in range(2))
        keys = KnownKeys(here)
        for _ in range(3):
            assert keys.recognise(f"Bearer {key.secret}", NOW) is None
            assert keys.look_up(f"Bearer {key.secret}", NOW).business == business
        update_business(there, business.id, timezone="Asia/Tokyo")
        assert keys.look_up(f"Bearer {key.secret}", NOW).business.timezone == "Asia/Tokyo"
        clear_business(there, business.id)
        assert keys.look_up(f"Bearer {key.secret}", NOW).business.calls == f"{business.id}.2"
        revoke_key(there, key.id, NOW)
        with pytest.raises(Unauthorized):
            keys.look_up(f"Bearer {key.secret}", NOW)
        delete_business(there, business.id)
        with pytest.raises(Unauthorized):
            keys.look_up(f"Bearer {other.secret}", NOW)


def test_a_server_that_was_away_costs_no_request_once_it_is_back(
    folder: DataFolder, url: str, postgresql: PostgreSQL, caplog: pytest.LogCaptureFixture
) -> None:
    with open_control(folder, url) as control:
        business = new_business(control)
        key = create_key(control, business, None, ("read",), NOW)
        with ThreadPoolExecutor(8) as threads:  # so that there are many connections
            list(threads.map(lambda _: authenticate(control, f"Bearer {key.secret}", NOW), range(64)))
        for _ in range(2):
            postgresql.kill()
            with pytest.raises(Unavailable) as raised, caplog.at_level(logging.WARNING):
                list_businesses(control)
            assert raised.value.message == "The control database cannot be used at the moment"
            assert str(postgresql.port) in caplog.text
            postgresql.start()
            for _ in range(20):
                assert authenticate(control, f"Bearer {key.secret}", NOW).business == business
            new_business(control)


def test_a_full_disk_is_said(folder: DataFolder, url: str) -> None:
    """As the server says it, which is made to here."""
    with open_control(folder, url) as control:
        made = new_business(control)
        raising = "BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '{}'; END"
        for code, kind in (("53100", StorageFull), ("25006", Unavailable)):
            with control.writing() as connection:
                body = f"$${raising.format(code)}$$ LANGUAGE plpgsql"
                connection.exec_driver_sql(f"CREATE OR REPLACE FUNCTION refuse() RETURNS trigger AS {body}")
                connection.exec_driver_sql(
                    "CREATE OR REPLACE TRIGGER full_disk BEFORE INSERT ON businesses EXECUTE FUNCTION refuse()"
                )
            with pytest.raises(kind):
                new_business(control)
        assert list_businesses(control) == (made,)


def test_names_are_in_the_same_order_as_everywhere(folder: DataFolder, url: str) -> None:
    with open_control(folder, url) as control:
        for name in ("b", "Ä", "a", "B", "_", "Z"):
            create_business(control, name, timezone="UTC", region="US", currency="USD", now=NOW)
        assert [business.name for business in list_businesses(control)] == ["B", "Z", "_", "a", "b", "Ä"]


UNKNOWN: dict[str, Callable[[Control, str], object]] = {
    "business": find_business,
    "key": lambda control, text: revoke_key(control, text, NOW),
    "saved report": lambda control, text: delete_saved_report(control, "none", text),
    "share": lambda control, text: revoke_share(control, "none", text),
    "dead letter": find_dead_letter,
    "webhook": lambda control, text: find_webhook(control, "twilio", text),
    "kind of webhook": lambda control, text: find_webhook(control, text, "0" * 16),
}


@pytest.mark.parametrize("find", UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("text", ["\x00", "\udcff", "'", "%00"])
def test_what_it_cannot_hold_is_not_there(shared: Control, find: Callable[[Control, str], object], text: str) -> None:
    with pytest.raises(NotFound):
        find(shared, text)


@pytest.fixture(scope="module")
def shared(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    folder = DataFolder(tmp_path_factory.mktemp("node") / "data")
    with open_control(folder, postgresql.new_database()) as control:
        yield control
