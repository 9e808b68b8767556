"""Calls in: files read as rows, rows as records, records into an engine."""

from calltally.ingestion.load import FileResult, ImportOptions, ImportSummary, Progress, import_file, import_records

__all__ = ["FileResult", "ImportOptions", "ImportSummary", "Progress", "import_file", "import_records"]
