"""Calls in: files read as rows, rows as records, records into an engine."""

from calltally.ingestion.load import FileResult, ImportOptions, ImportSummary, Progress, import_file, import_records
from calltally.ingestion.naming import files_named

__all__ = [
    "FileResult",
    "ImportOptions",
    "ImportSummary",
    "Progress",
    "files_named",
    "import_file",
    "import_records",
]
