"""Businesses, their keys, and what a key allows."""

from calltally.accounts.businesses import (
    Business,
    clear_business,
    create_business,
    delete_business,
    find_business,
    list_businesses,
    update_business,
)
from calltally.accounts.control import Control, open_control, rfc3339
from calltally.accounts.copying import (
    Account,
    known_stores,
    read_account,
    reserve_store,
    restore_account,
    write_account,
)
from calltally.accounts.keys import MOST_KEYS, Key, KnownKeys, NewKey, authenticate, create_key, list_keys, revoke_key
from calltally.accounts.permissions import ACTIONS, DEFAULT_SCOPES, SCOPES, Actor, require
from calltally.accounts.removals import finish_removals, forget_removal
from calltally.accounts.syncs import Round, SyncState, find_sync, keep_sync

__all__ = [
    "ACTIONS",
    "DEFAULT_SCOPES",
    "MOST_KEYS",
    "SCOPES",
    "Account",
    "Actor",
    "Business",
    "Control",
    "Key",
    "KnownKeys",
    "NewKey",
    "Round",
    "SyncState",
    "authenticate",
    "clear_business",
    "create_business",
    "create_key",
    "delete_business",
    "find_business",
    "find_sync",
    "finish_removals",
    "forget_removal",
    "keep_sync",
    "known_stores",
    "list_businesses",
    "list_keys",
    "open_control",
    "read_account",
    "require",
    "reserve_store",
    "restore_account",
    "revoke_key",
    "rfc3339",
    "update_business",
    "write_account",
]
