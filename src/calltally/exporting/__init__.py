"""Calls given back: as a file in a format that imports again to the same values."""

from calltally.exporting.formats import FORMATS, Format, format_of
from calltally.exporting.place import placed
from calltally.exporting.write import write_calls

__all__ = ["FORMATS", "Format", "format_of", "placed", "write_calls"]
