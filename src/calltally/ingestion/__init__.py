"""Calls in: files read as rows, rows as records, records into an engine."""

from calltally.ingestion.load import FileResult, ImportOptions, ImportSummary, Progress, import_file, import_records
from calltally.ingestion.naming import files_named
from calltally.ingestion.presets import PRESETS, Preset, described

__all__ = [
    "PRESETS",
    "FileResult",
    "ImportOptions",
    "ImportSummary",
    "Preset",
    "Progress",
    "described",
    "files_named",
    "import_file",
    "import_records",
]
