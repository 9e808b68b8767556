"""Rows into a store: gathered in a file, compared with the calls there are, then put in by one transaction."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from calltally.engines.base import LoadSummary, Unplaced
from calltally.engines.duckdb import merge
from calltally.engines.duckdb.changing import changing, write_log
from calltally.engines.duckdb.schema import CODE_KEY, DERIVED
from calltally.engines.duckdb.spelling import text
from calltally.engines.duckdb.staging import Staging
from calltally.engines.duckdb.store import REMOVED, Store, read_span
from calltally.errors import NotFound, Unavailable
from calltally.localtime import microseconds

__all__ = ["DuckDBLoad"]

NO_IDS = "SELECT NULL::VARCHAR AS id WHERE false"
IDS_AT_ONCE = 10_000
STOPPED = "This was stopped before the calls were in; nothing was changed"


Writing = Callable[[], AbstractContextManager[None]]  # the right to write to the store


class DuckDBLoad:
    """See `calltally.engines.base.Load`.

    The rows of a whole file are gathered before any is put in: which value of an id stands, which twin a row is, and
    whether a row's call comes later are facts about the file, not about a part of it. The gathering file is removed at
    the end; one that a killed process left is removed when the data folder is next taken. All else that is needed for
    the moment are temporary tables and views of one connection.
    """

    def __init__(self, root: duckdb.DuckDBPyConnection, store: Store, staging: Path, writing: Writing) -> None:
        self._store = store
        self._writing = writing
        self._staging = Staging(staging)
        self._root = root
        self._cursor = root.cursor()
        self._sizes: dict[str, int] = {}  # rows of the tables that were made
        self._stopped = False

    def add(self, rows: pa.RecordBatch) -> None:
        self._check()
        self._staging.add(rows)

    def finish(self, *, dry_run: bool = False) -> LoadSummary:
        self._check()
        try:
            self._staging.finish()
            erasure = self._store.erasure
            self._prepare()
            with self._writing():
                if self._store.erasure != erasure:  # a caller was erased meanwhile
                    self._forget()
                    self._prepare()
                return self._merge(dry_run=dry_run)
        except duckdb.InterruptException as error:
            raise Unavailable(STOPPED) from error

    def unplaced(self) -> Iterator[Unplaced]:
        found = self._cursor.execute("SELECT place, record FROM accepted SEMI JOIN lost USING (id) ORDER BY n")
        while rows := found.fetchmany(1000):
            yield from (Unplaced(place, record) for place, record in rows)

    def ids(self) -> Iterator[Sequence[str]]:
        """While `finish` takes the right to write: the ids of all rows, each once, some at a time."""
        found = self._cursor.execute("SELECT id FROM states")
        while rows := found.fetchmany(IDS_AT_ONCE):
            yield [row[0] for row in rows]

    def stop(self) -> None:
        self._stopped = True
        with suppress(duckdb.ConnectionException):  # it has ended
            self._cursor.interrupt()

    def close(self) -> None:
        """Remove the gathering file; what is not committed is rolled back."""
        self._cursor.close()
        self._staging.remove()

    def _prepare(self) -> None:
        """All that can be found out without the calls that there are."""
        self._name_rows()
        self._fold()

    def _forget(self) -> None:
        """Drop what `_prepare` has made."""
        self._cursor.close()
        self._cursor = self._root.cursor()

    def _merge(self, *, dry_run: bool) -> LoadSummary:
        self._check()
        self._compare()
        summary = self._summary()
        if not dry_run:
            self._commit(summary.added)
            self._store.size += summary.added
            write_log(self._cursor, self._store)
        return summary

    def _check(self) -> None:
        if self._store.removed:
            raise NotFound(REMOVED)
        if self._stopped:
            raise Unavailable(STOPPED)

    def _table(self, name: str, query: str) -> None:
        self._sizes[name] = self._number(f"CREATE TEMP TABLE {name} AS {query}")

    def _view(self, name: str, query: str) -> None:
        self._cursor.execute(f"CREATE TEMP VIEW {name} AS {query}")

    def _number(self, query: str) -> int:
        return int(self._cursor.execute(query).fetchall()[0][0])

    def _name_rows(self) -> None:
        """`accepted`: the rows that count, each with an id; a derived one says which of its twins a row is."""
        rows = f"read_parquet({text(str(self._staging.path))})"
        if self._store.erasure.hashes:
            rows = f"(SELECT * REPLACE ({self._caller_unless_erased()} AS caller_number) FROM {rows})"
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

    def _caller_unless_erased(self) -> str:
        key = text(f"{self._store.erasure.key}:")
        hashed = f"sha256({key} || caller_number)"
        return f"CASE WHEN {hashed} NOT IN (SELECT hash FROM {self._store.erased}) THEN caller_number END"

    def _fold(self) -> None:
        """`states`: one row an id, what the file as a whole says of it; `repeated`: ids that have several rows."""
        # By their hashes first, which take a fraction of the memory of the ids themselves.
        self._table("hashes", "SELECT hash(id) AS hash FROM accepted GROUP BY 1 HAVING count(*) > 1")
        suspects = "SELECT id FROM accepted WHERE hash(id) IN (FROM hashes)" if self._sizes["hashes"] else NO_IDS
        self._table("repeated", f"SELECT id FROM ({suspects}) GROUP BY id HAVING count(*) > 1")
        single = f"SELECT id, {', '.join(merge.NAMES)}, version, {merge.ONE_VERSION} FROM accepted"
        if not self._sizes["repeated"]:
            self._view("states", single)
            return
        several = "(SELECT * FROM accepted WHERE id IN (FROM repeated))"
        self._table(
            "states",
            f"{single} WHERE id NOT IN (FROM repeated) UNION ALL BY NAME {merge.folded(several, self._staging.said)}",
        )

    def _compare(self) -> None:
        """What the store knows of the ids, as tables.

        `known`: ids that have a call; `lost`: ids that get none; `changes`: what becomes of calls that change;
        `coming`: calls for which something is held; `living`: the states of calls that were not deleted.
        """
        store = self._store
        deleted = f"SELECT s.id FROM states AS s SEMI JOIN {store.deleted} USING (id)" if store.any_deleted else NO_IDS
        self._table("gone", deleted)
        self._view("living", "FROM states" + (" ANTI JOIN gone USING (id)" if self._sizes["gone"] else ""))
        is_empty = store.extent.first is None
        self._table("known", NO_IDS if is_empty else f"SELECT s.id FROM living AS s SEMI JOIN {store.calls} USING (id)")
        without_start = "SELECT id FROM living WHERE started_at IS NULL"
        self._table("lost", f"{without_start} EXCEPT FROM known" if self._staging.any_without_start else NO_IDS)
        self._merge_into("changes", store.calls, wanted=bool(self._sizes["known"]))
        self._merge_into("coming", store.held, wanted=store.any_held)

    def _merge_into(self, name: str, table: str, *, wanted: bool) -> None:
        """A table of what becomes of the rows of another that change; planning it costs more than all else."""
        if wanted:
            self._table(name, merge.merged("living", table, self._staging.said))
        else:
            self._cursor.execute(f"CREATE TEMP TABLE {name} ({merge.CHANGES_COLUMNS})")
            self._sizes[name] = 0

    def _summary(self) -> LoadSummary:
        lost, known = self._sizes["lost"], self._sizes["known"]
        unplaced = self._number("SELECT count(*) FROM accepted SEMI JOIN lost USING (id)") if lost else 0
        added = self._number("SELECT count(*) FROM living") - known - lost
        updated = self._repeats_that_say_more()
        if self._sizes["changes"]:
            updated += self._number("SELECT count(*) FROM changes WHERE values_changed")
        return LoadSummary(added, updated, self._staging.accepted - unplaced - added - updated, unplaced)

    def _repeats_that_say_more(self) -> int:
        """Rows after the first of a call that is added or changes, which differ from the row before them."""
        if not self._sizes["repeated"]:
            return 0
        same_calls = "SELECT id FROM known ANTI JOIN (FROM changes WHERE values_changed) USING (id) UNION ALL FROM gone"
        return self._number(
            f"SELECT count(*) FROM (SELECT id, row_number() OVER w AS turn, {merge.same_as_before('w')} AS same "
            "FROM accepted SEMI JOIN repeated USING (id) ANTI JOIN lost USING (id) "
            f"ANTI JOIN ({same_calls}) USING (id) "
            "WINDOW w AS (PARTITION BY id ORDER BY n)) WHERE turn > 1 AND NOT same"
        )

    def _commit(self, added: int) -> None:
        """One transaction: all rows or none, synced to disk when this returns."""
        self._check()
        try:
            with changing(self._cursor, self._store) as change:
                codes = self._add_codes()
                now = change.since = microseconds(datetime.now(UTC))
                change.added, change.rows = added, None
                if added:
                    self._add_calls(now)
                self._change_calls(now)
                self._widen_extent(codes)
        finally:
            self._store.grown(self._staging.rows)
            self._store.hashes.clear()

    def _add_codes(self) -> int:
        """Give new caller numbers their codes; how many codes there are then."""
        before = self._store.extent.codes
        callers = " UNION ALL ".join(f"SELECT caller_number AS value FROM {name}" for name in self._states())
        values = f"SELECT DISTINCT value FROM ({callers}) WHERE value IS NOT NULL"
        return before + self._number(
            f"INSERT INTO {self._store.codes} "
            f"SELECT value, {before} + row_number() OVER () - 1, {CODE_KEY} "
            f"FROM ({values}) ANTI JOIN {self._store.codes} USING (value)"
        )

    def _add_calls(self, now: int) -> None:
        fresh = "SELECT * FROM living WHERE started_at IS NOT NULL"
        if self._sizes["known"]:
            fresh += " AND id NOT IN (FROM known)"
        coming = self._sizes["coming"]
        if coming:
            fresh = (
                f"{fresh} AND id NOT IN (SELECT id FROM coming) "
                "UNION ALL BY NAME SELECT * EXCLUDE (values_changed) FROM coming WHERE id NOT IN (FROM lost)"
            )
        order = "" if self._staging.by_start and not coming else " ORDER BY started_at, id"
        self._cursor.execute(
            f"INSERT INTO {self._store.calls} BY NAME "
            f"SELECT *, {now} AS changed_at FROM ({self._derived(fresh)}){order}"
        )
        if coming:
            self._cursor.execute(
                f"DELETE FROM {self._store.held} WHERE id IN (SELECT id FROM coming WHERE id NOT IN (FROM lost))"
            )

    def _change_calls(self, now: int) -> None:
        if not self._sizes["changes"]:
            return
        columns = [name for name in (*merge.STATE_COLUMNS, *DERIVED) if name != "id_hash"]
        changes = ", ".join(f"{name} = s.{name}" for name in columns)
        changed = f"SELECT d.*, values_changed FROM ({self._derived('FROM changes')}) AS d JOIN changes USING (id)"
        self._cursor.execute(
            f"UPDATE {self._store.calls} AS c "
            f"SET {changes}, changed_at = CASE WHEN values_changed THEN {now} ELSE c.changed_at END "
            f"FROM ({changed}) AS s WHERE c.id = s.id"
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
        for name in self._states():
            extent = extent.widened(*read_span(self._cursor, name))
        self._store.extent = extent.with_codes(codes)

    def _states(self) -> list[str]:
        """What has states of calls that may come to be in the store."""
        return ["living", *(name for name in ("changes", "coming") if self._sizes[name])]
