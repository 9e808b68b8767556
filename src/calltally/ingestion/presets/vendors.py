"""PRESETS: every preset there is, in the order in which they are listed and tried."""

from collections.abc import Mapping
from types import MappingProxyType

from calltally.ingestion.presets.asterisk import ASTERISK
from calltally.ingestion.presets.callrail import CALLRAIL
from calltally.ingestion.presets.callscaler import CALLSCALER
from calltally.ingestion.presets.calltrackingmetrics import CALLTRACKINGMETRICS
from calltally.ingestion.presets.freeswitch import FREESWITCH
from calltally.ingestion.presets.generic import GENERIC
from calltally.ingestion.presets.twilio import TWILIO
from calltally.ingestion.presets.types import Preset

__all__ = ["PRESETS"]

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (CALLSCALER, CALLRAIL, CALLTRACKINGMETRICS, TWILIO, ASTERISK, FREESWITCH, GENERIC)
    }
)
