"""Ways to pack the files of tests."""

import gzip
import sys
from collections.abc import Callable, Iterable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["PACKERS", "in_blocks", "zstd"]

PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstd.compress}


def in_blocks(contents: Iterable[bytes]) -> list[bytes]:
    """A zstd frame in pieces: each content in a block of its own, and the empty one that ends the frame."""
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.checksum_flag: 1})
    pieces = [compressor.compress(content, compressor.FLUSH_BLOCK) for content in contents]
    return [*pieces, compressor.flush()]
