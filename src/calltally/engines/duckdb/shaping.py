"""A few calls as they are given out, from their rows as they are stored.

What `calltally.engines.duckdb.copies` says in SQL for whole businesses; to plan that takes longer than a page does.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import pyarrow as pa

from calltally.catalog import CATALOG
from calltally.engines.duckdb.migrations import VERSIONED
from calltally.engines.rows import EXPORT_SCHEMA, VALUE_FIELDS
from calltally.engines.versions import SUPPOSED

__all__ = ["STORED_COLUMNS", "shaped"]

NAMES = ("id", *(field.name for field in VALUE_FIELDS), "version", "versions")
STORED_COLUMNS = ", ".join(NAMES)
PLACES = tuple((NAMES.index(field.name), VERSIONED.index(field.name)) for field in VALUE_FIELDS)


def shaped(rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    """Rows of `STORED_COLUMNS`, as the driver gives them, as calls of `EXPORT_SCHEMA`."""
    values: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(NAMES)
    columns = dict(zip(NAMES, values, strict=True))
    columns["updated_at"] = tuple(map(_least_version, rows))
    arrays = [pa.array(_told(row.name, columns[row.name]), row.type) for row in EXPORT_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=EXPORT_SCHEMA)


def _told(name: str, values: Sequence[Any]) -> Sequence[Any]:
    default = CATALOG.fields[name].default
    return [default if value is None else value for value in values] if default else values


def _least_version(row: tuple[Any, ...]) -> int | None:
    """The least version of the fields that have a value, microseconds UTC; None where one of them has none.

    What is only supposed is left out.
    """
    *_, version, stored = row
    if stored is None:
        return None if version == SUPPOSED else cast("int | None", version)
    # The list of a call that was stored before there was a field is shorter.
    each = [stored[at] if at < len(stored) else None for place, at in PLACES if row[place] is not None]
    versions = [version for version in each if version is not None]
    told = [version for version in versions if version != SUPPOSED]
    return min(told, default=None) if len(versions) == len(each) else None
