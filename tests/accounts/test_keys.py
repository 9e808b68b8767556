"""Keys: random, kept as a hash, ten at most, and gone at once."""

import hashlib
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from calltally.accounts import (
    Actor,
    Business,
    Control,
    KnownKeys,
    NewKey,
    authenticate,
    clear_business,
    create_key,
    delete_business,
    find_business,
    list_keys,
    open_control,
    revoke_key,
    update_business,
)
from calltally.errors import Conflict, InvalidRequest, NotFound, Unauthorized
from calltally.folder import DataFolder
from tests.accounts.conftest import NOW, new_business

UNKNOWN = "cs_key_" + "0" * 40


def test_a_secret_is_random_and_known_by_its_prefix(control: Control, business: Business) -> None:
    made = [create_key(control, business, None, ("read",), NOW) for _ in range(5)]
    assert all(re.fullmatch(r"cs_key_[0-9a-f]{40}", key.secret) for key in made)
    assert all(key.prefix == key.secret[:15] for key in made)
    assert len({key.prefix for key in made}) == len({key.id for key in made}) == 5


def test_the_secret_is_nowhere_in_the_files(control: Control, business: Business, folder: DataFolder) -> None:
    key = create_key(control, business, "shop", ("read",), NOW)
    authenticate(control, f"Bearer {key.secret}", NOW)
    files = list(folder.path.glob("control.sqlite*"))
    content = b"".join(file.read_bytes() for file in files)
    assert hashlib.sha256(key.secret.encode()).hexdigest().encode() in content
    assert key.secret.encode() not in content
    assert key.secret[len(key.prefix) :].encode() not in content


def test_what_is_listed(control: Control, business: Business) -> None:
    new_business(control, "Other")
    first = create_key(control, business, " Büro 日本 ", ("write", "report", "write"), NOW)
    second = create_key(control, business, "  ", ("admin",), NOW + timedelta(seconds=1))
    listed = list_keys(control, business)
    assert [(key.id, key.prefix, key.name, key.scopes) for key in listed] == [
        (first.id, first.prefix, "Büro 日本", ("report", "write")),
        (second.id, second.prefix, None, ("admin",)),
    ]
    assert [(key.created_at, key.last_used_at) for key in listed] == [(NOW, None), (NOW + timedelta(seconds=1), None)]
    assert not any(hasattr(key, "secret") for key in listed)


def test_all_problems_are_told_at_once(control: Control, business: Business) -> None:
    with pytest.raises(InvalidRequest) as raised:
        create_key(control, business, "a\nb", ("reed", "read", "nonsense"), NOW)
    assert [problem.param for problem in raised.value.problems] == ["name", "scope", "scope"]
    assert raised.value.problems[1].message == (
        "scope: 'reed' is not one of report, read, write, admin; did you mean 'read'?"
    )
    with pytest.raises(InvalidRequest, match="at least one of report, read, write, admin is needed"):
        create_key(control, business, None, (), NOW)
    assert list_keys(control, business) == ()


def test_ten_keys_are_the_most(control: Control, business: Business) -> None:
    made = [create_key(control, business, None, ("read",), NOW) for _ in range(10)]
    with pytest.raises(Conflict, match="'Acme' has 10 active keys, the most there can be; revoke one"):
        create_key(control, business, None, ("read",), NOW)
    create_key(control, new_business(control, "Other"), None, ("read",), NOW)
    revoke_key(control, made[3].id, NOW)
    create_key(control, business, None, ("read",), NOW)
    assert len(list_keys(control, business)) == 10


def test_processes_that_race_for_the_last_keys(control: Control, business: Business, folder: DataFolder) -> None:
    code = """
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from calltally.accounts import create_key, find_business, open_control
from calltally.errors import Conflict
from calltally.folder import DataFolder
made = 0
with open_control(DataFolder(Path(sys.argv[1])), os.environ.get("CALLTALLY_CONTROL_URL", "")) as control:
    business = find_business(control, sys.argv[2])
    print("ready", flush=True)
    sys.stdin.read()
    for _ in range(6):
        try:
            create_key(control, business, None, ("read",), datetime.now(UTC))
            made += 1
        except Conflict:
            pass
print(made, flush=True)
"""
    command = [sys.executable, "-c", code, str(folder.path), business.id]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    made = []
    for process in processes:
        assert process.stdout is not None
        made.append(int(process.stdout.read()))
        process.stdout.close()
        assert process.wait() == 0
    assert sum(made) == 10
    assert len(list_keys(control, business)) == 10


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "bEaReR   "])
def test_a_good_key_says_who_asks(control: Control, business: Business, scheme: str) -> None:
    new_business(control, "Other")
    key = create_key(control, business, None, ("write", "report"), NOW)
    actor = authenticate(control, scheme + key.secret, NOW)
    assert (actor.business, actor.key_id, actor.scopes) == (business, key.id, frozenset({"write", "report"}))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "{secret}",
        "Basic {secret}",
        "Bearer{secret}",
        "Bearer {prefix}",
        "Bearer {secret}0",
        "Bearer {secret}, Bearer {secret}",
        "Bearer {upper}",
        "Bearer {other}",
        " Bearer {secret}",
        "Bearer {secret}\n",
        "Bearer {secret}\x00",
        "Bearer '{secret}'",
        "Bearer ' OR 1=1 --",
        "Bearer \udcff",
        f"Bearer {UNKNOWN}",
        "Bearer " + "x" * 100_000,
    ],
)
def test_anything_else_is_refused_in_the_same_words(control: Control, business: Business, header: str | None) -> None:
    secret = create_key(control, business, None, ("read",), NOW).secret
    other = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    given = header and header.format(
        secret=secret, prefix=secret[:15], upper=secret[:7] + secret[7:].upper().replace("0", "A"), other=other
    )
    with pytest.raises(Unauthorized, match=r"^Invalid API key$"):
        authenticate(control, given, NOW)


def test_keys_with_the_same_prefix_are_told_apart(
    control: Control, business: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ending in "ab":
        monkeypatch.setattr(
            "secrets.token_hex",
            lambda length, ending=ending: (ending if length == 8 else "") + "0" * (2 * length - 1) + ending,
        )
        create_key(control, business, ending, ("read",), NOW)
    names = {key.id: key.name for key in list_keys(control, business)}
    for ending in "ab":
        actor = authenticate(control, "Bearer cs_key_" + "0" * 39 + ending, NOW)
        assert names[actor.key_id] == ending


def test_a_revoked_key_is_refused_at_once(control: Control, business: Business, folder: DataFolder) -> None:
    key = create_key(control, business, None, ("read",), NOW)
    other = create_key(control, business, None, ("read",), NOW)
    authenticate(control, f"Bearer {key.secret}", NOW)
    with open_control(folder) as elsewhere:
        revoke_key(elsewhere, key.id, NOW)
    with pytest.raises(Unauthorized):
        authenticate(control, f"Bearer {key.secret}", NOW)
    authenticate(control, f"Bearer {other.secret}", NOW)
    assert [kept.id for kept in list_keys(control, business)] == [other.id]


def test_the_keys_of_a_deleted_business_are_refused(control: Control, business: Business) -> None:
    key = create_key(control, business, None, ("read",), NOW)
    delete_business(control, business.id)
    with pytest.raises(Unauthorized):
        authenticate(control, f"Bearer {key.secret}", NOW)


def test_a_key_is_revoked_once(control: Control, business: Business) -> None:
    key = create_key(control, business, None, ("read",), NOW)
    revoke_key(control, key.id, NOW)
    for unknown in (key.id, "nonsense", key.secret[:15], "0" * 16, "", "\udcff"):
        with pytest.raises(NotFound, match=f"no active key '{unknown}'"):
            revoke_key(control, unknown, NOW)


def test_a_changed_time_zone_counts_from_the_next_request(
    control: Control, business: Business, folder: DataFolder
) -> None:
    key = create_key(control, business, None, ("read",), NOW)
    authenticate(control, f"Bearer {key.secret}", NOW)
    with open_control(folder) as elsewhere:
        update_business(elsewhere, business.id, timezone="Asia/Tokyo")
    assert authenticate(control, f"Bearer {key.secret}", NOW).business == find_business(control, business.id)
    assert find_business(control, business.id).timezone == "Asia/Tokyo"


def test_its_use_is_noted_once_a_minute(control: Control, business: Business) -> None:
    key = create_key(control, business, None, ("read",), NOW)
    noted = []
    for seconds in (0, 1, 59, 60, 61, 200):
        authenticate(control, f"Bearer {key.secret}", NOW + timedelta(seconds=seconds))
        (listed,) = list_keys(control, business)
        assert listed.last_used_at is not None
        noted.append((listed.last_used_at - NOW).total_seconds())
    assert noted == [0, 0, 0, 60, 60, 200]


def test_a_request_does_not_fail_because_its_use_cannot_be_noted(
    control: Control, business: Business, folder: DataFolder, caplog: pytest.LogCaptureFixture
) -> None:
    key = create_key(control, business, None, ("read",), NOW)
    with open_control(folder) as other, other.writing(), caplog.at_level(logging.WARNING):
        assert authenticate(control, f"Bearer {key.secret}", NOW).business == business
    assert f"the use of key {key.id} was not noted" in caplog.text
    assert key.secret not in caplog.text
    assert list_keys(control, business)[0].last_used_at is None
    authenticate(control, f"Bearer {key.secret}", NOW)
    assert list_keys(control, business)[0].last_used_at == NOW


# --- Keys that are known --------------------------------------------------------------------------------------------


def known(control: Control, *keys: NewKey) -> KnownKeys:
    """Keys that were looked up, their use having been noted before."""
    found = KnownKeys(control)
    for key in keys * 2:
        found.look_up(f"Bearer {key.secret}", NOW)
    return found


def asked(keys: KnownKeys, key: NewKey) -> Actor:
    """Who asks, as a server finds out."""
    return keys.recognise(f"Bearer {key.secret}", NOW) or keys.look_up(f"Bearer {key.secret}", NOW)


def test_a_known_key_is_recognised_while_another_process_writes(
    control: Control, business: Business, folder: DataFolder
) -> None:
    first, second = (create_key(control, business, None, scopes, NOW) for scopes in (("read",), ("report",)))
    keys = known(control, first, second)
    with open_control(folder) as other, other.writing():
        for key in (first, second):
            assert keys.recognise(f"bearer  {key.secret} ", NOW) == authenticate(control, f"Bearer {key.secret}", NOW)
    assert keys.recognise(f"Bearer {UNKNOWN}", NOW) is None
    for malformed in (None, "", first.secret, f"Bearer {first.prefix}"):
        with pytest.raises(Unauthorized):
            keys.recognise(malformed, NOW)


def test_what_is_known_is_kept_without_secrets(control: Control, business: Business) -> None:
    key = create_key(control, business, None, ("read",), NOW)
    kept = repr(vars(known(control, key)))
    assert key.id in kept
    assert key.secret[len(key.prefix) :] not in kept


Change = Callable[[Control, Business, NewKey], object]
CHANGES: dict[str, Change] = {
    "revoke": lambda control, _, key: revoke_key(control, key.id, NOW),
    "delete": lambda control, business, _: delete_business(control, business.id),
    "clear": lambda control, business, _: clear_business(control, business.id),
    "timezone": lambda control, business, _: update_business(control, business.id, timezone="Asia/Tokyo"),
    "another key": lambda control, business, _: create_key(control, business, None, ("read",), NOW),
}


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_after_any_change_nothing_is_known(
    control: Control, business: Business, folder: DataFolder, change: Change, elsewhere: bool
) -> None:
    key, other = (create_key(control, new_business(control, name), None, ("read",), NOW) for name in ("Acme", "Other"))
    mine = authenticate(control, f"Bearer {key.secret}", NOW).business
    keys = known(control, key, other)
    with open_control(folder) as opened:
        change(opened if elsewhere else control, mine, key)
    for each in (key, other):
        assert keys.recognise(f"Bearer {each.secret}", NOW) is None
        try:
            expected = authenticate(control, f"Bearer {each.secret}", NOW)
        except Unauthorized:
            with pytest.raises(Unauthorized):
                asked(keys, each)
        else:
            assert asked(keys, each) == asked(keys, each) == expected


def test_a_key_revoked_by_another_process_is_not_recognised(
    control: Control, business: Business, folder: DataFolder
) -> None:
    key = create_key(control, business, None, ("read",), NOW)
    keys = known(control, key)
    assert keys.recognise(f"Bearer {key.secret}", NOW)
    command = [sys.executable, "-m", "calltally", "key", "revoke", key.id, "--data", str(folder.path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with pytest.raises(Unauthorized):
        asked(keys, key)


def test_requests_that_begin_after_a_revocation_are_refused_in_any_thread(control: Control, business: Business) -> None:
    """Many threads look up and recognise the key while it is revoked."""
    taken, revoked = threading.Event(), threading.Event()

    def ask(keys: KnownKeys, key: NewKey) -> int:
        times = 0
        while True:
            late = revoked.is_set()
            try:
                asked(keys, key)
            except Unauthorized:
                return times
            assert not late
            times += 1
            taken.set()

    with ThreadPoolExecutor(4) as threads:
        for _ in range(10):
            taken.clear()
            revoked.clear()
            key = create_key(control, business, None, ("read",), NOW)
            keys = known(control, key)
            asking = [threads.submit(ask, keys, key) for _ in range(4)]
            assert taken.wait(30)
            revoke_key(control, key.id, NOW)
            revoked.set()
            assert sum(times.result(timeout=30) for times in asking) > 0


def test_the_use_of_a_known_key_is_noted_once_a_minute(control: Control, business: Business) -> None:
    key = create_key(control, business, None, ("read",), NOW)
    keys = known(control, key)
    noted = []
    for seconds in (1, 59, 60, 61, 200):
        now = NOW + timedelta(seconds=seconds)
        assert keys.recognise(f"Bearer {key.secret}", now) or keys.look_up(f"Bearer {key.secret}", now)
        (listed,) = list_keys(control, business)
        assert listed.last_used_at is not None
        noted.append((listed.last_used_at - NOW).total_seconds())
    assert noted == [0, 0, 60, 60, 200]
