"""What the log's handler writes, and when."""

import asyncio
import errno
import io
import logging
import os
from collections.abc import Iterator

import pytest

from calltally.api import GatheringHandler
from calltally.api.log import GATHERING_SECONDS


class Written(io.StringIO):
    """A stream that remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes += [text] if text else []
        return len(text)


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def logger(written: Written) -> Iterator[logging.Logger]:
    found = logging.Logger("tests.gathering", logging.INFO)
    handler = GatheringHandler(written)
    found.addHandler(handler)
    yield found
    handler.close()


def test_lines_of_a_moment_are_written_together(
    logger: logging.Logger, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock of its own, as a moment is shorter than a machine may take for two lines."""
    now = 0.0

    async def moments() -> None:
        nonlocal now
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
        for moment in "ab":
            logger.info("%s 1", moment)
            await asyncio.sleep(0)
            logger.info("%s 2", moment)
            assert not any(moment in each for each in written.writes)
            now += GATHERING_SECONDS * 2
            while not any(moment in each for each in written.writes):
                await asyncio.sleep(0)

    asyncio.run(moments())
    assert written.writes == ["a 1\na 2\n", "b 1\nb 2\n"]


class Full(io.StringIO):
    """A stream whose disk is full."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_log_that_cannot_be_written_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.Logger("tests.full", logging.INFO)
    logger.addHandler(GatheringHandler(Full()))
    logger.warning("what was done is done")
    assert "No space left on device" in capsys.readouterr().err


def test_what_cannot_be_put_together_leaves_the_rest(
    logger: logging.Logger, written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    async def moment() -> None:
        logger.info("before")
        logger.info("%d", "no number")
        logger.info("after")

    asyncio.run(moment())
    logger.handlers[0].flush()
    assert written.writes == ["before\nafter\n"]
    assert "no number" in capsys.readouterr().err


def test_a_warning_waits_for_nothing(logger: logging.Logger, written: Written) -> None:
    async def turn() -> None:
        logger.info("before")
        logger.warning("now")
        assert written.writes == ["before\nnow\n"]

    asyncio.run(turn())
    logger.info("without a loop")
    assert written.writes[1:] == ["without a loop\n"]


def test_what_a_loop_leaves_is_written_at_the_end(logger: logging.Logger, written: Written) -> None:
    loop = asyncio.new_event_loop()
    loop.call_soon(logger.info, "last")
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert not written.writes
    logger.handlers[0].flush()  # as logging does when the process ends
    assert written.writes == ["last\n"]
