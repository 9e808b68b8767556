"""How far a pull is, kept with the business."""

from datetime import date

import pytest

from calltally.accounts import (
    Business,
    Control,
    Round,
    SyncState,
    clear_business,
    delete_business,
    find_business,
    find_sync,
    keep_sync,
    read_account,
    reserve_store,
    restore_account,
)
from calltally.errors import NotFound
from tests.accounts.conftest import NOW

HERE, THERE = "https://example.com/api/v1", "https://example.org/api/v1"
UNFINISHED = SyncState(NOW, Round(NOW, None, "next", date(2026, 3, 1), date(2026, 3, 9)))


@pytest.mark.parametrize("state", [SyncState(), SyncState(NOW), UNFINISHED, SyncState(None, Round(NOW, NOW, "c"))])
def test_what_is_kept_is_found(control: Control, business: Business, state: SyncState) -> None:
    keep_sync(control, business, "vendor", HERE, UNFINISHED)
    keep_sync(control, business, "vendor", HERE, state)
    assert find_sync(control, business, "vendor", HERE) == state
    assert find_sync(control, business, "other", HERE) == SyncState()


def test_it_is_of_one_address(control: Control, business: Business) -> None:
    keep_sync(control, business, "vendor", HERE, UNFINISHED)
    assert find_sync(control, business, "vendor", THERE) == SyncState()
    keep_sync(control, business, "vendor", THERE, SyncState(NOW))
    assert find_sync(control, business, "vendor", HERE) == SyncState()


def test_it_is_of_the_calls_that_there_are(control: Control, business: Business) -> None:
    keep_sync(control, business, "vendor", HERE, UNFINISHED)
    clear_business(control, business.id)
    assert find_sync(control, find_business(control, business.id), "vendor", HERE) == SyncState()


def test_restored_calls_are_pulled_from_the_start(control: Control, business: Business) -> None:
    keep_sync(control, business, "vendor", HERE, UNFINISHED)
    account = read_account(control, business.id)
    delete_business(control, business.id)
    assert find_sync(control, business, "vendor", HERE) == SyncState()
    restore_account(control, account, reserve_store(control, account))
    assert find_sync(control, find_business(control, business.id), "vendor", HERE) == SyncState()


def test_a_business_that_is_gone(control: Control, business: Business) -> None:
    delete_business(control, business.id)
    with pytest.raises(NotFound):
        keep_sync(control, business, "vendor", HERE, UNFINISHED)
