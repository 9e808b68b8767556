"""Files in: whatever is on disk or streams in, as batches of raw rows; it knows nothing of what a column means."""

from calltally.ingestion.files.columns import ABSENT, Column, column_of, plain, present
from calltally.ingestion.files.json_blocks import uniform_columns
from calltally.ingestion.files.json_columns import object_or_reason, objects_of, same_columns, why_no_json
from calltally.ingestion.files.opening import open_rows
from calltally.ingestion.files.rows import LONGEST_LINE, LONGEST_SHOWN_ROW, BadRow, RowBatch, RowReader
from calltally.ingestion.files.zstd import ZstdError, zstd_decompressor

__all__ = [
    "ABSENT",
    "LONGEST_LINE",
    "LONGEST_SHOWN_ROW",
    "BadRow",
    "Column",
    "RowBatch",
    "RowReader",
    "ZstdError",
    "column_of",
    "object_or_reason",
    "objects_of",
    "open_rows",
    "plain",
    "present",
    "same_columns",
    "uniform_columns",
    "why_no_json",
    "zstd_decompressor",
]
