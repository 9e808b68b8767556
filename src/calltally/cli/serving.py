"""`calltally serve` and `calltally demo`, and where their server is to be found."""

import time
from typing import Annotated

import typer

from calltally.cli.group import examples
from calltally.cli.options import DataOption, PublicUrlOption, whole_number
from calltally.folder import DataFolder

__all__ = ["DEMO_EXAMPLES", "SERVE_EXAMPLES", "demo", "running_address", "serve"]

SERVE_EXAMPLES = examples(
    "calltally serve",
    "calltally serve --host 0.0.0.0 --port 9000",
    "calltally serve --public-url https://calls.example.com",
    "CALLTALLY_DATA=/var/lib/calltally calltally serve",
)
DEMO_EXAMPLES = examples("calltally demo", "calltally demo --port 9000 --data /tmp/demo")

HostOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Address to listen on (default: CALLTALLY_HOST, else 127.0.0.1)")
]
PortOption = Annotated[
    int | None,
    typer.Option(
        metavar="PORT",
        parser=whole_number(0, 65_535),
        help="Port to listen on (default: CALLTALLY_PORT, else 8080)",
    ),
]
START_UP_SECONDS = 60.0


def serve(
    host: HostOption = None,
    port: PortOption = None,
    public_url: PublicUrlOption = None,
    data: DataOption = None,
) -> None:
    """Start the server on the data folder; Ctrl-C stops it."""
    from calltally.cli.server import serve_calls  # noqa: PLC0415 - no other command needs the API

    serve_calls(host, port, public_url, data)


def demo(host: HostOption = None, port: PortOption = None, data: DataOption = None) -> None:
    """Start the server on a year of made-up calls, to look around.

    It makes a business 'Demo' with these calls and prints a link to look at them and requests to paste. Started again
    it has the same calls and key; beside a running one it prints that one's address.
    """
    from calltally.cli.server import serve_demo  # noqa: PLC0415 - no other command needs the API

    serve_demo(host, port, data)


def running_address(folder: DataFolder) -> str | None:
    """The address of the server that owns the folder, once it says it; None if it is no server."""
    deadline = time.monotonic() + START_UP_SECONDS
    while (owner := folder.owner()) and owner.role == "serve" and time.monotonic() < deadline:
        if owner.address:
            return owner.address
        time.sleep(0.1)
    return None
