"""`calltally share`: reports that a business shows to whoever has their address."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from calltally.accounts import Share, find_business, list_shares, revoke_share, rfc3339
from calltally.cli.group import examples, new_group
from calltally.cli.options import BusinessArgument, DataOption, JsonOption, opened
from calltally.cli.output import Column, print_json, print_table, say

__all__ = ["app"]

app = new_group(
    "Reports that are shared by a link. Whoever has it sees that one report. The browser and the API make them.",
    examples("calltally share list 'Acme Plumbing'", "calltally share revoke 'Acme Plumbing' 9be07d24683f1c5a"),
)


@app.command("list", epilog=examples("calltally share list 'Acme Plumbing'", "calltally share list Demo --json"))
def list_all(business: BusinessArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the reports that a business shares; their links are not kept."""
    with opened(data) as on:
        found = find_business(on.control, business)
        shares = list_shares(on.control, found, datetime.now(UTC))
    if as_json:
        print_json([_plain(share) for share in shares])
    elif shares:
        columns = (Column("Id"), Column("Name", folds=True), Column("Report", folds=True), Column("Made"))
        print_table((*columns, Column("Ends")), [_row(share) for share in shares])
    else:
        say(f"'{found.name}' shares no report")


@app.command(epilog=examples("calltally share revoke 'Acme Plumbing' 9be07d24683f1c5a"))
def revoke(
    business: BusinessArgument,
    share_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, as 'calltally share list' shows it")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a share; the next request for it finds nothing."""
    with opened(data) as on:
        revoke_share(on.control, find_business(on.control, business).id, share_id)
    if as_json:
        print_json({"id": share_id, "revoked": True})
    else:
        say(f"Revoked the share {share_id}")


def _plain(share: Share) -> dict[str, Any]:
    return {
        "id": share.id,
        "name": share.name,
        "request": share.request,
        "created_at": rfc3339(share.created_at),
        "expires_at": rfc3339(share.expires_at) if share.expires_at else None,
    }


def _row(share: Share) -> tuple[str, ...]:
    ends = rfc3339(share.expires_at) if share.expires_at else "never"
    return (share.id, share.name or "-", share.request, rfc3339(share.created_at), ends)
