"""What is found out once for all requests that are at hand together."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

__all__ = ["once_a_turn"]

Result = TypeVar("Result")


def once_a_turn(find: Callable[[], Result]) -> Callable[[], Result]:
    """What gives back what `find` does, found once in each turn of the event loop. For the loop's thread alone.

    Whatever runs in a turn after the first has asked was ready before it asked: what is found is never older than a
    request that it is used for.
    """
    found: list[Result] = []

    def known() -> Result:
        if not found:
            found.append(find())
            asyncio.get_running_loop().call_soon(found.clear)
        return found[0]

    return known
