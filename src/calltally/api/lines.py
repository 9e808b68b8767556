"""NDJSON as it comes in: batches of records, and where it cannot go on."""

from codecs import BOM_UTF8
from functools import partial

from calltally.api.packing import Unpacking
from calltally.api.results import Batch, NoRecord, Sent
from calltally.errors import CalltallyError, TooLarge
from calltally.ingestion.files import LONGEST_LINE, object_or_reason, objects_of

__all__ = ["BATCH_BYTES", "RecordLines"]

BATCH_BYTES, BATCH_LINES = 2_000_000, 10_000  # enough to be read soon, few enough to hold


class RecordLines:
    """Cuts a stream into batches of lines. Blank lines count for nothing. For one thread at a time."""

    def __init__(self, unpacking: Unpacking) -> None:
        self._unpacking = unpacking
        self._pieces: list[bytes] = []  # of whole lines
        self._bytes = 0  # of these
        self._lines = 0  # how many they are, blank ones too
        self._rest = b""  # the start of the next line
        self._begun = False  # whether the first bytes came, before which editors and shells may put a mark
        self._count = 0  # records that were given back
        self._failure: CalltallyError | None = None

    def feed(self, packed: bytes) -> None:
        """Take the next bytes, as they were sent."""
        self._unpacking.feed(packed)

    def batch(self) -> Batch | None:
        """The next records where there are enough for a batch; None where more has to be fed first.

        Raises:
            InvalidBody: it cannot be unpacked. What came before was given back.
            TooLarge: a line is too long, or it becomes too large when unpacked. What came before was given back.
        """
        while True:
            self._cut()
            if not (self._is_enough() or self._failure):
                return None
            if batch := self._taken():
                return batch

    def rest(self) -> Batch | None:
        """The next records when all was fed; None at the end.

        Raises:
            InvalidBody: see `batch`; or it breaks off in what is packed.
            TooLarge: see `batch`.
        """
        while True:
            self._cut()
            if not (self._is_enough() or self._failure):
                self._end()
            if (batch := self._taken()) or not self._bytes:
                return batch

    def _is_enough(self) -> bool:
        return self._bytes >= BATCH_BYTES or self._lines >= BATCH_LINES

    def _cut(self) -> None:
        """Cut lines until there are enough or there is nothing more to cut."""
        try:
            while not (self._is_enough() or self._failure):
                piece = self._unpacking.read()
                if not piece:
                    return
                self._add(self._rest + piece)
        except CalltallyError as failure:
            self._failure = failure

    def _end(self) -> None:
        """Take the last line, which need not have an end, unless the bytes broke off in it."""
        try:
            self._unpacking.finish()
            self._add(self._rest + b"\n")
        except CalltallyError as failure:
            self._failure = failure

    def _add(self, data: bytes) -> None:
        """Take the lines that have an end, and keep the start of the next.

        Raises:
            TooLarge: a line is too long; those before it are taken.
        """
        if not self._begun and len(data) >= len(BOM_UTF8):
            data, self._begun = data.removeprefix(BOM_UTF8), True
        end = data.rfind(b"\n") + 1
        fitting = _end_of_fitting(data, end)
        self._keep(data[:fitting])
        self._rest = data[end:]
        if fitting < end or len(self._rest) > LONGEST_LINE:
            place = self._count + sum(1 for line in b"".join(self._pieces).split(b"\n") if line.strip())
            what = f"The record with index {place:,} has a line of more than {LONGEST_LINE:,} bytes"
            raise TooLarge(f"{what}, the most that a line may have; the records before it were taken")

    def _keep(self, lines: bytes) -> None:
        self._pieces.append(lines)
        self._bytes += len(lines)
        self._lines += lines.count(b"\n")

    def _taken(self) -> Batch | None:
        """A batch of what is in hand; None where that is only blank lines.

        Raises:
            CalltallyError: there is nothing in hand, and it cannot go on.
        """
        data = b"".join(self._pieces)
        count = min(self._lines, BATCH_LINES)
        end = len(data) if count == self._lines else _end_of_lines(data, count)
        lines = data[:end]
        self._pieces, self._bytes, self._lines = [], 0, 0
        self._keep(data[end:])
        if lines and not lines.isspace():
            batch = Batch(lines, count, partial(_records, lines))
            self._count += len(batch)
            return batch
        if self._failure and not self._bytes:
            raise self._failure
        return None


def _end_of_fitting(data: bytes, end: int) -> int:
    """Where the first line before `end` begins that is too long; `end` where there is none."""
    start = 0
    while start < end:
        last = data.rfind(b"\n", start, start + LONGEST_LINE + 1)
        if last < 0:
            return start
        start = last + 1
    return end


def _end_of_lines(data: bytes, lines: int) -> int:
    """Where so many lines end."""
    end = 0
    for _ in range(lines):
        end = data.index(b"\n", end) + 1
    return end


def _records(data: bytes) -> list[Sent]:
    """The lines that are not blank, read at once, or one by one if any of them is not an object."""
    lines = [line for line in data.split(b"\n") if line and not line.isspace()]
    return list(objects_of(lines) or map(_record, lines))


def _record(line: bytes) -> Sent:
    record = object_or_reason(line)
    return NoRecord(line.decode(errors="replace"), record) if isinstance(record, str) else record
