"""The rows of a load while they are gathered: a Parquet file in the staging folder, and what was noticed on the way."""

import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from calltally.catalog import CATALOG, FieldKind
from calltally.engines.rows import ROW_SCHEMA, VALUE_FIELDS

__all__ = ["Staging"]

ROWS_A_GROUP = 122_880  # as many as DuckDB puts together itself: it reads and inserts groups of this size in parallel
MOST_BYTES = 256_000_000  # of rows in hand
# A dictionary for what hardly repeats is built in vain.
REPEATING = [
    field.name
    for field in CATALOG.fields.values()
    if field.name in ROW_SCHEMA.names and field.kind not in {FieldKind.ID, FieldKind.TIME, FieldKind.PHONE}
]
VALUES = {field.name for field in VALUE_FIELDS}


class Staging:
    """Takes rows, writes them in a thread of its own while the next ones are read."""

    def __init__(self, folder: Path) -> None:
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - 6 MB, of all servers into which nothing is loaded

        self.path = folder / f"{uuid.uuid4()}.parquet"
        self.rows = 0
        self.accepted = 0
        self.any_without_id = False
        self.any_without_start = False
        self.said: set[str] = set()  # the fields of which any row has a value
        self.by_start = True  # whether the rows come in the order of their starts
        self._last_start: pa.Scalar | None = None
        self._batches: list[pa.RecordBatch] = []
        self._size = self._bytes = 0
        self._file = ParquetWriter(
            self.path, ROW_SCHEMA, compression="none", use_dictionary=REPEATING, write_statistics=False
        )
        self._writer = ThreadPoolExecutor(1, "staging")
        self._written: Future[None] = self._writer.submit(_nothing)

    def add(self, rows: pa.RecordBatch) -> None:
        """Take the next rows."""
        self._notice(rows)
        self._batches.append(rows)
        self._size += len(rows)
        self._bytes += rows.nbytes
        if self._size >= ROWS_A_GROUP or self._bytes >= MOST_BYTES:
            self._write(self._size if self._bytes >= MOST_BYTES else ROWS_A_GROUP)

    def finish(self) -> None:
        """Write what is left; the file can be read then."""
        self._write(self._size)
        self._written.result()
        self._file.close()

    def remove(self) -> None:
        """Remove the file, finished or not."""
        self._writer.shutdown()
        with suppress(OSError):  # a full disk, which whoever wrote has been told of
            self._file.close()
        self.path.unlink(missing_ok=True)

    def _write(self, count: int) -> None:
        """Hand on so many rows as a group, and keep the others."""
        self._written.result()
        table = pa.Table.from_batches(self._batches, ROW_SCHEMA)
        self._written = self._writer.submit(self._file.write_table, table.slice(0, count), ROWS_A_GROUP)
        rest = table.slice(count)
        self._batches, self._size, self._bytes = rest.to_batches(), len(rest), rest.nbytes

    def _notice(self, rows: pa.RecordBatch) -> None:
        self.rows += len(rows)
        self.accepted += pc.sum(rows["accepted"]).as_py() or 0
        self.any_without_id |= bool(rows["id"].null_count)
        self.said |= {name for name in VALUES - self.said if rows[name].null_count < len(rows)}
        starts = rows["started_at"]
        self.any_without_start |= bool(starts.null_count)
        self.by_start = self.by_start and not starts.null_count and self._follows(starts)

    def _follows(self, starts: pa.Array) -> bool:
        if not len(starts):
            return True
        before, self._last_start = self._last_start, starts[-1]
        goes_on = before is None or before.as_py() <= starts[0].as_py()
        return goes_on and pc.all(pc.less_equal(starts[:-1], starts[1:])).as_py() is not False


def _nothing() -> None:
    """What was written before the first rows."""
