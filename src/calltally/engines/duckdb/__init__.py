"""The embedded engine."""

from calltally.engines.duckdb.copies import file_facts
from calltally.engines.duckdb.engine import DuckDBEngine
from calltally.engines.duckdb.stores import store_path

__all__ = ["DuckDBEngine", "file_facts", "store_path"]
