"""A transaction that changes the calls of a store."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from calltally.engines.duckdb.stores import Store

__all__ = ["changing"]


@contextmanager
def changing(cursor: duckdb.DuckDBPyConnection, store: Store) -> Iterator[None]:
    """Commit what the block does, all of it, synced to disk; after an error, closing the cursor undoes it.

    The caller holds the right to write to the store. The calls get a new version, see `Engine.version`.
    """
    version = str(uuid.uuid4())
    cursor.execute("BEGIN")
    yield
    cursor.execute(f"UPDATE {store.meta} SET data_version = ?", [version])
    try:
        cursor.execute("COMMIT")
    finally:
        store.version = version  # also after an error, which need not mean that nothing was changed
