"""Files that name the fields of a call as Calltally does."""

from calltally.ingestion.presets.types import Preset

__all__ = ["GENERIC"]

GENERIC = Preset("generic", "any system", "columns with the names of the call fields, and those of --map")
