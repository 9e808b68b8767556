"""Rows into a store: gathered in a file, compared with the calls there are, then put in by one transaction."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from calltally.engines.base import LoadSummary, Unplaced
from calltally.engines.duckdb import merge
from calltally.engines.duckdb.schema import DERIVED
from calltally.engines.duckdb.spelling import text
from calltally.engines.duckdb.staging import Staging
from calltally.engines.duckdb.stores import REMOVED, Store, read_span
from calltally.errors import NotFound, Unavailable

__all__ = ["DuckDBLoad"]

STOPPED = "This was stopped before the calls were in; nothing was changed"


class DuckDBLoad:
    """See `calltally.engines.base.Load`.

    The rows of a whole file are gathered before any is put in: which value of an id stands, which twin a row is, and
    whether a row's call comes later are facts about the file, not about a part of it. The gathering file is removed at
    the end; one that a killed process left is removed when the data folder is next taken. All else that is needed for
    the moment are temporary tables and views of one connection.
    """

    def __init__(self, root: duckdb.DuckDBPyConnection, store: Store, staging: Path) -> None:
        self._store = store
        self._staging = Staging(staging)
        self._cursor = root.cursor()
        self._stopped = False

    def add(self, rows: pa.RecordBatch) -> None:
        self._check()
        self._staging.add(rows)

    def finish(self, *, dry_run: bool = False) -> LoadSummary:
        self._check()
        try:
            self._staging.finish()
            self._name_rows()
            self._fold()
            with self._store.writing:
                return self._merge(dry_run=dry_run)
        except duckdb.InterruptException as error:
            raise Unavailable(STOPPED) from error

    def unplaced(self) -> Iterator[Unplaced]:
        found = self._cursor.execute("SELECT place, record FROM accepted SEMI JOIN lost USING (id) ORDER BY n")
        while rows := found.fetchmany(1000):
            yield from (Unplaced(place, record) for place, record in rows)

    def stop(self) -> None:
        self._stopped = True
        with suppress(duckdb.ConnectionException):  # it has ended
            self._cursor.interrupt()

    def close(self) -> None:
        """Remove the gathering file; what is not committed is rolled back."""
        self._cursor.close()
        self._staging.remove()

    def _merge(self, *, dry_run: bool) -> LoadSummary:
        self._check()
        self._compare()
        summary = self._summary()
        if not dry_run:
            self._commit()
            self._store.size += summary.added
        return summary

    def _check(self) -> None:
        if self._store.removed:
            raise NotFound(REMOVED)
        if self._stopped:
            raise Unavailable(STOPPED)

    def _table(self, name: str, query: str) -> None:
        self._cursor.execute(f"CREATE TEMP TABLE {name} AS {query}")

    def _view(self, name: str, query: str) -> None:
        self._cursor.execute(f"CREATE TEMP VIEW {name} AS {query}")

    def _number(self, query: str) -> int:
        return int(self._cursor.execute(query).fetchall()[0][0])

    def _count(self, table: str) -> int:
        return self._number(f"SELECT count(*) FROM {table}")

    def _name_rows(self) -> None:
        """`accepted`: the rows that count, each with an id; a derived one says which of its twins a row is."""
        rows = f"read_parquet({text(str(self._staging.path))})"
        if not self._staging.any_without_id:
            self._view("accepted", f"SELECT * FROM {rows} WHERE accepted")
            return
        self._table(
            "derived",
            "SELECT n, 'row-' || twin || '-' || row_number() OVER (PARTITION BY twin ORDER BY n) AS id "
            f"FROM {rows} WHERE id IS NULL AND twin IS NOT NULL",
        )
        self._view(
            "accepted",
            "SELECT r.* REPLACE (coalesce(r.id, d.id) AS id) "
            f"FROM {rows} AS r LEFT JOIN derived AS d USING (n) WHERE accepted",
        )

    def _fold(self) -> None:
        """`states`: one row an id, what the file as a whole says of it; `repeated`: ids that have several rows."""
        # By their hashes first, which take a fraction of the memory of the ids themselves.
        self._table("hashes", "SELECT hash(id) AS hash FROM accepted GROUP BY 1 HAVING count(*) > 1")
        suspects = "SELECT id FROM accepted WHERE hash(id) IN (FROM hashes)" if self._count("hashes") else _no_ids()
        self._table("repeated", f"SELECT id FROM ({suspects}) GROUP BY id HAVING count(*) > 1")
        single = f"SELECT id, {', '.join(merge.NAMES)}, version, NULL::{merge.VERSIONS_TYPE} AS versions FROM accepted"
        if not self._count("repeated"):
            self._view("states", single)
            return
        several = "(SELECT * FROM accepted WHERE id IN (FROM repeated))"
        self._table("states", f"{single} WHERE id NOT IN (FROM repeated) UNION ALL BY NAME {merge.folded(several)}")

    def _compare(self) -> None:
        """`known`: ids that have a call; `lost`: ids that get none; `changes`: what becomes of calls that change."""
        calls = self._store.calls
        is_empty = self._store.extent.first is None
        self._table(
            "known", _no_ids() if is_empty else f"SELECT s.id FROM states AS s SEMI JOIN {calls} AS c USING (id)"
        )
        without_start = "SELECT id FROM states WHERE started_at IS NULL"
        self._table("lost", f"{without_start} EXCEPT FROM known" if self._staging.any_without_start else _no_ids())
        if self._count("known"):
            self._table("changes", merge.merged("states", calls))
        else:  # planning that statement costs more than all else about a small file
            self._cursor.execute(f"CREATE TEMP TABLE changes ({merge.CHANGES_COLUMNS})")

    def _summary(self) -> LoadSummary:
        lost, known = self._count("lost"), self._count("known")
        unplaced = self._number("SELECT count(*) FROM accepted SEMI JOIN lost USING (id)") if lost else 0
        added = self._count("states") - known - lost
        updated = self._number("SELECT count(*) FROM changes WHERE values_changed") + self._repeats_that_say_more()
        return LoadSummary(added, updated, self._staging.accepted - unplaced - added - updated, unplaced)

    def _repeats_that_say_more(self) -> int:
        """Rows after the first of a call that is added or changes, which differ from the row before them."""
        if not self._count("repeated"):
            return 0
        same_calls = "SELECT id FROM known ANTI JOIN (FROM changes WHERE values_changed) USING (id)"
        return self._number(
            f"SELECT count(*) FROM (SELECT id, row_number() OVER w AS turn, {merge.same_as_before('w')} AS same "
            "FROM accepted SEMI JOIN repeated USING (id) ANTI JOIN lost USING (id) "
            f"ANTI JOIN ({same_calls}) USING (id) "
            "WINDOW w AS (PARTITION BY id ORDER BY n)) WHERE turn > 1 AND NOT same"
        )

    def _commit(self) -> None:
        """One transaction: all rows or none, synced to disk when this returns."""
        self._check()
        version = str(uuid.uuid4())
        self._cursor.execute("BEGIN")
        codes = self._add_codes()
        self._add_calls()
        self._change_calls()
        self._cursor.execute(f"UPDATE {self._store.meta} SET data_version = ?", [version])
        self._widen_extent(codes)
        try:
            self._cursor.execute("COMMIT")
        finally:
            self._store.version = version  # also after an error, which need not mean that nothing was changed
            self._store.grown(self._staging.rows)

    def _add_codes(self) -> int:
        """Give new caller numbers their codes; how many codes there are then."""
        before = self._store.extent.codes
        callers = " UNION ".join(f"SELECT caller_number AS value FROM {name}" for name in ("states", "changes"))
        new = f"SELECT value FROM ({callers}) ANTI JOIN {self._store.codes} USING (value) WHERE value IS NOT NULL"
        return before + self._number(
            f"INSERT INTO {self._store.codes} SELECT value, {before} + row_number() OVER () - 1 FROM ({new})"
        )

    def _add_calls(self) -> None:
        fresh = "SELECT * FROM states WHERE started_at IS NOT NULL"
        if self._count("known"):
            fresh += " AND id NOT IN (FROM known)"
        order = "" if self._staging.by_start else " ORDER BY started_at, id"
        self._cursor.execute(f"INSERT INTO {self._store.calls} BY NAME {self._derived(fresh)}{order}")

    def _change_calls(self) -> None:
        if not self._count("changes"):
            return
        changes = ", ".join(f"{name} = s.{name}" for name in (*merge.STATE_COLUMNS, *DERIVED))
        self._cursor.execute(
            f"UPDATE {self._store.calls} AS c SET {changes} FROM ({self._derived('FROM changes')}) AS s "
            "WHERE c.id = s.id"
        )

    def _derived(self, states: str) -> str:
        """States with the columns that follow from others."""
        derived = ", ".join(f"{expression} AS {name}" for name, expression in DERIVED.items())
        columns = ", ".join(("id", *merge.STATE_COLUMNS))
        return (
            f"SELECT {columns}, {derived} FROM ({states}) AS states "
            f"LEFT JOIN {self._store.codes} AS codes ON codes.value = caller_number"
        )

    def _widen_extent(self, codes: int) -> None:
        """Before the commit, so that no report is spelled for less than it meets."""
        extent = self._store.extent
        for name in ("states", "changes"):
            extent = extent.widened(*read_span(self._cursor, name), codes)
        self._store.extent = extent


def _no_ids() -> str:
    return "SELECT NULL::VARCHAR AS id WHERE false"
