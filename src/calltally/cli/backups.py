"""`calltally backup` and `calltally restore`: copies of the data folder, and businesses put back from them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from calltally.accounts import list_businesses, rfc3339
from calltally.backups import (
    Backup,
    BackupProgress,
    Kept,
    Target,
    chosen,
    left_out,
    make_backup,
    opened_backup,
    require_apart,
    require_outside,
    restore_business,
)
from calltally.cli.damage import advice
from calltally.cli.group import examples
from calltally.cli.interrupting import interruptible
from calltally.cli.options import BusinessesOption, DataOption, JsonOption, YesOption, calls_of, opened, settings_for
from calltally.cli.output import ask, complain, counted, note, print_json, say
from calltally.cli.progress import bar
from calltally.errors import CalltallyError
from calltally.folder import require_folder

__all__ = ["BACKUP_EXAMPLES", "RESTORE_EXAMPLES", "backup", "restore"]

BACKUP_EXAMPLES = examples(
    "calltally backup /var/backups/calltally-2026-03-09", "calltally backup /mnt/backups/today --json"
)
RESTORE_EXAMPLES = examples(
    "calltally restore /var/backups/calltally-2026-03-09",
    "calltally restore /var/backups/calltally-2026-03-09 \\",
    "    --business 'Acme Plumbing' --yes",
)


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is new or empty", show_default=False)],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy all businesses, keys and calls into a new folder.

    The folder is a data folder of its own, with a list of what is in it, manifest.json. It is there once it is whole;
    each business is copied as it was at one moment. One whose calls are damaged is left out and named; the exit code is
    1 then.
    """
    settings = settings_for(data)
    if not (settings.control_url or settings.engine):  # else all may be elsewhere, and the folder of this machine new
        require_folder(settings.data)  # of one that a name mistyped would make, an empty backup would be as wished
    require_outside(folder, settings.data)
    with opened(data) as on, calls_of(on, "backup") as engine, interruptible(), _progress() as on_progress:
        made = make_backup(folder, on.control, engine, datetime.now(UTC), on_progress)
    if as_json:
        print_json({"folder": str(folder.absolute()), **made.plain()})
    else:
        calls = sum(kept.calls for kept in made.businesses)
        say(f"Backed up {_businesses(len(made.businesses))} with {counted(calls, 'call')} to {folder}")
    for left in made.left_out:
        complain(f"'{left.name}' ({left.id}) was left out: {left.problem}{advice(left.id, damaged=left.damaged)}")
    if made.left_out:
        raise typer.Exit(1)


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A backup", show_default=False)],
    *,
    business: BusinessesOption = None,
    yes: YesOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put businesses of a backup back: calls, settings and keys.

    Businesses that the backup does not have stay as they are. Of a business that still exists no key changes: one
    that was revoked since stays revoked, one made since stays good. A business that was deleted comes back with the
    keys that it had. One that cannot be restored does not keep the others out; the exit code is 1 then.
    """
    require_apart(folder, settings_for(data).data)
    with opened(data) as on, opened_backup(folder) as found:
        wanted = chosen(found.manifest, business or ())
        there = {each.id for each in list_businesses(on.control)}
        existing = [kept for kept in wanted if kept.id in there]
        if existing:
            made_at = rfc3339(found.manifest.made_at)
            ask(f"Replace the calls and settings of {_named(existing)} by those of {made_at}?", yes=yes)
        with calls_of(on, "restore") as engine, interruptible():
            done = _restored(found, wanted, Target(on.folder, on.control, engine), as_json=as_json)
        untouched = len(there - {kept.id for kept in done.restored})
    if as_json:
        print_json({**_plain(done), "untouched": untouched})
    elif untouched:
        say(f"{_businesses(untouched)} that {'was' if untouched == 1 else 'were'} not restored stayed as before")
    for kept, problem in done.failed:
        complain(f"{_named((kept,))}: {problem}")
    if not business:  # all were meant
        for lacking in left_out(found.manifest):
            note(lacking)
    if done.failed:
        raise typer.Exit(1)


@dataclass
class _Restored:
    """What became of the businesses that were to be restored, in their order; of a failed one, why."""

    restored: list[Kept] = field(default_factory=list)
    failed: list[tuple[Kept, str]] = field(default_factory=list)


def _restored(backup: Backup, wanted: Sequence[Kept], target: Target, *, as_json: bool) -> _Restored:
    """Each business in turn; one that cannot be restored does not keep the others out."""
    done = _Restored()
    for kept in wanted:
        try:
            restore_business(backup, kept, target)
        except CalltallyError as failure:
            done.failed.append((kept, failure.message))
            continue
        done.restored.append(kept)
        if not as_json:
            say(f"Restored '{kept.name}' with {counted(kept.calls, 'call')}")
    return done


def _plain(done: _Restored) -> dict[str, Any]:
    return {
        "restored": [{"id": kept.id, "name": kept.name, "calls": kept.calls} for kept in done.restored],
        "failed": [{"id": kept.id, "name": kept.name, "problem": problem} for kept, problem in done.failed],
    }


@contextmanager
def _progress() -> Iterator[Callable[[BackupProgress], None]]:
    """A bar on a terminal, nothing elsewhere."""
    with bar() as line:

        def show(now: BackupProgress) -> None:
            if line:
                line.show(now.name, completed=now.done, total=now.businesses)

        yield show


def _named(businesses: Sequence[Kept]) -> str:
    return ", ".join(f"'{kept.name}' ({kept.id})" for kept in businesses)


def _businesses(count: int) -> str:
    return f"{count:,} business{'' if count == 1 else 'es'}"
