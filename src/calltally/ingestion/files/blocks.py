"""Blocks: CSV lines read all at once by Arrow, where it reads them as the csv module would one by one."""

import pyarrow as pa
import pyarrow.csv as pc

from calltally.ingestion.files.layout import Layout
from calltally.ingestion.files.lines import Lines

__all__ = ["BlockReader"]

LONGEST_BLOCK = 1 << 22  # bytes
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # which Arrow passes over, though here it is in the middle of the file


class BlockReader:
    """Reads lines under a layout, if each of them is one whole row of it.

    Where a line is empty, has too few values or too many, is no text or leaves a quote open, Arrow has either an error
    or not a row for each line. An empty row behind the lines shows that no quote was open at the end of them.
    """

    def __init__(self, encoding: str, layout: Layout) -> None:
        self._encoding = encoding
        self._able = len(layout.names) > 1 and layout.delimiter.isascii()
        self._last = b"\n" + layout.delimiter.encode() * (len(layout.names) - 1)
        self._read_options = pc.ReadOptions(use_threads=False, block_size=LONGEST_BLOCK, column_names=layout.names)
        self._parse_options = pc.ParseOptions(
            delimiter=layout.delimiter if self._able else ",", quote_char=layout.quote
        )
        self._convert_options = pc.ConvertOptions(
            column_types=dict.fromkeys(layout.names, pa.string()), strings_can_be_null=False
        )

    def read(self, block: Lines) -> list[pa.Array] | None:
        """The columns of the lines, or None if they have to be read one by one."""
        if not self._able or not self._is_plain(block.data):
            return None
        file = pa.BufferReader(block.data.rstrip(b"\r\n") + self._last)
        try:
            table = pc.read_csv(file, self._read_options, self._parse_options, self._convert_options)
        except pa.ArrowInvalid:
            return None
        if table.num_rows != len(block.lines) + 1:
            return None
        return [column.combine_chunks().slice(0, len(block.lines)) for column in table.columns]

    def _is_plain(self, data: bytes) -> bool:
        fits = len(data) < LONGEST_BLOCK and not data.startswith(BYTE_ORDER_MARK)
        return fits and (self._encoding == "utf-8" or data.isascii())
