"""All that a store holds, row by row and as it is stored: what is copied when calls move to another engine.

Beside the calls these are the updates that are held until their call comes, the ids of deleted calls, and the callers
who were erased, as keyed hashes. A store is copied in parts, each small enough to be done again.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import pyarrow as pa

from calltally.catalog import FieldKind
from calltally.engines.base import Engine
from calltally.engines.rows import ROW_SCHEMA, VALUE_FIELDS
from calltally.localtime import HOUR

__all__ = [
    "SUMMED_FIELDS",
    "WHOLE_NAMES",
    "WHOLE_SCHEMA",
    "Holdings",
    "Movable",
    "Part",
    "PartKind",
    "Taking",
    "Tally",
    "parts_of",
]

ROWS_A_PART = 50_000

# A row as it is stored, see `calltally.engines.duckdb.schema`; the start in microseconds UTC, null where it is no call.
# Of a deleted call there is the id, and in `changed_at` when it was deleted.
WHOLE_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        *(
            pa.field(field.name, pa.int64() if field.kind is FieldKind.TIME else ROW_SCHEMA.field(field.name).type)
            for field in VALUE_FIELDS
        ),
        pa.field("version", pa.int64()),
        pa.field("cleared", pa.int64()),
        pa.field("versions", pa.list_(pa.int64())),
        pa.field("changed_at", pa.int64()),
    ]
)
WHOLE_NAMES = tuple(WHOLE_SCHEMA.names)
SUMMED_FIELDS = tuple(field.name for field in VALUE_FIELDS if field.kind is FieldKind.WHOLE)


class PartKind(StrEnum):
    """What the rows of a part are."""

    CALLS = "calls"
    HELD = "held updates"
    DELETED = "deleted calls"


@dataclass(frozen=True)
class Part:
    """Some rows of a store; calls are those that start from `first` on and before `end`, microseconds UTC."""

    kind: PartKind
    rows: int
    first: int = 0
    end: int = 0


@dataclass(frozen=True)
class Holdings:
    """What a store holds, but for the rows themselves."""

    version: str  # see `Engine.version`
    parts: tuple[Part, ...] = ()
    erasure_key: str | None = None
    erased: frozenset[str] = frozenset()  # callers, see `calltally.engines.erasure`

    @property
    def rows(self) -> int:
        """How many rows all parts have."""
        return sum(part.rows for part in self.parts)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to copy, or nothing that a copy would replace."""
        return not self.parts and not self.erased


@dataclass(frozen=True)
class Tally:
    """What some rows of a store come to: the calls of a month (UTC), or all that is of another kind."""

    kind: PartKind
    month: str  # empty where these are no calls
    rows: int
    sums: tuple[int, ...]  # of `SUMMED_FIELDS`
    digest: int  # of every field of every row as it is stored, versions among them; whatever their order


class Taking(Protocol):
    """A store that is being copied to; until `finish` nobody sees anything of it."""

    token: str  # names what was begun, for `Movable.taking`
    version: str  # that the store has once it is whole, and until it is next written to
    resumed: bool  # whether there is something of earlier to go on with

    def put(self, part: Part, rows: Iterable[pa.RecordBatch]) -> None:
        """Put in a part, of `WHOLE_SCHEMA`, durably; what is there of it already is replaced.

        Raises:
            StorageFull: there is no room for it.
        """

    def finish(self, holdings: Holdings) -> None:
        """Let the store be what was put in, in the place of all that it was before."""


class Movable(Engine, Protocol):
    """An engine whose stores can be copied to another and from it, while nobody else writes to them."""

    def settle(self, calls: str) -> None:
        """Let a write that was broken off have an end, as the next one would.

        Raises:
            Unavailable: it is calls being copied there that were broken off.
        """

    def holdings(self, calls: str) -> Holdings:
        """What a store holds, in parts that stay the same as long as its version does."""

    def whole_part(self, calls: str, part: Part) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        """The rows of a part, of `WHOLE_SCHEMA`, some at a time."""

    def taking(self, calls: str, token: str | None) -> AbstractContextManager[Taking]:
        """A store to copy to: gone on with if the token names what was begun, otherwise begun anew.

        Raises:
            NotFound: the store was removed.
        """

    def tallies(self, calls: str) -> tuple[Tally, ...]:
        """What the rows of a store come to, the same wherever the same rows are."""


def parts_of(hours: Sequence[tuple[int, int]], held: int, deleted: int) -> tuple[Part, ...]:
    """The parts of a store that has so many calls in each hour since 1970 (UTC), so many held updates and deletions."""
    parts: list[Part] = []
    for hour, rows in hours:
        end = (hour + 1) * HOUR
        if parts and parts[-1].rows + rows <= ROWS_A_PART:
            before = parts.pop()
            parts.append(Part(PartKind.CALLS, before.rows + rows, before.first, end))
        else:
            parts.append(Part(PartKind.CALLS, rows, hour * HOUR, end))
    others = (Part(PartKind.HELD, held), Part(PartKind.DELETED, deleted))
    return (*parts, *(part for part in others if part.rows))
