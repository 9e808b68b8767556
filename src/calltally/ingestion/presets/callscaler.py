"""CallScaler: the CSV export and the Calls API, whose names are those of our own fields."""

from calltally.ingestion.presets.types import Preset

__all__ = ["CALLSCALER"]

CALLSCALER = Preset(
    "callscaler",
    "CallScaler",
    "the CSV export, or calls of the API as JSON; the names are those of the call fields",
    signs=(
        ("id", "created_at", "qualification_reason"),
        ("id", "created_at", "has_transcription"),
        ("id", "created_at", "keywords_spotted", "qualified_ai"),
    ),
    others=(
        "caller_name",
        "qualification_reason",
        "recording_url",
        "recording_duration",
        "has_transcription",
        "keywords_spotted",
    ),
)
