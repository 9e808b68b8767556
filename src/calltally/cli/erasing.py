"""`calltally erase`: a caller's number out of everything that is kept."""

from typing import Annotated

import typer

from calltally.accounts import find_business
from calltally.cli.damage import naming_damage
from calltally.cli.group import examples
from calltally.cli.options import BusinessOption, DataOption, JsonOption, YesOption, calls_of, opened
from calltally.cli.output import ask, print_json, say
from calltally.ingestion import erase_caller, require_caller

__all__ = ["EXAMPLES", "erase"]

EXAMPLES = examples(
    "calltally erase --business 'Acme Plumbing' --caller '(305) 555-1234'",
    "calltally erase --business Acme --caller +13055551234 --yes --json",
)


def erase(
    *,
    business: BusinessOption,
    caller: Annotated[str, typer.Option("--caller", metavar="NUMBER", help="The number, in any usual spelling")],
    yes: YesOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a caller's number, at a person's request.

    The calls stay, so that no count changes but that of unique callers, and have no caller from now on. What comes in
    later, by any way, is taken without the number. Backups and exports that exist already are not reached.
    """
    with opened(data) as on:
        found = find_business(on.control, business)
        require_caller(caller, found)  # a question about what can be no number would only be answered in vain
        ask(f"Erase {caller} from the calls of '{found.name}' for ever?", yes=yes)
        with calls_of(on, "erase") as engine, naming_damage(found, engine):
            erased = erase_caller(caller, find_business(on.control, business), on.control, engine)
    if as_json:
        print_json({"erased": erased})
    else:
        where = f"Erased from {erased:,} {'call' if erased == 1 else 'calls'}" if erased else f"No call has {caller}"
        say(f"{where}; what comes in later is taken without it")
