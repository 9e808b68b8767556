"""What each scope allows."""

import pytest

from calltally.accounts import ACTIONS, DEFAULT_SCOPES, SCOPES, Actor, Business, require
from calltally.errors import Forbidden
from tests.accounts.conftest import NOW

ACME = Business("1", "Acme", "UTC", "US", "USD", 1, NOW)
OF_REPORTS = {"report", "catalog", "save_reports", "share_reports"}


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ({"report"}, OF_REPORTS),
        ({"read"}, {*OF_REPORTS, "read_calls"}),
        ({"write"}, {"write_calls"}),
        ({"admin"}, set(ACTIONS)),
        ({"write", "report"}, {*OF_REPORTS, "write_calls"}),
    ],
)
def test_what_a_key_may_do(scopes: set[str], allowed: set[str]) -> None:
    actor = Actor(ACME, "key", frozenset(scopes))
    for action, needed in ACTIONS.items():
        if action in allowed:
            require(actor, action)
        else:
            with pytest.raises(Forbidden, match=f"lacks the scope '{needed}'"):
                require(actor, action)


def test_admin_includes_everything() -> None:
    assert SCOPES["admin"] == set(SCOPES)


def test_the_tables_agree() -> None:
    assert set(ACTIONS.values()) <= set(SCOPES)
    assert set(DEFAULT_SCOPES) <= set(SCOPES)
    assert all(scope in included for scope, included in SCOPES.items())
