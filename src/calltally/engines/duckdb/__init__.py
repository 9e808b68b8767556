"""The embedded engine."""

from calltally.engines.duckdb.copies import file_facts
from calltally.engines.duckdb.engine import DuckDBEngine
from calltally.engines.duckdb.files import files_of, store_path
from calltally.engines.duckdb.journal import Change, Journal
from calltally.engines.duckdb.reading import Reading
from calltally.engines.duckdb.rewriting import rewriting_files_of
from calltally.engines.duckdb.schema import CODE_COLUMNS

__all__ = [
    "CODE_COLUMNS",
    "Change",
    "DuckDBEngine",
    "Journal",
    "Reading",
    "file_facts",
    "files_of",
    "rewriting_files_of",
    "store_path",
]
