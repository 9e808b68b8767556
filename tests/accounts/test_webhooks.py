"""Webhooks as they are kept: found, counted, deleted, and never told."""

import hashlib
from datetime import timedelta

import pytest

from calltally.accounts import (
    Business,
    Control,
    Credential,
    Webhook,
    count_ignored,
    create_webhook,
    delete_business,
    delete_webhook,
    find_webhook,
    first_arrival,
    list_dead_letters,
    list_webhooks,
    new_secret,
    read_account,
)
from calltally.accounts.dead_letters import keep_dead_letter
from calltally.errors import InvalidRequest, NotFound
from calltally.folder import DataFolder
from tests.accounts.conftest import NOW, new_business

SECRET = "the-auth-token-of-acme"
LATER = NOW + timedelta(days=3, microseconds=7)


def new_webhook(control: Control, business: Business, kind: str = "twilio") -> Webhook:
    return create_webhook(control, business, kind=kind, name="Main", credential=Credential(secret=SECRET), now=NOW)


@pytest.fixture
def webhook(control: Control, business: Business) -> Webhook:
    return new_webhook(control, business)


def test_it_is_found_by_kind_and_id_alone(control: Control, business: Business, webhook: Webhook) -> None:
    assert find_webhook(control, "twilio", webhook.id) == (webhook, business)
    for kind, webhook_id in (
        ("callrail", webhook.id),
        ("twilio", "0" * 16),
        ("twilio", ""),
        ("twilio", webhook.id + "0"),
    ):
        with pytest.raises(NotFound):
            find_webhook(control, kind, webhook_id)


def test_a_secret_of_ours_is_random_and_known_by_its_hash() -> None:
    (one, one_hash), (other, _) = new_secret(), new_secret()
    assert one != other
    assert len(one) == len("cs_hook_") + 40
    assert one_hash == hashlib.sha256(one.encode()).hexdigest()


def test_what_is_printed_of_one_has_no_secret(webhook: Webhook) -> None:
    assert SECRET not in repr(webhook)
    assert SECRET not in repr(Credential(secret_hash=SECRET))


@pytest.mark.parametrize(
    ("credential", "param"),
    [
        (Credential(header="a b"), "header"),
        (Credential(header=""), "header"),
        (Credential(header="x: y"), "header"),
        (Credential(secret=""), "secret"),
        (Credential(secret="ü"), "secret"),
        (Credential(secret="a\nb"), "secret"),
        (Credential(secret="x" * 513), "secret"),
    ],
)
def test_what_cannot_be(control: Control, business: Business, credential: Credential, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        create_webhook(control, business, kind="twilio", name="a\nb", credential=credential, now=NOW)
    assert [problem.param for problem in caught.value.problems] == ["name", param]
    assert credential.secret is None or credential.secret == "" or credential.secret not in str(caught.value.problems)


def test_a_deleted_one_is_found_no_more_and_its_secret_is_gone(
    control: Control, business: Business, webhook: Webhook, folder: DataFolder
) -> None:
    keep_dead_letter(control, webhook, b"{", "broken", NOW)
    delete_webhook(control, webhook.id, NOW)
    with pytest.raises(NotFound):
        find_webhook(control, "twilio", webhook.id)
    with pytest.raises(NotFound, match="'calltally webhook list' shows the ids"):
        delete_webhook(control, webhook.id, NOW)
    assert list_webhooks(control) == ()
    assert len(list_dead_letters(control, business)) == 1
    for path in folder.path.glob("control.sqlite*"):
        assert SECRET.encode() not in path.read_bytes()


def test_lists_are_of_one_business_or_of_all(control: Control, business: Business, webhook: Webhook) -> None:
    other = new_business(control, "Other")
    theirs = new_webhook(control, other, "callrail")
    assert [used.webhook for used in list_webhooks(control, business)] == [webhook]
    assert {used.webhook.id for used in list_webhooks(control)} == {webhook.id, theirs.id}


def test_ignored_events_are_counted_by_name(control: Control, business: Business, webhook: Webhook) -> None:
    for event, moment in (("ringing", NOW), ("ringing", LATER), ("a\x00b\n" + "c" * 200, NOW)):
        count_ignored(control, webhook, event, moment)
    [used] = list_webhooks(control, business)
    assert [(seen.event, seen.count, seen.last_at) for seen in used.ignored] == [
        ("a b " + "c" * 96, 1, NOW),
        ("ringing", 2, LATER),
    ]


def test_endless_new_names_of_events_are_counted_together(control: Control, webhook: Webhook) -> None:
    for number in range(103):
        count_ignored(control, webhook, f"event {number}", NOW)
    [used] = list_webhooks(control)
    assert len(used.ignored) == 101
    assert sum(seen.count for seen in used.ignored) == 103
    assert [seen.count for seen in used.ignored if seen.event == "(others)"] == [3]


def test_a_body_keeps_its_first_arrival(control: Control, business: Business, webhook: Webhook) -> None:
    assert first_arrival(control, webhook, b"a", LATER) == LATER
    assert first_arrival(control, webhook, b"a", NOW) == LATER
    assert first_arrival(control, webhook, b"b", NOW) == NOW
    assert first_arrival(control, new_webhook(control, business), b"a", NOW) == NOW


def test_they_go_with_their_business(control: Control, business: Business, webhook: Webhook) -> None:
    first_arrival(control, webhook, b"a", NOW)
    count_ignored(control, webhook, "x", NOW)
    keep_dead_letter(control, webhook, b"{", "broken", NOW)
    rows = read_account(control, business.id).rows
    assert {name: len(found) for name, found in rows.items() if found} == {
        "webhooks": 1,
        "webhook_arrivals": 1,
        "ignored_events": 1,
        "dead_letters": 1,
    }
    delete_business(control, business.id)
    assert list_webhooks(control) == ()
    assert list_dead_letters(control) == ()
    for gone in (lambda: first_arrival(control, webhook, b"z", NOW), lambda: count_ignored(control, webhook, "x", NOW)):
        with pytest.raises(NotFound):
            gone()
