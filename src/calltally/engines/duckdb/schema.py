"""The tables of one business's file, and the migrations that bring an older file forward."""

from collections.abc import Sequence

import duckdb

from calltally.catalog import CallField, FieldKind
from calltally.engines.duckdb.dialect import quoted
from calltally.engines.rows import VALUE_FIELDS
from calltally.errors import FolderUnusable

__all__ = ["CALLS_COLUMNS", "MIGRATIONS", "column_type", "create_or_migrate", "schema_version"]


def column_type(field: CallField) -> str:
    """The narrowest type that holds every value of a field."""
    match field.kind:
        case FieldKind.TIME:
            return "TIMESTAMP"
        case FieldKind.BOOLEAN:
            return "BOOLEAN"
        case FieldKind.WHOLE if field.lowest >= 0 and field.highest < 2**8:
            return "UTINYINT"
        case FieldKind.WHOLE if field.highest < 2**31:
            return "INTEGER"
        case FieldKind.WHOLE:
            return "BIGINT"
        case _:
            return "VARCHAR"


def _columns() -> str:
    values = [f"{field.name} {column_type(field)}" for field in VALUE_FIELDS]
    versions = ", ".join(f"{field.name} BIGINT" for field in VALUE_FIELDS)
    # `version` holds for every field with a value; where fields differ, or one was cleared, `versions` holds instead.
    return ", ".join(["id VARCHAR NOT NULL", *values, "version BIGINT", f"versions STRUCT({versions})"])


CALLS_COLUMNS = _columns()

# Statements that lead from each schema version to the next; `{calls}` and `{meta}` stand for the tables. A released
# entry is never edited: what changes the tables is a new one.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        f"CREATE TABLE {{calls}} ({CALLS_COLUMNS})",
        "CREATE TABLE {meta} (schema_version INTEGER NOT NULL)",
        "INSERT INTO {meta} VALUES (0)",
    ),
    (
        "ALTER TABLE {meta} ADD COLUMN data_version VARCHAR",  # a new one at each commit
        "UPDATE {meta} SET data_version = gen_random_uuid()",
    ),
)


def create_or_migrate(
    cursor: duckdb.DuckDBPyConnection, store: str, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Bring an attached store to the newest schema, all of it or nothing.

    Raises:
        FolderUnusable: a newer release wrote the file.
    """
    tables = {"calls": f"{quoted(store)}.calls", "meta": f"{quoted(store)}.meta"}
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
                cursor.execute(statement.format(**tables))
        cursor.execute(f"UPDATE {tables['meta']} SET schema_version = ?", [len(migrations)])
        cursor.execute("COMMIT")
    except duckdb.Error:
        cursor.execute("ROLLBACK")
        raise


def schema_version(cursor: duckdb.DuckDBPyConnection, store: str) -> int:
    """The schema that an attached store has; 0: none yet."""
    known = cursor.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = ? AND table_name = 'meta'", [store]
    ).fetchall()
    if not known[0][0]:
        return 0
    return int(cursor.execute(f"SELECT schema_version FROM {quoted(store)}.meta").fetchall()[0][0])
