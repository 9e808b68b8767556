"""Stores on their way out: noted with the change, finished by the next owner, and no trace in the database."""

from pathlib import Path

import pytest
from sqlalchemy import select

from calltally.accounts import (
    Business,
    Control,
    clear_business,
    create_key,
    delete_business,
    find_business,
    finish_removals,
    forget_removal,
    open_control,
)
from calltally.accounts.removals import begin_removal
from calltally.accounts.tables import businesses, keys, removals
from calltally.folder import DataFolder
from tests.accounts.conftest import NOW, new_business


def leaving(control: Control) -> list[str]:
    with control.reading() as connection:
        return list(connection.execute(select(removals.c.store)).scalars())


def test_what_a_killed_process_left_is_finished_once(control: Control, business: Business) -> None:
    stores = [clear_business(control, business.id), delete_business(control, business.id)]
    assert stores == leaving(control) == [f"{business.id}.1", f"{business.id}.2"]
    removed: list[str] = []
    finish_removals(control, removed.append)
    finish_removals(control, removed.append)
    assert removed == stores
    assert leaving(control) == []


def test_one_that_cannot_be_finished_stays_noted(control: Control, business: Business) -> None:
    def fail(store: str) -> None:
        raise PermissionError(store)

    store = clear_business(control, business.id)
    with pytest.raises(PermissionError):
        finish_removals(control, fail)
    assert leaving(control) == [store]


def test_what_is_done_is_forgotten(control: Control, business: Business) -> None:
    done, other = clear_business(control, business.id), clear_business(control, business.id)
    forget_removal(control, done)
    assert leaving(control) == [other]


def test_a_new_store_is_never_one_on_its_way_out(control: Control, business: Business) -> None:
    with control.writing() as connection:
        begin_removal(connection, f"{business.id}.41")
    clear_business(control, business.id)
    assert find_business(control, business.id).generation == 42


def test_nothing_of_a_deleted_business_stays_in_the_files(control: Control, folder: DataFolder) -> None:
    gone, other = new_business(control, "Gone for good"), new_business(control, "Still here")
    key = create_key(control, gone, "the key of the gone", ("read",), NOW)
    with open_control(folder) as server:  # one that has the database open all the while
        assert find_business(server, gone.id) == gone
        assert found_in(folder, gone.id, gone.name, key.prefix, key.id, str(key.name)) != []
        forget_removal(control, delete_business(control, gone.id))
        assert found_in(folder, gone.id, gone.name, key.prefix, key.id, str(key.name)) == []
        assert find_business(server, other.id) == other
    assert found_in(folder, other.name) != []


def test_deleting_takes_every_row_of_the_business_and_no_other(control: Control) -> None:
    gone, other = new_business(control, "Gone"), new_business(control, "Other")
    for each in (gone, other):
        create_key(control, each, None, ("read",), NOW)
    delete_business(control, gone.id)
    with control.reading() as connection:
        assert list(connection.execute(select(businesses.c.id)).scalars()) == [other.id]
        assert list(connection.execute(select(keys.c.business_id)).scalars()) == [other.id]


def found_in(folder: DataFolder, *words: str) -> list[tuple[Path, str]]:
    """Which of the words are in which file of a folder, byte by byte."""
    files = [path for path in folder.path.rglob("*") if path.is_file()]
    return [(path, word) for path in files for word in words if word.encode() in path.read_bytes()]
