"""Calls in: files read as rows, rows as records, records into an engine."""

from calltally.ingestion.deliveries import Delivered, Delivery, deliver
from calltally.ingestion.erasing import erase_caller
from calltally.ingestion.load import FileResult, ImportOptions, ImportSummary, Progress, import_file, import_records
from calltally.ingestion.naming import files_named

__all__ = [
    "Delivered",
    "Delivery",
    "FileResult",
    "ImportOptions",
    "ImportSummary",
    "Progress",
    "deliver",
    "erase_caller",
    "files_named",
    "import_file",
    "import_records",
]
