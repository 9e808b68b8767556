"""How what an engine is given and gives back travels: as plain JSON, and rows as Arrow."""

from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Any

import pyarrow as pa

from calltally.catalog import CATALOG, Grain
from calltally.engines.base import AtLeast, AtMost, ChangedSince, Condition, Contains, LocalTimeIs, OneOf
from calltally.engines.remote.frames import Lost
from calltally.errors import (
    CallsUnreadable,
    CalltallyError,
    Conflict,
    Damaged,
    FolderInUse,
    FolderUnusable,
    Forbidden,
    Forged,
    InvalidBody,
    InvalidRequest,
    NotFound,
    Problem,
    Refused,
    StorageFull,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnreadableFile,
    UnsupportedMedia,
)
from calltally.localtime import OffsetTable, Period

__all__ = [
    "UNPLACED_SCHEMA",
    "packed",
    "pieces",
    "plain_conditions",
    "plain_error",
    "plain_local_time",
    "plain_periods",
    "read_conditions",
    "read_error",
    "read_local_time",
    "read_periods",
    "unpacked",
]

UNPLACED_SCHEMA = pa.schema([pa.field("place", pa.int64()), pa.field("record", pa.string())])
MOST_BYTES = 16_000_000  # of rows in a frame, unless a single one has more
FIELDS = {field.name for field in CATALOG.stored_fields}
GRAINS = {grain.value for grain in Grain}
LATER = {each.__name__: each for each in (CallsUnreadable, Damaged, Unavailable)}
SAID_IN_A_SENTENCE = {
    each.__name__: each
    for each in (
        CalltallyError,
        Conflict,
        FolderInUse,
        FolderUnusable,
        NotFound,
        StorageFull,
        TooLarge,
        UnreadableFile,
        UnsupportedMedia,
    )
}


def pieces(rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The rows, in batches that are small enough to travel."""
    if rows.nbytes <= MOST_BYTES or rows.num_rows < 2:
        yield rows
        return
    half = rows.num_rows // 2
    yield from pieces(rows.slice(0, half))
    yield from pieces(rows.slice(half))


def packed(rows: pa.RecordBatch) -> pa.Buffer:
    """The rows as bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_batch(rows)
    return sink.getvalue()


def unpacked(body: bytearray, schema: pa.Schema) -> list[pa.RecordBatch]:
    """The rows in bytes.

    Raises:
        Lost: they are none, or none of this schema.
    """
    try:
        with pa.ipc.open_stream(pa.py_buffer(body)) as stream:
            if not stream.schema.equals(schema):
                raise Lost("rows have other columns")
            batches: list[pa.RecordBatch] = list(stream)
        for batch in batches:
            batch.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise Lost(f"rows cannot be read: {error}") from error
    return batches


def plain_conditions(conditions: Sequence[Condition]) -> list[dict[str, Any]]:
    """The conditions, for JSON."""
    return [{"is": type(condition).__name__, **_plain(condition)} for condition in conditions]


def _plain(condition: Condition) -> dict[str, Any]:
    match condition:
        case LocalTimeIs(grain, values, local_time):
            return {"grain": grain.value, "values": values, "local_time": plain_local_time(local_time)}
        case _:
            return vars(condition)


def read_conditions(plain: object) -> tuple[Condition, ...]:
    """The conditions that `plain_conditions` wrote.

    Raises:
        Lost: it did not.
    """
    if not isinstance(plain, list):
        raise Lost("conditions are not a list")
    return tuple(_condition(each) for each in plain)


def _condition(plain: object) -> Condition:
    match plain:
        case {"is": "OneOf", "field": str(field), "values": list(values), "or_none": bool(or_none)} if field in FIELDS:
            return OneOf(field, _all(values, str | bool), or_none)
        case {"is": "AtLeast", "field": str(field), "lowest": int(lowest)} if field in FIELDS:
            return AtLeast(field, lowest)
        case {"is": "AtMost", "field": str(field), "highest": int(highest)} if field in FIELDS:
            return AtMost(field, highest)
        case {"is": "LocalTimeIs", "grain": str(grain), "values": list(values), "local_time": table} if grain in GRAINS:
            return LocalTimeIs(Grain(grain), _numbers(values), read_local_time(table))
        case {"is": "Contains", "fields": list(fields), "texts": list(texts)} if FIELDS.issuperset(_all(fields, str)):
            return Contains(tuple(fields), _all(texts, str))
        case {"is": "ChangedSince", "instant": int(instant)}:
            return ChangedSince(instant)
    raise Lost("a condition is none")


def _all(values: list[Any], kind: type | UnionType) -> tuple[Any, ...]:
    """The values, all of which are of this kind."""
    if not all(isinstance(value, kind) for value in values):
        raise Lost("a value is none")
    return tuple(values)


def _numbers(values: list[Any]) -> tuple[int, ...]:
    """The values, all of which are whole numbers, which `True` and `False` are not."""
    if not all(type(value) is int for value in values):
        raise Lost("a value is no whole number")
    return tuple(values)


def plain_local_time(local_time: OffsetTable) -> list[tuple[int, ...]]:
    """The table of local time, for JSON."""
    return [local_time.starts, local_time.offsets]


def read_local_time(plain: object) -> OffsetTable:
    """The table of local time that `plain_local_time` wrote.

    Raises:
        Lost: it did not.
    """
    match plain:
        case [list(starts), list(offsets)] if len(starts) == len(offsets) > 0:
            return OffsetTable(_numbers(starts), _numbers(offsets))
    raise Lost("a table of local time is none")


def plain_periods(periods: Sequence[Period] | None) -> list[list[int]] | None:
    """The periods, for JSON."""
    return None if periods is None else [[period.start, period.end] for period in periods]


def read_periods(plain: object) -> tuple[Period, ...] | None:
    """The periods that `plain_periods` wrote.

    Raises:
        Lost: it did not.
    """
    if plain is None:
        return None
    if not isinstance(plain, list):
        raise Lost("periods are not a list")
    return tuple(_period(each) for each in plain)


def _period(plain: object) -> Period:
    match plain:
        case [int(start), int(end)]:
            return Period(start, end)
    raise Lost("a period is none")


def plain_error(error: CalltallyError) -> dict[str, Any]:
    """The error, for JSON."""
    return {"error": type(error).__name__, "message": error.message, **vars(error)}


def read_error(plain: dict[str, Any]) -> CalltallyError:
    """The error that `plain_error` wrote; one that is not known here is told in its own words all the same."""
    match plain:
        case {"error": str(name), "message": message, "retry_after": int(seconds)} if name in LATER:
            return LATER[name](message, seconds)
        case {"error": "Refused", "message": message, "status": int(status)}:
            return Refused(message, status)
        case {"error": "InvalidRequest", "problems": problems}:
            return InvalidRequest(tuple(Problem(**problem) for problem in problems))
        case {"error": "InvalidBody", "problems": problems}:
            return InvalidBody(tuple(Problem(**problem) for problem in problems))
        case {"error": "Forbidden", "scope": scope}:
            return Forbidden(scope)
        case {"error": "Unauthorized"}:
            return Unauthorized()
        case {"error": "Forged"}:
            return Forged()
        case {"error": name, "message": message}:
            return SAID_IN_A_SENTENCE.get(name, CalltallyError)(message)
    raise Lost("an error says nothing")
