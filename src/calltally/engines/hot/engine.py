"""The embedded database with columns in memory before it: the same answers, sooner.

The database's file is the only truth, and answers whatever the columns cannot. Nothing is started, compiled or held
before the first report.
"""

import importlib
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from calltally.engines.base import Condition, Load, Outcome, Page, Plan, Rows, Snapshot, Stop, StoreFacts
from calltally.engines.duckdb import DuckDBEngine
from calltally.engines.erasure import Erasure
from calltally.localtime import Period

if TYPE_CHECKING:
    from calltally.engines.hot.holding import Holding

__all__ = ["COLUMNS", "FILE", "HotEngine"]

logger = logging.getLogger(__name__)

COLUMNS, FILE = "columns", "file"  # how the rows of a report were found
COMPILE = "calltally.engines.hot.compiling"
HOLD = "calltally.engines.hot.holding"  # loaded late, as what it needs takes half a second and 60 MB


class HotEngine:
    """See `calltally.engines.base.Engine`; all but reports is the database's."""

    def __init__(self, file: DuckDBEngine, cache: Path, *, budget: int, threads: int, settles: bool) -> None:
        self._file = file
        self._cache = cache
        self._budget = budget
        self._threads = threads
        self._settles = settles
        self._holding: Holding | None = None
        self._opening: threading.Thread | None = None
        self._compiler: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        if self._holding is None:
            self._open_soon(plan.calls)
        elif (rows := self._holding.answer(plan, stop)) is not None:
            return replace(rows, path=COLUMNS)
        return replace(self._file.answer(plan, stop), path=FILE)

    def page(self, page: Page, stop: Stop) -> pa.RecordBatch:
        return self._file.page(page, stop)

    def version(self, calls: str) -> str:
        return self._file.version(calls)

    def known_version(self, calls: str) -> str | None:
        return self._file.known_version(calls)

    def answer_at_once(self, plan: Plan) -> Rows | None:
        rows = self._holding.answer_at_once(plan) if self._holding else None
        return None if rows is None else replace(rows, path=COLUMNS)

    def load(self, calls: str) -> AbstractContextManager[Load]:
        return self._file.load(calls)

    def apply(self, calls: str, deliveries: pa.RecordBatch) -> Sequence[Outcome]:
        outcomes = self._file.apply(calls, deliveries)
        if self._holding:
            self._holding.follow(calls)
        return outcomes

    def call(self, calls: str, call_id: str) -> pa.RecordBatch | None:
        return self._file.call(calls, call_id)

    def delete(self, calls: str, call_id: str) -> bool:
        return self._file.delete(calls, call_id)

    def erase(self, calls: str, *caller_numbers: str) -> int:
        return self._file.erase(calls, *caller_numbers)

    def erasure(self, calls: str) -> Erasure:
        return self._file.erasure(calls)

    def export(
        self,
        calls: str,
        conditions: tuple[Condition, ...],
        periods: tuple[Period, ...] | None,
        stop: Stop | None = None,
    ) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        return self._file.export(calls, conditions, periods, stop)

    def snapshot(self, calls: str) -> AbstractContextManager[Snapshot | None]:
        return self._file.snapshot(calls)

    def check(self, calls: str) -> StoreFacts:
        return self._file.check(calls)

    def remove(self, calls: str) -> None:
        self._file.remove(calls)
        if self._holding:
            self._holding.forget(calls)

    def ready(self) -> None:
        self._file.ready()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._compiler:
                self._compiler.kill()
        if self._opening:
            self._opening.join()
        if self._holding:
            self._holding.close()
        self._file.close()

    def prepare(self, calls: str) -> bool:
        """Build the columns of a store at once, or bring them up to date; whether they are held now."""
        if self._holding is None:
            self._open_soon(calls)
            assert self._opening  # noqa: S101 - it was started just now
            self._opening.join()
        return self._holding is not None and self._holding.prepare(calls)

    def _open_soon(self, calls: str) -> None:
        """Have the kernels compiled and read in the background, once, and then the columns that were asked about."""
        with self._lock:
            if self._opening is None and not self._closed:
                self._opening = threading.Thread(target=self._open, args=(calls,), name="columns")
                self._opening.start()

    def _open(self, calls: str) -> None:
        try:
            self._open_holding(calls)
        # The outermost place of its thread, whose errors else stand in no log. What can go wrong is not ours alone (no
        # room for a process or a library, a cache that cannot be read), and reports do not need columns.
        except Exception:
            logger.exception("reports are answered by the database alone")

    def _open_holding(self, calls: str) -> None:
        if not self._compiled():
            return
        holding: Holding = importlib.import_module(HOLD).open_holding(
            self._file, self._cache, self._budget, self._threads, settles=self._settles
        )
        self._holding = holding
        holding.want(calls)

    def _compiled(self) -> bool:
        """Whether the kernels are in the cache, after a process of its own has compiled what was not."""
        command = [sys.executable, "-P", "-m", COMPILE, str(self._cache)]
        with self._lock:
            if self._closed:
                return False
            self._compiler = subprocess.Popen(  # noqa: S603 - this program itself
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        _, said = self._compiler.communicate()
        # Ctrl-C reaches it in its first moment, while it is of the same terminal; then the server ends as well.
        if self._compiler.returncode not in {0, -signal.SIGINT} and not self._closed:
            logger.warning(
                "reports are answered by the database alone, as kernels cannot be compiled: %s",
                said.decode(errors="replace"),
            )
        return not self._compiler.returncode
