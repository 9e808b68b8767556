"""Answers as bytes: compact JSON, and that compressed."""

import json
import zlib
from collections.abc import Generator
from contextlib import closing
from typing import Any

import orjson

from calltally.query import Report

__all__ = ["WORTH_PACKING", "dumped", "gzipped", "gzipped_pieces", "report_data", "written"]

WORTH_PACKING = 1000  # bytes

GZIP = 16 + zlib.MAX_WBITS  # zlib's own way to ask for the format
GZIP_LEVEL = 1  # reports repeat themselves so much that higher levels take five times as long for a tenth less


def written(report: Report) -> bytes:
    """The body of a report."""
    return dumped({"data": report_data(report)})


def report_data(report: Report) -> dict[str, Any]:
    """The `data` of a report."""
    return {"data": report.rows, "totals": report.totals, "count": len(report.rows)}


def dumped(body: dict[str, Any]) -> bytes:
    """A body as JSON; its bytes are those of `json.dumps` without blanks and escapes."""
    try:
        return orjson.dumps(body)
    except TypeError:  # a sum that passes 64 bits, which only Python's own encoder writes
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def gzipped(body: bytes) -> bytes:
    """The body compressed."""
    return zlib.compress(body, GZIP_LEVEL, GZIP)


def gzipped_pieces(pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """A body that comes piece by piece, compressed."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP)
    with closing(pieces):
        for piece in pieces:
            yield packer.compress(piece)
        yield packer.flush()
