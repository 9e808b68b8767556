"""`calltally share`, through its front door."""

import re
from datetime import UTC, datetime, timedelta

from calltally.accounts import authenticate, create_share, open_control
from calltally.folder import DataFolder
from tests.cli.conftest import CommandLine

NOW = datetime.now(UTC)


def share(calltally: CommandLine, business: str, name: str | None, days: int | None) -> tuple[str, str]:
    """The id and the token of a new share."""
    key = calltally.run("key", "create", business, "--json").json()["key"]
    expires_at = NOW + timedelta(days=days) if days else None
    with open_control(DataFolder(calltally.data)) as control:
        actor = authenticate(control, f"Bearer {key}", NOW)
        made, token = create_share(
            control, actor, name=name, request="group_by=source&range=month", now=NOW, expires_at=expires_at
        )
    return made.id, token


def test_list_and_revoke(calltally: CommandLine, acme: str) -> None:
    assert calltally.run("share", "list", acme, "--json").json() == []
    assert calltally.run("share", "list", "Acme").out == "'Acme' shares no report\n"
    (named, token), (unnamed, _) = share(calltally, acme, "Board", 7), share(calltally, acme, None, None)
    listed = {row["id"]: row for row in calltally.process("share", "list", "Acme", "--json").json()}
    assert listed.keys() == {named, unnamed}
    assert list(listed[named]) == ["id", "name", "request", "created_at", "expires_at"]
    assert (listed[named]["name"], listed[unnamed]["name"], listed[unnamed]["expires_at"]) == ("Board", None, None)
    header, *rows = calltally.run("share", "list", acme).out.splitlines()
    assert re.split("  +", header) == ["Id", "Name", "Report", "Made", "Ends"]
    assert {tuple(re.split("  +", row)[:3]) for row in rows} == {
        (named, "Board", "group_by=source&range=month"),
        (unnamed, "-", "group_by=source&range=month"),
    }
    assert calltally.run("share", "revoke", "Acme", named, "--json").json() == {"id": named, "revoked": True}
    assert f"Revoked the share {unnamed}" in calltally.run("share", "revoke", acme, unnamed).out
    assert calltally.run("share", "list", acme, "--json").json() == []
    assert f"There is no share '{named}'" in calltally.run("share", "revoke", acme, named).failed(1)
    files = [path for path in DataFolder(calltally.data).path.rglob("*") if path.is_file()]
    assert not any(token.encode() in path.read_bytes() for path in files)


def test_it_belongs_to_its_business(calltally: CommandLine, acme: str) -> None:
    other = calltally.run("business", "create", "Other", "--json").json()["id"]
    made, _ = share(calltally, acme, None, None)
    assert "There is no share" in calltally.run("share", "revoke", other, made).failed(1)
    assert [row["id"] for row in calltally.run("share", "list", acme, "--json").json()] == [made]
