"""What is found out once a turn of the event loop."""

import asyncio
from itertools import count

from calltally.api.moments import once_a_turn


def test_it_is_found_once_a_turn_and_anew_in_the_next() -> None:
    numbers = count()
    known = once_a_turn(lambda: next(numbers))

    async def ask() -> int:
        return known()

    async def turns() -> list[int]:
        return [number for _ in range(3) for number in await asyncio.gather(ask(), ask(), ask())]

    assert asyncio.run(turns()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
