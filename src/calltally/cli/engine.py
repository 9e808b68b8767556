"""`calltally engine`: what keeps the calls, made ready and looked at."""

from dataclasses import asdict
from typing import Any

import typer
from rich.filesize import decimal

from calltally.cli.group import examples, new_group
from calltally.cli.options import DataOption, JsonOption, settings_for
from calltally.cli.output import Column, print_json, print_table, say
from calltally.engines import EngineStatus, ServerStatus, engine_status, prepare_engine

__all__ = ["app"]

app = new_group(
    "What keeps the calls: files, or what CALLTALLY_ENGINE names.",
    examples("calltally engine init", "calltally engine status"),
)


@app.command(epilog=examples("calltally engine init", "calltally engine init --json"))
def init(*, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Make the tables that calls are kept in, or what they lack.

    Done again it changes nothing; it may run in several places at once, and while the server works.
    """
    done = prepare_engine(settings_for(data))
    if as_json:
        print_json({"done": list(done)})
        return
    for sentence in done:
        say(sentence)
    if not done:
        say("All is ready, there was nothing to do")


@app.command(epilog=examples("calltally engine status", "calltally engine status --json"))
def status(*, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Say which servers there are and how they are.

    The exit code is 1 if one of them does not answer.
    """
    found = engine_status(settings_for(data))
    if as_json:
        print_json(_plain(found))
    else:
        _print(found)
    if any(server.problem for server in found.servers):
        raise typer.Exit(1)


def _print(found: EngineStatus) -> None:
    say(found.engine)
    if found.servers:
        names = ("Server", "Shard", "Replica", "Version", "Rows", "Size", "Bytes a row", "Parts", "Merges", "Waiting")
        print_table([Column(name) for name in names], [_row(server) for server in found.servers])
    for server in found.servers:
        if server.problem:
            say(f"{server.name}: {server.problem}")


def _row(server: ServerStatus) -> tuple[str, ...]:
    place = (server.name, str(server.shard), str(server.replica))
    if server.problem:
        return (*place, "-", "-", "-", "-", "-", "-", "-")
    sizes = (f"{server.rows:,}", decimal(server.bytes), str(_bytes_a_row(server) or "-"))
    return (*place, server.version, *sizes, str(server.parts), str(server.merges), str(server.waiting))


def _plain(found: EngineStatus) -> dict[str, Any]:
    servers = [{**asdict(server), "bytes_a_row": _bytes_a_row(server)} for server in found.servers]
    return {"engine": found.engine, "servers": servers}


def _bytes_a_row(server: ServerStatus) -> int | None:
    return round(server.bytes / server.rows) if server.rows else None
