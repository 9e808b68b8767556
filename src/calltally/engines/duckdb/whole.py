"""A store copied out whole and in whole, and what its rows come to."""

import uuid
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from calltally.catalog import FieldKind
from calltally.engines.duckdb.batches import read_batches
from calltally.engines.duckdb.changing import changing, write_log
from calltally.engines.duckdb.failures import full_disk_said
from calltally.engines.duckdb.files import CallsFile
from calltally.engines.duckdb.schema import CODE_KEY, DERIVED, column_type, create_or_migrate
from calltally.engines.duckdb.store import Store, read_store
from calltally.engines.rows import VALUE_FIELDS
from calltally.engines.whole import SUMMED_FIELDS, WHOLE_NAMES, WHOLE_SCHEMA, Holdings, Part, PartKind, Tally, parts_of
from calltally.folder import sync_folder
from calltally.localtime import HOUR

__all__ = ["begun", "read_holdings", "read_part", "read_tallies"]

ROWS_AT_ONCE = 50_000
SUFFIX = ".moving"
INCOMING = "whole_rows"
WRAP = 2**64

OTHERS = tuple(field.name for field in VALUE_FIELDS if field.kind is not FieldKind.TIME)
STATE = (*OTHERS, "version", "cleared", "versions")
INCOMING_COLUMNS = ", ".join(
    [
        "id VARCHAR, started_at BIGINT",
        *(f"{field.name} {column_type(field)}" for field in VALUE_FIELDS if field.name in OTHERS),
        "version BIGINT, cleared BIGINT, versions BIGINT[], changed_at BIGINT",
    ]
)


def read_holdings(cursor: duckdb.DuckDBPyConnection, store: Store) -> Holdings:
    """What a store holds, but for the rows themselves."""
    if not store.meta:
        return Holdings(store.version)
    hours = cursor.execute(
        f"SELECT epoch_us(started_at) // {HOUR} AS hour, count(*) FROM {store.calls} GROUP BY hour ORDER BY hour"
    ).fetchall()
    held, deleted = (
        cursor.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in (store.held, store.deleted)
    )
    return Holdings(store.version, parts_of(hours, held, deleted), store.erasure.key, store.erasure.hashes)


def read_part(cursor: duckdb.DuckDBPyConnection, store: Store, part: Part) -> Generator[pa.RecordBatch]:
    """The rows of a part, of `WHOLE_SCHEMA`; to be closed."""
    reader = cursor.sql(_rows(store, part.kind) + _within(part)).to_arrow_reader(ROWS_AT_ONCE)
    with closing(read_batches(reader)) as batches:
        for batch in batches:
            yield from pa.Table.from_batches([batch]).cast(WHOLE_SCHEMA).to_batches()


def read_tallies(cursor: duckdb.DuckDBPyConnection, store: Store) -> tuple[Tally, ...]:
    """What the rows of a store come to."""
    found = (_tallied(cursor, store, kind) for kind in PartKind if store.meta)
    return tuple(tally for tallies in found for tally in tallies)


@contextmanager
def begun(
    root: duckdb.DuckDBPyConnection, folder: Path, calls: str, token: str | None, place: Callable[[Path], None]
) -> Iterator["DuckDBTaking"]:
    """A file beside the calls to copy to, which `place` puts in the place of the store's; it outlives this process."""
    resumed = token is not None and _path(folder, calls, token).exists()
    if token is None or not resumed:
        for left in folder.glob(f"{calls}.*{SUFFIX}*"):
            left.unlink()
        token = str(uuid.uuid4())
    name = f"{calls}{SUFFIX}"
    file = CallsFile(_path(folder, calls, token), name)
    try:
        with root.cursor() as cursor:
            file.attach(cursor)
            create_or_migrate(cursor, name)
            sync_folder(folder)  # DuckDB syncs files, not their names
            yield DuckDBTaking(cursor, name, file, place, token=token, resumed=resumed)
    finally:
        with root.cursor() as cursor:  # another one: after an error that one is amid a transaction
            file.settle(cursor)


class DuckDBTaking:
    """See `calltally.engines.whole.Taking`."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        name: str,
        file: CallsFile,
        place: Callable[[Path], None],
        *,
        token: str,
        resumed: bool,
    ) -> None:
        self.token = self.version = token
        self.resumed = resumed
        self._cursor = cursor
        self._file = file
        self._place = place
        self._store = read_store(cursor, name, file)

    def put(self, part: Part, rows: Iterable[pa.RecordBatch]) -> None:
        with full_disk_said():  # here already: whoever reads the rows may have a disk that has room
            self._put(part, rows)

    def _put(self, part: Part, rows: Iterable[pa.RecordBatch]) -> None:
        self._gather(rows)
        with changing(self._cursor, self._store):
            match part.kind:
                case PartKind.CALLS:
                    self._put_calls(part)
                case PartKind.HELD:
                    self._put_held()
                case PartKind.DELETED:
                    self._put_deleted()
        self._cursor.execute("DROP TABLE incoming")
        write_log(self._cursor, self._store)

    def finish(self, holdings: Holdings) -> None:
        with changing(self._cursor, self._store) as change:
            change.version = self.version
            self._cursor.execute(f"DELETE FROM {self._store.erased}")
            for each in sorted(holdings.erased):
                self._cursor.execute(f"INSERT INTO {self._store.erased} VALUES (?)", [each])
            self._cursor.execute(f"UPDATE {self._store.meta} SET erasure_key = ?", [holdings.erasure_key])
        self._file.write_log(self._cursor)
        self._file.detach(self._cursor)
        self._place(self._file.path)

    def _gather(self, rows: Iterable[pa.RecordBatch]) -> None:
        self._cursor.execute(f"CREATE OR REPLACE TEMP TABLE incoming ({INCOMING_COLUMNS})")
        for batch in rows:
            self._cursor.register(INCOMING, pa.Table.from_batches([batch]))
            self._cursor.execute(f"INSERT INTO incoming BY NAME FROM {INCOMING}")
            self._cursor.unregister(INCOMING)

    def _put_calls(self, part: Part) -> None:
        store = self._store
        self._cursor.execute(f"DELETE FROM {store.calls}{_within(part)}")
        new = f"SELECT DISTINCT caller_number AS value FROM incoming ANTI JOIN {store.codes} ON value = caller_number"
        self._cursor.execute(
            f"INSERT INTO {store.codes} "
            f"SELECT value, (SELECT coalesce(max(code) + 1, 0) FROM {store.codes}) + row_number() OVER () - 1, "
            f"{CODE_KEY} FROM ({new}) WHERE value IS NOT NULL"
        )
        derived = ", ".join(f"{expression} AS {name}" for name, expression in DERIVED.items())
        calls = "SELECT * REPLACE (make_timestamp(started_at) AS started_at) FROM incoming"
        self._cursor.execute(
            f"INSERT INTO {store.calls} BY NAME SELECT id, started_at, {', '.join(STATE)}, changed_at, {derived} "
            f"FROM ({calls}) LEFT JOIN {store.codes} AS codes ON codes.value = caller_number ORDER BY started_at, id"
        )

    def _put_held(self) -> None:
        self._cursor.execute(f"DELETE FROM {self._store.held}")
        self._cursor.execute(
            f"INSERT INTO {self._store.held} BY NAME "
            f"SELECT id, {', '.join(STATE)}, md5_number_lower(id) AS id_hash FROM incoming"
        )

    def _put_deleted(self) -> None:
        self._cursor.execute(f"DELETE FROM {self._store.deleted}")
        self._cursor.execute(
            f"INSERT INTO {self._store.deleted} BY NAME "
            "SELECT id, md5_number_lower(id) AS id_hash, changed_at AS deleted_at FROM incoming"
        )


def _path(folder: Path, calls: str, token: str) -> Path:
    return folder / f"{calls}.{token}{SUFFIX}"


def _within(part: Part) -> str:
    if part.kind is not PartKind.CALLS:
        return ""
    return f" WHERE started_at >= make_timestamp({part.first}) AND started_at < make_timestamp({part.end})"


def _rows(store: Store, kind: PartKind) -> str:
    """The rows of a kind, as `WHOLE_SCHEMA` has them."""
    match kind:
        case PartKind.CALLS:
            said = {"started_at": "epoch_us(started_at)"}
            table = store.calls
        case PartKind.HELD:
            said = dict.fromkeys(("started_at", "changed_at"), "NULL::BIGINT")
            table = store.held
        case PartKind.DELETED:
            nothing = {row.name: "NULL" for row in WHOLE_SCHEMA if row.name != "id"}
            said = {**nothing, "changed_at": "deleted_at", "versions": "NULL::BIGINT[]"}
            table = store.deleted
    columns = ", ".join(f"{said.get(name, name)} AS {name}" for name in WHOLE_NAMES)
    return f"SELECT {columns} FROM {table}"


def _tallied(cursor: duckdb.DuckDBPyConnection, store: Store, kind: PartKind) -> Iterator[Tally]:
    month = "year(make_timestamp(started_at)) * 100 + month(make_timestamp(started_at))"
    sums = ", ".join(f"coalesce(sum({name}::BIGINT), 0)::HUGEINT" for name in SUMMED_FIELDS)
    digest = f"md5_number_lower(concat_ws(' ', {', '.join(map(_told, WHOLE_NAMES))}))"
    found = cursor.execute(
        f"SELECT {month if kind is PartKind.CALLS else 0} AS month, count(*), {sums}, sum({digest})::HUGEINT % {WRAP} "
        f"FROM ({_rows(store, kind)}) GROUP BY month ORDER BY month"
    )
    for number, rows, *summed, total in found.fetchall():
        shown = f"{number // 100}-{number % 100:02}" if kind is PartKind.CALLS else ""
        yield Tally(kind, shown, rows, tuple(map(int, summed)), int(total))


def _told(name: str) -> str:
    """A value as text from which it can be told exactly: its length and it, or a dash for none."""
    kinds = {field.name: field.kind for field in VALUE_FIELDS}
    match kinds.get(name):
        case FieldKind.BOOLEAN:
            value = f"{name}::BOOLEAN::UTINYINT::VARCHAR"
        case _ if name == "versions":
            value = f"array_to_string(list_transform({name}, lambda each: coalesce(each::VARCHAR, '-')), ',')"
        case _:
            value = f"{name}::VARCHAR"
    return f"coalesce(strlen({value}) || ':' || {value}, '-')"
