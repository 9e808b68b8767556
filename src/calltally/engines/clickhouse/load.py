"""Rows of a file into a business's calls: gathered and merged here, then written."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from calltally.engines.base import LoadSummary, Unplaced
from calltally.engines.clickhouse.merge import Scratch
from calltally.engines.clickhouse.writing import Writing
from calltally.engines.duckdb.load import DuckDBLoad

__all__ = ["ClickHouseLoad"]


class ClickHouseLoad:
    """See `calltally.engines.base.Load`; what `writing` gives is the right to write, taken once the rows are merged."""

    def __init__(
        self,
        root: duckdb.DuckDBPyConnection,
        scratch: Scratch,
        staging: Path,
        writing: Callable[[], AbstractContextManager[Writing]],
    ) -> None:
        self._scratch = scratch
        self._writing = writing
        self._load = DuckDBLoad(root, scratch.store, staging, self._written)

    def add(self, rows: pa.RecordBatch) -> None:
        self._load.add(rows)

    def finish(self, *, dry_run: bool = False) -> LoadSummary:
        return self._load.finish(dry_run=dry_run)

    def unplaced(self) -> Iterator[Unplaced]:
        return self._load.unplaced()

    def stop(self) -> None:
        self._load.stop()

    def close(self) -> None:
        """Remove the gathering file."""
        self._load.close()

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Take what is known of the rows' calls before the block merges them, and write what it has changed."""
        with self._writing() as writing:
            writing.know(self._scratch, self._load.ids())
            yield
            writing.put(self._scratch)
