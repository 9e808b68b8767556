"""`calltally dead-letters`: what came by webhooks and could not be applied."""

import re
from typing import Annotated, Any

import typer

from calltally.accounts import (
    Control,
    DeadLetter,
    find_business,
    find_dead_letter,
    list_dead_letters,
    read_dead_letter,
    remove_dead_letter,
    rfc3339,
)
from calltally.cli.group import examples, new_group
from calltally.cli.options import DataOption, JsonOption, YesOption, calls_of, opened
from calltally.cli.output import Column, ask, print_facts, print_json, print_table, say
from calltally.errors import InvalidRequest, Problem
from calltally.ingestion.webhooks import Retried, retry_dead_letters

__all__ = ["app"]

app = new_group(
    "What came by webhooks and could not be applied. It is kept whole with the reason.",
    examples("calltally dead-letters list", "calltally dead-letters retry --all"),
)

UNSHOWABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what could play tricks on a terminal; tabs and lines stay

LetterArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Its id, as 'calltally dead-letters list' shows it", show_default=False)
]
LettersArgument = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Which", show_default=False)]
AllOption = Annotated[bool, typer.Option("--all", help="All dead letters of all businesses")]


@app.command("list", epilog=examples("calltally dead-letters list", "calltally dead-letters list Demo --json"))
def list_all(
    business: Annotated[str | None, typer.Argument(metavar="BUSINESS", help="Only those of this one")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the dead letters, the oldest first."""
    with opened(data) as on:
        found = list_dead_letters(on.control, find_business(on.control, business) if business else None)
    if as_json:
        print_json([_plain(letter) for letter in found])
    elif found:
        columns = (Column("Id"), Column("Webhook"), Column("Kind"), Column("Arrived"), Column("Reason", folds=True))
        print_table(columns, [_row(letter) for letter in found])
    else:
        say("There are no dead letters")


@app.command(epilog=examples("calltally dead-letters show 3f1c9a5be07d2468"))
def show(letter_id: LetterArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show a dead letter: the whole body, and why it is one.

    With --json the body is text, in which bytes that are no UTF-8 are escaped.
    """
    with opened(data) as on:
        letter = find_dead_letter(on.control, letter_id)
        body = read_dead_letter(on.control, letter_id).decode(errors="backslashreplace")
    if as_json:
        print_json({**_plain(letter), "body": body})
        return
    print_facts(
        (
            ("Id", letter.id),
            ("Business", letter.business_id),
            ("Webhook", f"{letter.webhook_id} ({letter.kind})"),
            ("Arrived", rfc3339(letter.arrived_at)),
            ("Reason", letter.reason),
        )
    )
    say("")
    say(UNSHOWABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", body))


@app.command(epilog=examples("calltally dead-letters retry 3f1c9a5be07d2468", "calltally dead-letters retry --all"))
def retry(
    letter_ids: LettersArgument = None,
    *,
    all_of_them: AllOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Apply dead letters once more; those that are taken are removed.

    For after an upgrade, or once a damaged business was restored. The exit code is 1 if any could not be applied.
    """
    _require_choice(letter_ids, all_of_them=all_of_them)
    with opened(data) as on:
        letters = _chosen(on.control, letter_ids)
        with calls_of(on, "dead-letters") as engine:
            retried = list(retry_dead_letters(on.control, engine, letters))
    left = [each for each in retried if each.reason is not None]
    if as_json:
        print_json([_plain_retried(each) for each in retried])
    else:
        for each in left:
            say(f"{each.letter.id}: {each.reason}")
        say(f"{len(retried) - len(left)} taken, {len(left)} left")
    if left:
        raise typer.Exit(1)


@app.command(epilog=examples("calltally dead-letters delete 3f1c9a5be07d2468", "calltally dead-letters delete --all"))
def delete(
    letter_ids: LettersArgument = None,
    *,
    all_of_them: AllOption = False,
    yes: YesOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete dead letters that nobody will need: what they say is lost."""
    _require_choice(letter_ids, all_of_them=all_of_them)
    with opened(data) as on:
        letters = _chosen(on.control, letter_ids)
        if letters:
            ask(f"Delete {_counted(len(letters))} for ever?", yes=yes)
        for letter in letters:
            remove_dead_letter(on.control, letter.id)
    if as_json:
        print_json({"deleted": [letter.id for letter in letters]})
    else:
        say(f"Deleted {_counted(len(letters))}")


def _require_choice(letter_ids: list[str] | None, *, all_of_them: bool) -> None:
    if bool(letter_ids) == all_of_them:
        raise InvalidRequest((Problem("id", "id: give the ids of dead letters, or --all"),))


def _counted(letters: int) -> str:
    return f"{letters:,} dead {'letter' if letters == 1 else 'letters'}"


def _chosen(control: Control, letter_ids: list[str] | None) -> tuple[DeadLetter, ...]:
    if letter_ids:
        return tuple(find_dead_letter(control, letter_id) for letter_id in dict.fromkeys(letter_ids))
    return list_dead_letters(control)


def _plain(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "business_id": letter.business_id,
        "webhook_id": letter.webhook_id,
        "kind": letter.kind,
        "arrived_at": rfc3339(letter.arrived_at),
        "reason": letter.reason,
        "bytes": letter.size,
    }


def _plain_retried(retried: Retried) -> dict[str, Any]:
    return {"id": retried.letter.id, "taken": retried.reason is None, "reason": retried.reason}


def _row(letter: DeadLetter) -> tuple[str, ...]:
    return (letter.id, letter.webhook_id, letter.kind, rfc3339(letter.arrived_at), letter.reason)
