"""What a key allows: the scopes, what each includes, and which action needs which."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Row

from calltally.accounts.businesses import Business, business_of
from calltally.catalog import suggestion
from calltally.errors import Forbidden, Problem, shown

__all__ = ["ACTIONS", "DEFAULT_SCOPES", "SCOPES", "Actor", "actor_of", "require", "scope_problems"]

# Scope -> the scopes that it includes. `admin` is everything of the business, its keys too.
SCOPES: dict[str, frozenset[str]] = {
    "report": frozenset({"report"}),
    "read": frozenset({"read", "report"}),
    "write": frozenset({"write"}),
    "admin": frozenset({"admin", "read", "report", "write"}),
}
DEFAULT_SCOPES = ("read",)

# Action -> the scope that it needs.
ACTIONS: dict[str, str] = {
    "report": "report",
    "catalog": "report",
    "save_reports": "report",
    "share_reports": "report",
    "read_calls": "read",
    "write_calls": "write",
    "delete_call": "admin",
    "erase_caller": "admin",
}


@dataclass(frozen=True)
class Actor:
    """Who asks: a business, through one of its keys."""

    business: Business
    key_id: str
    scopes: frozenset[str]


def actor_of(row: Row[Any]) -> Actor:
    """As whom somebody acts with the key of a row: all of a business, and the key's `key_id` and `scopes`."""
    return Actor(business_of(row), row.key_id, frozenset(row.scopes.split(",")))


def require(actor: Actor, action: str) -> None:
    """Nothing, if the actor may do it.

    Raises:
        Forbidden: its key lacks the scope, which is named.
    """
    needed = ACTIONS[action]
    if needed not in _included(actor.scopes):
        raise Forbidden(needed)


@cache
def _included(scopes: frozenset[str]) -> frozenset[str]:
    """The scopes that these include."""
    return frozenset().union(*(SCOPES[scope] for scope in scopes))


def scope_problems(names: Collection[str]) -> tuple[Problem, ...]:
    """What is wrong with the scopes that a key is to have."""
    allowed = ", ".join(SCOPES)
    if not names:
        return (Problem("scope", f"scope: at least one of {allowed} is needed"),)
    return tuple(
        Problem("scope", f"scope: {shown(name)} is not one of {allowed}{suggestion(name, SCOPES)}")
        for name in names
        if name not in SCOPES
    )
