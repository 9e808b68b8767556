"""NDJSON as it comes in: batches of records, and where it cannot go on."""

from collections.abc import Sequence

import orjson

from calltally.api.packing import Unpacking
from calltally.api.results import NoRecord, Sent
from calltally.errors import CalltallyError, TooLarge
from calltally.ingestion.files.json_columns import object_or_reason

__all__ = ["RecordLines"]

LONGEST_LINE = 1_000_000  # bytes
BATCH_BYTES, BATCH_RECORDS = 2_000_000, 20_000  # enough that a commit for each costs little, few enough to hold


class RecordLines:
    """Cuts a stream into lines and reads them. Blank lines count for nothing. For one thread at a time."""

    def __init__(self, unpacking: Unpacking) -> None:
        self._unpacking = unpacking
        self._lines: list[bytes] = []
        self._bytes = 0  # of these lines
        self._rest = b""  # the start of the next one
        self._count = 0  # lines that were given back
        self._failure: CalltallyError | None = None

    def feed(self, packed: bytes) -> None:
        """Take the next bytes, as they were sent."""
        self._unpacking.feed(packed)

    def batch(self) -> list[Sent]:
        """The next records where there are enough for a batch; none where more has to be fed first.

        Raises:
            InvalidBody: it cannot be unpacked. What came before was given back.
            TooLarge: a line is too long, or it becomes too large when unpacked. What came before was given back.
        """
        self._cut()
        enough = self._bytes >= BATCH_BYTES or len(self._lines) >= BATCH_RECORDS or self._failure
        return self._taken() if enough else []

    def rest(self) -> list[Sent]:
        """The next records when all was fed; none at the end.

        Raises:
            InvalidBody: see `batch`; or it breaks off in what is packed.
            TooLarge: see `batch`.
        """
        self._cut()
        if len(self._lines) < BATCH_RECORDS and not self._failure:
            self._end()
        return self._taken()

    def _cut(self) -> None:
        """Cut lines until there are enough or there is nothing more to cut."""
        try:
            while self._bytes < BATCH_BYTES and len(self._lines) < BATCH_RECORDS and not self._failure:
                piece = self._unpacking.read()
                if not piece:
                    return
                *lines, self._rest = (self._rest + piece).split(b"\n")
                self._add(lines)
                self._check(self._rest)
        except CalltallyError as failure:
            self._failure = failure

    def _end(self) -> None:
        """Take the last line, which need not have an end, unless the bytes broke off in it."""
        try:
            self._unpacking.finish()
            self._add([self._rest])
            self._rest = b""
        except CalltallyError as failure:
            self._failure = failure

    def _add(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            if line and not line.isspace():
                self._check(line)
                self._lines.append(line)
                self._bytes += len(line)

    def _check(self, line: bytes) -> None:
        if len(line) > LONGEST_LINE:
            place = self._count + len(self._lines)
            what = f"The record with index {place:,} has a line of more than {LONGEST_LINE:,} bytes"
            raise TooLarge(f"{what}, the most that a line may have; the records before it were taken")

    def _taken(self) -> list[Sent]:
        if self._failure and not self._lines:
            raise self._failure
        taken = self._lines[:BATCH_RECORDS]
        self._lines = self._lines[BATCH_RECORDS:]
        self._bytes = sum(map(len, self._lines))
        self._count += len(taken)
        return _records(taken)


def _records(lines: Sequence[bytes]) -> list[Sent]:
    """The lines read at once, or one by one if any of them is not an object."""
    try:
        records = list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        records = []
    if set(map(type, records)) == {dict}:
        return records
    return [_record(line) for line in lines]


def _record(line: bytes) -> Sent:
    record = object_or_reason(line)
    return NoRecord(line.decode(errors="replace"), record) if isinstance(record, str) else record
