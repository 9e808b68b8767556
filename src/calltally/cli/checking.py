"""`calltally check`: whether everything in the data folder can be read."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.filesize import decimal

from calltally.accounts import rfc3339
from calltally.backups import (
    Manifest,
    changed_files,
    copied_control,
    has_manifest,
    left_out,
    miscounted,
    read_calls,
    read_manifest,
)
from calltally.checking import CheckedBusiness, Findings, Leftover, check_folder
from calltally.cli.group import examples
from calltally.cli.interrupting import interruptible
from calltally.cli.options import DataOption, JsonOption, calls_of, opened, settings_for
from calltally.cli.output import Column, print_json, print_table, say
from calltally.errors import FolderUnusable
from calltally.folder import DataFolder, require_folder
from calltally.localtime import moment, offset_table

__all__ = ["EXAMPLES", "check"]

EXAMPLES = examples("calltally check", "calltally check --json", "calltally check --remove-leftovers")


def check(
    *,
    remove_leftovers: Annotated[
        bool, typer.Option("--remove-leftovers", help="Remove files among the calls that belong to no business")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read every byte and say whether all is in order.

    That is the control database, the calls of each business, and files that belong to no business. A backup is held
    against its manifest too. Nothing is repaired; the exit code is 1 if anything is wrong.
    """
    folder = settings_for(data).data
    require_folder(folder)  # of one that a name mistyped would make, all would be well
    manifest, unlike = _backup(folder)
    found = _found_in_backup(folder) if _rests(folder) else _found(data)
    if manifest and not found.control:
        unlike += miscounted(
            manifest, {each.business.id: each.facts.calls if each.facts else None for each in found.businesses}
        )
    found = replace(found, backup=tuple(unlike))
    removed = _remove(found.leftovers) if remove_leftovers else []
    left = replace(found, leftovers=tuple(leftover for leftover in found.leftovers if leftover not in removed))
    if as_json:
        print_json({"well": left.well, **_plain(found, removed)})
    else:
        _print(found, removed)
        if left.well:
            count = len(found.businesses)
            say(f"All is well: the control database and {count} business{'' if count == 1 else 'es'} were read")
            if manifest:
                say(f"They are as they were when they were backed up ({rfc3339(manifest.made_at)})")
    if not left.well:
        raise typer.Exit(1)


def _rests(folder: Path) -> bool:
    """Whether a folder is a backup that nobody uses as a data folder."""
    there = DataFolder(folder, only_read=True)
    return has_manifest(folder) and not (there.lock.exists() and there.owner())


def _found_in_backup(folder: Path) -> Findings:
    """What there is in a backup, in which nothing changes: else it would not be the one that was made."""
    with copied_control(folder) as control:
        if problems := control.check():
            return Findings(problems)
        return check_folder(DataFolder(folder, only_read=True), control, partial(read_calls, folder))


def _found(data: str | None) -> Findings:
    """What there is in a data folder, which a newer release brings up to date."""
    with opened(data) as on:
        if problems := on.control.check():
            return Findings(problems)
        with calls_of(on, "check") as engine, interruptible():
            return check_folder(on.folder, on.control, engine.check)


def _backup(folder: Path) -> tuple[Manifest | None, list[str]]:
    """The manifest of a backup, and how its files differ from what that says."""
    if not has_manifest(folder):
        return None, []
    try:
        manifest = read_manifest(folder)
    except FolderUnusable as error:
        return None, [error.message]
    return manifest, [*left_out(manifest), *changed_files(folder, manifest)]


def _remove(leftovers: Sequence[Leftover]) -> list[Leftover]:
    """The leftovers that were removed: files, but no folders, which nothing of ours makes there."""
    files = [leftover for leftover in leftovers if not leftover.path.is_dir()]
    for leftover in files:
        leftover.path.unlink(missing_ok=True)
    return files


def _print(found: Findings, removed: Sequence[Leftover]) -> None:
    for problem in found.control:
        say(f"The control database is damaged: {problem}")
    if found.businesses:
        names = ("State", "Calls", "First", "Last", "Size")  # of a width that leaves room for a name
        columns = (Column("Business", folds=True), *map(Column, names))
        print_table(columns, [_row(checked) for checked in found.businesses])
    for checked in found.businesses:
        if checked.problem:
            say(f"'{checked.business.name}' ({checked.business.id}): {checked.problem}")
            if checked.damaged:
                say("  Restore it from a backup: calltally restore BACKUP --business " + checked.business.id)
    for problem in found.backup:
        say(problem)
    if found.backup:
        say("  Use another backup; or if this one is a data folder at work by now, remove its manifest.json")
    for leftover in found.leftovers:
        state = "removed" if leftover in removed else "remove it, or let --remove-leftovers do so"
        say(f"{leftover.path} belongs to no business ({decimal(leftover.size)}): {state}")


def _row(checked: CheckedBusiness) -> tuple[str, ...]:
    size = "-" if checked.size is None else decimal(checked.size)
    if checked.facts is None:
        return (checked.business.name, "damaged" if checked.damaged else "unreadable", "-", "-", "-", size)
    facts = checked.facts
    state = "well" if checked.size or facts.calls else "no calls yet"
    days = offset_table(checked.business.timezone)
    first, last = ("-" if start is None else str(days.day(start)) for start in (facts.first_start, facts.last_start))
    return (checked.business.name, state, f"{facts.calls:,}", first, last, size)


def _plain(found: Findings, removed: Sequence[Leftover]) -> dict[str, Any]:
    return {
        "control": list(found.control),
        "businesses": [_plain_business(checked) for checked in found.businesses],
        "leftovers": [
            {"file": str(leftover.path), "bytes": leftover.size, "removed": leftover in removed}
            for leftover in found.leftovers
        ],
        "backup": list(found.backup),
    }


def _plain_business(checked: CheckedBusiness) -> dict[str, Any]:
    facts = checked.facts
    return {
        "id": checked.business.id,
        "name": checked.business.name,
        "bytes": checked.size,
        "calls": facts.calls if facts else None,
        "first_start": _written(facts.first_start) if facts else None,
        "last_start": _written(facts.last_start) if facts else None,
        "schema": facts.schema if facts else None,
        "problem": checked.problem,
        "damaged": checked.damaged,
    }


def _written(instant: int | None) -> str | None:
    return None if instant is None else rfc3339(moment(instant))
