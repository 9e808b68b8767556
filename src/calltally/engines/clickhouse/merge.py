"""The contract's rules of versions, as the embedded engine applies them, to the few calls that a write concerns.

What is known of these is copied into a store of the embedded engine, made in memory for the moment; that engine does
there what was asked; what has changed is read back. So both engines come to the same calls, since only one has rules.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa

from calltally.catalog import FieldKind
from calltally.engines.base import StoreFacts
from calltally.engines.clickhouse.lookup import KEPT, standing_there
from calltally.engines.clickhouse.schema import DELETED, FIELDS, HELD, STATE
from calltally.engines.clickhouse.stores import Store
from calltally.engines.duckdb.batches import read_batches
from calltally.engines.duckdb.copies import read_facts
from calltally.engines.duckdb.schema import CODE_KEY, DERIVED, column_type, create_or_migrate
from calltally.engines.duckdb.spelling import quoted, text
from calltally.engines.duckdb.store import read_store
from calltally.engines.erasure import Erasure

__all__ = ["Scratch", "make_template"]

TEMPLATE = "scratch-template"
ROWS_AT_ONCE = 100_000
NAMES = ", ".join(field.name for field in FIELDS)
STATE_TYPES = ", ".join(
    [
        *(f"{field.name} {column_type(field)}" for field in FIELDS),
        *("version BIGINT", "cleared BIGINT", "versions BIGINT[]", "changed_at BIGINT"),
    ]
)
INCOMING, CHANGED = "rows_of_cluster", "changed_rows"

Columns = dict[str, list[Any]]


def _arrow_type(name: str) -> pa.DataType:
    kinds = {field.name: field.kind for field in FIELDS}
    if name == "id" or (name in kinds and kinds[name] not in {FieldKind.BOOLEAN, FieldKind.WHOLE, FieldKind.TIME}):
        return pa.string()
    return pa.list_(pa.int64()) if name == "versions" else pa.int64()


KEPT_SCHEMA = pa.schema([pa.field(name, _arrow_type(name)) for name in KEPT])
# As they come from the cluster, so that they can be told from others by comparing.
TAKEN = ", ".join("nullif(versions, []) AS versions" if name == "versions" else name for name in KEPT)
# As they go there.
GIVEN = {"versions": "coalesce(versions, []) AS versions"} | {
    field.name: f"{field.name}::UTINYINT AS {field.name}" for field in FIELDS if field.kind is FieldKind.BOOLEAN
}
COLUMNS = ", ".join(GIVEN.get(name, name) for name in STATE)


def make_template(root: duckdb.DuckDBPyConnection) -> None:
    """Make the empty store of which each scratch store in memory is a copy: many times as soon as one made anew."""
    root.execute(f"ATTACH ':memory:' AS {quoted(TEMPLATE)}")
    create_or_migrate(root, TEMPLATE)


@dataclass(frozen=True)
class _Changes:
    """How many rows have changed, when the first and the last call among them start, and how many rows calls left."""

    rows: int
    first: int | None
    last: int | None
    left: int


class Scratch:
    """A store of the embedded engine with some of a business's calls; in memory (see `make_template`), or as a file."""

    def __init__(self, root: duckdb.DuckDBPyConnection, path: Path | None = None) -> None:
        self._name = f"scratch-{uuid.uuid4()}"
        self._path = path
        self.cursor = root.cursor()
        self.cursor.execute(f"ATTACH {text(str(path) if path else ':memory:')} AS {quoted(self._name)}")
        self._any_kept = False
        self._changes = _Changes(0, None, None, 0)
        try:
            if path:  # which outlives this, so it needs a version of its own
                create_or_migrate(self.cursor, self._name)
            else:
                self.cursor.execute(f"COPY FROM DATABASE {quoted(TEMPLATE)} TO {quoted(self._name)}")
            self.store = read_store(self.cursor, self._name)
        except BaseException as error:
            self.__exit__(type(error))
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        with self.cursor:
            self.cursor.execute("USE memory")
            if self._path and not error:
                self.cursor.execute(f"CHECKPOINT {quoted(self._name)}")
            self.cursor.execute(f"DETACH {quoted(self._name)}")

    def learn(self, erasure: Erasure) -> None:
        """Know which callers were erased."""
        if erasure == self.store.erasure:
            return
        self.cursor.execute(f"DELETE FROM {self.store.erased}")
        self.cursor.executemany(f"INSERT INTO {self.store.erased} VALUES (?)", [[each] for each in erasure.hashes])
        self.cursor.execute(f"UPDATE {self.store.meta} SET erasure_key = ?", [erasure.key])
        self.store.erasure = erasure

    def take(self, rows: Sequence[Sequence[Any]], cluster: Store) -> None:
        """Take rows of `KEPT`, which are not gone.

        Those that do not stand, see `standing_there`, are no calls here: they are there only to be emptied.
        """
        if not rows:
            return
        if not self._any_kept:
            self._make_kept()
        columns = zip(*rows, strict=True)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, KEPT_SCHEMA, strict=True)]
        self.cursor.register(INCOMING, pa.Table.from_arrays(arrays, schema=KEPT_SCHEMA))
        stands = standing_there(cluster)
        self.cursor.execute(
            f"INSERT INTO kept BY NAME SELECT {TAKEN}, {stands.sql} AS stands FROM {INCOMING}", stands.params
        )
        self.cursor.unregister(INCOMING)

    def fill(self) -> None:
        """Make a store of the rows that were taken and stand."""
        if self._any_kept:
            self._fill()
            self.store.learn(read_store(self.cursor, self._name))

    @property
    def any_left(self) -> bool:
        """Whether calls have left some rows."""
        return self._changes.left > 0

    def facts(self) -> StoreFacts:
        """What the store holds."""
        return read_facts(self.cursor, self._name)

    def span(self) -> tuple[int | None, int | None]:
        """When the first and the last call start that have changed."""
        return self._changes.first, self._changes.last

    def find_changes(self) -> int:
        """How many rows there are to write, now that something was done, by `places`, `rows`, `left` and `emptied`."""
        self.cursor.execute(f"CREATE TEMP VIEW after AS {self._after()}")
        same = " AND ".join(f"a.{name} IS NOT DISTINCT FROM k.{name}" for name in STATE)
        as_is = f"k.stands AND k.died = 0 AND {same}"
        unlike = f"ANTI JOIN kept AS k ON a.started_at = k.started_at AND a.id = k.id AND {as_is}"
        self.cursor.execute(f"CREATE TEMP TABLE {CHANGED} AS SELECT a.* FROM after AS a {self._if_any(unlike)}")
        left = 0
        if self._any_kept:
            self.cursor.execute("CREATE TEMP TABLE left_places AS FROM kept ANTI JOIN after USING (started_at, id)")
            [(left,)] = self.cursor.execute("SELECT count(*) FROM left_places").fetchall()
        of_calls = "FILTER (WHERE started_at >= 0)"
        [(rows, first, last)] = self.cursor.execute(
            f"SELECT count(*), min(started_at) {of_calls}, max(started_at) {of_calls} FROM {CHANGED}"
        ).fetchall()
        self._changes = _Changes(rows, first, last, left)
        return self._changes.rows + left

    def places(self) -> Iterator[Columns]:
        """Where there are rows of ids now that were not there before."""
        known = self._if_any("ANTI JOIN kept USING (started_at, id)")
        yield from self._read(f"SELECT md5_number_lower(id) AS id_hash, started_at FROM {CHANGED} {known}")

    def rows(self, written: int) -> Iterator[Columns]:
        """The rows of a write of this number: seen at once in the place of another row, elsewhere once it has ended."""
        stood = "SELECT started_at, id, born FROM kept WHERE stands"
        stays = self._if_any(f"LEFT JOIN ({stood}) AS b USING (started_at, id)")
        born = f"coalesce(b.born, {written})" if stays else f"{written}"
        yield from self._read(
            f"SELECT started_at, id, {COLUMNS}, 0 AS gone, {born} AS born, {written} AS written, 0 AS died "
            f"FROM {CHANGED} {stays} ORDER BY started_at, id"
        )

    def left(self, written: int) -> Iterator[Columns]:
        """The rows that calls have left, which are seen until a write of this number has ended."""
        if not self.any_left:
            return
        yield from self._read(
            f"SELECT started_at, id, {COLUMNS}, 0 AS gone, born, {written} AS written, {written} AS died "
            "FROM left_places WHERE stands"
        )

    def emptied(self, written: int) -> Iterator[Columns]:
        """Those rows, and others that do not stand, with nothing in them, to write once that write has ended."""
        nothing = ", ".join("[] AS versions" if name == "versions" else f"NULL AS {name}" for name in STATE)
        yield from self._read(
            f"SELECT started_at, id, {nothing}, 1 AS gone, born, {written} AS written, 0 AS died FROM left_places"
        )

    def _if_any(self, join: str) -> str:
        return join if self._any_kept else ""

    def _make_kept(self) -> None:
        self.cursor.execute(
            f"CREATE TEMP TABLE kept (started_at BIGINT, id VARCHAR, {STATE_TYPES}, "
            "born UBIGINT, written UBIGINT, died UBIGINT, stands BOOLEAN)"
        )
        # One row of an id stands. Should there be several all the same, the last one does that it has not left.
        self.cursor.execute(
            "CREATE TEMP VIEW newest AS FROM kept WHERE stands "
            "QUALIFY row_number() OVER (PARTITION BY id ORDER BY died, written DESC, started_at DESC) = 1"
        )
        self._any_kept = True

    def _fill(self) -> None:
        store = self.store
        callers = "SELECT DISTINCT caller_number AS value FROM newest WHERE caller_number IS NOT NULL"
        self.cursor.execute(
            f"INSERT INTO {store.codes} SELECT value, row_number() OVER () - 1, {CODE_KEY} FROM ({callers})"
        )
        derived = ", ".join(f"{expression} AS {name}" for name, expression in DERIVED.items())
        calls = "SELECT * REPLACE (make_timestamp(started_at) AS started_at) FROM newest WHERE started_at >= 0"
        self.cursor.execute(
            f"INSERT INTO {store.calls} BY NAME SELECT id, started_at, {', '.join(STATE)}, {derived} "
            f"FROM ({calls}) LEFT JOIN {store.codes} AS codes ON codes.value = caller_number ORDER BY started_at, id"
        )
        self.cursor.execute(
            f"INSERT INTO {store.held} BY NAME SELECT id, {NAMES}, version, cleared, versions, "
            f"md5_number_lower(id) AS id_hash FROM newest WHERE started_at = {HELD}"
        )
        self.cursor.execute(
            f"INSERT INTO {store.deleted} SELECT id, md5_number_lower(id), changed_at "
            f"FROM newest WHERE started_at = {DELETED}"
        )

    def _after(self) -> str:
        store = self.store
        nothing = ", ".join(f"NULL AS {name}" for name in (*(field.name for field in FIELDS), "version", "cleared"))
        return (
            f"SELECT epoch_us(started_at) AS started_at, id, {', '.join(STATE)} FROM {store.calls} UNION ALL "
            f"SELECT {HELD}, id, {NAMES}, version, cleared, versions, NULL FROM {store.held} UNION ALL "
            f"SELECT {DELETED}, id, {nothing}, NULL, deleted_at FROM {store.deleted}"
        )

    def _read(self, query: str) -> Iterator[Columns]:
        reader = self.cursor.sql(query).to_arrow_reader(ROWS_AT_ONCE)
        for batch in read_batches(reader):
            if len(batch):
                yield batch.to_pydict()
