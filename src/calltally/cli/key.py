"""`calltally key`: the keys with which reports are asked for."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from calltally.accounts import (
    DEFAULT_SCOPES,
    MOST_KEYS,
    SCOPES,
    Business,
    Key,
    NewKey,
    create_key,
    find_business,
    list_keys,
    revoke_key,
    rfc3339,
)
from calltally.cli.group import examples, new_group
from calltally.cli.options import BusinessArgument, DataOption, JsonOption, opened
from calltally.cli.output import Column, print_facts, print_json, print_table, say, shown_or

__all__ = ["app"]

app = new_group(
    f"The keys with which reports are asked for. A business has at most {MOST_KEYS}; a key sees its business only.",
    examples("calltally key create 'Acme Plumbing'", "calltally key list 'Acme Plumbing'"),
)

SCOPE = f"What it may do: {', '.join(SCOPES)}; can be given several times (default: {', '.join(DEFAULT_SCOPES)})"


@app.command(
    epilog=examples(
        "calltally key create 'Acme Plumbing'",
        "calltally key create 'Acme Plumbing' --name dashboard --scope report",
        "calltally key create 'Acme Plumbing' --scope read --scope write --json",
    )
)
def create(
    business: BusinessArgument,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What it is for", show_default=False)] = None,
    scope: Annotated[list[str] | None, typer.Option(metavar="SCOPE", help=SCOPE, show_default=False)] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a key and print it, this once."""
    with opened(data) as on:
        found = find_business(on.control, business)
        key = create_key(on.control, found, name, scope or DEFAULT_SCOPES, datetime.now(UTC))
        with shown_or(lambda: revoke_key(on.control, key.id, datetime.now(UTC)), f"the new key {key.id}"):
            _show(key, found, as_json=as_json)


@app.command("list", epilog=examples("calltally key list 'Acme Plumbing'", "calltally key list Demo --json"))
def list_all(business: BusinessArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the active keys of a business."""
    with opened(data) as on:
        found = find_business(on.control, business)
        keys = list_keys(on.control, found)
    if as_json:
        print_json([_plain(key) for key in keys])
    elif keys:
        columns = (Column("Id"), Column("Prefix"), Column("Name", folds=True), Column("Scopes", folds=True))
        print_table((*columns, Column("Last used")), [_row(key) for key in keys])
    else:
        say(f"'{found.name}' has no key yet; make one with: calltally key create {found.id}")


@app.command(epilog=examples("calltally key revoke 3f1c9a5be07d2468", "calltally key revoke 3f1c9a5be07d2468 --json"))
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, as 'calltally key list' shows it")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a key; the next request with it is refused."""
    with opened(data) as on:
        revoke_key(on.control, key_id, datetime.now(UTC))
    if as_json:
        print_json({"id": key_id, "revoked": True})
    else:
        say(f"Revoked the key {key_id}")


def _show(key: NewKey, business: Business, *, as_json: bool) -> None:
    if as_json:
        facts = _plain(key)
        del facts["last_used_at"]
        print_json({"id": key.id, "key": key.secret, **facts})
        return
    say(key.secret)
    say(f"This is the new key of '{business.name}'. It is not shown again, so keep it in a safe place.")
    print_facts((("Id", key.id), ("Name", key.name or "-"), ("Scopes", ", ".join(key.scopes))))


def _plain(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "scopes": key.scopes,
        "created_at": rfc3339(key.created_at),
        "last_used_at": rfc3339(key.last_used_at) if key.last_used_at else None,
    }


def _row(key: Key) -> tuple[str, ...]:
    used = rfc3339(key.last_used_at) if key.last_used_at else "never"
    return (key.id, key.prefix, key.name or "-", ", ".join(key.scopes), used)
