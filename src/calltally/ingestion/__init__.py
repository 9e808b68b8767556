"""Calls in: files read as rows, rows as records, records into an engine."""

from calltally.ingestion.deliveries import Delivered, Delivery, deliver
from calltally.ingestion.load import FileResult, ImportOptions, ImportSummary, Progress, import_file, import_records
from calltally.ingestion.naming import files_named
from calltally.ingestion.presets import MOST_APART, PRESETS, Preset, described, described_legs

__all__ = [
    "MOST_APART",
    "PRESETS",
    "Delivered",
    "Delivery",
    "FileResult",
    "ImportOptions",
    "ImportSummary",
    "Preset",
    "Progress",
    "deliver",
    "described",
    "described_legs",
    "files_named",
    "import_file",
    "import_records",
]
