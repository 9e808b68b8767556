"""The blocks of a file that DuckDB writes over, kept while it does, so that a kill amid a write damages nothing.

DuckDB writes the rows of calls where nothing is. But what it knows of them (which columns there are, where their rows
are) is in parts of blocks, of which it puts new ones beside those in use, into the same block; and a block has one
checksum, of all its parts. Where a write ends halfway, as at a kill or a power cut, the parts in use are as they were,
but the checksum is wrong, and the file cannot be opened any more. So these blocks are copied first, as InnoDB does with
its doublewrite buffer and SQLite with its rollback journal: to a file beside, on the disk before the first is written.

Which blocks these are DuckDB tells; where they are follows from the first bytes of a file, see `HEADER`.
"""

import errno
import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import duckdb

from calltally.folder import sync_folder

__all__ = ["Blocks", "blocks_path", "put_back"]

# See `DatabaseHeader` and `Storage` in DuckDB's sources: three headers, of which the second and the third are written
# in turns, each with the number of times that there were changes; then the blocks, one after the other.
HEADER_BYTES = 4096
START_BYTES = 3 * HEADER_BYTES
HEADER = struct.Struct("<8xQ24xQ")  # how many times there were changes, and how large the blocks are
NUMBER = struct.Struct("<Q")
DIGEST_BYTES = hashlib.sha256().digest_size


def blocks_path(path: Path) -> Path:
    """Where the blocks of a file are kept while they are written over."""
    return path.with_name(path.name + ".blocks")


class Blocks:
    """The blocks of an attached file; to be closed once it is not attached any more.

    The system lets go of the locks that a process has on a file as soon as the process closes any descriptor of it,
    also of those by which DuckDB keeps others out. So one is open as long as the file is attached.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb", buffering=0)

    @contextmanager
    def kept(self, cursor: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
        """Within, DuckDB may write over the blocks of the file, which is attached by this name; nothing else does.

        After an error they stay, to be put back before the file is next attached.

        Raises:
            OSError: there is no room to keep them.
        """
        kept = blocks_path(self._path)
        try:
            self._keep(kept, _numbers(cursor, name))
        except OSError:
            kept.unlink(missing_ok=True)
            raise
        try:
            yield
        except duckdb.TransactionException:  # it was not begun
            kept.unlink()
            raise
        kept.unlink()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _keep(self, kept: Path, numbers: list[int]) -> None:
        digest = hashlib.sha256()
        start = _read(self._file, 0, START_BYTES)
        block_bytes = _block_bytes(start)
        with kept.open("wb") as file:
            for part in self._parts(start, numbers, block_bytes):
                digest.update(part)
                file.write(part)
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        sync_folder(kept.parent)

    def _parts(self, start: bytes, numbers: list[int], block_bytes: int) -> Iterator[bytes]:
        yield start
        for number in numbers:
            yield NUMBER.pack(number)
            yield _read(self._file, START_BYTES + number * block_bytes, block_bytes)


def put_back(path: Path) -> bool:
    """Put the blocks of a file, which is not attached, back where writing them was not brought to its end; whether so.

    Its end is that the file has another header, which is written once all else is. Blocks that were not all kept are
    not needed: nothing was written then.
    """
    kept = blocks_path(path)
    if not (kept.exists() and path.exists()):
        kept.unlink(missing_ok=True)
        return False
    content = memoryview(kept.read_bytes())
    start, blocks, digest = content[:START_BYTES], content[START_BYTES:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    is_whole = hashlib.sha256(content[:-DIGEST_BYTES]).digest() == digest
    with path.open("r+b", buffering=0) as file:
        to_do = is_whole and _read(file, 0, START_BYTES) == start
        if to_do:
            _write(file, blocks, _block_bytes(start))
            os.fsync(file.fileno())
    kept.unlink()
    return to_do


def _numbers(cursor: duckdb.DuckDBPyConnection, name: str) -> list[int]:
    """The blocks that DuckDB writes over: those that are not of calls alone."""
    found = cursor.execute("SELECT block_id FROM pragma_metadata_info(?) ORDER BY block_id", [name]).fetchall()
    return [number for (number,) in found]


def _block_bytes(start: bytes | memoryview) -> int:
    """How large the blocks of a file are that starts so."""
    _, block_bytes = max(HEADER.unpack_from(start, at) for at in (HEADER_BYTES, 2 * HEADER_BYTES))
    return int(block_bytes)


def _write(file: FileIO, blocks: memoryview, block_bytes: int) -> None:
    for at in range(0, len(blocks), NUMBER.size + block_bytes):
        (number,) = NUMBER.unpack_from(blocks, at)
        os.pwrite(file.fileno(), blocks[at + NUMBER.size :][:block_bytes], START_BYTES + number * block_bytes)


def _read(file: FileIO, start: int, size: int) -> bytes:
    found = os.pread(file.fileno(), size, start)
    if len(found) < size:
        raise OSError(errno.EIO, f"{file.name!r} ends before byte {start + size}")
    return found
