"""`calltally open`: a browser signed in to the reports, without a key to copy."""

import os
import sys
import webbrowser
from datetime import UTC, datetime
from typing import Annotated

import typer

from calltally.accounts import (
    DEFAULT_SCOPES,
    LINK_LASTS,
    Business,
    Control,
    create_key,
    create_link,
    find_business,
    list_businesses,
    list_keys,
    rfc3339,
)
from calltally.cli.group import examples
from calltally.cli.options import DataOption, JsonOption, PublicUrlOption, opened
from calltally.cli.output import print_json, say
from calltally.cli.serving import running_address
from calltally.errors import Conflict, NotFound, shown

__all__ = ["EXAMPLES", "open_reports"]

EXAMPLES = examples(
    "calltally open",
    "calltally open 'Acme Plumbing'",
    "calltally open 'Acme Plumbing' --print",
    "calltally open 'Acme Plumbing' --key 0a1b2c3d4e5f6071 --print",
)
KEY_NAME = "calltally open"  # of the key that is made where none is given
# What a server that listens everywhere says of itself -> where a browser on its machine finds it.
EVERYWHERE = {"//0.0.0.0:": "//127.0.0.1:", "//[::]:": "//[::1]:"}
MOST_NAMED = 10  # businesses in a message
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")

BusinessArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="BUSINESS",
        help="Its id, or its name where only one has it (default: the only one)",
        show_default=False,
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="ID", help=f"Key to sign in with (default: '{KEY_NAME}', made where it is missing)"),
]
PrintOption = Annotated[bool, typer.Option("--print", help="Only print the link")]


def open_reports(
    business: BusinessArgument = None,
    *,
    key: KeyOption = None,
    only_print: PrintOption = False,
    public_url: PublicUrlOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a link that signs a browser in to the reports, once.

    It is opened where there is a browser. The server has to be running. The link works for ten minutes. The browser
    may then do what the key may, until the key is revoked.
    """
    with opened(data, public_url=public_url) as on:
        found, now = _chosen(on.control, business), datetime.now(UTC)
        address = on.settings.public_url or running_address(on.folder)
        if address is None:
            raise NotFound(f"No server runs on the data folder {on.folder.path}; start one with 'calltally serve'")
        key_id = _key_id(on.control, found, key, now)
        link = f"{_reachable(address)}/open/{create_link(on.control, found.id, key_id, now)}"
    if as_json:
        facts = {"business_id": found.id, "key_id": key_id, "link": link, "expires_at": rfc3339(now + LINK_LASTS)}
        print_json(facts)
        return
    say(f"This link signs a browser in to the reports of '{found.name}', once and within ten minutes:")
    say(link)
    if not only_print and _has_display():
        webbrowser.open(link)


def _chosen(control: Control, text: str | None) -> Business:
    """The business that is meant.

    Raises:
        NotFound: there is none.
        Conflict: it could be any of several.
    """
    if text is not None:
        return find_business(control, text)
    found = list_businesses(control)
    if not found:
        raise NotFound("There is no business yet; make one with 'calltally business create NAME'")
    if len(found) > 1:
        names = ", ".join(shown(business.name) for business in found[:MOST_NAMED])
        raise Conflict(f"There are {len(found)} businesses; say which: {names}")
    return found[0]


def _key_id(control: Control, business: Business, wanted: str | None, now: datetime) -> str:
    """The id of the key to sign in with.

    Raises:
        NotFound: the business has no active key of this id.
    """
    known = list_keys(control, business)
    if wanted is not None:
        if wanted not in {key.id for key in known}:
            raise NotFound(
                f"{shown(business.name)} has no active key {shown(wanted)}; 'calltally key list' shows the ids"
            )
        return wanted
    made = next((key for key in known if key.name == KEY_NAME), None)
    return (made or create_key(control, business, KEY_NAME, DEFAULT_SCOPES, now)).id


def _reachable(address: str) -> str:
    for everywhere, here in EVERYWHERE.items():
        address = address.replace(everywhere, here)
    return address


def _has_display() -> bool:
    """Whether a browser would be seen: one for terminals would only be in the way."""
    return sys.platform == "darwin" or any(os.environ.get(display) for display in DISPLAYS)
