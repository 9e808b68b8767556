"""The embedded engine."""

from calltally.engines.duckdb.engine import DuckDBEngine, remove_store

__all__ = ["DuckDBEngine", "remove_store"]
