"""A business's calls copied out whole and in whole, and what their rows come to."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from calltally.catalog import FieldKind
from calltally.engines.clickhouse.erasing import remove_rows
from calltally.engines.clickhouse.lookup import standing
from calltally.engines.clickhouse.schema import DELETED, HELD, MONTH, Tables
from calltally.engines.clickhouse.servers import Servers
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.clickhouse.stores import Store, read_store, require_there, write_store
from calltally.engines.clickhouse.turns import Turn
from calltally.engines.clickhouse.writing import next_number
from calltally.engines.hashing import hashes_of
from calltally.engines.rows import VALUE_FIELDS
from calltally.engines.sql import Statement
from calltally.engines.whole import SUMMED_FIELDS, WHOLE_NAMES, WHOLE_SCHEMA, Holdings, Part, PartKind, Tally, parts_of
from calltally.errors import Unavailable
from calltally.localtime import HOUR

__all__ = ["ClickHouseTaking", "begun", "read_holdings", "read_part", "read_tallies"]

PLACES = {PartKind.HELD: HELD, PartKind.DELETED: DELETED}  # where rows that are no calls stand
KINDS = {place: kind for kind, place in PLACES.items()}
BOOLEANS = {field.name for field in VALUE_FIELDS if field.kind is FieldKind.BOOLEAN}
MERGED_SECONDS = 600.0  # until what was there before is off the disks
PAUSE = 0.2


def read_holdings(session: Session, tables: Tables, store: Store) -> Holdings:
    """What there is of a business, but for the rows themselves."""
    hour = f"if(started_at < 0, started_at, intDiv(started_at, {HOUR}))"
    rows = session.rows(
        _kept(f"SELECT {hour} AS hour, count() FROM {tables.calls} FINAL WHERE ", store)
        + "GROUP BY hour ORDER BY hour",
        unhurried=True,
    )
    found = {int(hour): int(count) for hour, count in rows}
    held, deleted = found.pop(HELD, 0), found.pop(DELETED, 0)
    parts = parts_of([*found.items()], held, deleted)
    return Holdings(store.version, parts, store.erasure.key, store.erasure.hashes)


def read_part(session: Session, tables: Tables, store: Store, part: Part) -> Iterator[pa.RecordBatch]:
    """The rows of a part, of `WHOLE_SCHEMA`."""
    rows = _kept(f"SELECT {', '.join(WHOLE_NAMES)} FROM {tables.calls} FINAL WHERE ", store)
    for some in session.batches(rows + f"AND {_within(part)}"):
        columns = dict(zip(WHOLE_NAMES, zip(*some, strict=True), strict=True))
        yield pa.RecordBatch.from_arrays([_taken(row, columns[row.name]) for row in WHOLE_SCHEMA], schema=WHOLE_SCHEMA)


def read_tallies(session: Session, tables: Tables, store: Store) -> tuple[Tally, ...]:
    """What the rows of a business come to."""
    month = f"if(started_at < 0, started_at, toInt64({MONTH}))"
    sums = ", ".join(f"sum(toDecimal128(ifNull({name}, 0), 0))" for name in SUMMED_FIELDS)
    told = ", ' ', ".join(map(_told, WHOLE_NAMES))
    digest = f"reinterpretAsUInt64(substring(MD5(concat({told})), 9, 8))"
    found = session.rows(
        _kept(f"SELECT {month} AS month, count(), {sums}, sum({digest}) FROM {tables.calls} FINAL WHERE ", store)
        + "GROUP BY month",
        unhurried=True,
    )
    tallies = [_tally(*row) for row in found]
    return tuple(sorted(tallies, key=lambda tally: ([*PartKind].index(tally.kind), tally.month)))


def begun(session: Session, servers: Servers, tables: Tables, calls: str, turn: Turn, *, token: str | None) -> Store:
    """A business that is being copied to, of which nobody sees anything; gone on with where the token is its number."""
    store = read_store(session, tables, calls)
    require_there(store)
    if store.moving and token == str(store.number):
        return store
    number, before = next_number(store, turn)
    # Rows of before that come late are of a number below this one, whether that was ever committed or not.
    void = ((0, number),) if store.number or before else ()
    anew = replace(Store(calls), number=number, is_open=True, moving=True, void=void)
    write_store(session, tables, anew)
    remove_rows(servers, tables, calls)  # those of before; what is written from now on stays
    return anew


class ClickHouseTaking:
    """See `calltally.engines.whole.Taking`. Rows are of a write that has not ended; done again they are the same."""

    def __init__(self, session: Session, servers: Servers, tables: Tables, store: Store, *, resumed: bool) -> None:
        self.token = str(store.number)
        self.resumed = resumed
        self._done = replace(store, number=store.number + 1, committed=store.number + 1, is_open=False, moving=False)
        self.version = self._done.version
        self._session = session
        self._servers = servers
        self._tables = tables
        self._store = store

    def put(self, part: Part, rows: Iterable[pa.RecordBatch]) -> None:
        for batch in rows:
            self._put(part, batch)

    def finish(self, holdings: Holdings) -> None:
        self._await_removal()
        calls = [part for part in holdings.parts if part.kind is PartKind.CALLS]
        done = replace(
            self._done,
            first=min((part.first for part in calls), default=None),
            last=max((part.end - 1 for part in calls), default=None),
            erasure_key=holdings.erasure_key or "",
            erased=tuple(sorted(holdings.erased)),
        )
        write_store(self._session, self._tables, done)

    def _put(self, part: Part, batch: pa.RecordBatch) -> None:
        count = len(batch)
        columns = {name: _given(name, batch.column(name)) for name in WHOLE_NAMES}
        if part.kind in PLACES:
            columns["started_at"] = [PLACES[part.kind]] * count
        business = [self._store.business] * count
        hashes = hashes_of(batch.column("id")).to_pylist()
        places = {"business": business, "id_hash": hashes, "started_at": columns["started_at"]}
        self._session.insert(self._tables.places, places)
        number = [self._store.number] * count
        whole = {"business": business, **columns, "gone": [0] * count, "born": number, "written": number}
        self._session.insert(self._tables.calls, whole)

    def _await_removal(self) -> None:
        """Return once no server has a row that was there before, a replica that hears of it late included."""
        deadline = time.monotonic() + MERGED_SECONDS
        before = Statement(
            f"SELECT count() FROM {self._tables.local('calls')} WHERE business = ? AND written < ?",
            (self._store.business, self._store.number),
        )
        for server in self._servers.each():
            with self._servers.session_with(server) as session:
                while session.rows(before, unhurried=True)[0][0]:
                    if time.monotonic() > deadline:
                        raise Unavailable("What was there before is not yet removed; run this again later", 60)
                    time.sleep(PAUSE)


def _kept(begin: str, store: Store) -> Statement:
    """A statement over the rows that are committed and where they stand now."""
    return Statement(f"{begin}business = ? AND ", (store.business,)) + standing(store) + " "


def _within(part: Part) -> str:
    if part.kind is PartKind.CALLS:
        return f"started_at >= {part.first} AND started_at < {part.end}"
    return f"started_at = {PLACES[part.kind]}"


def _taken(row: pa.Field, values: Sequence[Any]) -> pa.Array:
    """A column as the cluster has it, as one of `WHOLE_SCHEMA`."""
    if row.name in BOOLEANS:
        return pa.array(values, pa.int64()).cast(row.type)
    if row.name == "versions":
        return pa.array([value or None for value in values], row.type)
    if row.name == "started_at":
        return pa.array([None if value < 0 else value for value in values], row.type)
    return pa.array(values, row.type)


def _given(name: str, column: pa.Array) -> list[Any]:
    """The other way round."""
    if name in BOOLEANS:
        return list(column.cast(pa.int64()).to_pylist())
    if name == "versions":
        return [value or [] for value in column.to_pylist()]
    return list(column.to_pylist())


def _tally(month: int, rows: int, *found: Any) -> Tally:
    *sums, digest = map(int, found)
    kind = KINDS.get(month, PartKind.CALLS)
    shown = f"{month // 100}-{month % 100:02}" if kind is PartKind.CALLS else ""
    return Tally(kind, shown, int(rows), tuple(sums), digest)


def _told(name: str) -> str:
    """A value as text from which it can be told exactly: its length and it, or a dash for none."""
    match name:
        case "versions":
            value = f"arrayStringConcat(arrayMap(each -> ifNull(toString(each), '-'), {name}), ',')"
            return f"if(empty({name}), '-', concat(toString(length({value})), ':', {value}))"
        case "started_at":
            return f"if({name} < 0, '-', concat(toString(length(toString({name}))), ':', toString({name})))"
        case _:
            return f"ifNull(concat(toString(length(toString({name}))), ':', toString({name})), '-')"
