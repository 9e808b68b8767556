"""The tables of one business's file, as they are now."""

from collections.abc import Sequence
from contextlib import suppress

import duckdb

from calltally.catalog import CallField, FieldKind
from calltally.engines.duckdb.migrations import MIGRATIONS, VERSIONED
from calltally.engines.duckdb.spelling import quoted
from calltally.engines.hashing import NUMBER, OTHER
from calltally.engines.rows import VALUE_FIELDS
from calltally.errors import FolderUnusable

__all__ = [
    "CALLS_COLUMNS",
    "CODE_COLUMNS",
    "CODE_KEY",
    "DERIVED",
    "bit_of",
    "column_type",
    "create_or_migrate",
    "schema_version",
    "version_of",
]

TABLES = ("calls", "former_calls", "codes", "former_codes", "held", "deleted", "erased", "meta")

# Fields whose different values are counted, and the column that has a small number for each value (see `codes`).
CODE_COLUMNS = {"caller_number": "caller_code"}

# What finds a caller's code, see `calltally.engines.hashing.keys_of`.
CODE_KEY = (
    f"CASE WHEN regexp_full_match(value, '{NUMBER}') THEN value[2:]::UBIGINT "
    f"ELSE md5_number_lower(value) | {OTHER}::UBIGINT END"
)

# Columns that follow from others, kept since reports use them all the time. `codes` is the table of codes.
DERIVED = {
    "quarter_hour": "epoch_us(started_at) // 900000000",  # which of UTC a call starts in, counted from 1970
    "caller_code": "codes.code",
    "id_hash": "md5_number_lower(id)",  # by which a call is found
}

DERIVED_TYPES = {"id_hash": "UBIGINT"}  # where it is no INTEGER


def column_type(field: CallField) -> str:
    """The narrowest type that holds every value of a field and that DuckDB adds up without a cast."""
    match field.kind:
        case FieldKind.TIME:
            return "TIMESTAMP"
        case FieldKind.BOOLEAN:
            return "BOOLEAN"
        case FieldKind.WHOLE if field.highest < 2**15:
            return "SMALLINT"
        case FieldKind.WHOLE if field.highest < 2**31:
            return "INTEGER"
        case FieldKind.WHOLE:
            return "BIGINT"
        case _:
            return "VARCHAR"


def _columns() -> str:
    values = [f"{field.name} {column_type(field)}" for field in VALUE_FIELDS]
    derived = [f"{name} {DERIVED_TYPES.get(name, 'INTEGER')}" for name in DERIVED]
    # `version` holds for every field with a value, and for those whose bits `cleared` has, which were cleared; where
    # fields differ, `versions` holds instead.
    # `changed_at` is when a value of the call last changed here, microseconds UTC.
    state = ["version BIGINT", "cleared BIGINT", "versions BIGINT[]"]
    return ", ".join(["id VARCHAR", *values, *state, *derived, "changed_at BIGINT"])


CALLS_COLUMNS = _columns()


def bit_of(field: str) -> int:
    """The bit that says in `cleared` that a field was cleared."""
    return 1 << VERSIONED.index(field)


def version_of(field: str, versions: str = "versions") -> str:
    """The version of a field in a list of versions."""
    return f"{versions}[{VERSIONED.index(field) + 1}]"


def create_or_migrate(
    cursor: duckdb.DuckDBPyConnection, store: str, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Bring an attached store to the newest schema, all of it or nothing.

    Raises:
        FolderUnusable: a newer release wrote the file.
    """
    names = {name: f"{quoted(store)}.{name}" for name in TABLES}
    version = schema_version(cursor, store)
    if version > len(migrations):
        raise FolderUnusable(
            f"The calls in {store} were written by a newer release of Calltally (schema {version}, "
            f"this one knows {len(migrations)}); upgrade to read them"
        )
    if version == len(migrations):
        return
    cursor.execute("BEGIN")
    try:
        for step in migrations[version:]:
            for statement in step:
                cursor.execute(statement.format(**names))
        cursor.execute(f"UPDATE {names['meta']} SET schema_version = ?", [len(migrations)])
        cursor.execute("COMMIT")
    except duckdb.Error:
        with suppress(duckdb.TransactionException):  # a commit that failed has ended the transaction
            cursor.execute("ROLLBACK")
        raise


def schema_version(cursor: duckdb.DuckDBPyConnection, store: str) -> int:
    """The schema that an attached store has; 0: none yet."""
    try:
        found = cursor.execute(f"SELECT schema_version FROM {quoted(store)}.meta").fetchall()
    except duckdb.CatalogException:
        # It has no such table. To list its tables, DuckDB would look into all that is attached, and what is being
        # looked into stays behind when it is detached: it could not be attached again at once.
        return 0
    return int(found[0][0])
