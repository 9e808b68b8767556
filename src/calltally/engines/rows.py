"""The shapes in which calls go into an engine and come out of it: one Arrow column for each field."""

import pyarrow as pa

from calltally.catalog import CATALOG, CallField, FieldKind

__all__ = ["DELIVERY_SCHEMA", "EXPORT_SCHEMA", "ROW_SCHEMA", "VALUE_FIELDS"]

VALUE_FIELDS = tuple(field for field in CATALOG.stored_fields if field.kind is not FieldKind.ID)


def _arrow_type(field: CallField) -> pa.DataType:
    match field.kind:
        case FieldKind.TIME:
            return pa.timestamp("us")
        case FieldKind.WHOLE:
            return pa.int64()
        case FieldKind.BOOLEAN:
            return pa.bool_()
        case _:
            return pa.string()


ROW_SCHEMA = pa.schema(
    [
        pa.field("n", pa.int64()),  # which row of the file, from 1: the order in which unversioned rows stand
        pa.field("place", pa.int64()),  # where in the file, for people: its line
        pa.field("accepted", pa.bool_()),  # false: rejected, here only so that its twins are counted right
        pa.field("id", pa.string()),
        pa.field("twin", pa.string()),  # where there is no id: what rows of the same call have in common
        pa.field("version", pa.int64()),  # microseconds UTC; null: unversioned
        pa.field("record", pa.string()),  # the row as it was read, where it may turn out to have no call
        *(pa.field(field.name, _arrow_type(field)) for field in VALUE_FIELDS),
    ]
)

DELIVERY_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("id_hash", pa.uint64()),  # see `calltally.engines.hashing`
        pa.field("version", pa.int64()),  # microseconds UTC; null: unversioned
        pa.field("cleared", pa.int64()),  # bit i: the field at place i of VALUE_FIELDS is cleared
        *(pa.field(field.name, _arrow_type(field)) for field in VALUE_FIELDS),
    ]
)

EXPORT_SCHEMA = pa.schema(
    [
        # `updated_at` is the least version among the fields that have a value, null where one of them has none.
        pa.field(field.name, pa.timestamp("us", "UTC") if field.kind is FieldKind.TIME else _arrow_type(field))
        for field in CATALOG.fields.values()
    ]
)
