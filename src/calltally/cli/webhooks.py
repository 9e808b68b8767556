"""`calltally webhook`: addresses to which vendors send calls by themselves."""

import os
import sys
from datetime import UTC, datetime
from getpass import getpass
from typing import Annotated, Any

import typer

from calltally.accounts import (
    Credential,
    UsedWebhook,
    Webhook,
    create_webhook,
    delete_webhook,
    find_business,
    list_webhooks,
    new_secret,
    rfc3339,
)
from calltally.catalog import suggestion
from calltally.cli.group import examples, new_group
from calltally.cli.options import BusinessArgument, DataOption, JsonOption, PublicUrlOption, opened
from calltally.cli.output import Column, print_facts, print_json, print_table, say, shown_or
from calltally.errors import InvalidRequest, Problem, shown
from calltally.ingestion.webhooks import SECRET_PARAMETER, VENDORS, Vendor

__all__ = ["app"]

app = new_group(
    "Addresses to which vendors send calls as soon as they end.",
    examples("calltally webhook create 'Acme Plumbing' --kind callscaler", "calltally webhook list"),
)

SECRET_VARIABLE = "CALLTALLY_WEBHOOK_SECRET"  # noqa: S105 - a name
DEFAULT_HEADER = "X-Calltally-Secret"
KIND = f"Who sends: {', '.join(VENDORS)}"
HEADER = f"Header in which CallScaler sends the secret (default: {DEFAULT_HEADER})"
NO_ADDRESS = "Put the address of your server in front; CALLTALLY_PUBLIC_URL or --public-url tells it to Calltally."
IN_ADDRESS = "Put the secret into the address, where CallScaler can send no header"


@app.command(
    epilog=examples(
        "calltally webhook create Acme --kind callscaler \\",
        "    --public-url https://calls.example.com",
        "calltally webhook create 'Acme Plumbing' --kind callscaler \\",
        "    --header X-Hook --name calls",
        "calltally webhook create 'Acme Plumbing' --kind twilio < auth-token",
        f"{SECRET_VARIABLE}=... \\",
        "    calltally webhook create Demo --kind callrail --json",
    )
)
def create(
    business: BusinessArgument,
    *,
    kind: Annotated[str, typer.Option(metavar="KIND", help=KIND, show_default=False)],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What it is for", show_default=False)] = None,
    header: Annotated[str | None, typer.Option(metavar="NAME", help=HEADER, show_default=False)] = None,
    in_address: Annotated[bool, typer.Option("--in-address", help=IN_ADDRESS)] = False,
    public_url: PublicUrlOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create an address for a vendor and print what to paste there.

    CallScaler is given a secret, which is shown this once. Twilio and CallRail sign with a secret of theirs, the auth
    token or the signing key: it is read from CALLTALLY_WEBHOOK_SECRET, else asked for, or read from standard input.
    """
    vendor = _vendor(kind, header, in_address=in_address)
    with opened(data, public_url=public_url) as on:
        found = find_business(on.control, business)
        secret, credential = _credential(vendor, None if in_address else header or DEFAULT_HEADER)
        webhook = create_webhook(on.control, found, kind=kind, name=name, credential=credential, now=datetime.now(UTC))
        address = on.settings.public_url + webhook.path + (f"?{SECRET_PARAMETER}={secret}" if in_address else "")
        with shown_or(lambda: delete_webhook(on.control, webhook.id, datetime.now(UTC)), f"the webhook {webhook.id}"):
            if as_json:
                print_json({**_plain(webhook), "address": address, "secret": secret})
            else:
                say(f"Created a webhook for {vendor.label} into '{found.name}'. At {vendor.label}, enter:")
                _show(address, credential.header, secret)
                if not on.settings.public_url:
                    say(NO_ADDRESS)


@app.command("list", epilog=examples("calltally webhook list", "calltally webhook list 'Acme Plumbing' --json"))
def list_all(
    business: Annotated[str | None, typer.Argument(metavar="BUSINESS", help="Only those of this one")] = None,
    public_url: PublicUrlOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the webhooks.

    Also the events that nothing is done about, and how many dead letters each has.
    """
    with opened(data, public_url=public_url) as on:
        found = list_webhooks(on.control, find_business(on.control, business) if business else None)
    if as_json:
        print_json([_plain_used(used, on.settings.public_url) for used in found])
    elif found:
        columns = (Column("Id"), Column("Kind"), Column("Business", folds=True), Column("Name", folds=True))
        print_table(
            (*columns, Column("Ignored events", folds=True), Column("Dead letters")), [_row(used) for used in found]
        )
        for used in found:
            say(f"{used.webhook.id}  {_where(used.webhook, on.settings.public_url)}")
    else:
        say("There is no webhook yet; make one with: calltally webhook create BUSINESS --kind KIND")


@app.command(epilog=examples("calltally webhook delete 3f1c9a5be07d2468"))
def delete(
    webhook_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, as 'calltally webhook list' shows it")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a webhook and its secret.

    What is sent there is refused from then on. Its dead letters stay.
    """
    with opened(data) as on:
        delete_webhook(on.control, webhook_id, datetime.now(UTC))
    if as_json:
        print_json({"id": webhook_id, "deleted": True})
    else:
        say(f"Deleted the webhook {webhook_id}")


def _show(address: str, header: str | None, secret: str | None) -> None:
    facts = [("Address", address)]
    if header:
        facts.append((f"Header {header}", secret or ""))
    print_facts(facts)
    if secret:
        say("The secret is not shown again, so keep it in a safe place.")


def _vendor(kind: str, header: str | None, *, in_address: bool) -> Vendor:
    """The vendor of this kind, whose webhooks can have what was chosen."""
    vendor = VENDORS.get(kind)
    if vendor is None:
        message = f"kind: {shown(kind)} is not one of {', '.join(VENDORS)}{suggestion(kind, VENDORS)}"
        raise InvalidRequest((Problem("kind", message),))
    if vendor.secret and (header or in_address):
        message = f"header: {vendor.label} signs what it sends; --header and --in-address are for a secret of ours"
        raise InvalidRequest((Problem("header", message),))
    if header and in_address:
        raise InvalidRequest((Problem("header", "header: the secret is either in a header or in the address"),))
    return vendor


def _credential(vendor: Vendor, header: str | None) -> tuple[str | None, Credential]:
    """The secret to show, if it is ours, and what is kept."""
    if vendor.secret:
        return None, Credential(secret=_asked_for(f"{vendor.label}'s {vendor.secret}"))
    secret, secret_hash = new_secret()
    return secret, Credential(header, secret_hash=secret_hash)


def _asked_for(what: str) -> str:
    """A vendor's secret: from the environment, from a person who types it unseen, or from standard input."""
    if given := os.environ.get(SECRET_VARIABLE):
        return given.strip()
    return getpass(f"{what}: ").strip() if sys.stdin.isatty() else sys.stdin.readline().strip()


def _plain(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "business_id": webhook.business_id,
        "kind": webhook.kind,
        "name": webhook.name,
        "header": webhook.credential.header,
        "created_at": rfc3339(webhook.created_at),
    }


def _plain_used(used: UsedWebhook, public_url: str) -> dict[str, Any]:
    ignored = [{"event": seen.event, "count": seen.count, "last_at": rfc3339(seen.last_at)} for seen in used.ignored]
    return {
        **_plain(used.webhook),
        "address": public_url + used.webhook.path,
        "ignored_events": ignored,
        "dead_letters": used.dead_letters,
    }


def _where(webhook: Webhook, public_url: str) -> str:
    """Where it is sent to, in a line of its own, so that it can be copied."""
    header = webhook.credential.header
    return f"{public_url}{webhook.path}{f' with the header {header}' if header else ''}"


def _row(used: UsedWebhook) -> tuple[str, ...]:
    webhook = used.webhook
    ignored = ", ".join(f"{seen.event} ({seen.count:,})" for seen in used.ignored)
    return (webhook.id, webhook.kind, used.business.name, webhook.name or "-", ignored or "-", str(used.dead_letters))
