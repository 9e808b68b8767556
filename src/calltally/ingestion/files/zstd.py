"""zstd, as Python brings it, or for Pythons before 3.14 a package."""

import sys

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
else:
    from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

__all__ = ["ZstdError", "zstd_decompressor"]


def zstd_decompressor(most_window: int) -> ZstdDecompressor:
    """What unpacks one frame, if its window is not larger: a power of two, in bytes."""
    return ZstdDecompressor(options={DecompressionParameter.window_log_max: most_window})
