"""Room: how much of something is in hand, of one business and of all, and how much of it may be."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from calltally.errors import Unavailable

__all__ = ["Held", "Room"]


class Room:
    """Room for so much, `what` it is of, and for so much of one business. For one thread: that of the event loop."""

    def __init__(self, most: int, most_of_business: int, what: str) -> None:
        self._most = most
        self._most_of_business = most_of_business
        self._what = what
        self._held: Counter[str] = Counter()  # by business

    @contextmanager
    def hold(self, business: str) -> Iterator["Held"]:
        """Something of a business that grows in the block, and is let go of at its end."""
        held = Held(self, business)
        try:
            yield held
        finally:
            self._take(business, -held.amount)

    def check(self, held: "Held", more: int) -> None:
        """Raise Unavailable if there is no room for more; what is alone has room, however large it is."""
        everybody, business = self._held.total(), self._held[held.business]
        if everybody > held.amount and everybody + more > self._most:
            raise Unavailable(f"There are {self._most:,} {self._what} waiting to be written already; try again soon")
        if business > held.amount and business + more > self._most_of_business:
            waiting = f"{self._most_of_business:,} {self._what} of this business"
            raise Unavailable(f"There are {waiting} waiting to be written already; try again soon")

    def _take(self, business: str, amount: int) -> None:
        self._held[business] += amount
        if not self._held[business]:
            del self._held[business]

    def grow(self, held: "Held", more: int) -> None:
        """Take more; see `Held.grow`."""
        self.check(held, more)
        self._take(held.business, more)


class Held:
    """What one request has in hand."""

    def __init__(self, room: Room, business: str) -> None:
        self._room = room
        self.business = business
        self.amount = 0

    def grow(self, more: int) -> None:
        """Hold more.

        Raises:
            Unavailable: there is no room for it beside what others hold.
        """
        self._room.grow(self, more)
        self.amount += more
