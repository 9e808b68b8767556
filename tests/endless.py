"""Work of a database that lasts until it is interrupted, so that no machine is too quick to be stopped."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from calltally.engines.duckdb.load import DuckDBLoad

__all__ = ["ENDLESS", "after", "endless_merges"]

ENDLESS = "SELECT sum(n) FROM range(1_000_000_000_000_000) AS numbers (n)"


@contextmanager
def endless_merges(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Meanwhile loads do not get past comparing their rows with the calls that there are."""
    merging = threading.Event()

    def compare(load: DuckDBLoad) -> None:
        merging.set()
        load._cursor.execute(ENDLESS)

    with monkeypatch.context() as patched:
        patched.setattr(DuckDBLoad, "_compare", compare)
        yield merging


def after(event: threading.Event, work: Callable[[], object]) -> threading.Thread:
    """A thread that does something once an event has come."""

    def run() -> None:
        assert event.wait(30)
        work()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
