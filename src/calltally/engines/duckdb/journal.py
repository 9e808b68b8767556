"""What the latest commits changed of a store's calls, for whoever keeps something that was made from them."""

import threading
from dataclasses import dataclass, field

import pyarrow as pa

__all__ = ["Change", "Journal"]

MOST_CHANGES = 500  # that are kept apart; beyond that the oldest are told as one
MOST_ROWS = 2000  # that are kept until somebody wants them
MOST_GONE = 20_000  # hashes of calls, beyond which it is no use to look at each


@dataclass
class Change:
    """A commit: the version that it gives the calls, the one before it, and which of them to look at anew.

    These are all whose `changed_at` is `since` or later (None: none), and what has one of the hashes `gone` is no
    more, unless it is among those. `rows` are they, as a `Reading` gives them; None: they have to be read.
    """

    version: str
    before: str
    since: int | None = None
    gone: set[int] = field(default_factory=set)
    added: int = 0  # how many calls there are more
    rows: tuple[pa.Table, ...] | None = ()

    @property
    def size(self) -> int:
        """How many rows are kept."""
        return sum(map(len, self.rows or ()))

    def joined(self, later: "Change") -> "Change":
        """Both as one."""
        moments = [since for since in (self.since, later.since) if since is not None]
        rows = None if self.rows is None or later.rows is None else self.rows + later.rows
        added = self.added + later.added
        return Change(later.version, self.before, min(moments, default=None), self.gone | later.gone, added, rows)


class Journal:
    """The changes since some version of the calls, in the order of their commits. Safe for threads.

    A change is noted before it is committed, so that whoever sees it done finds it here. Once a commit has failed
    nobody knows what is in, and nothing is told any more. What was under way when the journal was begun is not in it:
    the changes are told only where each follows on the one before it, and the first on the version that is asked about.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: list[Change] = []
        self._since: str | None = None
        self._lost = False

    def add(self, change: Change) -> None:
        """Take note of a change that is about to be committed."""
        with self._lock:
            self._lost |= bool(self._changes) and self._changes[-1].version != change.before
            if change.size + sum(each.size for each in self._changes) > MOST_ROWS:
                change.rows = None
            self._changes.append(change)
            if len(self._changes) > MOST_CHANGES:
                first, second, *rest = self._changes
                self._changes = [first.joined(second), *rest]
            if len(self._changes[0].gone) > MOST_GONE:
                self._changes, self._lost = [], True

    def lose(self) -> None:
        """Tell nothing any more: a change was noted and may not have come to be."""
        with self._lock:
            self._changes, self._lost = [], True

    def is_little(self, most: int) -> bool:
        """Whether there are no more changes than so many, and no more rows, all of them kept."""
        with self._lock:
            rows = [each.rows for each in self._changes]
            return len(rows) <= most and None not in rows and sum(each.size for each in self._changes) <= most

    def until(self, version: str) -> Change | None:
        """All that has changed from the version that was told last until this one, as one; None: that is not known."""
        with self._lock:
            place = self._place(version)
            if self._lost or place is None:
                return None
            found = self._changes[0]
            if found.before != self._since:
                return None
            for change in self._changes[1 : place + 1]:
                found = found.joined(change)
            return found

    def forget(self, version: str) -> None:
        """From now on tell only what has changed since the calls had this version."""
        with self._lock:
            place = self._place(version)
            self._since = version
            if place is not None:
                del self._changes[: place + 1]

    def _place(self, version: str) -> int | None:
        return next((place for place, each in enumerate(self._changes) if each.version == version), None)
