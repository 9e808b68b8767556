"""Calls as records that JSON can carry: every field in the order of the catalog, times as RFC 3339."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from calltally.engines import EXPORT_SCHEMA

__all__ = ["TEXT_TIMES", "call_records", "with_text_times"]

TEXT_TIMES = pa.schema(
    [field.with_type(pa.string()) if pa.types.is_timestamp(field.type) else field for field in EXPORT_SCHEMA]
)


def call_records(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The calls of a batch of `EXPORT_SCHEMA`, ready for JSON; null where nothing is said."""
    records: list[dict[str, Any]] = with_text_times(batch).to_pylist()
    return records


def with_text_times(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The calls with their times as RFC 3339: `2026-03-09T14:05:00Z`, with microseconds where there are some."""
    columns = [_text_times(column) if pa.types.is_timestamp(column.type) else column for column in batch.itercolumns()]
    return pa.RecordBatch.from_arrays(columns, schema=TEXT_TIMES)


def _text_times(column: pa.Array) -> pa.Array:
    text = column.cast(pa.timestamp("us")).cast(pa.string())  # UTC without saying so: no table of time zones is asked
    return pc.replace_substring_regex(pc.replace_substring(text, " ", "T"), r"(\.000000)?$", "Z")
