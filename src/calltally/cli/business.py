"""`calltally business`: the businesses whose calls are counted."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from calltally.accounts import (
    Business,
    clear_business,
    create_business,
    delete_business,
    find_business,
    list_businesses,
    rfc3339,
    update_business,
)
from calltally.cli.group import examples, new_group
from calltally.cli.options import BusinessArgument, DataOption, JsonOption, YesOption, calls_of, opened
from calltally.cli.output import Column, ask, note, print_facts, print_json, print_table, say
from calltally.demo import forget_demo
from calltally.engines import remove_store
from calltally.errors import InvalidRequest, Problem

__all__ = ["app"]

app = new_group(
    "The businesses whose calls are counted. Each has its own calls and keys.",
    examples("calltally business create 'Acme Plumbing' --timezone America/New_York", "calltally business list"),
)

TIMEZONE = "IANA time zone in which its days begin and end"
REGION = "Country whose national phone numbers its calls have, as an ISO 3166 code"
CURRENCY = "Currency of its money, as an ISO 4217 code"


@app.command(
    epilog=examples(
        "calltally business create 'Acme Plumbing'",
        "calltally business create 'Acme Plumbing' --timezone America/New_York",
        "calltally business create Müller --timezone Europe/Berlin --region DE \\",
        "    --currency EUR --json",
    )
)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called", show_default=False)],
    *,
    timezone: Annotated[str, typer.Option(metavar="ZONE", help=TIMEZONE)] = "UTC",
    region: Annotated[str, typer.Option(metavar="CODE", help=REGION)] = "US",
    currency: Annotated[str, typer.Option(metavar="CODE", help=CURRENCY)] = "USD",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a business."""
    with opened(data) as on:
        alike = [each.id for each in list_businesses(on.control) if each.name == name.strip()]
        business = create_business(
            on.control, name, timezone=timezone, region=region, currency=currency, now=datetime.now(UTC)
        )
    if alike:
        others = f"is another one ({alike[0]})" if len(alike) == 1 else f"are {len(alike)} others ({', '.join(alike)})"
        note(f"There {others} of this name: in commands give the id of the one you mean; this is {business.id}")
    if as_json:
        print_json(_plain(business))
        return
    say(f"Created the business '{business.name}'")
    _print_facts(business)
    say(f"Now give it a key: calltally key create {business.id}")


@app.command("list", epilog=examples("calltally business list", "calltally business list --json"))
def list_all(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the businesses."""
    with opened(data) as on:
        found = list_businesses(on.control)
    if as_json:
        print_json([_plain(business) for business in found])
    elif found:
        columns = (Column("Id"), Column("Name", folds=True), Column("Time zone"))
        print_table(columns, [(business.id, business.name, business.timezone) for business in found])
    else:
        say("There is no business yet; make one with: calltally business create NAME")


@app.command(epilog=examples("calltally business show 'Acme Plumbing'", "calltally business show Demo --json"))
def show(business: BusinessArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show a business and its settings."""
    with opened(data) as on:
        found = find_business(on.control, business)
    if as_json:
        print_json(_plain(found))
    else:
        _print_facts(found)


@app.command(
    epilog=examples(
        "calltally business update 'Acme Plumbing' --timezone America/Chicago",
        "calltally business update 'Acme Plumbing' --name 'Acme Heating' \\",
        "    --currency CAD",
    )
)
def update(
    business: BusinessArgument,
    *,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What it is called", show_default=False)] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help=TIMEZONE, show_default=False)] = None,
    region: Annotated[str | None, typer.Option(metavar="CODE", help=REGION, show_default=False)] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help=CURRENCY, show_default=False)] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change the settings of a business.

    The calls stay at the instants at which they were; the next report counts their days in the new time zone.
    """
    if (name, timezone, region, currency) == (None, None, None, None):
        message = "Nothing to change: give at least one of --name, --timezone, --region and --currency"
        raise InvalidRequest((Problem("name", message),))
    with opened(data) as on:
        found = find_business(on.control, business)
        changed = update_business(on.control, found.id, name=name, timezone=timezone, region=region, currency=currency)
    if as_json:
        print_json(_plain(changed))
        return
    say(f"Changed the business '{changed.name}'")
    _print_facts(changed)


@app.command(
    epilog=examples("calltally business clear 'Acme Plumbing'", "calltally business clear 'Acme Plumbing' --yes")
)
def clear(
    business: BusinessArgument, yes: YesOption = False, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Remove all calls of a business, for ever.

    Its settings and keys stay. So that files imported under a wrong time zone, say, can be imported again.
    """
    with opened(data) as on:
        found = find_business(on.control, business)
        ask(f"Remove all calls of '{found.name}' ({found.id}) for ever?", yes=yes)
        with calls_of(on, "business") as engine:
            remove_store(on.folder, on.control, engine, clear_business(on.control, found.id))
    if as_json:
        print_json({"id": found.id, "name": found.name, "cleared": True})
    else:
        say(f"Removed all calls of '{found.name}'")


@app.command(
    epilog=examples("calltally business delete 'Acme Plumbing'", "calltally business delete 'Acme Plumbing' --yes")
)
def delete(
    business: BusinessArgument, yes: YesOption = False, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Delete a business with its calls and keys, for ever."""
    with opened(data) as on:
        found = find_business(on.control, business)
        ask(f"Delete '{found.name}' ({found.id}) with all its calls and keys for ever?", yes=yes)
        with calls_of(on, "business") as engine:
            forget_demo(on.folder, found.id)
            remove_store(on.folder, on.control, engine, delete_business(on.control, found.id))
    if as_json:
        print_json({"id": found.id, "name": found.name, "deleted": True})
    else:
        say(f"Deleted '{found.name}'")


def _plain(business: Business) -> dict[str, str]:
    return {
        "id": business.id,
        "name": business.name,
        "timezone": business.timezone,
        "region": business.region,
        "currency": business.currency,
        "created_at": rfc3339(business.created_at),
    }


def _print_facts(business: Business) -> None:
    print_facts(
        (
            ("Id", business.id),
            ("Name", business.name),
            ("Time zone", business.timezone),
            ("Region", business.region),
            ("Currency", business.currency),
            ("Created", rfc3339(business.created_at)),
        )
    )
