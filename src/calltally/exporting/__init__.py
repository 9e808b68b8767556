"""Calls given back: as a file in a format that imports again to the same values."""

from calltally.exporting.formats import FORMATS, Format, format_of
from calltally.exporting.place import placed
from calltally.exporting.records import call_records
from calltally.exporting.write import pieces_of, write_calls

__all__ = ["FORMATS", "Format", "call_records", "format_of", "pieces_of", "placed", "write_calls"]
