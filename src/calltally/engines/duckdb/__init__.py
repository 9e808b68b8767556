"""The embedded engine."""

from calltally.engines.duckdb.engine import DuckDBEngine

__all__ = ["DuckDBEngine"]
