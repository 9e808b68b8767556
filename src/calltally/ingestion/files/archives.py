"""Archives: packed bytes unpacked piece by piece, up to where they break off."""

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from calltally.ingestion.files.stored import Stored
from calltally.ingestion.files.zstd import ZstdError, zstd_decompressor

__all__ = ["ARCHIVES", "LONGEST_MAGIC", "Archive", "archive_of", "name_unpacked"]

LONGEST_MAGIC = 4  # bytes

GZIP_MAGIC = b"\x1f\x8b"
GZIP_ONLY = 16 + zlib.MAX_WBITS

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18", re.DOTALL)  # a frame of something else, which a reader passes over
MOST_ZSTD_MEMORY = 27  # as a power of two: 128 MB, which is also as far as the zstd command goes by itself
RUN_LENGTH = 1  # the type of a block that is a single byte, however long it becomes

# What zstd says of frames that are sound, and what of them is told instead.
UNSUITABLE = {
    "Frame requires too much memory for decoding": "a frame that needs more than 128 MB of memory (zstd --long) stands",
    "Dictionary mismatch": "a frame that needs a dictionary stands",
}

BREAKS_OFF = "the archive breaks off"
DAMAGED = "the archive is damaged"
FOLLOWED = "the archive is followed by something else"


@dataclass(frozen=True)
class Archive:
    """A way of packing: how its bytes begin, how names of files end, and the content of all that is stored."""

    name: str
    magic: re.Pattern[bytes]
    suffixes: tuple[str, ...]
    unpack: Callable[[Stored], Iterator[bytes]]


def archive_of(start: bytes) -> Archive | None:
    """The way in which bytes that begin so are packed, None if in none."""
    return next((archive for archive in ARCHIVES if archive.magic.match(start)), None)


def name_unpacked(name: str) -> str:
    """The name that a file had before it was packed, in lower case."""
    plain = name.lower()
    for suffix in (suffix for archive in ARCHIVES for suffix in archive.suffixes):
        if plain.endswith(suffix):
            return plain.removesuffix(suffix)
    return plain


def _unpack_gzip(stored: Stored) -> Iterator[bytes]:
    """The content of every member, one after another."""
    while start := stored.peek(len(GZIP_MAGIC)):
        if start != GZIP_MAGIC:
            stored.break_off(FOLLOWED)
            return
        yield from _gzip_member(stored)
        if stored.broken:
            return
        _pass_padding(stored)


def _gzip_member(stored: Stored) -> Iterator[bytes]:
    member = zlib.decompressobj(GZIP_ONLY)
    data = stored.read()
    while not member.eof:
        before = member.copy()
        try:
            content = member.decompress(data, stored.chunk)
        except zlib.error:
            yield from _salvage(before, data, stored)
            return
        yield content
        data = member.unconsumed_tail
        # A full piece may have more behind it although all input is consumed.
        if not (member.eof or data or len(content) == stored.chunk or (data := stored.read())):
            stored.break_off(BREAKS_OFF)
            return
    stored.give_back(member.unused_data)


def _salvage(member: "zlib._Decompress", data: bytes, stored: Stored) -> Iterator[bytes]:
    """What `data` holds up to the byte that is damaged: zlib gives nothing back from a call that fails."""
    good = bytearray()
    for at, byte in enumerate(data):
        try:
            good += member.decompress(bytes((byte,)))
        except zlib.error:
            stored.break_off(DAMAGED, stored.position - len(data) + at)
            break
    yield bytes(good)


def _pass_padding(stored: Stored) -> None:
    """Pass over the zero bytes that tapes and block devices leave behind an archive."""
    while data := stored.read():
        if rest := data.lstrip(b"\0"):
            stored.give_back(rest)
            return


def _unpack_zstd(stored: Stored) -> Iterator[bytes]:
    """The content of every frame, one after another."""
    while not stored.broken and (magic := stored.take(len(ZSTD_MAGIC))):
        if magic == ZSTD_MAGIC:
            yield from _zstd_frame(stored)
        elif SKIPPABLE.fullmatch(magic):
            _pass_over(stored, int.from_bytes(stored.take(4), "little"))
        else:
            stored.break_off(FOLLOWED, stored.position - len(magic))


def _zstd_frame(stored: Stored) -> Iterator[bytes]:
    frame = zstd_decompressor(MOST_ZSTD_MEMORY)
    for piece in _frame_pieces(stored):
        try:
            yield frame.decompress(piece)
        except ZstdError as error:
            reason = str(error).rpartition(": ")[2]
            stored.break_off(UNSUITABLE.get(reason, DAMAGED), stored.position - len(piece))
            return
    if not frame.eof:
        stored.break_off(BREAKS_OFF)


def _frame_pieces(stored: Stored) -> Iterator[bytes]:
    """The header of a frame, each of its blocks, and its checksum (RFC 8878); the last one cut where the bytes end.

    Given one by one, a block that is damaged takes nothing with it of those before, and none becomes large.
    """
    descriptor = stored.take(1)
    flags = int.from_bytes(descriptor, "little")
    yield ZSTD_MAGIC + descriptor + stored.take(_header_bytes(flags))
    last = False
    while not last and len(start := stored.take(3)) == 3:
        block = int.from_bytes(start, "little")
        last = bool(block & 1)
        yield start + stored.take(1 if block >> 1 & 3 == RUN_LENGTH else block >> 3)
    if flags & 4:
        yield stored.take(4)


def _header_bytes(flags: int) -> int:
    """How many bytes of a frame's header follow its flags: those of the window, the dictionary and the size."""
    single = flags >> 5 & 1
    return (not single) + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]


def _pass_over(stored: Stored, count: int) -> None:
    while count and (passed := len(stored.take(min(count, stored.chunk)))):
        count -= passed
    if count:
        stored.break_off(BREAKS_OFF)


ARCHIVES = (
    Archive("gzip", re.compile(re.escape(GZIP_MAGIC)), (".gz",), _unpack_gzip),
    Archive("zstd", re.compile(re.escape(ZSTD_MAGIC) + b"|" + SKIPPABLE.pattern), (".zst", ".zstd"), _unpack_zstd),
)
