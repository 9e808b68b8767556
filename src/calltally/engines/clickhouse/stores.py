"""What is known of each business's calls."""

import uuid
from dataclasses import dataclass, fields, replace

from calltally.engines.clickhouse.schema import Tables
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.duckdb.store import REMOVED
from calltally.engines.erasure import Erasure
from calltally.engines.extent import Extent
from calltally.engines.sql import Statement
from calltally.errors import NotFound, Unavailable

__all__ = ["Store", "read_store", "require_there", "require_whole", "write_store"]


@dataclass(frozen=True)
class Store:
    """What is known of one business's calls.

    A write has a number, greater than all before it. It is noted as open before it begins, and as committed once all
    its rows are with every shard: until then nobody sees the calls that it adds, and those that it takes elsewhere are
    seen where they were. Once it is committed, the rows that these have left are emptied. A write that was broken off
    stays open, and the next one brings it to its end.
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

    def opened(self, number: int, first: int | None, last: int | None) -> "Store":
        """The store while a write of this number goes on, with room for calls between these starts."""
        extent = self.extent.widened(first, last)
        return replace(self, number=number, is_open=True, first=extent.first, last=extent.last)

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

    def emptied(self, number: int) -> "Store":
        """The store once a write of this number has removed it: no call is seen, though rows go later."""
        return Store(self.business, number, removed=True)


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
    return Store(**{**row, **{name: bool(row[name]) for name in FLAGS}, "erased": tuple(row["erased"])})


def write_store(session: Session, tables: Tables, store: Store) -> None:
    """Note what is known now."""
    row = {name: getattr(store, name) for name in COLUMNS}
    row |= {**{name: int(row[name]) for name in FLAGS}, "erased": list(store.erased)}
    session.insert(tables.stores, {name: [value] for name, value in row.items()})


def require_there(store: Store) -> None:
    """Raise NotFound if the calls were removed."""
    if store.removed:
        raise NotFound(REMOVED)


def require_whole(store: Store) -> None:
    """Raise Unavailable if the calls are being copied here."""
    if store.moving:
        raise Unavailable(MOVING, 60)
