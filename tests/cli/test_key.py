"""`calltally key`, through its front door."""

import re
import subprocess
from pathlib import Path

import pytest

from calltally.folder import DataFolder
from tests.cli.conftest import CALLTALLY, CommandLine
from tests.cli.terminal import on_terminal


def test_create(calltally: CommandLine, acme: str) -> None:
    arguments = ("--name", "Büro", "--scope", "write", "--scope", "report")
    made = calltally.process("key", "create", "Acme", *arguments, "--json").json()
    assert list(made) == ["id", "key", "prefix", "name", "scopes", "created_at"]
    assert re.fullmatch(r"cs_key_[0-9a-f]{40}", made["key"])
    assert made["prefix"] == made["key"][:15]
    assert (made["name"], made["scopes"]) == ("Büro", ["report", "write"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["created_at"])
    plain = calltally.run("key", "create", acme, "--json").json()
    assert (plain["name"], plain["scopes"]) == (None, ["read"])


def test_create_for_people_shows_the_secret_once(calltally: CommandLine, acme: str) -> None:
    done = calltally.run("key", "create", "Acme")
    assert (done.code, done.err) == (0, "")
    secret, sentence, *_ = done.out.splitlines()
    assert re.fullmatch(r"cs_key_[0-9a-f]{40}", secret)
    assert "not shown again" in sentence
    for arguments in ((), ("--json",)):
        listed = calltally.run("key", "list", acme, *arguments).out
        assert secret[:15] in listed
        assert secret[15:] not in listed
    files = [path for path in DataFolder(calltally.data).path.rglob("*") if path.is_file()]
    assert files
    assert not any(secret[15:].encode() in path.read_bytes() for path in files)


def test_list_and_revoke(calltally: CommandLine, acme: str) -> None:
    assert calltally.run("key", "list", acme, "--json").json() == []
    assert f"calltally key create {acme}" in calltally.run("key", "list", "Acme").out
    made = calltally.run("key", "create", acme, "--name", "shop", "--json").json()
    (listed,) = calltally.run("key", "list", "Acme", "--json").json()
    assert list(listed) == ["id", "prefix", "name", "scopes", "created_at", "last_used_at"]
    assert listed == {**{name: made[name] for name in listed if name != "last_used_at"}, "last_used_at": None}
    header, row = calltally.run("key", "list", acme).out.splitlines()
    assert re.split("  +", header) == ["Id", "Prefix", "Name", "Scopes", "Last used"]
    assert re.split("  +", row) == [made["id"], made["prefix"], "shop", "read", "never"]
    assert calltally.run("key", "revoke", made["id"], "--json").json() == {"id": made["id"], "revoked": True}
    assert calltally.run("key", "list", acme, "--json").json() == []
    assert "There is no active key" in calltally.run("key", "revoke", made["id"]).failed(1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("command", [("key", "create"), ("webhook", "create", "--kind", "callscaler")])
def test_what_cannot_be_shown_is_good_for_nothing(
    calltally: CommandLine, acme: str, command: tuple[str, ...], options: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [CALLTALLY, *command, acme, *options],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=calltally.environment(),
            check=False,
        )
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert re.fullmatch(
        r"calltally: the (new key|webhook) \w+ could not be shown, so it is good for nothing any more", first
    )
    assert second == "calltally: No space left on device"
    assert calltally.run(command[0], "list", acme, "--json").json() == []


def test_a_scope_that_is_none(calltally: CommandLine, acme: str) -> None:
    sentence = calltally.run("key", "create", acme, "--scope", "reed", "--scope", "x").failed(2)
    assert sentence == (
        "scope: 'reed' is not one of report, read, write, admin; did you mean 'read'?; "
        "scope: 'x' is not one of report, read, write, admin"
    )


def test_the_eleventh_key(calltally: CommandLine, acme: str) -> None:
    for _ in range(10):
        calltally.run("key", "create", acme, "--json").json()
    sentence = calltally.run("key", "create", acme).failed(1)
    assert sentence.startswith("The business 'Acme' has 10 active keys, the most there can be")


def test_keys_work_beside_an_owner(calltally: CommandLine, acme: str) -> None:
    with DataFolder(calltally.data).own("serve"):
        made = calltally.run("key", "create", acme, "--json").json()
        calltally.run("key", "revoke", made["id"], "--json").json()


def test_a_terminal_of_80_columns(calltally: CommandLine, acme: str) -> None:
    name = "a name that is very long indeed"
    made = calltally.run("key", "create", acme, "--name", name, "--scope", "admin", "--json").json()
    code, seen = on_terminal(calltally, "key", "list", acme)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", seen).splitlines()
    assert code == 0
    assert max(len(line) for line in lines) <= 80
    assert lines[1].startswith(f"{made['id']}  {made['prefix']}  a name")
