"""Files in: whatever is on disk or streams in, as batches of raw rows; it knows nothing of what a column means."""

from calltally.ingestion.files.columns import ABSENT, Column, column_of, plain, present
from calltally.ingestion.files.json_columns import same_columns
from calltally.ingestion.files.opening import open_rows
from calltally.ingestion.files.rows import BadRow, RowBatch, RowReader

__all__ = [
    "ABSENT",
    "BadRow",
    "Column",
    "RowBatch",
    "RowReader",
    "column_of",
    "open_rows",
    "plain",
    "present",
    "same_columns",
]
