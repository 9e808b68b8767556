"""What is known of each business's calls."""

import itertools
import uuid
from dataclasses import dataclass, fields, replace

from calltally.engines.clickhouse.schema import Tables
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.duckdb.store import REMOVED
from calltally.engines.erasure import Erasure
from calltally.engines.extent import Extent
from calltally.engines.sql import Statement
from calltally.errors import NotFound, Unavailable

__all__ = ["Range", "Store", "read_store", "require_there", "require_whole", "write_store"]


Range = tuple[int, int]


@dataclass(frozen=True)
class Store:
    """What is known of one business's calls.

    A write has a number, greater than all before it. It is noted as open before it begins, and as committed once all
    its rows are with every shard: until then nobody sees the calls that it adds, and those that it takes elsewhere are
    seen where they were. Once it is committed, the rows that these have left are emptied.

    A write that was broken off never is committed. Its rows may be there, and more of them may come at any time: its
    node may only have lost its turn, or a server may take long. So the next write notes first that all numbers between
    the last one that was committed and its own are void. What they have added is never seen, nor is it that they took
    calls elsewhere.
    """

    business: str
    number: int = 0
    committed: int = 0
    is_open: bool = False
    removed: bool = False
    first: int | None = None  # start of the first and the last call there ever was, microseconds UTC; None: no calls
    last: int | None = None
    erasure_key: str = ""
    erased: tuple[str, ...] = ()
    moving: bool = False  # it is being copied to from elsewhere, and not yet whole
    swept: int = 0  # the last write after which rows were emptied that calls had left
    void: tuple[Range, ...] = ()  # numbers between these two are of writes that were broken off

    @property
    def version(self) -> str:
        """See `Engine.version`; while calls are changing, a new one each time."""
        return str(uuid.uuid4()) if self.is_open else str(self.committed)

    @property
    def erasure(self) -> Erasure:
        """The callers whose numbers were erased."""
        return Erasure(self.erasure_key or None, frozenset(self.erased))

    @property
    def extent(self) -> Extent:
        """Between which instants its calls start."""
        return Extent(self.first, self.last)

    def opened(self, number: int, before: int, first: int | None, last: int | None) -> "Store":
        """The store while a write of this number goes on, with room for calls between these starts.

        `before` is the number that somebody was given before this one.
        """
        extent = self.extent.widened(first, last)
        return replace(
            self,
            number=number,
            is_open=True,
            first=extent.first,
            last=extent.last,
            void=self._void_between(number, before),
        )

    def closed(self, erasure: Erasure | None = None) -> "Store":
        """The store once the write is done that it was opened for: with the number after that one's."""
        erasure = erasure or self.erasure
        return replace(
            self,
            number=self.number + 1,
            is_open=False,
            committed=self.number + 1,
            erasure_key=erasure.key or "",
            erased=tuple(sorted(erasure.hashes)),
        )

    def sweeping(self) -> "Store":
        """The closed store while rows are emptied that calls have left."""
        return replace(self, is_open=True, swept=self.number)

    def void_before(self, number: int) -> tuple[Range, ...]:
        """The ranges of void numbers that are all below a number."""
        return tuple(each for each in self.void if each[1] <= number)

    def is_void(self, number: int) -> bool:
        """Whether a number is of a write that was broken off."""
        return any(low < number < high for low, high in self.void)

    def emptied(self, number: int) -> "Store":
        """The store once a write of this number has removed it: no call is seen, though rows go later."""
        return Store(self.business, number, removed=True)

    def _void_between(self, number: int, before: int) -> tuple[Range, ...]:
        """What is void once a write of this number begins, as `before` was given to the one before it."""
        if max(self.number, before) <= self.committed:  # all that was begun is committed
            return self.void
        others = (each for each in self.void if each[0] != self.committed)
        return (*others, (self.committed, number))


COLUMNS = tuple(field.name for field in fields(Store))
FLAGS = ("is_open", "removed", "moving")
MOVING = "These calls are being copied here; 'calltally migrate' has to come to its end before anything else"


def read_store(session: Session, tables: Tables, business: str) -> Store:
    """What is known of a business's calls; of one that has none, that."""
    found = session.rows(
        Statement(f"SELECT {', '.join(COLUMNS)} FROM {tables.stores} FINAL WHERE business = ?", (business,))
    )
    if not found:
        return Store(business)
    row = dict(zip(COLUMNS, found[0], strict=True))
    flags = {name: bool(row[name]) for name in FLAGS}
    void = tuple(zip(row["void"][::2], row["void"][1::2], strict=True))
    return Store(**{**row, **flags, "erased": tuple(row["erased"]), "void": void})


def write_store(session: Session, tables: Tables, store: Store) -> None:
    """Note what is known now."""
    row = {name: getattr(store, name) for name in COLUMNS}
    row |= {**{name: int(row[name]) for name in FLAGS}, "erased": list(store.erased)}
    row["void"] = list(itertools.chain.from_iterable(store.void))
    session.insert(tables.stores, {name: [value] for name, value in row.items()})


def require_there(store: Store) -> None:
    """Raise NotFound if the calls were removed."""
    if store.removed:
        raise NotFound(REMOVED)


def require_whole(store: Store) -> None:
    """Raise Unavailable if the calls are being copied here."""
    if store.moving:
        raise Unavailable(MOVING, 60)
