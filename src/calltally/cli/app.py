"""The command `calltally`: its commands in one place, and how each of them ends."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command

from calltally import __version__
from calltally.cli import (
    backups,
    business,
    checking,
    dead_letters,
    engine,
    erasing,
    exporting,
    importing,
    key,
    migrating,
    opening,
    serving,
    share,
    syncing,
    webhooks,
)
from calltally.cli.group import examples, new_group
from calltally.cli.options import JsonOption
from calltally.cli.output import complain, prepare_streams, print_json, say
from calltally.errors import CalltallyError, InvalidRequest

__all__ = ["build", "main"]

NAME = "calltally"
DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def _print_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit(DONE)


def calltally(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Reports about phone calls, from your own server."""


def version(as_json: JsonOption = False) -> None:
    """Print the version."""
    if as_json:
        print_json({"version": __version__})
    else:
        say(f"{NAME} {__version__}")


def build() -> typer.Typer:
    """The whole command line."""
    app = new_group(
        "Reports about phone calls, from your own server.",
        examples(
            "calltally business create 'Acme Plumbing' --timezone America/New_York",
            "calltally key create 'Acme Plumbing'",
            "calltally business --help",
        ),
    )
    app.callback()(calltally)
    app.add_typer(business.app, name="business")
    app.add_typer(key.app, name="key")
    app.add_typer(share.app, name="share")
    app.add_typer(webhooks.app, name="webhook")
    app.add_typer(dead_letters.app, name="dead-letters")
    app.add_typer(syncing.app, name="sync")
    app.add_typer(engine.app, name="engine")
    app.command("import", epilog=importing.EXAMPLES)(importing.import_calls)
    app.command("export", epilog=exporting.EXAMPLES)(exporting.export)
    app.command(epilog=erasing.EXAMPLES)(erasing.erase)
    app.command(epilog=backups.BACKUP_EXAMPLES)(backups.backup)
    app.command(epilog=backups.RESTORE_EXAMPLES)(backups.restore)
    app.command(epilog=migrating.EXAMPLES)(migrating.migrate)
    app.command(epilog=checking.EXAMPLES)(checking.check)
    app.command("open", epilog=opening.EXAMPLES)(opening.open_reports)
    app.command(epilog=serving.SERVE_EXAMPLES)(serving.serve)
    app.command(epilog=serving.DEMO_EXAMPLES)(serving.demo)
    app.command(epilog=examples("calltally version", "calltally version --json"))(version)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in the arguments of this process, or in those given; the exit code of the process."""
    prepare_streams()
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return FAILED
    except InvalidRequest as error:
        return _failed("; ".join(problem.message for problem in error.problems), WRONG_USAGE)
    except CalltallyError as error:
        return _failed(error.message, FAILED)
    except typer.TyperException as error:
        return _failed(_usage(error), error.exit_code)
    except OSError as error:
        _drop_output()
        return _failed(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", FAILED)


def _run(arguments: Sequence[str]) -> int:
    command = get_command(build())
    try:
        with command.make_context(NAME, list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as end:
        status = end.exit_code
    else:
        status = DONE
    sys.stdout.flush()
    return status


def _drop_output() -> None:
    """Give up what cannot be printed, or Python would try again when it ends, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(message: str, status: int) -> int:
    complain(message)
    return status


def _usage(error: typer.TyperException) -> str:
    """What is wrong with the command line, and where to read how it would be right."""
    context = getattr(error, "ctx", None)  # only errors of usage have one
    near = getattr(error, "possibilities", None)  # and only unknown options these
    message = error.message if near else error.format_message()
    words = " ".join(message.split()).rstrip(".")
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return f"{words}{hint} (see '{context.command_path if context else NAME} --help')"
