"""Presets: the files of other vendors read as they write them, each from a table of its own."""

from calltally.ingestion.presets.applying import PresetReading, as_text
from calltally.ingestion.presets.callrail import CALLRAIL_LEADS
from calltally.ingestion.presets.describing import described, described_legs, described_meaning
from calltally.ingestion.presets.detecting import OWN_NAMES, columns_read, detected, named_by_position
from calltally.ingestion.presets.generic import GENERIC
from calltally.ingestion.presets.legs import MOST_APART, LegsTogether
from calltally.ingestion.presets.meanings import EXPECTED, converter, expected
from calltally.ingestion.presets.twilio import TWILIO_CALLERS, TWILIO_DIRECTIONS
from calltally.ingestion.presets.types import Meaning, Money, Preset, Times, folded
from calltally.ingestion.presets.vendors import PRESETS

__all__ = [
    "CALLRAIL_LEADS",
    "EXPECTED",
    "GENERIC",
    "MOST_APART",
    "OWN_NAMES",
    "PRESETS",
    "TWILIO_CALLERS",
    "TWILIO_DIRECTIONS",
    "LegsTogether",
    "Meaning",
    "Money",
    "Preset",
    "PresetReading",
    "Times",
    "as_text",
    "columns_read",
    "converter",
    "described",
    "described_legs",
    "described_meaning",
    "detected",
    "expected",
    "folded",
    "named_by_position",
]
