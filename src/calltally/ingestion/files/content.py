"""Content: the bytes of a source with their encoding decided and their byte order mark gone."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from calltally.ingestion.files.source import Source

__all__ = ["Content", "read_content"]

HEAD = 1_000_000  # bytes by which the encoding, the format and the layout are decided

UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True)
class Content:
    """A source's bytes: `head` is what `chunks` begins with, `whole` whether that is all there is.

    `encoding` is `utf-8`, which UTF-16 is turned into, or `cp1252` where the head is neither.
    """

    source: Source
    head: bytes
    whole: bool
    encoding: str
    chunks: Iterator[bytes]


def read_content(source: Source) -> Content:
    """The source's content; its first megabyte is read at once."""
    chunks = source.chunks()
    head, whole = _head(chunks)
    for mark, encoding in UTF_16.items():
        if head.startswith(mark):
            chunks = _as_utf8(chain(_cut(head.removeprefix(mark), source.chunk), chunks), encoding)
            head, whole = _head(chunks)
            return Content(source, head, whole, "utf-8", chain(_cut(head, source.chunk), chunks))
    marked = head.startswith(codecs.BOM_UTF8)
    head = head.removeprefix(codecs.BOM_UTF8)
    utf8 = marked or _is_utf8(head, final=whole and source.broken is None)
    return Content(source, head, whole, "utf-8" if utf8 else "cp1252", chain(_cut(head, source.chunk), chunks))


def _head(chunks: Iterator[bytes]) -> tuple[bytes, bool]:
    """The first megabyte, or a little more, and whether nothing follows it."""
    head = bytearray()
    for chunk in chunks:
        head += chunk
        if len(head) >= HEAD:
            return bytes(head), False
    return bytes(head), True


def _as_utf8(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-16 as UTF-8; what is not valid in the one is left invalid in the other, so that its row is found bad."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for chunk in chunks:
        text = decoder.decode(chunk)
        if text:
            yield text.encode("utf-8", "surrogatepass")
    if decoder.getstate()[0]:
        yield b"\xff"  # half a character at the end


def _is_utf8(start: bytes, *, final: bool) -> bool:
    """Whether the bytes decode, but for the last character, which may be cut.

    If the bytes are final, a whole character of several bytes has to come before such a one: what has none is more
    likely text in another encoding, whose last letter has an accent.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(start)
    except UnicodeDecodeError:
        return False
    is_cut = bool(decoder.getstate()[0])
    return not (final and is_cut and text.isascii())


def _cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))
