"""The time limit for what is mostly there already."""

import asyncio
from collections.abc import Awaitable

import pytest

from calltally.api.patience import within


def test_what_is_there_is_had_without_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    async def there() -> str:
        return "body"

    async def asked() -> str:
        monkeypatch.delattr(asyncio, "timeout")
        return await within(0, there())

    assert asyncio.run(asked()) == "body"


def test_what_comes_in_time_is_had() -> None:
    async def late() -> str:
        for _ in range(3):  # it waits more than once
            await asyncio.sleep(0.001)
        return "body"

    assert asyncio.run(_asked(10, late())) == "body"


def test_what_raises_says_so_whether_it_waited_or_not() -> None:
    async def fails(seconds: float) -> str:
        if seconds:
            await asyncio.sleep(seconds)
        raise LookupError(seconds)

    for seconds in (0, 0.001):
        with pytest.raises(LookupError, match=str(seconds)):
            asyncio.run(_asked(10, fails(seconds)))


def test_what_takes_too_long_is_ended() -> None:
    ended: list[str] = []

    async def never() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")
        return "body"

    with pytest.raises(TimeoutError):
        asyncio.run(_asked(0.01, never()))
    assert ended == ["ended"]


def test_whoever_is_cancelled_ends_what_it_waits_for() -> None:
    ended: list[str] = []

    async def never() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return "body"

    async def cancelled() -> None:
        task = asyncio.create_task(_asked(10, never()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert ended == ["cancelled"]


async def _asked(seconds: float, work: Awaitable[str]) -> str:
    return await within(seconds, work)
