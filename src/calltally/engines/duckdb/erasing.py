"""A caller's number out of the calls of a store; its bytes leave the file when that is written anew."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import duckdb

from calltally.engines.duckdb import merge
from calltally.engines.duckdb.callers import forget_codes
from calltally.engines.duckdb.changing import changing
from calltally.engines.duckdb.lookup import GIVEN
from calltally.engines.duckdb.migrations import VERSIONED
from calltally.engines.duckdb.store import Store
from calltally.engines.erasure import Erasure
from calltally.engines.versions import NEVER_AGAIN
from calltally.localtime import microseconds

__all__ = ["erase_caller"]


def erase_caller(cursor: duckdb.DuckDBPyConnection, store: Store, caller_numbers: Sequence[str]) -> int:
    """How many calls had the number, however it is stored; the caller holds the right to write to the store.

    A call's caller becomes null with a version that no delivery exceeds. The file is marked as one to write anew.
    """
    erasure = Erasure(store.erasure.key or secrets.token_hex(32), store.erasure.hashes)
    erasure = Erasure(erasure.key, erasure.hashes | set(map(erasure.hash, caller_numbers)))
    versions = ", ".join(
        str(NEVER_AGAIN) if name == "caller_number" else merge.stored_version("c", name) for name in VERSIONED
    )
    without = f"caller_number = NULL, version = {NEVER_AGAIN}, cleared = NULL, versions = [{versions}]"
    with _as_it_is_after_an_error(store), changing(cursor, store) as change:
        given = [list(caller_numbers)]
        cursor.execute(f"UPDATE {store.held} AS c SET {without} WHERE caller_number IN ({GIVEN})", given)
        changed_at = change.since = microseconds(datetime.now(UTC))
        change.rows = None
        found = cursor.execute(
            f"UPDATE {store.calls} AS c SET {without}, caller_code = NULL, changed_at = {changed_at} "
            f"WHERE caller_number IN ({GIVEN})",
            given,
        ).fetchall()
        cursor.execute(f"UPDATE {store.codes} SET value = NULL, value_key = NULL WHERE value IN ({GIVEN})", given)
        cursor.execute(f"DELETE FROM {store.erased}")
        cursor.executemany(f"INSERT INTO {store.erased} VALUES (?)", [[each] for each in sorted(erasure.hashes)])
        cursor.execute(f"UPDATE {store.meta} SET erasure_key = ?, to_rewrite = true", [erasure.key])
        forget_codes(store)
        store.erasure = erasure  # before the commit: until then it leaves out a number that nobody may have any more
    return int(found[0][0])


@contextmanager
def _as_it_is_after_an_error(store: Store) -> Iterator[None]:
    """After an error let whoever needs the store next read anew who was erased."""
    try:
        yield
    except BaseException:
        store.invalid = True
        raise
