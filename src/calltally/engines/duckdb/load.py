"""Rows into a store: gathered in a file of their own, then put in by one transaction."""

import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from calltally.engines.base import LoadSummary, Unplaced
from calltally.engines.duckdb import merge
from calltally.engines.duckdb.dialect import quoted, text
from calltally.engines.duckdb.stores import REMOVED, Store, read_span
from calltally.engines.rows import ROW_SCHEMA
from calltally.errors import NotFound, Unavailable

__all__ = ["DuckDBLoad"]

STOPPED = "This was stopped before the calls were in; nothing was changed"


class DuckDBLoad:
    """See `calltally.engines.base.Load`.

    The rows of a whole file are gathered before any is put in: which value of an id stands, which twin a row is, and
    whether a row's call comes later are facts about the file, not about a part of it. The gathering file is removed at
    the end; one that a killed process left is removed when the data folder is next taken.
    """

    def __init__(self, root: duckdb.DuckDBPyConnection, store: Store, staging: Path) -> None:
        self._root = root
        self._store = store
        self._path = staging / f"{uuid.uuid4()}.duckdb"
        self._name = self._path.stem
        self._cursor = root.cursor()
        self._cursor.execute(f"ATTACH {text(str(self._path))} AS {quoted(self._name)}")
        self._cursor.execute(
            f"CREATE TABLE {self._table('rows')} (n BIGINT, place BIGINT, accepted BOOLEAN, id VARCHAR, twin VARCHAR, "
            f"version BIGINT, record VARCHAR, {merge.VALUE_COLUMNS})"
        )
        # One transaction for all rows: each on its own would be written twice, to the log and to the file.
        self._cursor.execute("BEGIN")
        # Rows are written in a thread of their own while the next ones are read, one batch at a time.
        self._writer = ThreadPoolExecutor(1, "gather")
        self._written: Future[None] = self._writer.submit(_nothing)
        self._stopped = False

    def add(self, rows: pa.RecordBatch) -> None:
        self._check()
        self._written.result()
        self._written = self._writer.submit(self._write, rows)

    def finish(self, *, dry_run: bool = False) -> LoadSummary:
        try:
            self._written.result()
            self._cursor.execute("COMMIT")
            self._name_rows()
            self._fold()
            with self._store.writing:
                return self._merge(dry_run=dry_run)
        except duckdb.InterruptException as error:
            raise Unavailable(STOPPED) from error

    def unplaced(self) -> Iterator[Unplaced]:
        found = self._cursor.execute(
            f"SELECT place, record FROM {self._table('accepted')} SEMI JOIN {self._table('lost')} USING (id) ORDER BY n"
        )
        while rows := found.fetchmany(1000):
            yield from (Unplaced(place, record) for place, record in rows)

    def stop(self) -> None:
        self._stopped = True
        with suppress(duckdb.ConnectionException):  # it has ended
            self._cursor.interrupt()

    def close(self) -> None:
        """Remove the gathering file."""
        self._writer.shutdown()
        self._cursor.close()  # which rolls back what is not committed
        with self._root.cursor() as cursor:
            cursor.execute(f"DETACH {quoted(self._name)}")
        self._path.unlink(missing_ok=True)
        self._path.with_name(self._path.name + ".wal").unlink(missing_ok=True)

    def _write(self, rows: pa.RecordBatch) -> None:
        self._cursor.register("incoming", pa.Table.from_batches([rows], ROW_SCHEMA))
        self._cursor.execute(f"INSERT INTO {self._table('rows')} SELECT * FROM incoming")
        self._cursor.unregister("incoming")

    def _table(self, name: str) -> str:
        return f"{quoted(self._name)}.{name}"

    def _create(self, name: str, query: str) -> None:
        self._cursor.execute(f"CREATE TABLE {self._table(name)} AS {query}")

    def _number(self, query: str) -> int:
        return int(self._cursor.execute(query).fetchall()[0][0])

    def _merge(self, *, dry_run: bool) -> LoadSummary:
        self._check()
        self._compare()
        summary = self._summary()
        if not dry_run:
            self._commit()
        return summary

    def _name_rows(self) -> None:
        """`accepted`: the rows that count, each with an id; a derived one says which of its twins a row is."""
        rows, derived = self._table("rows"), self._table("derived")
        self._create(
            "derived",
            "SELECT n, 'row-' || twin || '-' || row_number() OVER (PARTITION BY twin ORDER BY n) AS id "
            f"FROM {rows} WHERE id IS NULL AND twin IS NOT NULL",
        )
        named = f"SELECT r.* REPLACE (coalesce(r.id, d.id) AS id) FROM {rows} AS r LEFT JOIN {derived} AS d USING (n)"
        source = named if self._number(f"SELECT count(*) FROM {derived}") else f"SELECT * FROM {rows}"
        self._cursor.execute(f"CREATE VIEW {self._table('accepted')} AS SELECT * FROM ({source}) WHERE accepted")

    def _fold(self) -> None:
        """`states`: one row an id, what the file as a whole says of it."""
        accepted, repeated = self._table("accepted"), self._table("repeated")
        self._create("repeated", f"SELECT id FROM {accepted} GROUP BY id HAVING count(*) > 1")
        single = (
            f"SELECT id, {', '.join(merge.NAMES)}, version, NULL::{merge.VERSIONS_TYPE} AS versions FROM {accepted}"
        )
        if not self._number(f"SELECT count(*) FROM {repeated}"):
            self._cursor.execute(f"CREATE VIEW {self._table('states')} AS {single}")
            return
        several = f"(SELECT * FROM {accepted} WHERE id IN (FROM {repeated}))"
        self._create(
            "states",
            f"{single} WHERE id NOT IN (FROM {repeated}) UNION ALL BY NAME {merge.folded(several)}",
        )

    def _compare(self) -> None:
        """`known`: ids that have a call; `lost`: ids that get none; `changes`: what becomes of calls that change."""
        states, calls = self._table("states"), self._store.table
        self._create("known", f"SELECT s.id FROM {states} AS s SEMI JOIN {calls} AS c ON s.id = c.id")
        new = f"SELECT id FROM {states} WHERE started_at IS NULL"
        self._create("lost", f"SELECT id FROM ({new}) ANTI JOIN {self._table('known')} USING (id)")
        if self._count("known"):
            self._create("changes", merge.merged(states, calls))
        else:  # planning that statement costs more than all else about a small file
            self._cursor.execute(f"CREATE TABLE {self._table('changes')} ({merge.CHANGES_COLUMNS})")

    def _summary(self) -> LoadSummary:
        rows = self._count("accepted")
        unplaced = self._number(
            f"SELECT count(*) FROM {self._table('accepted')} SEMI JOIN {self._table('lost')} USING (id)"
        )
        added = self._count("states") - self._count("known") - self._count("lost")
        changed = self._number(f"SELECT count(*) FROM {self._table('changes')} WHERE values_changed")
        updated = changed + self._repeats_that_say_more()
        return LoadSummary(added, updated, rows - unplaced - added - updated, unplaced)

    def _repeats_that_say_more(self) -> int:
        """Rows after the first of a call that is added or changes, which differ from the row before them."""
        changed = f"FROM {self._table('changes')} WHERE values_changed"
        same_calls = f"SELECT id FROM {self._table('known')} ANTI JOIN ({changed}) USING (id)"
        return self._number(
            f"SELECT count(*) FROM (SELECT id, row_number() OVER w AS turn, {merge.same_as_before('w')} AS same "
            f"FROM {self._table('accepted')} SEMI JOIN {self._table('repeated')} USING (id) "
            f"ANTI JOIN {self._table('lost')} USING (id) ANTI JOIN ({same_calls}) USING (id) "
            "WINDOW w AS (PARTITION BY id ORDER BY n)) WHERE turn > 1 AND NOT same"
        )

    def _check(self) -> None:
        if self._store.removed:
            raise NotFound(REMOVED)
        if self._stopped:
            raise Unavailable(STOPPED)

    def _commit(self) -> None:
        """One transaction: all rows or none, synced to disk when this returns."""
        self._check()
        columns = ", ".join(("id", *merge.STATE_COLUMNS))
        fresh = f"SELECT {columns} FROM {self._table('states')} ANTI JOIN {self._table('known')} USING (id)"
        changes = ", ".join(f"{name} = s.{name}" for name in merge.STATE_COLUMNS)
        self._widen_span()
        self._cursor.execute("BEGIN")
        self._cursor.execute(
            f"INSERT INTO {self._store.table} ({columns}) {fresh} WHERE started_at IS NOT NULL ORDER BY started_at, id"
        )
        if self._count("changes"):
            self._cursor.execute(
                f"UPDATE {self._store.table} AS c SET {changes} FROM {self._table('changes')} AS s WHERE c.id = s.id"
            )
        version = str(uuid.uuid4())
        self._cursor.execute(f"UPDATE {self._store.meta} SET data_version = ?", [version])
        try:
            self._cursor.execute("COMMIT")
        finally:
            self._store.version = version  # also after an error, which need not mean that nothing was changed

    def _widen_span(self) -> None:
        """Before the commit, so that no report narrows local time to less than it meets (see the engine)."""
        spans = [
            self._store.span,
            read_span(self._cursor, self._table("states")),
            read_span(self._cursor, self._table("changes")),
        ]
        known = [span for span in spans if span is not None]
        if known:
            self._store.span = min(first for first, _ in known), max(last for _, last in known)

    def _count(self, table: str) -> int:
        return self._number(f"SELECT count(*) FROM {self._table(table)}")


def _nothing() -> None:
    """What was written before the first rows."""
