"""A file's rows as an engine takes them, whoever wrote it: its preset found out, its rows read and put together."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from calltally.ingestion.files import RowBatch, RowReader
from calltally.ingestion.presets import LegsTogether, Preset, PresetReading, detected, expected
from calltally.ingestion.reading import ReadBatch, RowReading
from calltally.records import Reading

__all__ = ["FileReading"]


class FileReading:
    """Reads the batches of one file by a preset: the one that is named, else the one that its columns tell.

    `preset` is that one; of a file whose columns are not known beforehand, once its first batch is read.
    """

    def __init__(self, rows: RowReader, named: Preset | None, columns: Mapping[str, str], reading: Reading) -> None:
        self._columns = columns
        self._reading = reading
        self._rows = RowReading(reading, columns)
        self.preset: Preset | None = None
        if named or rows.columns is not None:
            self._use(named or detected(rows.columns or ()), rows.columns or ())

    def read(self, batch: RowBatch) -> tuple[ReadBatch, Iterator[pa.RecordBatch]]:
        """What the batch came to, and those rows, of this and earlier ones, that are ready for an engine."""
        if self.preset is None and not batch.columns:  # nothing in it could be read as a row
            return self._rows.read(batch), iter(())
        if self.preset is None:
            self._use(detected(batch.columns), batch.columns)
        found = self._rows.read(self._by_preset.read(batch))
        if self._legs is None:
            return found, iter((found.rows,))
        return found, self._legs.add(found.rows, self._by_preset.others(batch), self._by_preset.parts(batch))

    def rest(self) -> Iterator[pa.RecordBatch]:
        """The rows that were not ready before all were read."""
        return self._legs.rest() if self.preset and self._legs else iter(())

    def _use(self, preset: Preset, columns: Collection[str]) -> None:
        self.preset = preset
        read_otherwise = expected(preset, self._columns, columns)
        self._rows = RowReading(replace(self._reading, expected=read_otherwise), self._columns)
        self._by_preset = PresetReading(preset, self._columns, self._reading)
        self._legs = LegsTogether(preset.legs) if preset.legs else None
