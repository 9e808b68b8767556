"""`calltally serve` and `calltally demo`: the server, on one's own calls or on sample ones."""

import logging
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from calltally.accounts import finish_removals
from calltally.api import Services, Workers, bind, create_app, run_server
from calltally.cli.group import examples
from calltally.cli.importing import interruptible
from calltally.cli.options import DataOption, Opened, opened
from calltally.cli.output import say
from calltally.demo import Demo, find_demo, make_demo, requests
from calltally.engines import Engine, open_engine
from calltally.errors import Conflict, FolderInUse, InvalidRequest, Problem
from calltally.folder import Owned

__all__ = ["DEMO_EXAMPLES", "SERVE_EXAMPLES", "demo", "serve"]

SERVE_EXAMPLES = examples(
    "calltally serve",
    "calltally serve --host 0.0.0.0 --port 9000",
    "CALLTALLY_DATA=/var/lib/calltally calltally serve",
)
DEMO_EXAMPLES = examples("calltally demo", "calltally demo --port 9000 --data /tmp/demo")

HostOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Address to listen on (default: CALLTALLY_HOST, else 127.0.0.1)")
]
PortOption = Annotated[
    int | None,
    typer.Option(metavar="PORT", min=0, max=65535, help="Port to listen on (default: CALLTALLY_PORT, else 8080)"),
]
LEVELS = ("debug", "info", "warning", "error")
START_UP_SECONDS = 60.0


def serve(host: HostOption = None, port: PortOption = None, data: DataOption = None) -> None:
    """Start the server on the data folder; Ctrl-C stops it."""
    with opened(data, host=host, port=port) as on:
        _set_up_log(on.settings.log_level)
        with on.folder.own("serve") as owned, bind(on.settings.host, on.settings.port, search=False) as bound:
            engine = _engine_of(on)
            address = _address(bound)
            _run(on, owned, engine, bound, lambda: say(f"Calltally is listening on {address} (Ctrl-C stops it)"))


def demo(host: HostOption = None, port: PortOption = None, data: DataOption = None) -> None:
    """Start the server on a year of made-up calls, to look around.

    It makes a business 'Demo' with these calls and prints requests to paste. Started again it has the same calls and
    key; beside a running one it prints that one's address.
    """
    with opened(data, host=host, port=port) as on:
        _set_up_log("warning")
        try:
            with on.folder.own("serve") as owned:
                _demo(on, owned)
        except FolderInUse:
            address = _running(on)
            if address is None:
                raise
            found = find_demo(on.folder, on.control)
            if found is None:
                message = f"Calltally is running already, on {address}, with a folder that has no demo; "
                raise Conflict(
                    message + "stop it and start the demo again, or use another folder with --data"
                ) from None
            say(f"Calltally is running already, on {address}")
            _print_requests(address, found)


def _demo(on: Opened, owned: Owned) -> None:
    engine = _engine_of(on)
    try:
        found = find_demo(on.folder, on.control)
        if found is None:
            say("Making a year of sample calls ...")
            sys.stdout.flush()
            with interruptible():
                found = make_demo(on.folder, on.control, engine, datetime.now(UTC))
        bound = bind(on.settings.host, on.settings.port, search=True)
    except BaseException:
        engine.close()
        raise
    with bound:
        address = _address(bound)
        if bound.getsockname()[1] != on.settings.port and on.settings.port:
            say(f"Port {on.settings.port} is taken; using {bound.getsockname()[1]}")
        shown = found

        def ready() -> None:
            say(f"Calltally is listening on {address} (Ctrl-C stops it)")
            _print_requests(address, shown)

        _run(on, owned, engine, bound, ready)


def _engine_of(on: Opened) -> Engine:
    """The engine of the folder that this process owns, rid of what a killed one was removing."""
    engine = open_engine(on.folder, on.settings)
    try:
        finish_removals(on.control, engine.remove)
    except BaseException:
        engine.close()
        raise
    return engine


def _run(on: Opened, owned: Owned, engine: Engine, bound: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve until stopped; closes the engine."""
    settings = on.settings

    def ready() -> None:
        owned.announce(_address(bound))
        on_ready()
        sys.stdout.flush()

    try:
        workers = Workers(settings.reports, settings.waiting_reports, settings.report_seconds)
        services = Services(on.control, engine, workers, lambda: datetime.now(UTC))
        run_server(create_app(services), bound, ready)
    finally:
        engine.close()
    say("Stopped")


def _running(on: Opened) -> str | None:
    """The address of the server that owns the folder, once it says it; None if it is no server."""
    deadline = time.monotonic() + START_UP_SECONDS
    while (owner := on.folder.owner()) and owner.role == "serve" and time.monotonic() < deadline:
        if owner.address:
            return owner.address
        time.sleep(0.1)
    return None


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _print_requests(address: str, found: Demo) -> None:
    say("")
    say("Paste any of these into another terminal:")
    for title, query in requests(found.made_at, found.business.timezone):
        say("")
        say(f"# {title}")
        say(f'curl -H "Authorization: Bearer {found.key}" "{address}/api/v1/analytics/calls?{query}"')
    say("")


def _set_up_log(level: str) -> None:
    if level not in LEVELS:
        message = f"CALLTALLY_LOG_LEVEL: '{level}' is not one of {', '.join(LEVELS)}"
        raise InvalidRequest((Problem("log_level", message),))
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
