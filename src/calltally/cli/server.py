"""The server as the command line runs it: on one's own calls or on sample ones."""

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from calltally.accounts import authenticate, create_link
from calltally.api import (
    Answers,
    GatheringHandler,
    Intake,
    IntakeLimits,
    Limits,
    Services,
    Workers,
    behind_proxies,
    bind,
    create_app,
    run_server,
)
from calltally.cli.interrupting import interruptible
from calltally.cli.options import Opened, engine_of, listening, opened
from calltally.cli.output import note, say
from calltally.cli.serving import running_address
from calltally.demo import Demo, find_demo, make_demo, requests
from calltally.engines import Engine
from calltally.errors import Conflict, FolderInUse
from calltally.folder import DataFolder, Owned
from calltally.settings import Settings, networks

__all__ = ["serve_calls", "serve_demo"]

MEGABYTE = 2**20


def serve_calls(host: str | None, port: int | None, public_url: str | None, data: str | None) -> None:
    """Serve the data folder until stopped; what is None is as the settings say."""
    with opened(data, host=host, port=port, public_url=public_url) as on:
        _set_up_log(on.settings.log_level)
        with _taken_over(on.folder) as owned, bind(on.settings.host, on.settings.port, search=False) as bound:
            address = _address(bound)
            with engine_of(on) as engine, listening(on.folder, engine):
                _run(on, owned, engine, bound, lambda: _say_where(address))
        say("Stopped")


def serve_demo(host: str | None, port: int | None, data: str | None) -> None:
    """Serve sample calls until stopped, which are made first if there are none; beside a server say where that is."""
    with opened(data, host=host, port=port) as on:
        _set_up_log("warning")
        try:
            with _taken_over(on.folder) as owned, engine_of(on) as engine, listening(on.folder, engine):
                found = find_demo(on.folder, on.control)
                if found:
                    _demo(on, owned, engine, found)
                else:
                    _make(on, engine)
        except FolderInUse:
            address = running_address(on.folder)
            if address is None:
                raise
            found = find_demo(on.folder, on.control)
            if found is None:
                message = f"Calltally is running already, on {address}, with a folder that has no demo; "
                raise Conflict(
                    message + "stop it and start the demo again, or use another folder with --data"
                ) from None
            say(f"Calltally is running already, on {address}")
            _print_ways_in(on, address, found)
            return
    if found:
        say("Stopped")
    else:  # as a new process, since what making the calls took in memory hardly comes back otherwise
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - itself, with its own arguments


def _demo(on: Opened, owned: Owned, engine: Engine, found: Demo) -> None:
    with bind(on.settings.host, on.settings.port, search=True) as bound:
        address = _address(bound)
        if bound.getsockname()[1] != on.settings.port and on.settings.port:
            say(f"Port {on.settings.port} is taken; using {bound.getsockname()[1]}")

        def ready() -> None:
            _say_where(address)
            _print_ways_in(on, address, found)

        _run(on, owned, engine, bound, ready)


def _make(on: Opened, engine: Engine) -> None:
    say("Making a year of sample calls ...")
    sys.stdout.flush()
    with interruptible():
        make_demo(on.folder, on.control, engine, datetime.now(UTC))


@contextmanager
def _taken_over(folder: DataFolder) -> Iterator[Owned]:
    """The folder, owned as soon as the commands that use it have finished.

    Raises:
        FolderInUse: another server owns it.
    """
    with ExitStack() as stack:
        said = None
        while True:
            try:
                owned = stack.enter_context(folder.own("serve"))
            except FolderInUse:
                owner = folder.owner()
                if owner and owner.role in {"serve", "unknown"}:
                    raise
                if owner and owner != said:
                    note(f"Waiting for 'calltally {owner.role}' (process {owner.pid}), which uses the data folder ...")
                    said = owner
            else:
                break
        yield owned


def _run(on: Opened, owned: Owned, engine: Engine, bound: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve until stopped."""

    def ready() -> None:
        owned.announce(_address(bound))
        on_ready()
        sys.stdout.flush()

    app = behind_proxies(create_app(_services(on, engine)), networks(on.settings.trusted_proxies))
    run_server(app, bound, ready)


def _services(on: Opened, engine: Engine) -> Services:
    settings = on.settings
    limits = Limits(
        running=settings.reports,
        waiting=settings.waiting_reports,
        running_of_business=settings.reports_per_business,
        waiting_of_business=settings.waiting_reports_per_business,
        running_of_key=settings.reports_per_key,
    )
    workers, answers = Workers(limits, settings.report_seconds), Answers(settings.cache_megabytes * MEGABYTE)
    now = partial(datetime.now, UTC)
    intake, staging = _intake(engine, settings), on.folder.staging
    return Services(
        on.control,
        engine,
        workers,
        answers,
        now,
        intake,
        staging,
        settings.public_url,
        timedelta(days=settings.session_days),
        on.folder.cache,
    )


def _intake(engine: Engine, settings: Settings) -> Intake:
    limits = IntakeLimits(
        writing=settings.writers,
        records=settings.waiting_records,
        records_of_business=settings.waiting_records_per_business,
        body_bytes=settings.waiting_megabytes * MEGABYTE,
        body_bytes_of_business=settings.waiting_megabytes_per_business * MEGABYTE,
    )
    return Intake(engine, limits)


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say_where(address: str) -> None:
    say(f"Calltally is listening on {address} (Ctrl-C stops it)")
    say(f"To read and try the API, open {address}/docs")


def _print_ways_in(on: Opened, address: str, found: Demo) -> None:
    now = datetime.now(UTC)
    key_id = authenticate(on.control, f"Bearer {found.key}", now).key_id
    say("")
    say("To look at the reports, open this in a browser, once and within ten minutes ('calltally open' makes more):")
    say(f"{address}/open/{create_link(on.control, found.business.id, key_id, now)}")
    say("")
    say("Paste any of these into another terminal:")
    for title, query in requests(found.made_at, found.business.timezone):
        say("")
        say(f"# {title}")
        say(f'curl -H "Authorization: Bearer {found.key}" "{address}/api/v1/analytics/calls?{query}"')
    say("")


def _set_up_log(level: str) -> None:
    # What a line does not say need not be found out for each of them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = ""  # the way to do without where a line was logged that the logging HOWTO names
    handlers = [GatheringHandler(sys.stderr)]
    logging.basicConfig(
        level=level.upper(), handlers=handlers, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
