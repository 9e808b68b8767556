"""Turns to write, within one process."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from calltally.engines.clickhouse.turns import ProcessTurns
from calltally.errors import Unavailable


def test_a_turn_is_not_waited_for_for_ever_and_businesses_do_not_wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("calltally.engines.clickhouse.turns.WAIT_SECONDS", 0.1)
    turns = ProcessTurns()
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with turns.of("acme.1"):
            held.set()
            assert over.wait(30)

    with ThreadPoolExecutor(1) as threads:
        holding = threads.submit(hold)
        assert held.wait(30)
        timer = threading.Timer(5, over.set)  # rather than for ever
        timer.start()
        with pytest.raises(Unavailable, match="Other calls of this business are being written"), turns.of("acme.1"):
            pytest.fail("two have the turn")
        with turns.of("acme.2"):
            timer.cancel()
        over.set()
        holding.result(30)
    with turns.of("acme.1"):
        pass


def test_a_turn_whose_work_fails_is_over() -> None:
    turns = ProcessTurns()
    for _ in range(2):
        with pytest.raises(LookupError), turns.of("acme.1"):
            raise LookupError
