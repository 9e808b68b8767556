"""A call record: raw values read as the values that are stored."""

from calltally.records.columns import FEW_ROWS, ColumnReader, StoredColumn, no_values
from calltally.records.phones import read_phone
from calltally.records.times import Moment, read_rfc2822, read_rfc3339
from calltally.records.values import BadValue, Reading, normal_status, read_value

__all__ = [
    "FEW_ROWS",
    "BadValue",
    "ColumnReader",
    "Moment",
    "Reading",
    "StoredColumn",
    "no_values",
    "normal_status",
    "read_phone",
    "read_rfc2822",
    "read_rfc3339",
    "read_value",
]
