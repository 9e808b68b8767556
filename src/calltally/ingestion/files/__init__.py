"""Files in: whatever is on disk or streams in, as batches of raw rows; it knows nothing of what a column means."""

from calltally.ingestion.files.opening import open_rows
from calltally.ingestion.files.rows import ABSENT, Absent, BadRow, RowBatch, RowReader

__all__ = ["ABSENT", "Absent", "BadRow", "RowBatch", "RowReader", "open_rows"]
