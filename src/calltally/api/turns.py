"""Whose work runs and whose waits, when there is more of it than may run at once."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from calltally.errors import Unavailable

__all__ = ["Limits", "Turn", "Turns"]


@dataclass(frozen=True)
class Limits:
    """How many pieces of work run, and wait, at once: those of all, of one business, of one key."""

    running: int
    waiting: int
    running_of_business: int
    waiting_of_business: int
    running_of_key: int


@dataclass(eq=False)
class Turn:
    """What wants a place, and for whom."""

    business: str
    key: str


Work = TypeVar("Work", bound=Turn)


class Turns(Generic[Work]):
    """Gives a free place to the business that has the fewest, of several such to the one that waits longest for one.

    Within a business, work begins in the order in which it came, but work of a key that has all its places lets other
    keys' go first. So a business with many heavy questions never keeps those of another from beginning. `begin` is
    called with what has got a place.
    """

    def __init__(self, limits: Limits, begin: Callable[[Work], None]) -> None:
        self._limits = limits
        self._begin = begin
        self._running: Counter[str] = Counter()  # by business
        self._running_of_keys: Counter[str] = Counter()
        self._waiting: dict[str, deque[Work]] = {}  # by business, the one that waits longest first

    def take(self, turn: Work) -> None:
        """Begin at once where there is a place, else wait.

        Raises:
            Unavailable: too many wait already.
        """
        queue = self._waiting.setdefault(turn.business, deque())
        queue.append(turn)
        self._begin_next()
        if turn in queue and (problem := self._too_many(turn.business)):
            self.withdraw(turn)
            raise Unavailable(problem)

    def withdraw(self, turn: Work) -> None:
        """Wait no longer; that of a turn that does not wait is nothing."""
        queue = self._waiting.get(turn.business, deque())
        if turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[turn.business]

    def end(self, turn: Work) -> None:
        """Free the place of work that has ended, for whoever is next."""
        for running, name in ((self._running, turn.business), (self._running_of_keys, turn.key)):
            running[name] -= 1
            if not running[name]:
                del running[name]
        self._begin_next()

    def _begin_next(self) -> None:
        """There is never a free place and work that may have it, so one look is enough."""
        if self._running.total() >= self._limits.running:
            return
        able = [turn for business in self._waiting if (turn := self._first_able(business))]
        if not able:
            return
        turn = min(able, key=lambda each: self._running[each.business])  # the first of those with the fewest
        queue = self._waiting.pop(turn.business)
        queue.remove(turn)
        if queue:
            self._waiting[turn.business] = queue  # for its next place it waits from now on
        self._running[turn.business] += 1
        self._running_of_keys[turn.key] += 1
        self._begin(turn)

    def _first_able(self, business: str) -> Work | None:
        """The work of a business that would begin next, if the business may have another place."""
        if self._running[business] >= self._limits.running_of_business:
            return None
        most = self._limits.running_of_key
        return next((turn for turn in self._waiting[business] if self._running_of_keys[turn.key] < most), None)

    def _too_many(self, business: str) -> str | None:
        """What is said where more wait than may."""
        if sum(map(len, self._waiting.values())) > self._limits.waiting:
            return f"{self._limits.waiting} reports are waiting already; try again soon"
        if len(self._waiting[business]) > self._limits.waiting_of_business:
            return f"{self._limits.waiting_of_business} reports of this business are waiting already; try again soon"
        return None
