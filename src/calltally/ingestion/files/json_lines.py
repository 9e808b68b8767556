"""NDJSON: each line an object."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa

from calltally.ingestion.files.content import Content
from calltally.ingestion.files.gathering import ROWS_AT_ONCE, Gathering
from calltally.ingestion.files.json_blocks import uniform_columns
from calltally.ingestion.files.json_columns import JsonRow, gathering, object_or_reason, objects_of
from calltally.ingestion.files.lines import TOO_LONG, Lines, LongLine, read_lines
from calltally.ingestion.files.rows import RowBatch

__all__ = ["read_json_lines"]

AHEAD = 2  # pieces

Columns = dict[str, pa.Array]


def read_json_lines(content: Content) -> Iterator[RowBatch]:
    """The objects; raises `UnreadableFile` after the last whole line if the bytes break off."""
    gathered = gathering()
    last = 0
    for piece, columns in _read_ahead(read_lines(content)):
        if isinstance(piece, LongLine):
            last = piece.place
            gathered.refuse(piece.place, TOO_LONG, piece.start.decode(errors="replace"))
        else:
            last = piece.first + len(piece.lines) - 1
            gathered.bytes += len(piece.data)
            _take_piece(gathered, piece, columns)
        yield from gathered.ready()
    yield from gathered.rest()
    content.source.check(f"after line {last}")


def _read_ahead(pieces: Iterable[Lines | LongLine]) -> Iterator[tuple[Lines | LongLine, Columns | None]]:
    """Each piece with its columns, if it could be read as columns; in a thread, while those before it are taken."""
    with ThreadPoolExecutor(1, "lines") as thread:
        ahead: deque[tuple[Lines | LongLine, Future[Columns | None]]] = deque()
        for piece in pieces:
            ahead.append((piece, thread.submit(_columns, piece)))
            if len(ahead) > AHEAD:
                first, columns = ahead.popleft()
                yield first, columns.result()
        for piece, columns in ahead:
            yield piece, columns.result()


def _columns(piece: Lines | LongLine) -> Columns | None:
    if not isinstance(piece, Lines) or piece.data.count(b"\n") != len(piece.lines):
        return None
    return uniform_columns(piece.data, len(piece.lines))


def _take_piece(gathered: Gathering[JsonRow], piece: Lines, columns: Columns | None) -> None:
    if columns:
        gathered.add_columns(columns, range(piece.first, piece.first + len(piece.lines)))
        return
    for at in range(0, len(piece.lines), ROWS_AT_ONCE):
        _take(gathered, piece.first + at, piece.lines[at : at + ROWS_AT_ONCE])


def _take(gathered: Gathering[JsonRow], first: int, lines: list[bytes]) -> None:
    """Parse the lines at once, or one by one if any of them is not an object."""
    places = range(first, first + len(lines))
    if rows := objects_of(lines):
        gathered.add(rows, places)
        return
    for place, line in zip(places, lines, strict=True):
        if line.strip():
            _take_one(gathered, place, line)


def _take_one(gathered: Gathering[JsonRow], place: int, line: bytes) -> None:
    row = object_or_reason(line)
    if isinstance(row, str):
        gathered.refuse(place, row, line.decode(errors="replace"))
    else:
        gathered.add_one(row, place)
