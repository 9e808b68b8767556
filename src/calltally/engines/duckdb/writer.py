"""Statements over rows from outside, prepared once: to plan one takes longer than to put in hundreds of rows."""

from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

__all__ = ["ROWS", "Writer"]

ROWS = "$rows"  # in a statement, for the rows that it reads


@dataclass
class _Incoming:
    """What a prepared statement reads: other rows each time, all of one schema."""

    name: str
    schema: pa.Schema
    rows: pa.Table | None = None

    def __arrow_c_schema__(self) -> object:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        rows = self.schema.empty_table() if self.rows is None else self.rows
        return rows.__arrow_c_stream__(requested_schema)


class Writer:
    """A connection on which the same is done again and again. For one thread at a time."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self.cursor = cursor
        self._prepared: dict[str, _Incoming] = {}  # by the statement
        self._made = 0

    def insert(self, table: str, rows: pa.Table) -> None:
        """Put rows, of which there are some, into the columns of a table that go by the same names."""
        # Of itself DuckDB makes parts of them beside the table, for as many threads as it may have, and then puts those
        # in: twice the time and memory. What it joins row by row it puts in as it comes.
        one_by_one = f"{ROWS} POSITIONAL JOIN (SELECT 1 AS alone)"
        self.run(f"INSERT INTO {table} BY NAME SELECT * EXCLUDE (alone) FROM {one_by_one}", rows)

    def run(self, statement: str, rows: pa.Table) -> list[tuple[Any, ...]]:
        """What a statement finds that reads these rows, which it calls `ROWS`."""
        incoming = self._prepared.get(statement)
        if incoming is None or incoming.schema != rows.schema:
            incoming = self._prepared[statement] = self._prepare(statement, rows.schema)
        incoming.rows = rows
        try:
            return self.cursor.execute(f"EXECUTE {incoming.name}").fetchall()
        finally:
            incoming.rows = None

    def close(self) -> None:
        """Undo what was begun, and let go of the tables."""
        self.cursor.close()

    def _prepare(self, statement: str, schema: pa.Schema) -> _Incoming:
        self._made += 1
        incoming = _Incoming(f"prepared_{self._made}", schema)
        rows = f"{incoming.name}_rows"
        self.cursor.register(rows, incoming)
        self.cursor.execute(f"PREPARE {incoming.name} AS {statement.replace(ROWS, rows)}")
        return incoming
