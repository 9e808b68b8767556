"""How far a command is, on standard error: a line that changes on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from calltally.cli.output import note

__all__ = ["Line", "Lines", "Pace", "bar", "spinner"]

SECONDS_BETWEEN_LINES = 5.0


class Pace:
    """How fast something goes on that begins now."""

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it goes on already."""
        return time.monotonic() - self._start

    def rate(self, count: int) -> str:
        """How many there are in a second, when there have been so many."""
        return f"{count / max(self.seconds, 0.001):,.0f}"

    def is_due(self, *, at_once: bool = False) -> bool:
        """Whether to write a line now: long enough after the one before, unless it is wanted at once."""
        now = time.monotonic()
        if not at_once and now - self._last < SECONDS_BETWEEN_LINES:
            return False
        self._last = now
        return True


class Lines:
    """Lines for logs, now and then, of something that begins now."""

    def __init__(self, doing: str) -> None:
        self.pace = Pace()
        self._doing = doing

    def show(self, *facts: str, at_once: bool = False) -> None:
        """Write a line with these facts if it is time for one, or at once."""
        if self.pace.is_due(at_once=at_once):
            note(f"{self._doing}: {', '.join(facts)}")


class Line:
    """A line on a terminal that changes."""

    def __init__(self, progress: Progress, doing: str, total: float | None) -> None:
        self._progress = progress
        self._task = progress.add_task(doing, total=total, facts="")

    def show(
        self,
        doing: str | None = None,
        *,
        completed: float | None = None,
        total: float | None = None,
        facts: str = "",
    ) -> None:
        """Change it; what is None stays as it is."""
        self._progress.update(self._task, description=doing, completed=completed, total=total, facts=facts)


def bar(doing: str = "", total: float | None = 100, *, detailed: bool = False) -> AbstractContextManager[Line | None]:
    """A bar on a terminal, if it is `detailed` with facts and the time that is left; None elsewhere."""
    columns: list[ProgressColumn] = [_doing(), BarColumn(bar_width=20), TaskProgressColumn()]
    if detailed:
        columns += [TextColumn("{task.fields[facts]}", markup=False), TimeRemainingColumn()]
    return _line(columns, doing, total)


def spinner(doing: str = "") -> AbstractContextManager[Line | None]:
    """A text on a terminal beside something that moves; None elsewhere."""
    return _line([SpinnerColumn(), _doing()], doing, None)


@contextmanager
def _line(columns: Sequence[ProgressColumn], doing: str, total: float | None) -> Iterator[Line | None]:
    if not sys.stderr.isatty():
        yield None
        return
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Line(progress, doing, total)


def _doing() -> ProgressColumn:
    return TextColumn("{task.description}", markup=False)
