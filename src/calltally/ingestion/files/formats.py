"""Which format a file has, by what it begins with and by its name."""

import re
from pathlib import PurePath

from calltally.errors import UnreadableFile
from calltally.ingestion.files.archives import ARCHIVES, archive_of, name_unpacked
from calltally.ingestion.files.rows import Format

__all__ = ["format_of"]

PARQUET_MAGIC = b"PAR1"

# .txt says no more than that it is text, so its content decides.
EXTENSIONS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".parquet": "parquet",
}

FOREIGN = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or save it as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV",
    b"\xfd7zXZ": "an xz archive; unpack it, or pack it with gzip",
    b"BZh": "a bzip2 archive; unpack it, or pack it with gzip",
    b"7z\xbc\xaf": "a 7z archive; unpack it, or pack it with gzip",
    b"%PDF-": "a PDF document; export the calls as CSV",
    b"PARE": "an encrypted Parquet file; decrypt it",
}

# A page of an API's answer: the array of calls is within an object, behind facts such as how many pages there are.
_TEXT = rb'"(?:[^"\\]|\\.)*+"'
_FACTS = rb"\s*+(?:" + _TEXT + rb"\s*+:\s*+(?:" + _TEXT + rb'|[^\s"\[\]{},]++)\s*+,\s*+)*+'
WRAPPED = re.compile(
    rb"\s*+\{" + _FACTS + rb'"(?:(?P<outer>data)"\s*+:\s*+\{' + _FACTS + rb'")?(?P<inner>calls)"\s*+:\s*+\[', re.DOTALL
)

CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
SEEN = 4096  # bytes that are looked at to tell text from anything else
BLANKS = b" \t\r\n"


def format_of(name: str, head: bytes) -> Format:
    """The format of the file called `name` whose content begins with `head`."""
    if head.startswith(PARQUET_MAGIC):
        return "parquet"
    for magic, what in FOREIGN.items():
        if head.startswith(magic):
            raise UnreadableFile(f"{name}: this is {what}")
    if inner := archive_of(head):
        raise UnreadableFile(f"{name}: this is a {inner.name} archive in an archive; unpack it once")
    if encoding := _utf_16(head[:SEEN]):
        raise UnreadableFile(f"{name}: this looks like {encoding} without a byte order mark; save it as UTF-8")
    if wrapped := WRAPPED.match(head):
        where = ".".join(part.decode() for part in wrapped.groups() if part)
        raise UnreadableFile(f"{name}: the calls are in '{where}' of a larger JSON object; give that array alone")
    extension = PurePath(name_unpacked(name)).suffix
    begins = head.lstrip(BLANKS)[:1]
    if head.lstrip(BLANKS).split(b"\n", 1)[0].strip() == b"{":
        raise UnreadableFile(f"{name}: this has JSON objects over several lines; write one a line, or an array of them")
    by_name = EXTENSIONS.get(extension)
    if by_name is None:
        _require_text(name, head[:SEEN])
        return {b"[": "json", b"{": "ndjson"}.get(begins, "csv")  # type: ignore[return-value]
    return "json" if extension == ".json" and begins == b"[" else by_name


def _utf_16(start: bytes) -> str | None:
    """The encoding of a first line whose every other byte is mostly NUL and the others never, as of Latin letters."""
    line = start.split(b"\n", 1)[0]
    for name, nuls, letters in (("UTF-16 (LE)", line[1::2], line[::2]), ("UTF-16 (BE)", line[::2], line[1::2])):
        if nuls and 2 * nuls.count(0) > len(nuls) and not letters.count(0):
            return name
    return None


def _require_text(name: str, start: bytes) -> None:
    """Raise if more than one byte in twenty is a control character, as of a picture or a program."""
    if len(CONTROL.findall(start)) * 20 > len(start):
        packed = " or ".join(archive.name for archive in ARCHIVES)
        raise UnreadableFile(
            f"{name}: this is none of CSV, NDJSON, a JSON array and Parquet, packed with {packed} or not"
        )
