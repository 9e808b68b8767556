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
from calltally.accounts.keys import MOST_KEYS, Key, NewKey, authenticate, create_key, list_keys, revoke_key
from calltally.accounts.permissions import ACTIONS, DEFAULT_SCOPES, SCOPES, Actor, require
from calltally.accounts.removals import finish_removals, forget_removal

__all__ = [
    "ACTIONS",
    "DEFAULT_SCOPES",
    "MOST_KEYS",
    "SCOPES",
    "Actor",
    "Business",
    "Control",
    "Key",
    "NewKey",
    "authenticate",
    "clear_business",
    "create_business",
    "create_key",
    "delete_business",
    "find_business",
    "finish_removals",
    "forget_removal",
    "list_businesses",
    "list_keys",
    "open_control",
    "require",
    "revoke_key",
    "rfc3339",
    "update_business",
]
