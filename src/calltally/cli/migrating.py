"""`calltally migrate`: the calls of businesses from one engine to another."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from calltally.accounts import Business, find_business, list_businesses
from calltally.cli.damage import naming_damage
from calltally.cli.group import examples
from calltally.cli.interrupting import interruptible
from calltally.cli.options import BusinessesOption, DataOption, JsonOption, Opened, YesOption, opened
from calltally.cli.output import ask, complain, note, print_json, say
from calltally.cli.progress import Lines, bar
from calltally.engines import name_of_engine, open_to_move, prepare_engine
from calltally.errors import InvalidRequest, Problem
from calltally.moving import Copied, Proof, Prospect, Side, copy_calls, forget_mark, look_ahead, prove
from calltally.settings import SETTINGS, Settings

__all__ = ["EXAMPLES", "migrate"]

EXAMPLES = examples(
    "calltally migrate \\",
    "    --to 'clickhouse://calltally:PASSWORD@db1,db2/calltally?cluster=calls'",
    "calltally migrate --to CALLTALLY_ENGINE --business 'Acme Plumbing'",
    "calltally migrate --to CALLTALLY_ENGINE --verify",
    "calltally migrate --from CALLTALLY_ENGINE",
)
VARIABLE = next(setting.variable for setting in SETTINGS if setting.name == "engine")
REPORT_SECONDS = 600.0  # a proof may take its time
MOST_SHOWN = 50  # differences

OnProgress = Callable[[int], None]


@dataclass(frozen=True)
class _Moved:
    """What became of a business."""

    business: Business
    copied: Copied | None  # None: it was only to be verified
    proof: Proof


def migrate(
    *,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="ENGINE",
            help=f"Where the calls are copied to, as {VARIABLE} names it, or that word for what the variable says "
            "(default: the files of the data folder)",
        ),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="ENGINE",
            help="Where they are copied from (default: the files of the data folder)",
        ),
    ] = None,
    business: BusinessesOption = None,
    verify: Annotated[bool, typer.Option("--verify", help="Copy nothing, only hold both sides against each other")] = (
        False
    ),
    yes: YesOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy calls to a cluster, or back, and prove them the same.

    Nobody may write to the calls meanwhile: stop the server first; while one works on the data folder, this refuses.
    Businesses, keys and settings stay where they are. What is copied from stays as it is.

    Broken off at any moment, run it again: it goes on where it was. What is at the other side is seen once all of a
    business is there. Calls of a business that are there already are replaced, which is asked first.

    At the end, and with --verify alone, both sides are held against each other: every field of every call by month,
    what is held, deleted and erased, and some ninety reports. The exit code is 1 if anything differs.
    """
    with opened(data) as on, interruptible(_say_how_to_go_on), on.folder.own("migrate"):
        source, target = _settings(on.settings, from_, "--from"), _settings(on.settings, to, "--to")
        if name_of_engine(source, "--from") == name_of_engine(target, "--to"):
            raise InvalidRequest((Problem("to", "--to ENGINE or --from ENGINE has to name the other side"),))
        wanted = _chosen(on, business or ())
        if not verify:
            for sentence in prepare_engine(target):
                note(sentence)
        with _side(on, source) as here, _side(on, target) as there:
            moved = _verified(on, wanted, here, there) if verify else _moved(on, wanted, here, there, yes=yes)
            found = [_told(each, here, there, as_json=as_json) for each in moved]
    if as_json:
        print_json({"from": here.name, "to": there.name, "businesses": [_plain(each) for each in found]})
    different = [each for each in found if each.proof.differences]
    for each in different:
        for difference in each.proof.differences[:MOST_SHOWN]:
            complain(f"'{each.business.name}' differs: {difference}")
        if (more := len(each.proof.differences) - MOST_SHOWN) > 0:
            complain(f"'{each.business.name}' differs in {more:,} more")
    if different:
        raise typer.Exit(1)
    if not (verify or as_json):
        _say_what_is_next(target)


def _settings(settings: Settings, engine: str | None, option: str) -> Settings:
    """The settings under which one side is opened."""
    if engine == VARIABLE:
        engine = os.environ.get(VARIABLE)
        if not engine:
            raise InvalidRequest((Problem("engine", f"{option} {VARIABLE}: the variable says nothing"),))
    return replace(settings, engine=engine or "", report_seconds=max(settings.report_seconds, REPORT_SECONDS))


def _chosen(on: Opened, names: Sequence[str]) -> tuple[Business, ...]:
    if not names:
        return list_businesses(on.control)
    return tuple(dict.fromkeys(find_business(on.control, name) for name in names))


@contextmanager
def _side(on: Opened, settings: Settings) -> Iterator[Side]:
    with closing(open_to_move(on.folder, settings)) as engine:
        yield Side(name_of_engine(settings), engine)


def _moved(on: Opened, wanted: Sequence[Business], source: Side, target: Side, *, yes: bool) -> Iterator[_Moved]:
    prospects = [_looked_ahead(on, business, source, target) for business in wanted]
    if replaced := [prospect for prospect in prospects if prospect.replaces is not None]:
        named = ", ".join(f"'{each.business.name}' ({each.replaces:,} rows)" for each in replaced)
        ask(f"Replace what is in {target.name} of {named} by what is in {source.name}?", yes=yes)
    for prospect in prospects:
        copied = _copied(on, prospect, source, target)
        yield _Moved(prospect.business, copied, _proved(on, prospect.business, source, target))


def _looked_ahead(on: Opened, business: Business, source: Side, target: Side) -> Prospect:
    with naming_damage(business, source.engine):
        return look_ahead(business, source, target, on.folder)


def _verified(on: Opened, wanted: Sequence[Business], source: Side, target: Side) -> Iterator[_Moved]:
    for business in wanted:
        yield _Moved(business, None, _proved(on, business, source, target))


def _copied(on: Opened, prospect: Prospect, source: Side, target: Side) -> Copied:
    name, rows = prospect.business.name, prospect.holdings.rows
    if prospect.is_done:
        note(f"{name}: all {rows:,} rows are there already")
    elif prospect.mark:
        note(f"{name}: going on, {prospect.mark.rows:,} of {rows:,} rows are there already")
    with _progress(f"{name}: copying", "rows", rows) as on_rows:
        return copy_calls(prospect, source, target, on.folder, on_rows)


def _proved(on: Opened, business: Business, source: Side, target: Side) -> Proof:
    with _progress(f"{business.name}: proving", "reports", None) as on_reports:
        proof = prove(business, source, target, on_reports)
    if proof.differences:
        forget_mark(on.folder, business.calls)  # so that the next run copies anew
    return proof


def _told(moved: _Moved, source: Side, target: Side, *, as_json: bool) -> _Moved:
    """The same, once it was said."""
    proof = moved.proof
    if as_json or proof.differences:
        return moved
    if moved.copied:
        say(f"Copied '{moved.business.name}': {moved.copied.now:,} rows now, {moved.copied.before:,} before")
    say(
        f"'{moved.business.name}' is the same in {source.name} and in {target.name}: {proof.calls:,} calls in "
        f"{proof.months:,} months, {proof.held:,} held updates, {proof.deleted:,} deleted calls, "
        f"{proof.reports:,} reports"
    )
    return moved


@contextmanager
def _progress(doing: str, unit: str, total: int | None) -> Iterator[OnProgress]:
    """A bar on a terminal, a line now and then elsewhere."""
    lines, of = Lines(doing), f" of {total:,}" if total else ""
    first: int | None = None
    with bar(doing, total, detailed=True) as line:

        def show(count: int) -> None:
            nonlocal first
            first = count if first is None else first
            if line:
                line.show(completed=count, facts=f"{count:,} {unit}")
            else:
                lines.show(f"{count:,}{of} {unit}", f"{lines.pace.rate(count - first)} a second")

        yield show


def _plain(moved: _Moved) -> dict[str, Any]:
    proof = moved.proof
    copied = {"copied": moved.copied.now, "copied_before": moved.copied.before} if moved.copied else {}
    return {
        "id": moved.business.id,
        "name": moved.business.name,
        **copied,
        "calls": proof.calls,
        "held": proof.held,
        "deleted": proof.deleted,
        "months": proof.months,
        "reports": proof.reports,
        "differences": list(proof.differences),
    }


def _say_how_to_go_on() -> None:
    complain("Stopped before the end; run it again to go on")


def _say_what_is_next(target: Settings) -> None:
    if target.engine:
        say(f"Next, set {VARIABLE} to what --to names, and start the server: it answers from there")
    else:
        say(f"Next, leave {VARIABLE} empty, and start the server: it answers from the files of the data folder")
