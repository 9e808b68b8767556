"""Parameters where there are none to give: told, so that one that was meant for another address is not passed over."""

from collections.abc import Iterable

from calltally.errors import InvalidRequest, Problem, shown
from calltally.query.parse import parse

__all__ = ["no_such_parameters", "refuse_parameters"]

LONGEST_NAME = 100  # as a problem has it


def refuse_parameters(query_string: bytes) -> None:
    """Nothing, if it has no parameters.

    Raises:
        InvalidRequest: with each of them.
    """
    if given := parse(query_string).values:
        raise no_such_parameters(given)


def no_such_parameters(names: Iterable[str]) -> InvalidRequest:
    """What is said of parameters with these names at an address that takes none."""
    return InvalidRequest(tuple(_no_such_parameter(name[:LONGEST_NAME]) for name in names))


def _no_such_parameter(name: str) -> Problem:
    return Problem(name, f"{name}: {shown(name)} is not a parameter of this address, which takes none")
