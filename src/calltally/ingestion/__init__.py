"""Calls in: files read as rows, rows as records, records into an engine."""

from calltally.ingestion.deliveries import (
    Delivered,
    Delivery,
    ReadDeliveries,
    ReadTogether,
    deliver,
    deliver_read,
    put_read,
    read_columns,
    read_deliveries,
    read_together,
)
from calltally.ingestion.erasing import erase_caller, known_erasure, require_caller, without_erased
from calltally.ingestion.load import (
    UNPLACED,
    FileResult,
    ImportOptions,
    ImportSummary,
    Progress,
    import_file,
    import_records,
)
from calltally.ingestion.naming import files_named
from calltally.ingestion.presets import MOST_APART, PRESETS, Preset, described, described_legs, described_meaning
from calltally.ingestion.reading import RejectedRow
from calltally.ingestion.rejects import RejectedField, Rejects, shown_text

__all__ = [
    "MOST_APART",
    "PRESETS",
    "UNPLACED",
    "Delivered",
    "Delivery",
    "FileResult",
    "ImportOptions",
    "ImportSummary",
    "Preset",
    "Progress",
    "ReadDeliveries",
    "ReadTogether",
    "RejectedField",
    "RejectedRow",
    "Rejects",
    "deliver",
    "deliver_read",
    "described",
    "described_legs",
    "described_meaning",
    "erase_caller",
    "files_named",
    "import_file",
    "import_records",
    "known_erasure",
    "put_read",
    "read_columns",
    "read_deliveries",
    "read_together",
    "require_caller",
    "shown_text",
    "without_erased",
]
