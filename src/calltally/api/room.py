"""Room: how much of something is in hand, of one business and of all, and how much of it may be."""

from types import TracebackType

from calltally.errors import Unavailable

__all__ = ["Held", "Room"]


class Room:
    """Room for so much, `what` it is of, and for so much of one business. For one thread: that of the event loop."""

    def __init__(self, most: int, most_of_business: int, what: str) -> None:
        self._most = most
        self._most_of_business = most_of_business
        self._what = what
        self._everybody = 0
        self._held: dict[str, int] = {}  # by business

    def hold(self, business: str) -> "Held":
        """A context: something of a business that grows in the block, and is let go of at its end."""
        return Held(self, business)

    def grow(self, held: "Held", more: int) -> None:
        """Take more; see `Held.grow`."""
        self._check(held, more)
        self.take(held.business, more)

    def take(self, business: str, amount: int) -> None:
        """Note that so much more, or less, of a business is in hand."""
        self._everybody += amount
        held = self._held.get(business, 0) + amount
        if held:
            self._held[business] = held
        else:
            self._held.pop(business, None)

    def _check(self, held: "Held", more: int) -> None:
        """Raise Unavailable if there is no room for more; what is alone has room, however large it is."""
        everybody, business = self._everybody, self._held.get(held.business, 0)
        if everybody > held.amount and everybody + more > self._most:
            raise Unavailable(f"There are {self._most:,} {self._what} waiting to be written already; try again soon")
        if business > held.amount and business + more > self._most_of_business:
            waiting = f"{self._most_of_business:,} {self._what} of this business"
            raise Unavailable(f"There are {waiting} waiting to be written already; try again soon")


class Held:
    """What one request has in hand."""

    def __init__(self, room: Room, business: str) -> None:
        self._room = room
        self.business = business
        self.amount = 0

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._room.take(self.business, -self.amount)

    def grow(self, more: int) -> None:
        """Hold more.

        Raises:
            Unavailable: there is no room for it beside what others hold.
        """
        self._room.grow(self, more)
        self.amount += more
