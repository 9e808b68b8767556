"""The tables, as they are now, and how a database comes to have them.

On each server of a cluster a table of its own part, `calls_local`, and over those one that stands for all, `calls`. A
table only ever gets more columns, so that servers of the release before go on beside this one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from clickhouse_driver.errors import ErrorCodes, ServerException

from calltally.catalog import CallField, FieldKind
from calltally.engines.clickhouse.servers import Server, Servers
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.rows import VALUE_FIELDS
from calltally.engines.sql import Statement

__all__ = ["DELETED", "FIELDS", "HELD", "MONTH", "STATE", "Tables", "create_or_extend"]

# Where a row stands that is no call: what is held until its call comes, and what notes that a call was deleted.
HELD, DELETED = -1, -2

FIELDS = tuple(field for field in VALUE_FIELDS if field.name != "started_at")
# What is known of a call beside where it stands, see `calltally.engines.duckdb.schema`; no `versions`: an empty list.
STATE = (*(field.name for field in FIELDS), "version", "cleared", "versions", "changed_at")

MONTH = "toYYYYMM(toDateTime(greatest(intDiv(started_at, 1000000), 0), 'UTC'))"
ALREADY_THERE = {
    ErrorCodes.DATABASE_ALREADY_EXISTS,
    ErrorCodes.TABLE_ALREADY_EXISTS,
    ErrorCodes.DUPLICATE_COLUMN,
    ErrorCodes.ILLEGAL_COLUMN,  # which is how a column is refused that somebody else has just added
}


def column_type(field: CallField) -> str:
    """The narrowest type that holds every value of a field, or none."""
    match field.kind:
        case FieldKind.TIME:
            return "Nullable(Int64)"
        case FieldKind.BOOLEAN:
            return "Nullable(UInt8)"
        case FieldKind.WHOLE if field.highest < 2**15:
            return "Nullable(Int16)"
        case FieldKind.WHOLE if field.highest < 2**31:
            return "Nullable(Int32)"
        case FieldKind.WHOLE:
            return "Nullable(Int64)"
        case _:
            return "Nullable(String)"


@dataclass(frozen=True)
class Table:
    """A table: of rows with the same key the one with the greatest `newest` stands, or any where that is None."""

    name: str
    columns: tuple[tuple[str, str], ...]
    newest: str | None
    key: str
    shard_by: str
    partition: str | None = None


TABLES = (
    Table(
        "calls",
        (
            ("business", "String"),
            ("started_at", "Int64"),  # microseconds UTC, or HELD or DELETED
            ("id", "String"),
            *((field.name, column_type(field)) for field in FIELDS),
            ("version", "Nullable(Int64)"),
            ("cleared", "Nullable(Int64)"),
            ("versions", "Array(Nullable(Int64))"),
            ("changed_at", "Nullable(Int64)"),
            ("gone", "UInt8"),  # the call stands elsewhere now, and nothing of it is here
            ("born", "UInt64"),  # the write that made the call: before it has ended nobody sees the call
            ("written", "UInt64"),  # the write that this row is of
            ("died", "UInt64"),  # the write that took the call elsewhere: until it has ended the call stands here
        ),
        "written",
        "business, started_at, id",
        "cityHash64(id)",
        MONTH,
    ),
    # Where rows of an id may be. It is written before the calls, and nothing is ever taken out of it, so that no row
    # of a write that was broken off is overlooked.
    Table(
        "places",
        (("business", "String"), ("id_hash", "UInt64"), ("started_at", "Int64")),
        None,
        "business, id_hash, started_at",
        "id_hash",
    ),
    Table(
        "stores",
        (
            ("business", "String"),
            ("number", "UInt64"),
            ("committed", "UInt64"),
            ("is_open", "UInt8"),
            ("removed", "UInt8"),
            ("first", "Nullable(Int64)"),
            ("last", "Nullable(Int64)"),
            ("erasure_key", "String"),
            ("erased", "Array(String)"),
            ("moving", "UInt8"),
            ("swept", "UInt64"),
            # A server of the release before leaves it out of what it writes: there it is as it was before there was it.
            ("void", "Array(UInt64)"),
        ),
        "number",
        "business",
        "cityHash64(business)",
    ),
)


@dataclass(frozen=True)
class Tables:
    """The full names of the tables of a database."""

    database: str
    cluster: str | None = None

    @property
    def calls(self) -> str:
        """What stands for the calls of all shards."""
        return f"{self.database}.calls"

    @property
    def places(self) -> str:
        """Where rows of an id may be."""
        return f"{self.database}.places"

    @property
    def stores(self) -> str:
        """What is known of each business's calls."""
        return f"{self.database}.stores"

    def local(self, name: str) -> str:
        """The table of one server's own part."""
        return f"{self.database}.{self.local_name(name)}"

    def local_name(self, name: str) -> str:
        """The same without the database."""
        return f"{name}_local" if self.cluster else name


def create_or_extend(servers: Servers, tables: Tables) -> tuple[str, ...]:
    """Bring every server to the tables of this release; what was done, nothing where they were there already.

    Safe to run at the same time from several places: what somebody else has just made is as good.
    """
    each = servers.each()
    replicated = len({server.replica for server in each}) > 1
    done: list[str] = []
    for server in each:
        with servers.session_with(server) as session:
            own = _own_part(session, server, tables, replicated=replicated)
            done += [f"{server.name}: {what}" for what in own]
    for server in each if tables.cluster else ():
        with servers.session_with(server) as session:
            done += [f"{server.name}: {what}" for what in _whole(session, tables)]
    return tuple(done)


def _own_part(session: Session, server: Server, tables: Tables, *, replicated: bool) -> Iterator[str]:
    if not _number(session, "SELECT count() FROM system.databases WHERE name = ?", tables.database):
        _run(session, f"CREATE DATABASE IF NOT EXISTS {tables.database}")
        yield f"made the database {tables.database}"
    for table in TABLES:
        name = tables.local_name(table.name)
        there = _columns(session, tables.database, name)
        if not there:
            _run(session, _create(table, server, tables, replicated=replicated))
            yield f"made the table {tables.database}.{name}"
        else:
            yield from _extended(session, tables.local(table.name), table, there)


def _whole(session: Session, tables: Tables) -> Iterator[str]:
    for table in TABLES:
        there = _columns(session, tables.database, table.name)
        if there:
            yield from _extended(session, f"{tables.database}.{table.name}", table, there)
            continue
        engine = f"Distributed('{tables.cluster}', '{tables.database}', '{table.name}_local', {table.shard_by})"
        _run(
            session,
            f"CREATE TABLE IF NOT EXISTS {tables.database}.{table.name} ({_definitions(table)}) ENGINE = {engine}",
        )
        yield f"made the table {tables.database}.{table.name}"


def _extended(session: Session, full_name: str, table: Table, there: Sequence[str]) -> Iterator[str]:
    for column, kind in table.columns:
        if column not in there:
            _run(session, f"ALTER TABLE {full_name} ADD COLUMN {column} {kind}")
            yield f"added the column {column} to {full_name}"


def _create(table: Table, server: Server, tables: Tables, *, replicated: bool) -> str:
    newest = [table.newest] if table.newest else []
    if replicated:
        path = f"/clickhouse/tables/{tables.database}/{table.name}/{server.shard}"
        engine = f"ReplicatedReplacingMergeTree({', '.join((repr(path), repr(server.name), *newest))})"
    else:
        engine = f"ReplacingMergeTree({', '.join(newest)})"
    partition = f" PARTITION BY {table.partition}" if table.partition else ""
    # What was replaced is on the disk for another minute, so that what was erased does not stay for long.
    return (
        f"CREATE TABLE IF NOT EXISTS {tables.local(table.name)} ({_definitions(table)}) "
        f"ENGINE = {engine}{partition} ORDER BY ({table.key}) SETTINGS old_parts_lifetime = 60"
    )


def _definitions(table: Table) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in table.columns)


def _columns(session: Session, database: str, table: str) -> list[str]:
    found = session.rows(
        Statement("SELECT name FROM system.columns WHERE database = ? AND table = ?", (database, table))
    )
    return [name for (name,) in found]


def _number(session: Session, sql: str, *params: object) -> int:
    return int(session.rows(Statement(sql, params))[0][0])


def _run(session: Session, sql: str) -> None:
    with _may_be_there():
        session.rows(Statement(sql))


@contextmanager
def _may_be_there() -> Iterator[None]:
    """What somebody else has made meanwhile."""
    try:
        yield
    except ServerException as error:
        if int(error.code) not in ALREADY_THERE:
            raise
