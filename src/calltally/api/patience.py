"""A time limit for what is mostly there already."""

import asyncio
from collections.abc import Awaitable, Generator
from types import coroutine
from typing import Any, TypeVar

__all__ = ["within"]

Result = TypeVar("Result")

Steps = Generator[Any, Any, Result]  # of something that is waited for: each gives what has to come first


@coroutine
def within(seconds: float, work: Awaitable[Result]) -> Steps[Result]:
    """What something that is waited for gives back, if it takes no longer than this.

    The clock is set only once it waits: to set it takes longer than to receive a small body that is there.

    Raises:
        TimeoutError: it took longer, and was ended.
    """
    steps = work.__await__()
    try:
        waits_for = next(steps)
    except StopIteration as done:
        result: Result = done.value
        return result
    return (yield from _timed(seconds, steps, waits_for).__await__())


async def _timed(seconds: float, steps: Steps[Result], waits_for: object) -> Result:
    async with asyncio.timeout(seconds):
        return await _going_on(steps, waits_for)


@coroutine
def _going_on(steps: Steps[Result], waits_for: object) -> Steps[Result]:
    """From where it waits for something to the end."""
    try:
        while True:
            try:
                sent = yield waits_for
            except BaseException as error:  # whatever it is, as when it is ended, is for what waits to take
                waits_for = steps.throw(error)
            else:
                waits_for = steps.send(sent)
    except StopIteration as done:
        result: Result = done.value
        return result
